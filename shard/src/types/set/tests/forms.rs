//! The forms: when a set changes from one to another, and what it says about itself.

use super::{check, form, head, large};
use crate::engine::{Engine, Family};
use crate::keyspace::head::{Head, Kind, Large};
use crate::keyspace::layout;
use crate::testing::TestShard;

/// Versions are not of interest.
fn counts(shard: &TestShard) -> (u64, u64) {
    large(shard, "s").map_or((0, 0), |large| (large.count, large.bytes))
}

fn numbers(range: std::ops::Range<usize>) -> String {
    range.map(|number| format!(" {number}")).collect()
}

#[test]
fn integers_stay_together_until_they_are_too_many() {
    let mut shard = TestShard::new();
    shard.run(&format!("SADD s{}", numbers(0..512)));
    assert_eq!(form(&mut shard, "s"), "intset");
    shard.run("SADD s 511");
    assert_eq!(form(&mut shard, "s"), "intset");
    assert_eq!(shard.run("SADD s 512"), ":1");
    assert_eq!(form(&mut shard, "s"), "hashtable");
    assert_eq!(counts(&shard), (513, 10 + 90 * 2 + 413 * 3));
    shard.run(&format!("SREM s{}", numbers(1..513)));
    assert_eq!((form(&mut shard, "s").as_str(), counts(&shard)), ("hashtable", (1, 1)));
}

#[test]
fn another_member_makes_integers_packed_or_large() {
    let long = "x".repeat(65);
    for (integers, other, expected) in [
        (3, "x", "listpack"),
        (127, "x", "listpack"),
        (128, "x", "hashtable"),
        (3, &long[..64], "listpack"),
        (3, &long, "hashtable"),
        (3, "007", "listpack"),
        (3, "-0", "listpack"),
        (3, "9223372036854775808", "listpack"),
        (3, "-9223372036854775808", "intset"),
    ] {
        let mut shard = TestShard::new();
        shard.run(&format!("SADD s{}", numbers(0..integers)));
        assert_eq!(shard.run(&format!("SADD s {other}")), ":1");
        assert_eq!(form(&mut shard, "s"), expected, "{integers} and {other}");
        assert_eq!(shard.run("SCARD s"), format!(":{}", integers + 1));
    }
}

#[test]
fn a_packed_set_becomes_large_for_good() {
    let mut shard = TestShard::new();
    shard.settings.set_max_listpack_entries = 3;
    for (command, expected) in [
        ("SADD s a 1", "listpack"),
        ("SADD s 2", "listpack"),
        ("SADD s a 1", "listpack"),
        ("SADD s b", "hashtable"),
        ("SREM s a b", "hashtable"),
    ] {
        shard.run(command);
        assert_eq!(form(&mut shard, "s"), expected, "{command}");
    }
    assert_eq!(counts(&shard), (2, 2));
    shard.run("DEL s");
    // A set that is to get more than fit is large at once, also if it does not.
    shard.run("SADD s a a a a");
    assert_eq!((form(&mut shard, "s").as_str(), counts(&shard)), ("hashtable", (1, 1)));
    shard.run("DEL s");
    shard.run("SADD s a");
    assert_eq!(shard.run("SADD s a a a a"), ":0");
    assert_eq!((form(&mut shard, "s").as_str(), counts(&shard)), ("hashtable", (1, 1)));
    shard.settings.set_max_intset_entries = 2;
    for (first, expected) in
        [("1", "intset"), ("1 1 1", "listpack"), ("1 1 1 1", "hashtable"), ("x", "listpack")]
    {
        shard.run("DEL s");
        shard.run(&format!("SADD s {first}"));
        assert_eq!(form(&mut shard, "s"), expected, "{first}");
    }
}

#[test]
fn a_set_is_not_inline_beyond_what_the_loop_can_write() {
    let mut shard = TestShard::new();
    shard.settings.set_max_listpack_value = 1 << 20;
    let member = "x".repeat(40_000);
    shard.run(&format!("SADD s {member}"));
    assert_eq!(form(&mut shard, "s"), "listpack");
    shard.run(&format!("SADD s {member}y"));
    assert_eq!((form(&mut shard, "s").as_str(), counts(&shard)), ("hashtable", (2, 80_001)));
    shard.settings.set_max_intset_entries = usize::MAX;
    for start in (0..24_000).step_by(2000) {
        shard.run(&format!("SADD i{}", numbers(start..start + 2000)));
    }
    assert_eq!(form(&mut shard, "i"), "hashtable");
    assert_eq!(shard.run("SCARD i"), ":24000");
}

#[test]
fn taking_nearly_all_makes_a_set_small_again() {
    let mut shard = TestShard::new();
    shard.run(&format!("SADD s{} x", numbers(0..600)));
    assert_eq!(form(&mut shard, "s"), "hashtable");
    let old = large(&shard, "s").unwrap().version;
    shard.run("SPOP s 400");
    assert_eq!(form(&mut shard, "s"), "hashtable");
    assert_eq!(large(&shard, "s").unwrap().version, old, "some are taken out of many");
    shard.run("SPOP s 167");
    assert_eq!((form(&mut shard, "s").as_str(), counts(&shard).0), ("hashtable", 34));
    shard.run("SPOP s 30");
    assert_eq!(form(&mut shard, "s"), "listpack");
    assert_eq!(shard.run("SCARD s"), ":4");
}

#[test]
fn a_command_on_many_members_runs_off_the_loop() {
    let mut shard = TestShard::new();
    let members = numbers(0..3000);
    assert_eq!(shard.run(&format!("SADD s{members}")), ":3000");
    let runs = shard.shard.statistics.off_loop_runs;
    assert_eq!(runs, 1);
    assert_eq!(shard.run("SMEMBERS s").split(' ').count(), 1 + 2 * 3000);
    assert_eq!(shard.shard.statistics.off_loop_runs, runs + 1);
    assert_eq!(shard.run("SISMEMBER s 2999"), ":1");
    assert_eq!(shard.run("SADD s 1 new"), ":1");
    assert_eq!(shard.run("SCARD s"), ":3001");
    assert_eq!(shard.shard.statistics.off_loop_runs, runs + 1);
}

#[test]
fn other_commands_work_with_every_form() {
    for setup in ["SADD s 1 2 3", "SADD s a 2 3", "SADD s a a a a a a a b c"] {
        let mut shard = TestShard::new();
        shard.settings.set_max_listpack_entries = 6;
        shard.run(setup);
        let (encoding, members) = (form(&mut shard, "s"), shard.run("SMEMBERS s"));
        for command in ["COPY s t", "RENAME t u", "MOVE u 3"] {
            shard.run(command);
        }
        shard.db = 3;
        assert_eq!(form(&mut shard, "u"), encoding);
        assert_eq!(shard.run("SMEMBERS u"), members);
        assert_eq!(shard.run("TYPE u"), "+set");
        assert!(shard.run("MEMORY USAGE u")[1..].parse::<u64>().unwrap() > 10);
        shard.run("SREM u 3 c");
        shard.db = 0;
        assert_eq!(shard.run("SMEMBERS s"), members);
        check(&mut shard, &[("EXISTS s t u", ":1"), ("DEL s", ":1"), ("SCARD s", ":0")]);
    }
}

#[test]
fn damaged_sets_are_an_error_with_a_name() {
    let mut shard = TestShard::new();
    let put = |shard: &mut TestShard, name: &str, head: Head| {
        let key = layout::head_key(0, name.as_bytes());
        let record = head.encode();
        shard.engine.write(&mut |writes| writes.put(Family::Heads, &key, &record)).unwrap();
        shard.shard.cache().clear();
    };
    let bodies =
        [&b""[..], b"\x01", b"\x07\x01a", b"\x01\x05a", b"\x02\x02\x01", b"\x02\x03\x01\x01\x01"];
    for inline in bodies {
        put(&mut shard, "s", Head::inline(Kind::Set, bytes::Bytes::copy_from_slice(inline)));
        assert!(head(&shard, "s").is_some());
        for command in [
            "SMEMBERS s",
            "SCARD s",
            "SADD s b",
            "SREM s b",
            "SSCAN s 0",
            "SPOP s",
            "SPOP s 2",
            "SRANDMEMBER s 2",
            "SUNION s s",
            "SINTER s s",
            "SDIFFSTORE d s",
        ] {
            let reply = shard.run(command);
            assert!(reply.starts_with("-CORRUPTED "), "{command}: {reply}");
        }
    }
    // A head that counts wrong.
    put(&mut shard, "s", Head::large(Kind::Set, Large { version: 1 << 40, count: 2, bytes: 9 }));
    for command in
        ["SMEMBERS s", "SRANDMEMBER s", "SRANDMEMBER s 5", "SRANDMEMBER s -5", "SPOP s", "SPOP s 9"]
    {
        let reply = shard.run(command);
        assert!(reply.starts_with("-CORRUPTED "), "{command}: {reply}");
    }
}
