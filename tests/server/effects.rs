//! What a command does beside its reply: keyspace hits and misses, calls, failed and rejected
//! calls, errors by code, and the uses of keys that OBJECT FREQ tells. Whichever way serves it
//! (here, another shard, a copy, a merged pipeline, several shards), it is what redis-server does.

use std::collections::BTreeMap;

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

/// Names of two slots, of different shards where there are two.
const TAGS: [&str; 2] = ["foo", "bar"];

/// One a line; `@` is one of the tags. The keys are those of `fill`.
const LINES: &str = "\
GET {@}s
GET {@}none
GET {@}h
GET
STRLEN {@}s
STRLEN {@}none
GETRANGE {@}s 0 1
SUBSTR {@}s 0 1
MGET {@}s {@}none {@}h {@}s
MGET {foo}s {bar}s {@}none
EXISTS {@}s {@}none
EXISTS {foo}s {bar}s {@}none
TOUCH {@}s {@}none
TOUCH {foo}s {bar}s
TYPE {@}s
TYPE {@}none
TTL {@}s
PTTL {@}t
EXPIRETIME {@}t
PEXPIRETIME {@}none
OBJECT ENCODING {@}s
OBJECT REFCOUNT {@}none
OBJECT HELP
OBJECT nosuch {@}s
MEMORY USAGE {@}s
MEMORY USAGE {@}none
LCS {@}s {@}s2
LCS {@}s {@}h
GETBIT {@}s 1
BITCOUNT {@}s
BITPOS {@}none 1
BITFIELD_RO {@}s GET u8 0
BITFIELD {@}s GET u8 0
BITFIELD {@}s SET u8 0 1
BITFIELD {@}h GET u8 0
BITOP AND {@}to {@}s {@}s2 {@}none
BITOP AND {@}to {@}s {@}h
SETBIT {@}s 1 1
HGET {@}h f
HGET {@}h none
HGET {@}none f
HGET {@}s f
HMGET {@}h f g none
HGETALL {@}h
HLEN {@}h
HEXISTS {@}h f
HSTRLEN {@}h f
HKEYS {@}h
HSCAN {@}h 0
HRANDFIELD {@}h
SCARD {@}m
SCARD {@}none
SISMEMBER {@}m a
SISMEMBER {@}s a
SMISMEMBER {@}m a none
SMEMBERS {@}m
SRANDMEMBER {@}none
SSCAN {@}m 0
SADD {@}m a
SREM {@}m none
SPOP {@}none
SMOVE {@}m {@}none none
SMOVE {foo}m {bar}m none
SUNION {@}m {@}none
SINTER {@}m {@}none
SINTER {foo}m {bar}m
SINTERCARD 2 {@}m {@}none
SDIFF {@}none {@}m
SUNIONSTORE {@}to {@}m {@}none
SINTERSTORE {foo}to {foo}m {bar}m
SDIFFSTORE {@}to {@}m {@}s
PFADD {@}p a
PFCOUNT {@}p
PFCOUNT {@}p {@}none
PFCOUNT {@}s
PFCOUNT {foo}p {bar}p
PFMERGE {@}to {@}p {@}none
PFDEBUG ENCODING {@}p
LRANGE {@}l 0 -1
LRANGE {@}none 0 1
LRANGE {@}s 0 1
LLEN {@}l
LLEN {@}none
LINDEX {@}l 1
LINDEX {@}l 9
LPOS {@}l c
LPOS {@}none c
RPUSH {@}l d
LPUSH {@}none d
LPUSHX {@}none d
RPUSHX {@}l d
LPOP {@}none
LPOP {@}l
RPOP {@}l 2
LSET {@}l 0 z
LSET {@}none 0 z
LINSERT {@}l BEFORE b x
LREM {@}l 0 a
LTRIM {@}l 0 1
LMOVE {@}l {@}to LEFT LEFT
LMOVE {foo}l {bar}l LEFT LEFT
LMOVE {@}none {@}l LEFT LEFT
RPOPLPUSH {@}l {@}l
LMPOP 2 {@}none {@}l LEFT
LMPOP 2 {foo}l {bar}l RIGHT COUNT 2
ZCARD {@}z
ZCARD {@}none
ZSCORE {@}z a
ZSCORE {@}s a
ZMSCORE {@}z a none
ZRANK {@}z a
ZCOUNT {@}z 0 1
ZRANGE {@}z 0 -1
ZRANGEBYSCORE {@}none 0 1
ZRANGEBYLEX {@}z - +
ZSCAN {@}z 0
ZRANDMEMBER {@}none
ZADD {@}z 1 a
ZADD {@}z 5 b
ZINCRBY {@}z 1 a
ZREM {@}z none
ZREM {@}z a
ZPOPMIN {@}none
ZPOPMAX {@}z
ZMPOP 2 {@}none {@}z MIN
ZMPOP 2 {foo}none {bar}z MIN
ZREMRANGEBYRANK {@}z 0 0
ZRANGESTORE {@}to {@}z 0 -1
ZRANGESTORE {foo}to {bar}z 0 -1
ZUNION 2 {@}z {@}none
ZINTER 2 {foo}z {bar}z
ZINTERCARD 2 {@}z {@}none
ZDIFF 2 {@}z {@}s
ZUNIONSTORE {@}to 2 {@}z {@}none
ZINTERSTORE {foo}to 2 {foo}z {bar}z
ZDIFFSTORE {@}to 2 {@}none {@}z
GEOADD {@}z 1 1 a
GEOPOS {@}z a
GEODIST {@}z a none
GEOHASH {@}none a
GEOSEARCH {@}z FROMMEMBER a BYRADIUS 1 m
GEORADIUS {@}none 1 1 1 m
GEORADIUS {foo}z 1 1 1 m STORE {bar}to
GEOSEARCHSTORE {@}to {@}z FROMLONLAT 1 1 BYRADIUS 1 m
HSET {@}h f 2
HSETNX {@}h f 2
HINCRBY {@}h n 1
HDEL {@}h f
SET {@}s v
SET {@}none v
SET {@}s v GET
SET {@}none v GET
SET {@}h v GET
SET {@}s v NX
SET {@}s v XX GET
SET {@}s v EX x
SETNX {@}s v
SETEX {@}s 100 v
GETSET {@}s v
GETSET {@}none v
GETSET {@}h v
GETDEL {@}s
GETDEL {@}none
GETDEL {@}h
GETEX {@}s
GETEX {@}none PERSIST
GETEX {@}h
APPEND {@}s x
SETRANGE {@}s 1 x
INCR {@}n
INCR {@}s
INCRBYFLOAT {@}n 1.5
MSET {@}s a {@}none b
MSET {@}s a {@}s b {@}none c {@}none d
MSET {foo}s a {bar}s b
MSETNX {@}s a {@}none b
DEL {@}s {@}none
DEL {foo}s {bar}s
UNLINK {@}s
EXPIRE {@}s 100
EXPIRE {@}none 100
PERSIST {@}t
RENAME {@}s {@}s3
RENAME {@}none {@}s3
RENAME {foo}s {bar}s3
RENAMENX {@}s {@}s2
COPY {@}s {@}s3
COPY {@}s {@}s2
COPY {@}none {@}s3
COPY {foo}s {bar}s3
MOVE {@}s 1
SCAN 0 COUNT 1000
KEYS nothing
RANDOMKEY
DBSIZE
PING a b
nosuch {@}s
CLIENT nosuch
CONFIG GET
GET {@}s extra
";

fn fill(client: &mut Client) {
    client.ok("FLUSHALL");
    for tag in TAGS {
        client.ok(&format!("MSET {{{tag}}}s abc {{{tag}}}s2 bcd {{{tag}}}n 123456"));
        client.ok(&format!("SET {{{tag}}}t x EX 1000"));
        client.run(&format!("HSET {{{tag}}}h f 1 g 2 n 3"));
        client.run(&format!("SADD {{{tag}}}m a b c"));
        client.run(&format!("PFADD {{{tag}}}p a b c"));
        client.run(&format!("RPUSH {{{tag}}}l a b c a"));
        client.run(&format!("ZADD {{{tag}}}z 1 a 2 b 3 c"));
    }
}

/// How the command under test comes.
#[derive(Clone, Copy, Debug)]
enum Way {
    Alone,
    /// After reads, so that a copy may answer.
    Copied,
    /// In a pipeline between reads of both slots.
    Pipelined,
    /// In a pipeline of its own kind alone.
    Thrice,
}

const WAYS: [Way; 4] = [Way::Alone, Way::Copied, Way::Pipelined, Way::Thrice];

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn run(client: &mut Client, line: &str, way: Way) {
    let between = |line: &str| -> Vec<Vec<String>> {
        [line, "GET {foo}s2", line, "GET {bar}s2"].map(words).to_vec()
    };
    match way {
        Way::Alone | Way::Copied => drop(client.run(line)),
        Way::Pipelined => drop(client.pipeline(&between(line))),
        Way::Thrice => drop(client.pipeline(&[line, line, line].map(words))),
    }
}

/// Reads of the keys that tests ask for, so that other threads have copies.
fn read_all(client: &mut Client) {
    for tag in TAGS {
        for line in ["GET {@}s", "HGETALL {@}h", "GET {@}s2", "GET {@}n", "GET {@}t"] {
            client.run(&line.replace('@', tag));
        }
    }
}

/// What INFO counts, without what moves by itself.
fn counted(client: &mut Client) -> BTreeMap<String, String> {
    let info = client.run("INFO everything").text();
    let mut all = BTreeMap::new();
    for line in info.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        match name {
            "keyspace_hits"
            | "keyspace_misses"
            | "total_error_replies"
            | "total_commands_processed" => {
                all.insert(name.to_owned(), value.to_owned());
            }
            _ if name.starts_with("errorstat_") => {
                all.insert(name.to_owned(), value.to_owned());
            }
            _ if name.starts_with("cmdstat_") => {
                let timeless = value.split(',').filter(|field| !field.starts_with("usec"));
                all.insert(name.to_owned(), timeless.collect::<Vec<&str>>().join(","));
            }
            _ => {}
        }
    }
    all
}

/// A client of each thread, as far as connections are dealt out in turn.
fn clients(server: &Server) -> [Client; 2] {
    [server.client(), server.client()]
}

/// Every line in every way by every client, on both servers.
fn differences(
    servers: [&Server; 2],
    mut look: impl FnMut(&mut Client, &str, Way) -> BTreeMap<String, String>,
) -> Vec<String> {
    let mut both = servers.map(clients);
    let mut different = Vec::new();
    for line in LINES.lines() {
        for tag in if line.contains('@') { &TAGS[..] } else { &TAGS[..1] } {
            let line = line.replace('@', tag);
            for (way, which) in WAYS.iter().flat_map(|way| [(*way, 0), (*way, 1)]) {
                let [expected, found] =
                    both.each_mut().map(|clients| look(&mut clients[which], &line, way));
                let differs = |name: &&String| expected.get(*name) != found.get(*name);
                let names: Vec<&String> =
                    expected.keys().chain(found.keys()).filter(differs).collect();
                for name in names {
                    let (expected, found) = (expected.get(name), found.get(name));
                    different.push(format!(
                        "{line} ({way:?}, client {which}): {name}: {expected:?}, here {found:?}"
                    ));
                }
            }
        }
    }
    different.dedup();
    different
}

#[test]
fn every_way_counts_lookups_calls_and_errors_as_redis_does() {
    let Some(oracle) = Server::oracle() else { return };
    for shards in [1, 2] {
        let target = Server::with(Options::default().shards(shards));
        let different = differences([&oracle, &target], |client, line, way| {
            fill(client);
            if matches!(way, Way::Copied) {
                read_all(client);
                read_all(client);
            }
            client.ok("CONFIG RESETSTAT");
            run(client, line, way);
            counted(client)
        });
        let count = different.len();
        assert!(count == 0, "{shards} shards, {count} differences:\n{}", different.join("\n"));
    }
}

#[test]
fn every_way_is_a_use_of_the_keys_as_in_redis() {
    let options = || {
        let options = Options::default().set("maxmemory-policy", "allkeys-lfu");
        options.set("lfu-log-factor", "0").set("lfu-decay-time", "0")
    };
    let Some(oracle) = Server::oracle_with(options()) else { return };
    for shards in [1, 2] {
        let target = Server::with(options().shards(shards));
        let different = differences([&oracle, &target], |client, line, way| {
            fill(client);
            if matches!(way, Way::Copied) {
                read_all(client);
                read_all(client);
            }
            run(client, line, way);
            let mut frequencies = frequencies(client);
            if line.starts_with("RENAME") {
                // The key that gets its value begins anew, where Redis takes the count along.
                frequencies.retain(|name, _| !name.ends_with("s3"));
            }
            frequencies
        });
        let count = different.len();
        assert!(count == 0, "{shards} shards, {count} differences:\n{}", different.join("\n"));
    }
}

fn frequencies(client: &mut Client) -> BTreeMap<String, String> {
    let names = TAGS.iter().flat_map(|tag| {
        ["s", "s2", "s3", "n", "h", "t", "to", "none"].map(|name| format!("{{{tag}}}{name}"))
    });
    names
        .map(|name| {
            let frequency = match client.run(&format!("OBJECT FREQ {name}")) {
                Value::Int(frequency) => frequency.to_string(),
                other => format!("{other:?}"),
            };
            (name, frequency)
        })
        .collect()
}

#[test]
fn commands_of_a_client_with_no_touch_are_no_uses() {
    for shards in [1, 2] {
        let options = Options::default().shards(shards).set("maxmemory-policy", "allkeys-lfu");
        let server = Server::with(options.set("lfu-log-factor", "0").set("lfu-decay-time", "0"));
        for mut client in clients(&server) {
            fill(&mut client);
            client.ok("CLIENT NO-TOUCH ON");
            let before = frequencies(&mut client);
            read_all(&mut client);
            read_all(&mut client);
            for line in ["MGET {foo}s {bar}s", "APPEND {foo}s x", "APPEND {bar}s x", "GET {bar}s"] {
                for way in [Way::Alone, Way::Pipelined, Way::Thrice] {
                    run(&mut client, line, way);
                }
            }
            assert_eq!(frequencies(&mut client), before, "{shards} shards");
            // But TOUCH is what it says.
            client.run("TOUCH {foo}s {bar}s");
            let after = frequencies(&mut client);
            for name in ["{foo}s", "{bar}s"] {
                let number = |all: &BTreeMap<String, String>| all[name].parse::<u64>();
                assert_eq!(number(&after), number(&before).map(|before| before + 1), "{name}");
            }
        }
    }
}

#[test]
fn a_read_that_meets_the_disk_counts_once() {
    let options = Options::default().shards(1).durable().set("enable-debug-command", "yes");
    let mut server = Server::with(options);
    let mut client = server.client();
    for key in 0..2_000 {
        client.ok(&format!("SET key:{key} {}", "x".repeat(100)));
    }
    if server.is_redis() {
        return;
    }
    // After a restart nothing is in the hot cache, and the first reads are of the disk.
    server.terminate();
    server.restart();
    let mut client = server.client();
    client.ok("CONFIG RESETSTAT");
    let keys: Vec<String> = (0..2_000).step_by(7).map(|key| format!("key:{key}")).collect();
    for key in &keys {
        client.run(&format!("GET {key}"));
    }
    client.run(&format!("MGET {} none", keys.join(" ")));
    let found = counted(&mut client);
    assert_eq!(found["keyspace_hits"], (2 * keys.len()).to_string());
    assert_eq!(found["keyspace_misses"], "1");
}

#[test]
fn an_error_in_the_protocol_counts_as_an_error() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let [expected, found] = [&oracle, &target].map(|server| {
        let mut client = server.client();
        client.ok("CONFIG RESETSTAT");
        let mut wrong = server.client();
        wrong.write_raw(b"*1\r\n$x\r\n");
        assert!(wrong.read().is_error());
        counted(&mut client)
    });
    assert_eq!(found, expected);
}

#[test]
fn the_latest_command_of_a_client_shows_even_if_it_was_refused() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    for line in ["GET", "GET key extra", "nosuch", "CLIENT nosuch", "CONFIG GET", "GET key"] {
        let [expected, found] = [&oracle, &target].map(|server| {
            let (mut client, mut other) = (server.client(), server.client());
            client.ok("CLIENT SETNAME watched");
            client.run(line);
            let list = other.run("CLIENT LIST").text();
            let line = list.lines().find(|line| line.contains("name=watched")).map(str::to_owned);
            let line = line.expect("the client in the list");
            line.split(' ').find(|field| field.starts_with("cmd=")).map(str::to_owned)
        });
        assert_eq!(found, expected, "{line}");
    }
}
