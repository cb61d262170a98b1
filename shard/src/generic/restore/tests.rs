//! DUMP and RESTORE as clients see them: here, against a redis-server, and from one to the other.

use crate::keyspace::pieces::BIG_BYTES;
use crate::oracle::{Connection, Oracle, Random, bulk};
use crate::rdb::seal;
use crate::testing::TestShard;

fn dump(shard: &mut TestShard, name: &str) -> Vec<u8> {
    let reply = shard.run_bytes(&[b"DUMP", name.as_bytes()]);
    bulk(&reply).unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&reply))).to_vec()
}

fn restore(shard: &mut TestShard, name: &str, ttl: &str, payload: &[u8], options: &str) -> String {
    let mut words: Vec<&[u8]> = vec![b"RESTORE", name.as_bytes(), ttl.as_bytes(), payload];
    words.extend(options.split(' ').filter(|word| !word.is_empty()).map(str::as_bytes));
    String::from_utf8_lossy(&shard.run_bytes(&words)).trim_end().to_owned()
}

fn make_cold(shard: &mut TestShard, is_cold: bool) {
    shard.shard.cache().clear();
    shard.engine.set_cold(is_cold);
}

/// Strings of all kinds and hashes of both forms under names of their own.
fn fill(mut run: impl FnMut(&[&[u8]]) -> Vec<u8>) -> Vec<String> {
    let mut names = Vec::new();
    let big = vec![b'b'; BIG_BYTES + 7];
    let noise: Vec<u8> = (0..3000u32).map(|at| ((at * at) >> 5) as u8).collect();
    let texts: [&[u8]; 9] =
        [b"", b"12", b"-1", b"9223372036854775807", b"hello", b"\0\r\n", &noise, &[7; 100], &big];
    for text in texts {
        names.push(format!("s{}", names.len()));
        run(&[b"SET", names.last().unwrap().as_bytes(), text]);
    }
    for count in [1, 3, 600] {
        let name = format!("h{count}");
        for field in 0..count {
            run(&[b"HSET", name.as_bytes(), format!("f{field}").as_bytes(), b"12"]);
        }
        names.push(name);
    }
    run(&[b"HSET", b"hlong", b"f", &[b'v'; 65], b"g", b""]);
    names.push("hlong".to_owned());
    let long = vec![b'l'; 20_000];
    for count in [1, 30, 900] {
        let name = format!("l{count}");
        for number in 0..count {
            let element = format!("element:{number}");
            let elements: [&[u8]; 3] = [element.as_bytes(), b"12", b"\xff"];
            run(&[&[b"RPUSH", name.as_bytes()], &elements[..]].concat());
        }
        names.push(name);
    }
    run(&[b"RPUSH", b"llong", b"a", &long, &big, b""]);
    names.push("llong".to_owned());
    names
}

/// What a client can see of a value.
fn content(mut run: impl FnMut(&[&[u8]]) -> Vec<u8>, name: &str) -> Vec<Vec<u8>> {
    let name = name.as_bytes();
    let kind = run(&[b"TYPE", name]);
    if kind == b"+list\r\n" {
        // What Redis 7.0 calls them all is nothing that later ones do.
        return vec![kind, run(&[b"LRANGE", name, b"0", b"-1"])];
    }
    let mut replies = vec![run(&[b"OBJECT", b"ENCODING", name])];
    if kind == b"+string\r\n" {
        replies.push(run(&[b"GET", name]));
    } else if kind == b"+hash\r\n" {
        replies.push(run(&[b"HLEN", name]));
        for field in ["f", "g", "f0", "f1", "f2", "f599", "nosuch"] {
            replies.push(run(&[b"HGET", name, field.as_bytes()]));
        }
    }
    replies
}

#[test]
fn what_was_taken_out_is_put_in_again() {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 512;
    let names = fill(|words| shard.run_bytes(words));
    assert_eq!(shard.run("DUMP nosuch"), "$-1");
    for name in names {
        for is_cold in [false, true] {
            make_cold(&mut shard, is_cold);
            let payload = dump(&mut shard, &name);
            assert_eq!(restore(&mut shard, "copy", "0", &payload, "replace"), "+OK", "{name}");
            make_cold(&mut shard, is_cold);
            let (original, copy) = (
                content(|words| shard.run_bytes(words), &name),
                content(|words| shard.run_bytes(words), "copy"),
            );
            assert!(original == copy && original.len() > 1, "{name}");
            assert_eq!(shard.run("TTL copy"), ":-1");
            assert_eq!(shard.shard.key_counts().get(0).expires, 0);
        }
    }
}

#[test]
fn values_move_between_basalt_and_redis() {
    let Some(oracle) = Oracle::start(&["--hash-max-listpack-entries", "512"]) else { return };
    let mut redis = oracle.connect();
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 512;
    let names = fill(|words| shard.run_bytes(words));
    fill(|words| redis.command(words));
    for name in names {
        let expected = content(|words| redis.command(words), &name);
        assert!(expected == content(|words| shard.run_bytes(words), &name), "{name}");

        let ours = dump(&mut shard, &name);
        let reply = redis.command(&[b"RESTORE", b"copy", b"0", &ours, b"REPLACE"]);
        assert_eq!(reply, b"+OK\r\n", "{name}");
        assert!(expected == content(|words| redis.command(words), "copy"), "{name} in Redis");

        let reply = redis.command(&[b"DUMP", name.as_bytes()]);
        let theirs = bulk(&reply).unwrap();
        assert_eq!(restore(&mut shard, "copy", "0", theirs, "REPLACE"), "+OK", "{name}");
        assert!(expected == content(|words| shard.run_bytes(words), "copy"), "{name} from Redis");
    }
}

#[test]
fn deadlines_are_from_now_or_absolute() {
    let mut shard = TestShard::new();
    shard.run("SET a 1");
    let payload = dump(&mut shard, "a");
    let at = shard.now_ms + 5_000;
    assert_eq!(restore(&mut shard, "b", "5000", &payload, ""), "+OK");
    assert_eq!(restore(&mut shard, "c", &at.to_string(), &payload, "absttl"), "+OK");
    assert_eq!(shard.run("PTTL b"), ":5000");
    assert_eq!(shard.run("PTTL c"), ":5000");
    assert_eq!(shard.shard.key_counts().get(0).expires, 2);
    assert_eq!(restore(&mut shard, "b", "0", &payload, "REPLACE ABSTTL"), "+OK");
    assert_eq!(shard.run("TTL b"), ":-1");
    let longest = i64::MAX.to_string();
    assert_eq!(restore(&mut shard, "d", &longest, &payload, ""), "+OK");
    assert_eq!(shard.run("GET d"), "$1 1");
    // One that has passed leaves nothing, and deletes what was there.
    assert_eq!(restore(&mut shard, "e", "1", &payload, "ABSTTL"), "+OK");
    assert_eq!(restore(&mut shard, "c", "1", &payload, "ABSTTL REPLACE"), "+OK");
    assert_eq!(shard.run("EXISTS e c"), ":0");
    shard.run("HSET h f v");
    let payload = dump(&mut shard, "h");
    assert_eq!(restore(&mut shard, "h", "1", &payload, "ABSTTL REPLACE"), "+OK");
    assert_eq!(restore(&mut shard, "i", "7000", &payload, ""), "+OK");
    assert_eq!(shard.run("EXISTS h"), ":0");
    assert_eq!(shard.run("PTTL i"), ":7000");
    assert_eq!(shard.run("HGET i f"), "$1 v");
    // A hash that takes the place of one with a deadline has the one that was said.
    assert_eq!(restore(&mut shard, "i", "0", &payload, "REPLACE"), "+OK");
    assert_eq!(shard.run("TTL i"), ":-1");
}

/// Errors come in Redis's order and words, whatever is combined.
#[test]
fn errors_are_those_of_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut shard = TestShard::new();
    let mut random = Random::new();
    redis.command(&[b"SET", b"there", b"1"]);
    shard.run("SET there 1");
    let good = dump(&mut shard, "there");
    let mut wrong_sum = good.clone();
    wrong_sum[1] ^= 1;
    // A hash without fields, and a module's value.
    let empty = seal(b"\x04\x00".to_vec(), 10);
    let module = seal(b"\x07\x00".to_vec(), 10);
    let newer = seal(b"\x00\x011".to_vec(), 999);
    let payloads: [&[u8]; 7] = [&good, &good, &wrong_sum, &empty, &module, &newer, b""];
    for _ in 0..3000 {
        let name = random.pick(&["there", "there", "new"]);
        let ttl = random.pick(&["0", "0", "100000", "-1", "x", "1.5", "99999999999999999999"]);
        let payload = payloads[random.below(payloads.len())];
        let mut words: Vec<&[u8]> = vec![b"RESTORE", name.as_bytes(), ttl.as_bytes(), payload];
        for _ in 0..random.below(4) {
            let options = [
                "REPLACE",
                "replace",
                "ABSTTL",
                "IDLETIME",
                "FREQ",
                "idletime 5",
                "IDLETIME -1",
                "IDLETIME x",
                "FREQ 255",
                "FREQ 256",
                "FREQ -1",
                "freq y",
                "KEEPTTL",
                "",
            ];
            let option = options[random.below(options.len())];
            words.extend(option.split(' ').map(str::as_bytes));
        }
        let (theirs, ours) = (redis.command(&words), shard.run_bytes(&words));
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let line: Vec<String> = words.iter().map(|word| shown(word)).collect();
        assert_eq!(shown(&theirs), shown(&ours), "{line:?}");
        assert_eq!(exists(&mut redis, name), shard.run(&format!("EXISTS {name}")), "{line:?}");
        if *name == *"new" {
            redis.command(&[b"DEL", b"new"]);
            shard.run("DEL new");
        } else {
            redis.command(&[b"SET", b"there", b"1"]);
            shard.run("SET there 1");
        }
    }
}

fn exists(redis: &mut Connection, name: &str) -> String {
    String::from_utf8(redis.command(&[b"EXISTS", name.as_bytes()])).unwrap().trim_end().to_owned()
}

/// What is refused changes nothing, and what is big is read off the loop.
#[test]
fn hostile_payloads_change_nothing() {
    let mut shard = TestShard::new();
    for field in 0..600 {
        shard.run(&format!("HSET h f{field} v"));
    }
    let payload = dump(&mut shard, "h");
    shard.run("SET target old");
    for end in 1..40 {
        let cut = seal(payload[..payload.len() - 10 - end * 9].to_vec(), 10);
        let reply = restore(&mut shard, "target", "0", &cut, "REPLACE");
        assert_eq!(reply, "-ERR Bad data format");
        assert_eq!(shard.run("GET target"), "$3 old");
    }
    let expiring = b"\x16\x01\x01a\x011\0\0\0\0\0\x01\0\0";
    let reply = restore(&mut shard, "h", "0", &seal(expiring.to_vec(), 80), "REPLACE");
    assert!(reply.contains("fields that expire"), "{reply}");
    let module = seal(b"\x07\x01\x01a".to_vec(), 10);
    let reply = restore(&mut shard, "h", "0", &module, "REPLACE");
    assert_eq!(reply, "-ERR Bad data format");
    assert_eq!(shard.run("HLEN h"), ":600");

    // Few bytes that stand for a long string: not on the loop, and not if there is no room.
    let before = shard.shard.statistics.off_loop_runs;
    shard.run_bytes(&[b"SET", b"zeros", &vec![0; 4 << 20]]);
    let bomb = dump(&mut shard, "zeros");
    assert!(bomb.len() < 100_000);
    let off_loop = shard.shard.statistics.off_loop_runs;
    assert!(off_loop > before);
    assert_eq!(restore(&mut shard, "target", "0", &bomb, "REPLACE"), "+OK");
    assert!(shard.shard.statistics.off_loop_runs > off_loop);
    assert_eq!(shard.run("STRLEN target"), ":4194304");
    shard.settings.reply_bytes_max = 1 << 20;
    let reply = restore(&mut shard, "target", "0", &bomb, "REPLACE");
    assert_eq!(reply, format!("-{}", crate::error::text::VALUE_TOO_LONG));
    shard.settings.reply_bytes_max = usize::MAX;
    shard.settings.proto_max_bulk_len = 1 << 20;
    assert_eq!(restore(&mut shard, "target", "0", &bomb, "REPLACE"), "-ERR Bad data format");
}

#[test]
fn a_payload_of_a_large_hash_is_read_off_the_loop() {
    let mut shard = TestShard::new();
    for field in 0..2000 {
        shard.run(&format!("HSET h field-number-{field} a-value-of-some-length-{field}"));
    }
    let payload = dump(&mut shard, "h");
    let before = shard.shard.statistics.off_loop_runs;
    assert_eq!(restore(&mut shard, "i", "0", &payload, ""), "+OK");
    assert_eq!(shard.shard.statistics.off_loop_runs, before + 1);
    assert_eq!(shard.run("HLEN i"), ":2000");
    assert_eq!(shard.run("HGET i field-number-1999"), "$27 a-value-of-some-length-1999");
}

/// Commands that look at all of a value and change it everywhere.
const USES: &[&str] = &[
    "TYPE k",
    "OBJECT ENCODING k",
    "MEMORY USAGE k",
    "DUMP k",
    "COPY k copy REPLACE",
    "GET k",
    "STRLEN k",
    "GETRANGE k 1 -2",
    "BITCOUNT k",
    "BITPOS k 1",
    "GETBIT k 7",
    "HGETALL k",
    "HLEN k",
    "HKEYS k",
    "HVALS k",
    "HGET k one",
    "HSTRLEN k one",
    "HRANDFIELD k 5 WITHVALUES",
    "HSCAN k 0 COUNT 100",
    "HINCRBY k one 1",
    "HINCRBYFLOAT k 2 1.5",
    "HSET k one new new new",
    "HDEL k one",
    "APPEND k more",
    "SETRANGE k 3 x",
    "SETBIT k 9 1",
    "INCR k",
    "BITFIELD k GET u8 0",
    "RENAME k other",
    "RENAME other k",
    "EXPIRE k 100",
    "PERSIST k",
    "GETSET k new",
    "DEL k",
];

/// Whatever is put in, every command finds a value that is whole.
#[test]
fn what_hostile_payloads_leave_is_fit_for_use() {
    let mut shard = TestShard::new();
    let mut random = Random::new();
    shard.settings.hash_max_listpack_entries = 3;
    shard.run("HSET h one 1 2 two three -3 long-long-long-long-long-long 4444444444");
    shard.run("HSET small one 1 2 two");
    shard.run("SET s some-text-some-text-some-text-some-text");
    let seeds = ["h", "small", "s"].map(|name| dump(&mut shard, name));
    let mut restored = 0;
    for round in 0..6000 {
        let mut value = seeds[random.below(seeds.len())].clone();
        value.truncate(value.len() - 10);
        for _ in 0..1 + random.below(3) {
            let at = random.below(value.len());
            match random.below(3) {
                0 => value[at] = random.next() as u8,
                1 => value[at] ^= 1 << random.below(8),
                _ => value[at] = [0, 4, 9, 13, 16, 22, 0xc3, 0xff][random.below(8)],
            }
        }
        let reply = restore(&mut shard, "k", "0", &seal(value, 12), "REPLACE");
        let is_refusal = ["-ERR Bad data format", "-ERR values of", "-ERR the hash has fields"];
        assert!(reply == "+OK" || is_refusal.iter().any(|it| reply.starts_with(it)), "{reply}");
        if reply != "+OK" {
            continue;
        }
        restored += 1;
        make_cold(&mut shard, round % 2 == 0);
        for line in USES {
            let reply = shard.run(line);
            assert!(!reply.contains("CORRUPTED") && !reply.starts_with('('), "{line}: {reply}");
        }
    }
    assert!(restored > 300, "{restored}");
}
