//! Random programs of string and bitmap commands, run here and by a redis-server: replies, values,
//! encodings and deadlines have to be the same, hot or cold, in RESP2 and in RESP3.

use crate::keyspace::head::{Body, Kind};
use crate::oracle::{Connection, Oracle, Random, bulk};
use crate::resp::Protocol;
use crate::testing::TestShard;
use crate::types::string::encoding;

const KEYS: [&str; 4] = ["a", "b", "c", "d"];

/// `$` and a letter stand for random arguments, see [`argument`].
const COMMANDS: &[&str] = &[
    "SET $K $V",
    "SET $K $V",
    "SET $K $V $S",
    "SET $K $V $S $S",
    "SET $K $V $S $S $S",
    "SETNX $K $V",
    "SETEX $K $J $V",
    "PSETEX $K $J $V",
    "GETSET $K $V",
    "GET $K",
    "GETDEL $K",
    "GETEX $K",
    "GETEX $K $G",
    "GETEX $K $G $G",
    "MGET $K $K $K",
    "MSET $K $V $K $V",
    "MSET $K $V $K",
    "MSETNX $K $V $K $V",
    "MSETNX $K $V $K",
    "APPEND $K $V",
    "APPEND $K $V",
    "STRLEN $K",
    "GETRANGE $K $I $I",
    "SUBSTR $K $I $I",
    "SETRANGE $K $O $V",
    "SETRANGE $K $O $V",
    "INCR $K",
    "DECR $K",
    "INCRBY $K $I",
    "DECRBY $K $I",
    "INCRBYFLOAT $K $V",
    "LCS $K $K",
    "LCS $K $K $L",
    "LCS $K $K $L $L",
    "LCS $K $K $L $L $L",
    "SETBIT $K $O $B",
    "SETBIT $K $O $B",
    "GETBIT $K $O",
    "BITCOUNT $K",
    "BITCOUNT $K $I",
    "BITCOUNT $K $I $I",
    "BITCOUNT $K $I $I $U",
    "BITCOUNT $K $I $I $U $U",
    "BITPOS $K $B",
    "BITPOS $K $B $I",
    "BITPOS $K $B $I $I",
    "BITPOS $K $B $I $I $U",
    "BITPOS $K $B $I $I $U $U",
    "BITOP $P $K $K",
    "BITOP $P $K $K $K",
    "BITOP $P $K $K $K $K",
    "BITFIELD $K",
    "BITFIELD $K $F",
    "BITFIELD $K $F $F",
    "BITFIELD $K $F $F $F $F",
    "BITFIELD_RO $K $F",
    "BITFIELD_RO $K GET $Y $O GET $Y $O",
];

const INTEGERS: &[&str] = &[
    "0",
    "0",
    "1",
    "1",
    "2",
    "3",
    "5",
    "7",
    "8",
    "9",
    "17",
    "-1",
    "-1",
    "-2",
    "-3",
    "-9",
    "-20",
    "100",
    "-100",
    "1000",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "9223372036854775",
    "x",
    "",
    "1.5",
    " 1",
    "01",
];

const OFFSETS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "7",
    "8",
    "9",
    "15",
    "33",
    "64",
    "100",
    "300",
    "1048570",
    "1048575",
    "1048576",
    "8388607",
    "8388608",
    "4294967295",
    "4294967296",
    "9223372036854775807",
    "-1",
    "#0",
    "#1",
    "#3",
    "#7",
    "#-1",
    "#9223372036854775807",
    "x",
    "",
];

const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "10",
    "12345",
    "007",
    "-0",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775806",
    "9223372036854775808",
    "1.5",
    "-2.25",
    "3e2",
    "1e400",
    "1e-5",
    "nan",
    "inf",
    "-inf",
    "0x10",
    " 5",
    "abc",
    "hello world",
    "ohmytext",
    "mynewtext",
    "\u{0}\u{1}\u{7f}",
    "the quick brown fox jumps over the lazy dog!",
    "the quick brown fox jumps over the lazy dogs!",
];

/// Replaces one `$X` by arguments.
fn argument(kind: char, random: &mut Random) -> Vec<Vec<u8>> {
    let one = |text: &str| vec![text.as_bytes().to_vec()];
    let template = match kind {
        'K' => return one(random.pick(&KEYS)),
        'I' => return one(random.pick(INTEGERS)),
        // Times to live: wrong, or so long that they do not end during the test.
        'J' => {
            let times: &[&str] = &[
                "1000000",
                "2000000",
                "0",
                "-1",
                "x",
                "9223372036854775",
                "9223372036854775807",
                "9223372036854775808",
            ];
            return one(random.pick(times));
        }
        'O' => return one(random.pick(OFFSETS)),
        'V' if random.below(8) == 0 => {
            return vec![(0..random.below(700)).map(|_| random.next() as u8 & 3).collect()];
        }
        'V' => return one(random.pick(VALUES)),
        'B' => return one(random.pick(&["0", "1", "0", "1", "0", "1", "2", "-1", "x"])),
        'U' => return one(random.pick(&["BYTE", "BIT", "byte", "bit", "bits"])),
        'P' => return one(random.pick(&["AND", "or", "XOR", "NOT", "nand"])),
        'Y' => {
            let sign = *random.pick(&[&"i", &"u", &"i", &"u", &"x"]);
            let fixed: &[&str] = &["0", "1", "8", "63", "64", "65", "", "-1"];
            let drawn = (1 + random.below(64)).to_string();
            let bits = if random.below(3) == 0 { random.pick(fixed) } else { drawn.as_str() };
            return vec![format!("{sign}{bits}").into_bytes()];
        }
        'T' => random.pick(&[
            "EX $J",
            "PX $J",
            "EX 1000",
            "px 1000000",
            "EXAT 4000000000",
            "PXAT 4000000000000",
            "exat 1000",
            "PXAT 1",
            "EX",
        ]),
        'S' => random.pick(&["NX", "xx", "GET", "get", "KEEPTTL", "$T", "$T", "PERSIST", "bad"]),
        'G' => random.pick(&["PERSIST", "$T", "$T", "$T", "KEEPTTL", "NX", "bad"]),
        'L' => random.pick(&[
            "LEN",
            "idx",
            "IDX",
            "WITHMATCHLEN",
            "MINMATCHLEN $I",
            "MINMATCHLEN",
            "bad",
        ]),
        'F' => random.pick(&[
            "GET $Y $O",
            "SET $Y $O $I",
            "INCRBY $Y $O $I",
            "OVERFLOW WRAP INCRBY $Y $O $I",
            "OVERFLOW SAT INCRBY $Y $O $I SET $Y $O $I",
            "overflow fail incrby $Y $O $I set $Y $O $I get $Y $O",
            "OVERFLOW BAD",
            "GET $Y",
            "SET $Y $O",
        ]),
        other => panic!("no arguments called {other}"),
    };
    expand(template, random)
}

fn expand(template: &str, random: &mut Random) -> Vec<Vec<u8>> {
    let mut words = Vec::new();
    for word in template.split(' ') {
        match word.strip_prefix('$').and_then(|kind| kind.chars().next()) {
            Some(kind) => words.extend(argument(kind, random)),
            None => words.push(word.as_bytes().to_vec()),
        }
    }
    words
}

/// Value (of a string), encoding or what else it is, deadline.
type State = (Option<Vec<u8>>, String, i64);

fn state_here(shard: &mut TestShard, key: &str) -> State {
    let head = shard.head(key).filter(|head| !head.is_expired(shard.now_ms));
    let Some(head) = head else { return (None, "none".into(), -2) };
    let deadline = head.deadline_ms.map_or(-1, |deadline| deadline as i64);
    if head.kind != Kind::String {
        return (None, "foreign".into(), deadline);
    }
    let Body::Inline(value) = &head.body else { panic!("a large string") };
    (Some(value.to_vec()), encoding(&head).into(), deadline)
}

fn state_there(redis: &mut Connection, key: &str) -> State {
    let key = key.as_bytes();
    let replies = redis.pipeline(&[
        vec![b"TYPE", key],
        vec![b"OBJECT", b"ENCODING", key],
        vec![b"PEXPIRETIME", key],
        vec![b"GET", key],
    ]);
    let line = |reply: &[u8]| String::from_utf8(reply[1..reply.len() - 2].to_vec()).unwrap();
    let deadline: i64 = line(&replies[2]).parse().unwrap();
    match line(&replies[0]).as_str() {
        "none" => (None, "none".into(), -2),
        "string" => {
            let encoding = bulk(&replies[1]).unwrap().to_vec();
            let value = bulk(&replies[3]).map(<[u8]>::to_vec);
            (Some(value.unwrap_or_default()), String::from_utf8(encoding).unwrap(), deadline)
        }
        _ => (None, "foreign".into(), deadline),
    }
}

/// A state on one line; long values are cut.
fn describe((value, encoding, deadline): &State) -> String {
    let value = value.as_ref().map(|value| value[..value.len().min(80)].escape_ascii().to_string());
    format!("{value:?} {encoding} {deadline}")
}

fn run_program(redis: &mut Connection, random: &mut Random, protocol: Protocol, steps: usize) {
    let mut shard = TestShard::new();
    shard.protocol = protocol;
    shard.settings.proto_max_bulk_len = 1 << 20;
    shard.now_ms = std::time::UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    redis.command(&[b"FLUSHALL"]);
    let mut program = Vec::new();
    for _ in 0..steps {
        if random.below(100) == 0 {
            let key = *random.pick(&[&"a", &"b", &"c", &"d"]);
            shard.put_other_type(key);
            redis.command(&[b"DEL", key.as_bytes()]);
            redis.command(&[b"RPUSH", key.as_bytes(), b"x"]);
        }
        let words = expand(random.pick(COMMANDS), random);
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        program.push(words.iter().map(|word| word.escape_ascii().to_string()).collect::<Vec<_>>());
        let is_cold = random.below(4) == 0;
        if is_cold {
            shard.shard.cache().clear();
        }
        shard.engine.set_cold(is_cold);
        let here = shard.run_bytes(&words);
        shard.engine.set_cold(false);
        let there = redis.command(&words);
        let recent = || program[program.len().saturating_sub(12)..].join(&[][..]).join(" ");
        assert_eq!(
            here.escape_ascii().to_string(),
            there.escape_ascii().to_string(),
            "{:?}\nafter {}",
            program.last(),
            recent()
        );
        for key in KEYS {
            let (here, there) = (state_here(&mut shard, key), state_there(redis, key));
            assert!(
                here.0 == there.0 && here.1 == there.1 && (here.2 - there.2).abs() < 60_000,
                "{key}: {}, redis {} after {:?}",
                describe(&here),
                describe(&there),
                program.last()
            );
        }
    }
}

#[test]
fn random_programs_do_what_redis_does() {
    let Some(oracle) = Oracle::start(&["--proto-max-bulk-len", "1mb"]) else { return };
    let mut random = Random::new();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut redis = oracle.connect();
        if protocol == Protocol::Resp3 {
            redis.command(&[b"HELLO", b"3"]);
        }
        for _ in 0..12 {
            run_program(&mut redis, &mut random, protocol, 250);
        }
    }
}
