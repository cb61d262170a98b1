//! The two forms: when a list changes from one to the other, what it says about itself, what a
//! change writes, and what is made of damaged records.

use bytes::Bytes;

use super::{array, both_forms, check, chill, head, large, records, words};
use crate::engine::{Engine, Family};
use crate::keyspace::head::{Body, Extension, Head, Kind, Large};
use crate::keyspace::layout;
use crate::testing::TestShard;
use crate::types::list::encoding;
use crate::types::list::store::SMALL_BYTES_MAX;

fn encoding_of(shard: &mut TestShard, key: &str) -> String {
    let reply = shard.run(&format!("OBJECT ENCODING {key}"));
    reply.split(' ').next_back().unwrap().to_owned()
}

fn is_small(shard: &TestShard, key: &str) -> bool {
    matches!(head(shard, key).unwrap().body, Body::Inline(_))
}

#[test]
fn a_list_is_small_as_long_as_it_is_short() {
    let mut shard = TestShard::new();
    let mut count = 0;
    while 10 * (count + 1) < SMALL_BYTES_MAX {
        shard.run("RPUSH l ninebytes");
        count += 1;
        assert!(is_small(&shard, "l"), "{count}");
    }
    assert_eq!(shard.run("RPUSH l ninebytes"), format!(":{}", count + 1));
    let (large, extra) = large(&shard, "l").unwrap();
    assert_eq!((large.count, large.bytes), (count as u64 + 1, 9 * (count as u64 + 1)));
    assert!(!extra.is_long);
    assert_eq!(records(&shard, "l").len() as u64, extra.records());
    // It stays large until it is gone.
    shard.run("LTRIM l 0 0");
    assert!(!is_small(&shard, "l"));
    check(&mut shard, &[("LPOP l", "$9 ninebytes"), ("RPUSH l a", ":1")]);
    assert!(is_small(&shard, "l"));
}

#[test]
fn a_longer_element_makes_a_list_large() {
    let long = "x".repeat(SMALL_BYTES_MAX);
    for command in [
        format!("RPUSH l {long}"),
        format!("LPUSH l {long}"),
        format!("LSET l 0 {long}"),
        format!("LINSERT l BEFORE a {long}"),
        format!("RPOPLPUSH {long} l"),
    ] {
        let mut shard = TestShard::new();
        shard.run("RPUSH l a");
        shard.run(&format!("RPUSH {long} {long}"));
        shard.run(&command);
        assert!(!is_small(&shard, "l"));
        assert_eq!(shard.run(&format!("LPOS l {long} RANK -1")).len(), 2, "{command}");
    }
}

#[test]
fn the_encoding_is_told_as_redis_keeps_a_list_of_this_size() {
    let mut shard = TestShard::new();
    shard.run(&format!("RPUSH l {}", words("element:", 100..600)));
    assert_eq!(encoding_of(&mut shard, "l"), "listpack", "{} bytes", 500 * 13 + 7);
    shard.run(&format!("RPUSH l {}", words("element:", 100..300)));
    assert_eq!(encoding_of(&mut shard, "l"), "quicklist");
    chill(&mut shard);
    shard.run("LTRIM l 0 400");
    assert_eq!(encoding_of(&mut shard, "l"), "quicklist", "more than half of it");
    shard.run("LTRIM l 0 300");
    assert_eq!(encoding_of(&mut shard, "l"), "listpack");
    shard.run("RPUSH l a");
    assert_eq!(encoding_of(&mut shard, "l"), "listpack");
    // What is to be added decides, as a whole.
    let many = "x".repeat(5000);
    shard.run(&format!("RPUSH m {many} {many}"));
    assert_eq!(encoding_of(&mut shard, "m"), "quicklist");
    shard.run("LPOP m");
    assert_eq!(encoding_of(&mut shard, "m"), "quicklist");
    shard.run("LSET m 0 a");
    assert_eq!(encoding_of(&mut shard, "m"), "listpack");
    shard.settings.list_max_listpack_size = 4;
    shard.run("RPUSH n a b c d");
    assert_eq!(encoding_of(&mut shard, "n"), "listpack");
    for (command, expected) in [
        ("RPUSH n e", "quicklist"),
        ("LREM n 0 e", "quicklist"),
        ("LPOP n", "quicklist"),
        ("LPOP n", "listpack"),
        ("LINSERT n AFTER c d", "listpack"),
    ] {
        shard.run(command);
        assert_eq!(encoding_of(&mut shard, "n"), expected, "{command}");
    }
    assert_eq!(encoding(&Head::inline(Kind::List, Bytes::new())), "listpack");
}

#[test]
fn memory_usage_counts_records() {
    let mut shard = TestShard::new();
    shard.run(&format!("RPUSH l {}", words("element:", 1000..2000)));
    let (large, extra) = large(&shard, "l").unwrap();
    let reply = shard.run("MEMORY USAGE l");
    let usage: u64 = reply.trim_start_matches(':').parse().unwrap();
    assert!(extra.records() > 20 && extra.records() < 60, "{}", extra.records());
    let most = large.bytes + 60 * extra.records() + 200;
    assert!((large.bytes..most).contains(&usage), "{usage} {most}");
}

#[test]
fn changes_keep_the_deadline() {
    for mut shard in both_forms() {
        shard.run("RPUSH l a b c d e f");
        shard.run("PEXPIRE l 1000");
        let deadline = Some(shard.now_ms + 1000);
        for change in [
            "RPUSH l x",
            "LPUSHX l y",
            "LPOP l",
            "RPOP l 1",
            "LSET l 0 A",
            "LINSERT l BEFORE b z",
            "LREM l 0 z",
            "LTRIM l 0 4",
            "RPOPLPUSH l l",
            "LMOVE l m LEFT LEFT",
            "LMPOP 1 l LEFT",
        ] {
            shard.run(change);
            assert_eq!(head(&shard, "l").unwrap().deadline_ms, deadline, "{change}");
        }
        assert_eq!(head(&shard, "m").unwrap().deadline_ms, None);
        shard.now_ms += 1000;
        check(&mut shard, &[("LLEN l", ":0"), ("RPUSHX l a", ":0"), ("RPUSH l a", ":1")]);
        assert_eq!(head(&shard, "l").unwrap().deadline_ms, None);
    }
}

#[test]
fn lists_are_renamed_and_copied_in_either_form() {
    for mut shard in both_forms() {
        shard.run(&format!("RPUSH l {}", words("e", 0..50)));
        check(&mut shard, &[("COPY l m", ":1"), ("LPOP l", "$2 e0"), ("RENAME l n", "+OK")]);
        chill(&mut shard);
        assert_eq!(shard.run("LRANGE m 0 -1"), array(&words("e", 0..50)));
        assert_eq!(shard.run("LRANGE n 0 -1"), array(&words("e", 1..50)));
        check(&mut shard, &[("RPUSH m x", ":51"), ("LLEN n", ":49"), ("EXISTS l", ":0")]);
    }
}

/// What a command at the ends of a long list reads and writes does not depend on its length, nor
/// on what was deleted before.
#[test]
fn a_queue_costs_the_same_however_much_went_through_it() {
    let mut shard = TestShard::new();
    shard.run(&format!("RPUSH l {}", words("element:", 10_000..13_000)));
    for round in 0..2000 {
        let element = format!("new:{round}");
        assert_eq!(shard.run(&format!("RPUSH l {element}")), ":3001");
        assert!(shard.run("LPOP l").starts_with('$'));
    }
    assert_eq!(shard.shard.statistics.off_loop_runs, 1, "the first one, which was long");
    let (_, extra) = large(&shard, "l").unwrap();
    assert_eq!(records(&shard, "l").len() as u64, extra.records());
    assert!(extra.records() < 120, "{}", extra.records());
    for command in ["RPUSH l x", "LPUSH l x", "LPOP l", "RPOP l", "RPOPLPUSH l l", "LSET l 1500 x"]
    {
        let changes = shard.sequence(&shard.topology, &[command]).changes;
        let written: usize = changes.elements().filter_map(|(_, record)| Some(record?.len())).sum();
        let head = changes.heads()[0].after.as_ref().unwrap().len();
        let records = changes.elements().count();
        assert!(
            records <= 2 && written <= 1024 && head < 64,
            "{command}: {records} {written} {head}"
        );
    }
}

#[test]
fn long_work_is_done_off_the_loop() {
    let mut shard = TestShard::new();
    let call: String = words("element:", 0..50_000);
    shard.run(&format!("RPUSH l {call}"));
    for (command, is_long) in [
        ("LRANGE l 0 99", false),
        ("LRANGE l 10000 10599", false),
        ("LRANGE l 0 -1", true),
        ("LINDEX l 25000", false),
        ("LSET l 25000 x", false),
        ("LPOS l element:100", false),
        ("LPOS l element:49000", true),
        ("LPOS l element:49000 RANK -1", false),
        ("LREM l 1 element:49000", true),
        ("LREM l -1 element:49900", false),
        ("LINSERT l BEFORE element:48999 x", true),
        ("LINSERT l BEFORE element:50 x", false),
        ("LPOP l 100", false),
        ("RPOP l 20000", true),
        ("LTRIM l 1 -1", false),
        ("LTRIM l 0 9", false),
    ] {
        // Everything is in memory, so that only the work decides.
        let before = shard.shard.statistics.off_loop_runs;
        shard.run(command);
        let ran_off = shard.shard.statistics.off_loop_runs > before;
        assert_eq!(ran_off, is_long, "{command}");
    }
    assert_eq!(shard.run("LLEN l"), ":10");
}

#[test]
fn a_trimmed_list_is_written_anew_when_little_is_left() {
    let mut shard = TestShard::new();
    shard.run(&format!("RPUSH l {}", words("element:", 0..20_000)));
    let old = large(&shard, "l").unwrap().0.version;
    shard.run("LTRIM l 100 -1");
    assert_eq!(large(&shard, "l").unwrap().0.version, old);
    shard.run("LTRIM l 1000 1999");
    let (large_now, extra) = large(&shard, "l").unwrap();
    assert_ne!(large_now.version, old);
    assert_eq!(records(&shard, "l").len() as u64, extra.records());
    assert_eq!(shard.run("LRANGE l 0 -1"), array(&words("element:", 1100..2100)));
    check(&mut shard, &[("RPUSH l x", ":1001"), ("LPUSH l y", ":1002"), ("LINDEX l 0", "$1 y")]);
}

#[test]
fn many_elements_with_a_value_are_removed_at_once() {
    let mut shard = TestShard::new();
    let call: Vec<String> = (0..4000)
        .map(|number| if number % 3 == 0 { "x".into() } else { format!("e{number}") })
        .collect();
    for (count, from_back) in [(0, false), (1000, false), (-1000, true)] {
        shard.run("DEL l");
        shard.run(&format!("RPUSH l {}", call.join(" ")));
        let removed = if count == 0 { 1334 } else { 1000 };
        assert_eq!(shard.run(&format!("LREM l {count} x")), format!(":{removed}"));
        let mut left = call.clone();
        let mut seen = 0;
        if from_back {
            left.reverse();
        }
        left.retain(|word| {
            seen += usize::from(word == "x");
            word != "x" || seen > removed
        });
        if from_back {
            left.reverse();
        }
        assert_eq!(shard.run("LRANGE l 0 -1"), array(&left.join(" ")));
        let (large, extra) = large(&shard, "l").unwrap();
        assert_eq!(large.bytes, left.iter().map(|word| word.len() as u64).sum::<u64>());
        assert_eq!(records(&shard, "l").len() as u64, extra.records());
    }
}

#[test]
fn an_overwritten_large_list_does_not_shine_through() {
    let [_, mut shard] = both_forms();
    shard.run("RPUSH l a b c");
    let old = large(&shard, "l").unwrap().0.version;
    check(&mut shard, &[("SET l string", "+OK"), ("DEL l", ":1"), ("RPUSH l x y", ":2")]);
    assert_ne!(large(&shard, "l").unwrap().0.version, old);
    chill(&mut shard);
    assert_eq!(shard.run("LRANGE l 0 -1"), "*2 $1 x $1 y");
}

#[test]
fn damaged_lists_are_an_error_with_a_name() {
    let mut shard = TestShard::new();
    let put = |shard: &mut TestShard, head: Head| {
        let key = layout::head_key(0, b"l");
        let record = head.encode();
        shard.engine.write(&mut |writes| writes.put(Family::Heads, &key, &record)).unwrap();
        shard.shard.cache().clear();
    };
    let commands = [
        "LRANGE l 0 -1",
        "LPUSH l a",
        "RPOP l",
        "LPOP l 2",
        "LINDEX l 1",
        "LSET l 1 x",
        "LREM l 0 a",
        "LTRIM l 1 1",
        "LPOS l b",
        "LINSERT l AFTER b c",
        "LMOVE l m LEFT LEFT",
        "LMOVE l l LEFT LEFT",
    ];
    for inline in [&b""[..], b"\x01", b"\x07\x01a", b"\x01\x05a", b"\x01\x01a\x02b"] {
        put(&mut shard, Head::inline(Kind::List, Bytes::copy_from_slice(inline)));
        for command in commands {
            let reply = shard.run(command);
            assert!(reply.starts_with("-CORRUPTED "), "{command}: {reply}");
        }
    }
    // Entries that are none, and a long element that is nowhere.
    for inline in
        [&b"\x01\x01\xff\x01b"[..], b"\x01\x02\xff\x07\x01b", b"\x01\x05\xff\x01\x00\xc0\x3e"]
    {
        put(&mut shard, Head::inline(Kind::List, Bytes::copy_from_slice(inline)));
        for command in
            ["LRANGE l 0 -1", "LPOP l", "LINDEX l 0", "LREM l 0 xx", "LMOVE l m LEFT LEFT"]
        {
            let reply = shard.run(command);
            let may_pass = command.starts_with("LREM") && inline.len() > 6;
            assert!(reply.starts_with("-CORRUPTED ") || may_pass, "{command}: {reply}");
        }
    }
    let numbers = Large { version: 1 << 40, count: 2, bytes: 2 };
    put(&mut shard, Head::large(Kind::List, numbers));
    for command in commands {
        let reply = shard.run(command);
        assert!(reply.starts_with("-CORRUPTED "), "{command}: {reply}");
    }
    let extension = Extension::new(1, b"\x00\x00\x00\x00\x01\x00\x01\x02\x01").unwrap();
    put(&mut shard, Head::extended(Kind::List, numbers, extension));
    for command in commands {
        let reply = shard.run(command);
        assert!(reply.ends_with("ordered collection: a leaf is missing"), "{reply}");
    }
    assert_eq!(shard.run("OBJECT ENCODING l"), "$8 listpack");
    assert_eq!(shard.run("DEL l"), ":1");
}
