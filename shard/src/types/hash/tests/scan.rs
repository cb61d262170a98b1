//! HSCAN: everything once, wherever it is interrupted.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{check, chill, large};
use crate::engine::{Engine, Family};
use crate::keyspace::cursor;
use crate::keyspace::head::{Head, Kind, Large};
use crate::keyspace::layout;
use crate::resp::Protocol;
use crate::testing::TestShard;

/// Cursor and elements of a reply to HSCAN.
fn scan(shard: &mut TestShard, arguments: &str) -> (u64, Vec<String>) {
    let reply = shard.run(&format!("HSCAN h {arguments}"));
    let words: Vec<&str> = reply.split(' ').collect();
    assert_eq!(words[0], "*2", "{reply}");
    let elements: Vec<String> = words[4..].iter().skip(1).step_by(2).map(|w| (*w).into()).collect();
    assert_eq!(words[3], format!("*{}", elements.len()), "{reply}");
    (words[2].parse().unwrap(), elements)
}

fn filled(fields: usize) -> TestShard {
    let mut shard = TestShard::new();
    let pairs: Vec<String> = (0..fields).map(|index| format!("f{index} v{index}")).collect();
    shard.run(&format!("HSET h {}", pairs.join(" ")));
    shard
}

/// Every field and how often it came, with the value of its last time.
fn scan_all(
    shard: &mut TestShard,
    options: &str,
    mut between: impl FnMut(&mut TestShard),
) -> BTreeMap<String, (usize, String)> {
    let mut seen = BTreeMap::new();
    let mut cursor = 0;
    for _ in 0..10_000 {
        let (next, elements) = scan(shard, &format!("{cursor}{options}"));
        for pair in elements.chunks(2) {
            let entry = seen.entry(pair[0].clone()).or_insert((0, String::new()));
            *entry = (entry.0 + 1, pair[1].clone());
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
fn a_small_hash_comes_whole() {
    let mut shard = TestShard::new();
    shard.run("HSET h a 1 b 2 ab 3");
    for protocol in [Protocol::Resp2, Protocol::Resp3] {
        shard.protocol = protocol;
        check(
            &mut shard,
            &[
                ("HSCAN h 0 COUNT 1", "*2 $1 0 *6 $1 a $1 1 $1 b $1 2 $2 ab $1 3"),
                ("HSCAN h 99", "*2 $1 0 *6 $1 a $1 1 $1 b $1 2 $2 ab $1 3"),
                ("HSCAN h 0 MATCH a* COUNT 9", "*2 $1 0 *4 $1 a $1 1 $2 ab $1 3"),
                ("HSCAN h 0 NOVALUES MATCH *b", "*2 $1 0 *2 $1 b $2 ab"),
                ("HSCAN h 0 COUNT 0", "-ERR syntax error"),
                ("HSCAN h 0 COUNT", "-ERR syntax error"),
                ("HSCAN h 0 COUNT x", "-ERR value is not an integer or out of range"),
                ("HSCAN h 0 TYPE hash", "-ERR syntax error"),
                ("HSCAN h -x", "-ERR invalid cursor"),
            ],
        );
    }
}

#[test]
fn a_large_hash_comes_in_parts_and_each_field_once() {
    let mut shard = filled(1000);
    for cold in [false, true] {
        if cold {
            chill(&mut shard);
        }
        for options in ["", " COUNT 1", " COUNT 17", " COUNT 100000"] {
            let seen = scan_all(&mut shard, options, |_| {});
            assert_eq!(seen.len(), 1000, "{options}");
            assert!(
                seen.iter()
                    .all(|(field, (times, value))| { *times == 1 && value[1..] == field[1..] })
            );
        }
    }
    let (next, elements) = scan(&mut shard, "0 COUNT 20");
    assert!(next > 0 && elements.len() == 40);
    let (_, fields) = scan(&mut shard, "0 COUNT 20 NOVALUES");
    let expected: Vec<String> = elements.into_iter().step_by(2).collect();
    assert_eq!(fields, expected);
    // MATCH is applied to what was visited.
    let (matched_next, none) = scan(&mut shard, "0 COUNT 20 MATCH nothing");
    assert_eq!((matched_next, none), (next, Vec::new()));
    assert_eq!(scan(&mut shard, &format!("{}", u64::MAX)), (0, Vec::new()));
    assert_eq!(scan(&mut shard, &format!("{}", 1u64 << 53)), (0, Vec::new()));
}

#[test]
fn fields_that_stay_are_returned_while_others_come_and_go() {
    let mut shard = filled(300);
    let mut round = 0;
    let seen = scan_all(&mut shard, " COUNT 7", |shard| {
        shard.run(&format!("HDEL h f{}", 200 + round));
        shard.run(&format!("HSET h new{round} vnew{round}"));
        shard.shard.cache().clear();
        round += 1;
    });
    assert!(round > 20);
    for index in 0..200 {
        assert_eq!(seen.get(&format!("f{index}")).map(|(times, _)| *times), Some(1), "f{index}");
    }
}

#[test]
fn fields_whose_positions_share_a_cursor_come_together() {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 0;
    shard.run("HSET h a 1");
    let hash = large(&shard, "h").unwrap();
    let key = layout::head_key(0, b"h");
    let head = Head::large(Kind::Hash, Large { count: 6, ..hash }).encode();
    let group = 1 << 11;
    let placed = [
        (7 * group, "x"),
        (7 * group, "y"),
        (8 * group - 1, "z"),
        (8 * group, "next"),
        (u64::MAX, "last"),
    ];
    shard
        .engine
        .write(&mut |writes| {
            writes.put(Family::Heads, &key, &head);
            for (position, field) in placed {
                let mut element = layout::element_prefix(&key, hash.version);
                element.extend_from_slice(&u64::to_be_bytes(position));
                element.extend_from_slice(field.as_bytes());
                writes.put(Family::Elements, &element, &Bytes::from_static(b"v"));
            }
        })
        .unwrap();
    shard.shard.cache().clear();
    let (next, together) = scan(&mut shard, "0 COUNT 1 NOVALUES");
    assert_eq!((next, together), (8, ["x", "y", "z"].map(String::from).to_vec()));
    let (next, one) = scan(&mut shard, "8 COUNT 1 NOVALUES");
    assert_eq!((next, one), (cursor::at(layout::hash(b"a")), vec!["next".to_owned()]));
    let (next, last) = scan(&mut shard, &format!("{} COUNT 1 NOVALUES", (1u64 << 53) - 1));
    assert_eq!((next, last), (0, vec!["last".to_owned()]));
}
