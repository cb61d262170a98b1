//! Values under other keys: strings, and large collections made by hand.

use std::sync::Arc;

use super::*;
use crate::engine::map_engine::MemoryEngine;
use crate::keyspace::head::Kind;
use crate::shard::Sequence;
use crate::testing::TestShard;
use crate::topology::Topology;

fn check(shard: &mut TestShard, lines: &[(&str, &str)]) {
    for (line, expected) in lines {
        assert_eq!(shard.run(line), *expected, "{line}");
    }
}

#[test]
fn a_renamed_key_takes_its_deadline_along() {
    for cold in [false, true] {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        shard.run("PEXPIRE a 1000");
        shard.run("SET b 2");
        shard.run("SET d 3");
        shard.run("PEXPIRE d 1000");
        shard.shard.cache().clear();
        shard.engine.set_cold(cold);
        check(
            &mut shard,
            &[
                ("RENAME a b", "+OK"),
                ("EXISTS a", ":0"),
                ("GET b", "$1 1"),
                ("PTTL b", ":1000"),
                ("RENAMENX b d", ":0"),
                ("RENAMENX b c", ":1"),
                ("PTTL c", ":1000"),
                ("PERSIST c", ":1"),
                ("RENAME c d", "+OK"),
                ("PTTL d", ":-1"),
                ("GET d", "$1 1"),
            ],
        );
        let counts = shard.shard.key_counts().get(0);
        assert_eq!((counts.keys, counts.expires), (1, 0));
    }
}

#[test]
fn renaming_to_the_same_name_changes_nothing() {
    let mut shard = TestShard::new();
    shard.run("SET a 1");
    check(
        &mut shard,
        &[
            ("RENAME a a", "+OK"),
            ("RENAMENX a a", ":0"),
            ("GET a", "$1 1"),
            ("RENAME nosuch nosuch", "-ERR no such key"),
            ("RENAMENX nosuch nosuch", "-ERR no such key"),
            ("RENAME nosuch a", "-ERR no such key"),
            ("RENAMENX nosuch a", "-ERR no such key"),
            ("GET a", "$1 1"),
        ],
    );
}

#[test]
fn an_expired_key_is_neither_renamed_nor_in_the_way() {
    let mut shard = TestShard::new();
    shard.run("SET a 1");
    shard.run("SET b 2");
    shard.run("PEXPIRE b 10");
    shard.now_ms += 10;
    check(
        &mut shard,
        &[
            ("RENAME b c", "-ERR no such key"),
            ("COPY b c", ":0"),
            ("COPY a b", ":1"),
            ("PTTL b", ":-1"),
        ],
    );
}

#[test]
fn copies_go_where_they_are_told() {
    for cold in [false, true] {
        let mut shard = TestShard::new();
        shard.run("SET a 1");
        shard.run("PEXPIRE a 1000");
        shard.run("SET b 2");
        shard.shard.cache().clear();
        shard.engine.set_cold(cold);
        check(
            &mut shard,
            &[
                ("COPY a b", ":0"),
                ("GET b", "$1 2"),
                ("COPY a b REPLACE", ":1"),
                ("GET b", "$1 1"),
                ("PTTL b", ":1000"),
                ("COPY a a DB 3", ":1"),
                ("COPY a a DB 3", ":0"),
                ("COPY a x replace db 2 DB 3", ":1"),
                ("COPY nosuch b REPLACE", ":0"),
                ("GET b", "$1 1"),
            ],
        );
        shard.db = 3;
        check(&mut shard, &[("GET a", "$1 1"), ("PTTL a", ":1000"), ("GET x", "$1 1")]);
    }
}

#[test]
fn moving_needs_a_free_place() {
    let mut shard = TestShard::new();
    shard.run("SET a 1");
    shard.run("PEXPIRE a 1000");
    check(&mut shard, &[("MOVE a 1", ":1"), ("EXISTS a", ":0"), ("MOVE a 1", ":0")]);
    shard.run("SET a 2");
    check(&mut shard, &[("MOVE a 1", ":0"), ("GET a", "$1 2")]);
    shard.db = 1;
    check(&mut shard, &[("GET a", "$1 1"), ("PTTL a", ":1000")]);
}

#[test]
fn errors_come_in_the_order_of_redis() {
    let out_of_range = "-ERR value is out of range, value must between -2147483648 and 2147483647";
    check(
        &mut TestShard::new(),
        &[
            ("COPY a a", "-ERR source and destination objects are the same"),
            ("COPY a a DB 0", "-ERR source and destination objects are the same"),
            ("COPY a a foo", "-ERR syntax error"),
            ("COPY a b DB", "-ERR syntax error"),
            ("COPY a b REPLACE DB", "-ERR syntax error"),
            ("COPY a b DB x", "-ERR value is not an integer or out of range"),
            ("COPY a b DB 16 foo", "-ERR DB index is out of range"),
            ("COPY a b DB -1", "-ERR DB index is out of range"),
            ("COPY a b DB 2147483648", out_of_range),
            ("COPY a b DB 9223372036854775808", "-ERR value is not an integer or out of range"),
            ("COPY a b", ":0"),
            ("MOVE a x", "-ERR value is not an integer or out of range"),
            ("MOVE a -2147483649", out_of_range),
            ("MOVE a 16", "-ERR DB index is out of range"),
            ("MOVE a 0", "-ERR source and destination objects are the same"),
            ("MOVE a 1", ":0"),
        ],
    );
}

/// Makes a large collection of `count` elements.
fn make_large(shard: &mut TestShard, name: &str, count: u64) {
    shard.with_view(|view| {
        let key = view.open(name.as_bytes()).unwrap();
        let large = Large { version: view.new_version(), count, bytes: count * 8 };
        for number in 0..count {
            let value = Bytes::from(format!("value {number}"));
            view.put_element(&key, large.version, &number.to_be_bytes(), value);
        }
        let deadline = Some(view.now_ms() + 1000);
        view.put(&key, &Head::large(Kind::Hash, large).with_deadline(deadline));
    });
}

/// Number of the elements of a large collection, which must be those that were made.
fn count_large(shard: &mut TestShard, name: &str) -> u64 {
    shard.with_view(|view| {
        let key = view.open(name.as_bytes()).unwrap();
        let Some(Head { body: Body::Large(large, _), kind: Kind::Hash, .. }) = key.head else {
            panic!("{name} is not a large hash")
        };
        let mut found = 0u64;
        view.elements(&key, large.version, (b"", b""), Direction::Forward, |element, value| {
            assert_eq!(element, found.to_be_bytes());
            assert_eq!(value, format!("value {found}").as_bytes());
            found += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        assert_eq!((large.count, large.bytes), (found, found * 8));
        found
    })
}

#[test]
fn large_collections_go_with_all_their_elements() {
    for (count, off_loop_runs) in [(100, 0), (1000, 4)] {
        let mut shard = TestShard::new();
        make_large(&mut shard, "a", count);
        check(
            &mut shard,
            &[("COPY a b", ":1"), ("RENAME a c", "+OK"), ("EXISTS a", ":0"), ("MOVE c 1", ":1")],
        );
        assert_eq!(count_large(&mut shard, "b"), count);
        shard.run("RENAMENX b d");
        assert_eq!(count_large(&mut shard, "d"), count);
        assert_eq!(shard.run("PTTL d"), ":1000");
        shard.db = 1;
        assert_eq!(count_large(&mut shard, "c"), count);
        assert_eq!(shard.run("PTTL c"), ":1000");
        assert_eq!(shard.shard.statistics.off_loop_runs, off_loop_runs, "of {count} elements");
    }
}

#[test]
fn a_copy_has_elements_of_its_own() {
    let mut shard = TestShard::new();
    make_large(&mut shard, "a", 10);
    shard.engine.set_cold(true);
    shard.run("COPY a b");
    shard.with_view(|view| {
        let key = view.open(b"a").unwrap();
        let Some(Head { body: Body::Large(large, _), .. }) = key.head else { panic!() };
        view.remove_element(&key, large.version, &3u64.to_be_bytes());
    });
    assert_eq!(count_large(&mut shard, "b"), 10);
    make_large(&mut shard, "a", 5);
    assert_eq!(shard.run("COPY a b REPLACE"), ":1");
    assert_eq!(count_large(&mut shard, "b"), 5, "nothing is left of what was replaced");
}

#[test]
fn long_strings_are_copied_elsewhere() {
    let mut shard = TestShard::new();
    shard.run(&format!("SET a {}", "x".repeat(100_000)));
    let before = shard.shard.statistics.off_loop_runs;
    assert_eq!(shard.run("COPY a b"), ":1");
    assert_eq!(shard.run("EXPIRE b 10"), ":1");
    assert_eq!(shard.shard.statistics.off_loop_runs, before + 2);
}

/// Runs commands as one over two shards: a key with {a} is of the first, one with {b} of the other.
fn on_two_shards(lines: &[&str]) -> Sequence {
    let engine = || Arc::<MemoryEngine>::default() as _;
    let topology = Topology::new(vec![engine(), engine()], 1);
    assert_eq!((topology.shard_of(b"{bar}"), topology.shard_of(b"{foo}")), (0, 1));
    let lines: Vec<String> =
        lines.iter().map(|line| line.replace("{a}", "{bar}").replace("{b}", "{foo}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    TestShard::new().sequence(&topology, &lines)
}

#[test]
fn only_what_takes_a_value_to_another_shard_has_that_shard_written_first() {
    for (lines, gaining) in [
        (["RENAME {a} {b}", "GET {b}"], Some(1)),
        (["RENAMENX {a} {b}", "SET {a} 2"], Some(1)),
        (["RENAME {a} {b}", "DEL {b}"], Some(1)),
        (["RENAME {a} {a}2", "GET {a}2"], None),
        (["SET {b} 2", "RENAMENX {a} {b}"], None),
        (["RENAME {a}none {b}", "DEL {a} {b}"], None),
        (["COPY {a} {b}", "MSET {a} 2 {b} 2"], None),
        (["MOVE {a} 3", "BITOP NOT {b} {a}"], None),
        (["SADD {a}s m n", "SMOVE {a}s {b}s m"], Some(1)),
        (["SADD {a}s m", "SMOVE {a}s {b}s m"], Some(1)),
        (["SADD {a}s m", "SMOVE {a}s {b}s none"], None),
        (["SADD {a}s m", "SMOVE {a}s {a}t m"], None),
    ] {
        let sequence = on_two_shards(&[&["SET {a} 1"], &lines[..]].concat());
        assert_eq!((sequence.changes.gaining(), sequence.ends.len()), (gaining, 3), "{lines:?}");
    }
}

#[test]
fn shards_that_take_from_each_other_do_so_one_after_the_other() {
    let to_b = ["MSET {a} 1 {a}2 2 {b}3 3", "RENAME {a} {b}", "RENAME {a}2 {b}2", "GET {b}2"];
    let mut sequence = on_two_shards(&[&to_b[..], &["RENAME {b}3 {a}3", "GET {a}3"]].concat());
    assert_eq!((sequence.ends.len(), sequence.changes.gaining()), (4, Some(1)));
    let replies = String::from_utf8(sequence.reply.take()).unwrap();
    assert_eq!(replies, "+OK\r\n+OK\r\n+OK\r\n$1\r\n2\r\n");
    let names = |part: &crate::view::Changes| part.heads().len();
    let parts: Vec<_> =
        sequence.changes.by_shard().iter().map(|(shard, part)| (*shard, names(part))).collect();
    // Three keys were put on the other shard; of the key that was to come from there nothing is.
    assert_eq!(parts, [(0, 2), (1, 3)]);
}
