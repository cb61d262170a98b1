//! Random programs of set commands, run here and by a redis-server: replies and the members
//! themselves have to be the same, hot or cold, in RESP2 and in RESP3. The order of members is
//! Redis's own affair unless they are integers, and so is what it draws at random; a redis-server
//! of 7.0 knows no packed sets.

use crate::oracle::{Connection, Oracle, Random, value_len};
use crate::resp::Protocol;
use crate::testing::TestShard;

/// `$` and a letter stand for random arguments, see [`argument`].
const COMMANDS: &[&str] = &[
    "SADD $K $M",
    "SADD $K $M $M $M",
    "SADD $K $N",
    "SADD $K $N $N $N",
    "SREM $K $M",
    "SREM $K $M $N $M $N",
    "SCARD $K",
    "SISMEMBER $K $M",
    "SMISMEMBER $K $M $N",
    "SMEMBERS $K",
    "SMOVE $K $K $M",
    "SMOVE $K $K $N",
    "SPOP $K 100",
    "SPOP $K 0",
    "SPOP $K $I",
    "SPOP $K $I $I",
    "SRANDMEMBER $K 100",
    "SRANDMEMBER $K 0",
    "SRANDMEMBER $K 100 $S",
    "SUNION $K",
    "SUNION $K $K $K",
    "SINTER $K",
    "SINTER $K $K",
    "SINTER $K $K $K",
    "SINTERCARD $I $K $K",
    "SINTERCARD 2 $K $K",
    "SINTERCARD 2 $K $K LIMIT $I",
    "SINTERCARD 1 $K $S $I",
    "SDIFF $K",
    "SDIFF $K $K",
    "SDIFF $K $K $K $K",
    "SUNIONSTORE $K $K $K",
    "SINTERSTORE $K $K $K",
    "SDIFFSTORE $K $K $K",
    "SDIFFSTORE $K $K $K $K",
    "SSCAN $K 0 COUNT 1000",
    "SSCAN $K 0 COUNT 1000 MATCH $P",
    "SSCAN $K 0 $S $S",
    "DEL $K",
    "SET $K string",
    "RENAME $K $K",
    "COPY $K $K REPLACE",
    "EXPIRE $K 1000",
    "PERSIST $K",
    "TYPE $K",
    "OBJECT ENCODING $K",
];

/// SPOP of these counts takes a part of a set, so what is left is no longer the same on both sides.
const NO_COUNTS: &[&str] = &["0", "-1", "100", "x", "", "1.5", "9223372036854775808"];

fn argument(kind: u8, random: &mut Random) -> Vec<u8> {
    let choices: &[&str] = match kind {
        b'K' => &["s", "s", "t", "u", "v"],
        b'M' => {
            &["a", "b", "c", "dd", "ee", "", "\r\n", "007", "-0", "a member longer than allowed"]
        }
        b'N' => &["1", "2", "3", "-4", "70000", "-5000000000", "9223372036854775807", "8", "9"],
        b'I' => NO_COUNTS,
        b'P' => &["*", "?", "[a-c]", "d*", "*e", "", "\\a", "nothing"],
        b'S' => &["MATCH", "count", "COUNT", "LIMIT", "limit", "1000", "0", "x", "a*"],
        other => panic!("no arguments called {}", char::from(other)),
    };
    random.pick(choices).as_bytes().to_vec()
}

/// The elements of a reply that is an aggregate, in the order of their bytes, and its first line.
fn sorted(reply: &[u8]) -> Vec<&[u8]> {
    let line = reply.windows(2).position(|end| end == b"\r\n").unwrap() + 2;
    let (first, mut rest) = reply.split_at(line);
    let mut elements = vec![first];
    while !rest.is_empty() {
        let (element, others) = rest.split_at(value_len(rest).unwrap());
        elements.push(element);
        rest = others;
    }
    elements.sort_unstable();
    elements
}

fn is_same(command: &[&[u8]], here: &[u8], there: &[u8]) -> bool {
    let prefix = b"*2\r\n$1\r\n0\r\n";
    if here == there {
        return true;
    }
    if command[0] == b"OBJECT" {
        return there == b"$9\r\nhashtable\r\n" && here == b"$8\r\nlistpack\r\n";
    }
    let (here, there) = match (here.strip_prefix(prefix), there.strip_prefix(prefix)) {
        (Some(here), Some(there)) if command[0] == b"SSCAN" => (here, there),
        _ if command[0] == b"SSCAN" && there.starts_with(b"*2\r\n$") => {
            // A first part of it, by the order that is Redis's own.
            return here.starts_with(b"*2\r\n$");
        }
        _ => (here, there),
    };
    let is_aggregate = |reply: &[u8]| matches!(reply.first(), Some(b'*' | b'~'));
    is_aggregate(here) && is_aggregate(there) && sorted(here) == sorted(there)
}

fn run_program(redis: &mut Connection, random: &mut Random, protocol: Protocol) {
    let mut shard = TestShard::new();
    shard.protocol = protocol;
    shard.settings.set_max_intset_entries = 6;
    shard.settings.set_max_listpack_entries = 6;
    shard.settings.set_max_listpack_value = 24;
    redis.command(&[b"FLUSHALL"]);
    let mut program = Vec::new();
    for _ in 0..300 {
        let words: Vec<Vec<u8>> = random
            .pick(COMMANDS)
            .split(' ')
            .map(|word| match word.as_bytes() {
                [b'$', kind] => argument(*kind, random),
                other => other.to_vec(),
            })
            .collect();
        let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        program.push(words.join(&b' ').escape_ascii().to_string());
        let is_cold = random.below(4) == 0;
        if is_cold {
            shard.shard.cache().clear();
        }
        shard.engine.set_cold(is_cold);
        let here = shard.run_bytes(&words);
        let there = redis.command(&words);
        assert!(
            is_same(&words, &here, &there),
            "here {}\nredis {}\nafter {:#?}",
            here.escape_ascii(),
            there.escape_ascii(),
            &program[program.len().saturating_sub(12)..]
        );
    }
}

#[test]
fn random_programs_do_what_redis_does() {
    let Some(oracle) = Oracle::start(&["--set-max-intset-entries", "6"]) else { return };
    let mut random = Random::new();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut redis = oracle.connect();
        if protocol == Protocol::Resp3 {
            redis.command(&[b"HELLO", b"3"]);
        }
        for _ in 0..15 {
            run_program(&mut redis, &mut random, protocol);
        }
    }
}
