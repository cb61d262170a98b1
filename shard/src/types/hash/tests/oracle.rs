//! Random programs of hash commands, run here and by a redis-server: replies, encodings and the
//! fields themselves have to be the same, hot or cold, in RESP2 and in RESP3. The order of a large
//! hash is Redis's own affair, and so is what it draws at random.

use crate::oracle::{Connection, Oracle, Random, value_len};
use crate::resp::Protocol;
use crate::testing::TestShard;

/// `$` and a letter stand for random arguments, see [`argument`].
const COMMANDS: &[&str] = &[
    "HSET $K $F $V",
    "HSET $K $F $V",
    "HSET $K $F $V $F $V $F $V",
    "HSET $K $F $V $F",
    "HMSET $K $F $V $F $V",
    "HMSET $K $F $V $F",
    "HSETNX $K $F $V",
    "HGET $K $F",
    "HMGET $K $F $F $F",
    "HDEL $K $F",
    "HDEL $K $F $F $F $F",
    "HLEN $K",
    "HEXISTS $K $F",
    "HSTRLEN $K $F",
    "HGETALL $K",
    "HKEYS $K",
    "HVALS $K",
    "HINCRBY $K $F $I",
    "HINCRBY $K $F $I",
    "HINCRBYFLOAT $K $F $V",
    "HINCRBYFLOAT $K $F $V",
    "HSCAN $K 0 COUNT 1000",
    "HSCAN $K 0 COUNT 1000 MATCH $P",
    "HSCAN $K 0 $S $S",
    "HSCAN $K $I MATCH nothing COUNT 1000",
    "HRANDFIELD $K 100",
    "HRANDFIELD $K 100 WITHVALUES",
    "HRANDFIELD $K 0",
    "HRANDFIELD $K 0 $S",
    "DEL $K",
    "SET $K string",
    "RENAME $K $K",
    "COPY $K $K REPLACE",
    "TYPE $K",
    "OBJECT ENCODING $K",
];

const VALUES: &[&str] = &[
    "",
    "0",
    "1",
    "-1",
    "12345",
    "007",
    "9223372036854775807",
    "-9223372036854775808",
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
    "a longer value that fits no listpack",
    "\u{0}\u{1}\r\n",
];

fn argument(kind: u8, random: &mut Random) -> Vec<u8> {
    let choices: &[&str] = match kind {
        b'K' => &["h", "h", "i", "j"],
        b'F' => &["a", "b", "c", "dd", "ee", "f", "", "1", "\r\n", "a field longer than allowed"],
        b'V' => VALUES,
        b'I' => &[
            "0",
            "1",
            "-1",
            "5",
            "77",
            "9223372036854775807",
            "-9223372036854775808",
            "18446744073709551615",
            "18446744073709551616",
            "x",
            "",
            "1.5",
            " 1",
            "-",
        ],
        b'P' => &["*", "?", "[a-c]", "d*", "*e", "", "\\a", "nothing"],
        b'S' => &["MATCH", "count", "COUNT", "TYPE", "1000", "0", "x", "WITHVALUES", "a*"],
        other => panic!("no arguments called {}", char::from(other)),
    };
    random.pick(choices).as_bytes().to_vec()
}

/// The elements of a reply that is one flat or nested aggregate, innermost pairs kept together
/// when `of_pairs`, in the order of their bytes.
fn sorted(reply: &[u8], of_pairs: bool) -> Vec<Vec<u8>> {
    let line = reply.windows(2).position(|end| end == b"\r\n").unwrap() + 2;
    let mut rest = &reply[line..];
    let is_nested = reply[0] == b'*' && rest.first() == Some(&b'*');
    let mut elements = Vec::new();
    while !rest.is_empty() {
        let mut len = value_len(rest).unwrap();
        if of_pairs && !is_nested {
            len += value_len(&rest[len..]).unwrap();
        }
        elements.push(rest[..len].to_vec());
        rest = &rest[len..];
    }
    elements.sort();
    elements.push(reply[..line].to_vec());
    elements
}

fn is_same(command: &[&[u8]], here: &[u8], there: &[u8]) -> bool {
    let prefix = b"*2\r\n$1\r\n0\r\n";
    if command[0] == b"HSCAN" && there.starts_with(b"*2\r\n$") && !there.starts_with(prefix) {
        // A first part of it, by the order that is Redis's own.
        return here.starts_with(b"*2\r\n$");
    }
    let (here, there) = match (here.strip_prefix(prefix), there.strip_prefix(prefix)) {
        (Some(here), Some(there)) if command[0] == b"HSCAN" => (here, there),
        _ => (here, there),
    };
    let is_aggregate = |reply: &[u8]| matches!(reply.first(), Some(b'*' | b'%'));
    let of_pairs = match command[0] {
        b"HGETALL" | b"HSCAN" => true,
        b"HRANDFIELD" => command.len() == 4,
        b"HKEYS" | b"HVALS" => false,
        _ => return here == there,
    };
    if !is_aggregate(here) || !is_aggregate(there) {
        return here == there;
    }
    sorted(here, of_pairs) == sorted(there, of_pairs)
}

fn run_program(redis: &mut Connection, random: &mut Random, protocol: Protocol) {
    let mut shard = TestShard::new();
    shard.protocol = protocol;
    shard.settings.hash_max_listpack_entries = 6;
    shard.settings.hash_max_listpack_value = 24;
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
        let is_large = redis.command(&[b"OBJECT", b"ENCODING", words[1]]) == b"$9\r\nhashtable\r\n";
        let is_same = if is_large { is_same(&words, &here, &there) } else { here == there };
        assert!(
            is_same,
            "here {}\nredis {}\nafter {:#?}",
            here.escape_ascii(),
            there.escape_ascii(),
            &program[program.len().saturating_sub(12)..]
        );
    }
}

#[test]
fn random_programs_do_what_redis_does() {
    let limits = ["--hash-max-listpack-entries", "6", "--hash-max-listpack-value", "24"];
    let Some(oracle) = Oracle::start(&limits) else { return };
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
