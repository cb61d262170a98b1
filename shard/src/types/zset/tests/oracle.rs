//! Random programs of sorted-set commands, run here and by a redis-server: replies, encodings and
//! the members themselves have to be the same, hot or cold, in RESP2 and in RESP3. Only the order
//! of ZSCAN over a large set is Redis's own affair, and what a range by member is where scores
//! differ. Scores are such that 7.0 prints them as 7.2 does.

use crate::oracle::{Connection, Oracle, Random, value_len};
use crate::resp::Protocol;
use crate::testing::TestShard;

/// `$` and a letter stand for random arguments, see [`argument`].
const COMMANDS: &[&str] = &[
    "ZADD $K $S $M",
    "ZADD $K $S $M $S $M $S $M",
    "ZADD $K $S $M $S $M $S $M",
    "ZADD $K $O $S $M $S $M",
    "ZADD $K $O $O $S $M",
    "ZADD $K $O $O $O $S $M $S $M",
    "ZADD $K $S $M $S",
    "ZADD $L 0 $M 0 $M 0 $M",
    "ZADD $L 0 $M 0 $M",
    "ZINCRBY $K $S $M",
    "ZINCRBY $K $S $M",
    "ZINCRBY $K $O $M",
    "ZCARD $K",
    "ZSCORE $K $M",
    "ZMSCORE $K $M $M $M",
    "ZRANK $K $M",
    "ZREVRANK $K $M",
    "ZCOUNT $K $B $B",
    "ZLEXCOUNT $L $X $X",
    "ZLEXCOUNT $K $X $X",
    "ZRANGE $K $I $I",
    "ZRANGE $K $I $I WITHSCORES",
    "ZRANGE $K $I $I REV WITHSCORES",
    "ZRANGE $K $B $B BYSCORE",
    "ZRANGE $K $B $B BYSCORE REV WITHSCORES LIMIT $I $I",
    "ZRANGE $L $X $X BYLEX",
    "ZRANGE $K $X $X BYLEX LIMIT $I $I",
    "ZRANGE $K $X $X BYLEX REV LIMIT $I $I",
    "ZRANGE $K $I $I $R $R $R",
    "ZREVRANGE $K $I $I WITHSCORES",
    "ZRANGEBYSCORE $K $B $B WITHSCORES LIMIT $I $I",
    "ZREVRANGEBYSCORE $K $B $B LIMIT $I $I",
    "ZRANGEBYLEX $L $X $X LIMIT $I $I",
    "ZREVRANGEBYLEX $K $X $X",
    "ZREVRANGEBYLEX $L $X $X LIMIT $I $I",
    "ZRANGESTORE $K $K $I $I",
    "ZRANGESTORE $K $K $B $B BYSCORE LIMIT $I $I",
    "ZRANGESTORE $L $L $X $X BYLEX REV",
    "ZRANGESTORE $K $K $I $I $R $R",
    "ZREM $K $M",
    "ZREM $K $M $M $M",
    "ZREMRANGEBYRANK $K $I $I",
    "ZREMRANGEBYSCORE $K $B $B",
    "ZREMRANGEBYLEX $L $X $X",
    "ZPOPMIN $K",
    "ZPOPMAX $K",
    "ZPOPMIN $K $I",
    "ZPOPMAX $K $I",
    "ZMPOP $N $K $K MIN",
    "ZMPOP $N $K MAX COUNT $I",
    "ZMPOP 1 $K $R $R $R",
    "ZRANDMEMBER $K 100",
    "ZRANDMEMBER $K 100 WITHSCORES",
    "ZRANDMEMBER $K 0 $R",
    "ZSCAN $K 0 COUNT 1000",
    "ZSCAN $K 0 COUNT 1000 MATCH $P",
    "ZSCAN $K 0 $R $R",
    "ZUNION $N $K $K WITHSCORES",
    "ZUNION 2 $K $K WEIGHTS $W $W AGGREGATE $A WITHSCORES",
    "ZUNION 3 $K $K $K AGGREGATE $A WITHSCORES",
    "ZINTER $N $K $K WITHSCORES",
    "ZINTER 2 $K $K WEIGHTS $W $W AGGREGATE $A WITHSCORES",
    "ZINTER 2 $K $K $R $R",
    "ZINTERCARD $N $K $K",
    "ZINTERCARD 2 $K $K LIMIT $I",
    "ZDIFF 2 $K $K WITHSCORES",
    "ZDIFF $N $K $K $R",
    "ZUNIONSTORE $K 2 $K $K WEIGHTS $W $W",
    "ZUNIONSTORE $K 2 $K $K AGGREGATE $A",
    "ZINTERSTORE $K 2 $K $K AGGREGATE $A",
    "ZINTERSTORE $K $N $K $K WEIGHTS $W $W",
    "ZDIFFSTORE $K 2 $K $K",
    "ZDIFFSTORE $K $N $K $K $R",
    "SADD $U $M $M $M",
    "SADD $U $M $M",
    "ZUNION 2 $K $T WEIGHTS $W $W WITHSCORES",
    "ZINTER 2 $T $K AGGREGATE $A WITHSCORES",
    "ZINTERCARD 2 $T $K",
    "ZDIFF 2 $T $K WITHSCORES",
    "ZDIFFSTORE $K 2 $K $T",
    "ZUNIONSTORE $K 2 $T $T AGGREGATE $A",
    "ZINTERSTORE $K 3 $T $K $K",
    "DEL $K",
    "SET $K string",
    "RENAME $K $K",
    "COPY $K $K REPLACE",
    "TYPE $K",
    "OBJECT ENCODING $K",
];

fn choices(kind: u8) -> &'static [&'static str] {
    match kind {
        b'K' => &["z", "z", "y", "x"],
        b'L' => &["l", "l", "ll"],
        b'T' => &["set", "tiny", "z"],
        b'U' => &["set", "tiny"],
        b'M' => &["a", "b", "c", "dd", "ee", "f", "", "1", "\r\n", "a member longer than allowed"],
        b'S' => {
            &["0", "1", "-1", "2.5", "3", "-2.25", "inf", "-inf", "7", "1e3", "x", "nan", "1e400"]
        }
        b'O' => &["NX", "XX", "GT", "LT", "CH", "ch", "INCR", "1"],
        b'B' => {
            &["0", "1", "(1", "-inf", "+inf", "(2.5", "3", "-2", "(-2.25", "1e400", "x", "", "("]
        }
        b'X' => &["-", "+", "[a", "(a", "[c", "(c", "[dd", "(ee", "[", "(", "[zz", "a", "", "+x"],
        b'I' => &["0", "1", "-1", "2", "-2", "5", "-5", "100", "-100", "x", "", "1.5"],
        b'N' => &["2", "2", "1", "0", "-1", "3", "x"],
        b'W' => &["1", "2", "0.5", "inf", "x"],
        b'A' => &["SUM", "MIN", "MAX", "sum", "AVG"],
        b'P' => &["*", "?", "[a-c]", "d*", "*e", "", "nothing"],
        b'R' => &[
            "WITHSCORES",
            "LIMIT",
            "BYSCORE",
            "BYLEX",
            "REV",
            "COUNT",
            "MATCH",
            "MIN",
            "MAX",
            "WEIGHTS",
            "AGGREGATE",
            "SUM",
            "0",
            "1",
            "x",
        ],
        other => panic!("no arguments called {}", char::from(other)),
    }
}

/// The elements of a page of ZSCAN, in pairs, in the order of their bytes.
fn sorted_pairs(page: &[u8]) -> Vec<&[u8]> {
    let prefix = b"*2\r\n$1\r\n0\r\n".len();
    let line = page[prefix..].windows(2).position(|end| end == b"\r\n").unwrap() + 2 + prefix;
    let mut rest = &page[line..];
    let mut pairs = vec![&page[..line]];
    while !rest.is_empty() {
        let name = value_len(rest).unwrap();
        let pair = name + value_len(&rest[name..]).unwrap();
        pairs.push(&rest[..pair]);
        rest = &rest[pair..];
    }
    pairs.sort_unstable();
    pairs
}

fn is_same(words: &[&[u8]], is_large: bool, here: &[u8], there: &[u8]) -> bool {
    let is_scan = words[0] == b"ZSCAN" && there.starts_with(b"*2\r\n$1\r\n0\r\n");
    if is_scan && is_large && here.starts_with(b"*2\r\n$1\r\n0\r\n") {
        return sorted_pairs(here) == sorted_pairs(there);
    }
    if words[0] == b"ZSCAN" && is_large && there.starts_with(b"*2\r\n") {
        return here.starts_with(b"*2\r\n");
    }
    let by_member = words.iter().any(|word| [&b"BYLEX"[..], b"ZLEXCOUNT"].contains(word))
        || words[0].ends_with(b"BYLEX");
    let is_chance = by_member && is_large && !words[1].starts_with(b"l") && there[0] != b'-';
    is_chance || here == there
}

fn run_program(redis: &mut Connection, random: &mut Random, protocol: Protocol) {
    let mut shard = TestShard::new();
    shard.protocol = protocol;
    shard.settings.zset_max_listpack_entries = 6;
    shard.settings.zset_max_listpack_value = 24;
    redis.command(&[b"FLUSHALL"]);
    let mut program = Vec::new();
    for _ in 0..400 {
        let line = random.pick(COMMANDS);
        let words: Vec<&[u8]> = line
            .split(' ')
            .map(|word| match word.as_bytes() {
                [b'$', kind] => random.pick(choices(*kind)).as_bytes(),
                other => other,
            })
            .collect();
        let is_store = words[0] == b"ZRANGESTORE" && !words[1].starts_with(b"l");
        if is_store && words.iter().any(|word| word.eq_ignore_ascii_case(b"BYLEX")) {
            continue; // What is stored would be a matter of chance.
        }
        program.push(words.join(&b' ').escape_ascii().to_string());
        let is_cold = random.below(4) == 0;
        if is_cold {
            shard.shard.cache().clear();
        }
        shard.engine.set_cold(is_cold);
        let encoding = redis.command(&[b"OBJECT", b"ENCODING", words[1]]);
        let here = shard.run_bytes(&words);
        let there = redis.command(&words);
        assert!(
            is_same(&words, encoding == b"$8\r\nskiplist\r\n", &here, &there),
            "here {}\nredis {}\nafter {:#?}",
            here.escape_ascii(),
            there.escape_ascii(),
            &program[program.len().saturating_sub(12)..]
        );
    }
    for key in ["z", "y", "x", "l", "ll"] {
        for words in [
            [&b"ZRANGE"[..], key.as_bytes(), b"0", b"-1", b"WITHSCORES"].to_vec(),
            [&b"OBJECT"[..], b"ENCODING", key.as_bytes()].to_vec(),
        ] {
            assert_eq!(shard.run_bytes(&words), redis.command(&words), "{key} after {program:#?}");
        }
    }
}

#[test]
fn random_programs_do_what_redis_does() {
    let limits = ["--zset-max-listpack-entries", "6", "--zset-max-listpack-value", "24"];
    let Some(oracle) = Oracle::start(&limits) else { return };
    let mut random = Random::new();
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        let mut redis = oracle.connect();
        if protocol == Protocol::Resp3 {
            redis.command(&[b"HELLO", b"3"]);
        }
        for _ in 0..40 {
            run_program(&mut redis, &mut random, protocol);
        }
    }
}
