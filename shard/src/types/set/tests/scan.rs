//! SSCAN: everything once, wherever it is interrupted.

use std::collections::BTreeMap;

use super::{check, chill};
use crate::testing::TestShard;

/// Cursor and elements of a reply to SSCAN.
fn scan(shard: &mut TestShard, arguments: &str) -> (u64, Vec<String>) {
    let reply = shard.run(&format!("SSCAN s {arguments}"));
    let words: Vec<&str> = reply.split(' ').collect();
    assert_eq!(words[0], "*2", "{reply}");
    let elements: Vec<String> = words[4..].iter().skip(1).step_by(2).map(|w| (*w).into()).collect();
    assert_eq!(words[3], format!("*{}", elements.len()), "{reply}");
    (words[2].parse().unwrap(), elements)
}

/// Every member and how often it came.
fn scan_all(
    shard: &mut TestShard,
    options: &str,
    mut between: impl FnMut(&mut TestShard),
) -> BTreeMap<String, usize> {
    let mut seen = BTreeMap::new();
    let mut cursor = 0;
    for _ in 0..10_000 {
        let (next, elements) = scan(shard, &format!("{cursor}{options}"));
        for member in elements {
            *seen.entry(member).or_default() += 1;
        }
        if next == 0 {
            return seen;
        }
        cursor = next;
        between(shard);
    }
    panic!("the scan does not end");
}

#[test]
fn a_small_set_comes_whole() {
    let mut shard = TestShard::new();
    shard.run("SADD s a b ab");
    shard.run("SADD i 3 1 22");
    check(
        &mut shard,
        &[
            ("SSCAN s 0 COUNT 1", "*2 $1 0 *3 $1 a $1 b $2 ab"),
            ("SSCAN s 99", "*2 $1 0 *3 $1 a $1 b $2 ab"),
            ("SSCAN s 0 MATCH a* COUNT 9", "*2 $1 0 *2 $1 a $2 ab"),
            ("SSCAN i 0 MATCH 2*", "*2 $1 0 *1 $2 22"),
            ("SSCAN s 0 COUNT 0", "-ERR syntax error"),
            ("SSCAN s 0 COUNT x", "-ERR value is not an integer or out of range"),
            ("SSCAN s 0 NOVALUES", "-ERR NOVALUES option can only be used in HSCAN"),
            ("SSCAN s 0 TYPE set", "-ERR syntax error"),
        ],
    );
}

#[test]
fn a_large_set_comes_in_parts_and_each_member_once() {
    let mut shard = TestShard::new();
    let members: String = (0..1000).map(|number| format!(" m{number}")).collect();
    shard.run(&format!("SADD s{members}"));
    for cold in [false, true] {
        if cold {
            chill(&mut shard);
        }
        for options in ["", " COUNT 1", " COUNT 17", " COUNT 100000"] {
            let seen = scan_all(&mut shard, options, |_| {});
            assert_eq!(seen.len(), 1000, "{options}");
            assert!(seen.values().all(|times| *times == 1));
        }
    }
    let mut round = 0;
    let seen = scan_all(&mut shard, " COUNT 50", |shard| {
        shard.run(&format!("SREM s m{}", 500 + round));
        shard.run(&format!("SADD s new{round}"));
        round += 1;
    });
    assert!(round > 10);
    for number in 0..500 {
        assert_eq!(seen.get(&format!("m{number}")), Some(&1), "m{number}");
    }
}
