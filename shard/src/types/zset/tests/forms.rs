//! The two forms: when a set changes from one into the other, and records that are damaged.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::{both_forms, check};
use crate::engine::{Direction, Engine, Family, Range, ReadTier};
use crate::keyspace::head::{Body, Extension, Head, Kind, Large};
use crate::keyspace::layout;
use crate::oracle::Random;
use crate::testing::TestShard;

#[test]
fn a_set_is_large_beyond_the_thresholds_and_stays_so() {
    let mut shard = TestShard::new();
    shard.settings.zset_max_listpack_entries = 3;
    shard.settings.zset_max_listpack_value = 5;
    check(
        &mut shard,
        &[
            ("ZADD z 1 a 2 b 3 c", ":3"),
            ("OBJECT ENCODING z", "$8 listpack"),
            ("ZADD z 9 a", ":0"),
            ("OBJECT ENCODING z", "$8 listpack"),
            ("ZADD z 4 d", ":1"),
            ("OBJECT ENCODING z", "$8 skiplist"),
            ("ZRANGE z 0 -1 WITHSCORES", "*8 $1 b $1 2 $1 c $1 3 $1 d $1 4 $1 a $1 9"),
            ("ZREM z a b c", ":3"),
            ("OBJECT ENCODING z", "$8 skiplist"),
            ("ZREM z d", ":1"),
            ("ZADD z 1 a", ":1"),
            ("OBJECT ENCODING z", "$8 listpack"),
            ("ZADD z 1 longer", ":1"),
            ("OBJECT ENCODING z", "$8 skiplist"),
            ("ZADD many 1 a 1 a 1 a 1 a", ":1"),
            ("OBJECT ENCODING many", "$8 skiplist"),
            ("ZRANGESTORE few z 0 0", ":1"),
            ("OBJECT ENCODING few", "$8 listpack"),
            ("ZRANGESTORE few z 0 1", ":2"),
            ("OBJECT ENCODING few", "$8 skiplist"),
        ],
    );
}

#[test]
fn a_huge_member_fits_both_forms() {
    for mut shard in both_forms() {
        shard.settings.zset_max_listpack_value = usize::MAX;
        let huge = "x".repeat(100_000);
        assert_eq!(shard.run(&format!("ZADD z 1 a 2 {huge} 3 b")), ":3");
        assert_eq!(shard.run(&format!("ZRANK z {huge}")), ":1");
        assert_eq!(shard.run("OBJECT ENCODING z"), "$8 skiplist");
        assert_eq!(shard.run(&format!("ZREM z {huge}")), ":1");
        assert_eq!(shard.run("ZRANGE z 0 -1"), "*2 $1 a $1 b");
    }
}

#[test]
fn copies_live_on_their_own() {
    for mut shard in both_forms() {
        shard.settings.zset_max_listpack_entries *= 10;
        let members: Vec<String> = (0..200).map(|n| format!("{n} m{n:03}")).collect();
        shard.run(&format!("ZADD z {}", members.join(" ")));
        check(
            &mut shard,
            &[
                ("COPY z copy", ":1"),
                ("ZREMRANGEBYRANK z 10 189", ":180"),
                ("ZCARD copy", ":200"),
                ("ZRANK copy m123", ":123"),
                ("RENAME copy other", "+OK"),
                ("ZADD other 500 m000", ":0"),
                ("ZRANGE other -2 -1", "*2 $4 m199 $4 m000"),
                ("ZRANGE z 9 10", "*2 $4 m009 $4 m190"),
                ("TYPE other", "+zset"),
            ],
        );
    }
}

/// The commands that read and write a set at `z` in every way.
const EVERY: &[&str] = &[
    "ZCARD z",
    "ZSCORE z a",
    "ZMSCORE z a b",
    "ZRANK z a",
    "ZCOUNT z 0 5",
    "ZLEXCOUNT z [a [c",
    "ZRANGE z 0 -1 WITHSCORES",
    "ZRANGE z [a [c BYLEX",
    "ZRANGE z 5 0 BYSCORE REV LIMIT 1 2",
    "ZRANDMEMBER z 3",
    "ZSCAN z 0",
    "ZUNION 1 z",
    "ZINTER 2 z z",
    "ZADD z 3 a",
    "ZADD z 3 new",
    "ZINCRBY z 1 b",
    "ZREM z a",
    "ZPOPMIN z",
    "ZPOPMAX z",
    "ZREMRANGEBYRANK z 1 1",
    "ZREMRANGEBYSCORE z 2 3",
    "ZREMRANGEBYRANK z 0 -2",
    "ZRANGESTORE to z 0 -1",
    "OBJECT ENCODING z",
    "MEMORY USAGE z",
];

/// All records of a family.
fn records(shard: &TestShard, family: Family) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut records = Vec::new();
    let (direction, tier) = (Direction::Forward, ReadTier::Disk);
    let range = Range { family, lower: &[], upper: &[], direction, tier };
    let visit = &mut |key: &[u8], value: &[u8]| {
        records.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    };
    shard.engine.range(range, visit).unwrap();
    records
}

fn put(shard: &TestShard, (family, key): (Family, &[u8]), record: Bytes) {
    shard.engine.write(&mut |writes| writes.put(family, key, &record)).unwrap();
}

#[test]
fn damaged_records_are_errors_and_never_panics() {
    let mut random = Random::new();
    for round in 0..400 {
        for mut shard in both_forms() {
            shard.run("ZADD z 1 a 2 b 2 c 3 d 4 e");
            let family = if random.below(2) == 0 { Family::Heads } else { Family::Elements };
            let records = records(&shard, family);
            let Some((key, mut value)) = records.into_iter().nth(random.below(12)) else {
                continue;
            };
            match random.below(3) {
                0 if !value.is_empty() => {
                    let at = random.below(value.len());
                    value[at] ^= 1 << random.below(8);
                }
                1 => value.truncate(random.below(value.len() + 1)),
                _ => value.push(round as u8),
            }
            put(&shard, (family, &key), Bytes::from(value));
            shard.shard.cache().clear();
            for command in EVERY {
                shard.run(command);
            }
        }
    }
}

#[test]
fn a_head_that_is_not_a_sorted_sets_is_refused() {
    let large = Large { version: 1, count: 2, bytes: 20 };
    for body in [
        Body::Inline(Bytes::new()),
        Body::Inline(Bytes::from_static(b"\x02")),
        Body::Large(large, Extension::NONE),
        Body::Large(large, Extension::new(2, b"\x01\0\x01\x02\x01").unwrap()),
        Body::Large(large, Extension::new(1, b"").unwrap()),
    ] {
        let mut shard = TestShard::new();
        let head = Head { kind: Kind::SortedSet, deadline_ms: None, flags: 0, body };
        let record_key = layout::head_key(0, b"z");
        put(&shard, (Family::Heads, &record_key), head.encode());
        assert!(shard.run("ZCARD z").starts_with("-CORRUPTED"), "{head:?}");
        assert!(shard.run("ZADD z 1 a").starts_with("-CORRUPTED"), "{head:?}");
    }
}
