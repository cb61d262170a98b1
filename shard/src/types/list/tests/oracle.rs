//! Random programs of list commands, run here and by a redis-server: replies have to be the same,
//! hot or cold, in RESP2 and in RESP3.

use crate::oracle::{Connection, Oracle, Random};
use crate::resp::Protocol;
use crate::testing::TestShard;

/// `$` and a letter stand for random arguments, see [`argument`].
const COMMANDS: &[&str] = &[
    "LPUSH $K $E",
    "RPUSH $K $E $E $E",
    "RPUSH $K $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E $E",
    "LPUSHX $K $E $E",
    "RPUSHX $K $E",
    "LPOP $K",
    "RPOP $K",
    "LPOP $K $I",
    "RPOP $K $I",
    "LPOP $K 3",
    "RPOP $K $I $I",
    "LRANGE $K $I $I",
    "LRANGE $K 0 -1",
    "LLEN $K",
    "LINDEX $K $I",
    "LSET $K $I $E",
    "LINSERT $K BEFORE $E $E",
    "LINSERT $K $S $E $E",
    "LREM $K $I $E",
    "LREM $K 0 $E",
    "LTRIM $K $I $I",
    "LTRIM $K 0 20",
    "LPOS $K $E",
    "LPOS $K $E COUNT 0",
    "LPOS $K $E RANK $I COUNT $I MAXLEN $I",
    "LPOS $K $E $S $I $S $I",
    "LPOS $K $E $S $I $S",
    "LMOVE $K $K $S $S",
    "LMOVE $K $K LEFT RIGHT",
    "RPOPLPUSH $K $K",
    "LMPOP $I $K $K $S",
    "LMPOP 2 $K $K LEFT COUNT $I",
    "LMPOP 1 $K RIGHT $S $I",
    "LMPOP 1 $K RIGHT COUNT $I $S $I",
    "DEL $K",
    "SET s string",
    "RENAME $K $K",
    "COPY $K $K REPLACE",
    "TYPE $K",
];

fn argument(kind: u8, random: &mut Random) -> Vec<u8> {
    let choices: &[&[u8]] = match kind {
        b'K' => &[b"l", b"l", b"m", b"n", b"s"],
        b'E' => &[
            b"a",
            b"b",
            b"c",
            b"12",
            b"",
            b"\xff",
            b"\xff\x01\x01\x01",
            b"\r\n",
            b"an element longer than most of the others, which makes a list outgrow its head soon",
        ],
        b'I' => &[
            b"0",
            b"1",
            b"-1",
            b"2",
            b"-2",
            b"5",
            b"-9",
            b"30",
            b"9223372036854775807",
            b"-9223372036854775808",
            b"9223372036854775808",
            b"x",
            b"",
        ],
        b'S' => {
            &[b"LEFT", b"right", b"BEFORE", b"after", b"RANK", b"count", b"MAXLEN", b"COUNT", b"x"]
        }
        other => panic!("no arguments called {}", char::from(other)),
    };
    choices[random.below(choices.len())].to_vec()
}

fn run_program(redis: &mut Connection, random: &mut Random, protocol: Protocol) {
    let mut shard = TestShard::new();
    shard.protocol = protocol;
    shard.settings.list_max_listpack_size = [-2, 3][random.below(2)];
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
        // Of the least rank Redis 7.0 makes what it happens to be; later ones refuse it.
        let is_least = |pair: &[&[u8]]| {
            pair[0].eq_ignore_ascii_case(b"RANK") && pair[1] == b"-9223372036854775808"
        };
        if words.windows(2).any(is_least) {
            continue;
        }
        program.push(words.join(&b' ').escape_ascii().to_string());
        let is_cold = random.below(4) == 0;
        if is_cold {
            shard.shard.cache().clear();
        }
        shard.engine.set_cold(is_cold);
        let here = shard.run_bytes(&words);
        let there = redis.command(&words);
        assert!(
            here == there,
            "here {}\nredis {}\nafter {:#?}",
            here.escape_ascii(),
            there.escape_ascii(),
            &program[program.len().saturating_sub(12)..]
        );
    }
}

#[test]
fn random_programs_do_what_redis_does() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut random = Random::new();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut redis = oracle.connect();
        if protocol == Protocol::Resp3 {
            redis.command(&[b"HELLO", b"3"]);
        }
        for _ in 0..20 {
            run_program(&mut redis, &mut random, protocol);
        }
    }
}
