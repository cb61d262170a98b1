//! The two forms: when a hash changes from one to the other, what it says about itself, and that
//! there is never a hash without fields.

use super::{both_forms, check, chill, head, large};
use std::ops::ControlFlow;

use crate::engine::{Direction, Engine, Family, Range, ReadTier};
use crate::keyspace::head::{Head, Kind, Large};
use crate::keyspace::layout;
use crate::testing::TestShard;
use crate::types::hash::encoding;

fn form(shard: &TestShard) -> &'static str {
    head(shard, "h").map_or("none", |head| encoding(&head))
}

/// Versions are not of interest.
fn counts(shard: &TestShard) -> (u64, u64) {
    large(shard, "h").map_or((0, 0), |large| (large.count, large.bytes))
}

#[test]
fn too_many_fields_make_a_hash_large_for_good() {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 2;
    shard.run("HSET h a 1 bb 2");
    assert_eq!(form(&shard), "listpack");
    shard.run("HSET h bb 22");
    assert_eq!(form(&shard), "listpack");
    assert_eq!(shard.run("HSET h c 3 d 4 a 5"), ":2");
    assert_eq!((form(&shard), counts(&shard)), ("hashtable", (4, 5 + 5)));
    shard.run("HDEL h c d bb");
    assert_eq!((form(&shard), counts(&shard)), ("hashtable", (1, 2)));
    shard.run("HDEL h a");
    assert_eq!(form(&shard), "none");
    shard.run("HSET h a 1");
    assert_eq!(form(&shard), "listpack");
    // A limit that was lowered counts with the next change, also of a field that is there.
    shard.settings.hash_max_listpack_entries = 0;
    shard.run("HSET h a 1");
    assert_eq!(form(&shard), "hashtable");
}

#[test]
fn a_long_field_or_value_makes_a_hash_large() {
    let fits = "x".repeat(64);
    let long = "x".repeat(65);
    for (command, expected) in [
        (format!("HSET h {fits} {fits}"), "listpack"),
        (format!("HSET h a 1 {long} 1"), "hashtable"),
        (format!("HMSET h a {long}"), "hashtable"),
        (format!("HSETNX h a {long}"), "hashtable"),
        (format!("HINCRBY h {long} 1"), "hashtable"),
        (format!("HINCRBYFLOAT h {long} 1"), "hashtable"),
        // Also when it does not stay long.
        (format!("HSET h a {long} a 1"), "hashtable"),
    ] {
        let mut shard = TestShard::new();
        shard.run(&command);
        assert_eq!(form(&shard), expected, "{command}");
    }
}

#[test]
fn a_hash_is_not_inline_beyond_what_the_loop_can_write() {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_value = 1 << 20;
    let value = "x".repeat(40_000);
    shard.run(&format!("HSET h a {value}"));
    assert_eq!(form(&shard), "listpack");
    shard.run(&format!("HSET h b {value}"));
    assert_eq!((form(&shard), counts(&shard)), ("hashtable", (2, 80_002)));
    assert_eq!(shard.run("HSTRLEN h a"), ":40000");
}

#[test]
fn the_last_field_takes_the_key_with_it() {
    for mut shard in both_forms() {
        check(&mut shard, &[("HSET h a 1 b 2", ":2"), ("HDEL h b a b x", ":2"), ("HLEN h", ":0")]);
        assert_eq!(head(&shard, "h"), None);
        assert_eq!(shard.shard.key_counts().get(0).keys, 0);
        check(&mut shard, &[("HSET h c 3", ":1"), ("HGETALL h", "*2 $1 c $1 3")]);
    }
}

#[test]
fn an_overwritten_large_hash_does_not_shine_through() {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 0;
    shard.run("HSET h a 1 b 2");
    let old = large(&shard, "h").unwrap().version;
    check(&mut shard, &[("SET h string", "+OK"), ("GET h", "$6 string")]);
    // The elements are still there, under a version that nobody names.
    let key = layout::head_key(0, b"h");
    let prefix = layout::element_prefix(&key, old);
    let range = Range {
        family: Family::Elements,
        lower: &prefix,
        upper: &layout::prefix_end(&prefix),
        direction: Direction::Forward,
        tier: ReadTier::Disk,
    };
    let mut elements = 0;
    let count = &mut |_: &[u8], _: &[u8]| {
        elements += 1;
        ControlFlow::Continue(())
    };
    shard.engine.range(range, count).unwrap();
    assert_eq!(elements, 2);
    shard.engine.write(&mut |writes| writes.delete(Family::Heads, &key)).unwrap();
    shard.shard.cache().clear();
    check(&mut shard, &[("HSET h c 3", ":1"), ("HGET h a", "$-1"), ("HLEN h", ":1")]);
    assert_ne!(large(&shard, "h").unwrap().version, old);
}

#[test]
fn changes_keep_the_deadline() {
    for mut shard in both_forms() {
        shard.run("HSET h a 1 b 2");
        let deadline = Some(shard.now_ms + 1000);
        let record = head(&shard, "h").unwrap().with_deadline(deadline).encode();
        let key = layout::head_key(0, b"h");
        shard.engine.write(&mut |writes| writes.put(Family::Heads, &key, &record)).unwrap();
        chill(&mut shard);
        for change in ["HSET h c 3", "HDEL h a", "HINCRBY h b 1", "HSETNX h d 4"] {
            assert_eq!(shard.run(change).chars().next(), Some(':'));
            assert_eq!(head(&shard, "h").unwrap().deadline_ms, deadline, "{change}");
        }
        shard.now_ms += 1000;
        check(
            &mut shard,
            &[("HLEN h", ":0"), ("HDEL h b", ":0"), ("HSET h x 1", ":1"), ("HLEN h", ":1")],
        );
        assert_eq!(head(&shard, "h").unwrap().deadline_ms, None);
    }
}

#[test]
fn a_command_on_many_fields_runs_off_the_loop() {
    let mut shard = TestShard::new();
    let pairs: Vec<String> = (0..3000).map(|index| format!("field:{index} {index}")).collect();
    assert_eq!(shard.run(&format!("HSET h {}", pairs.join(" "))), ":3000");
    let runs = shard.shard.statistics.off_loop_runs;
    assert_eq!(runs, 1);
    assert_eq!(shard.run("HGETALL h").split(' ').count(), 1 + 4 * 3000);
    assert_eq!(shard.shard.statistics.off_loop_runs, runs + 1);
    assert_eq!(shard.run("HGET h field:2999"), "$4 2999");
    assert_eq!(shard.run("HSET h field:1 x new 1"), ":1");
    assert_eq!(shard.shard.statistics.off_loop_runs, runs + 1);
    assert_eq!(shard.run("HLEN h"), ":3001");
}

#[test]
fn damaged_hashes_are_an_error_with_a_name() {
    let mut shard = TestShard::new();
    shard.settings.hash_max_listpack_entries = 0;
    let put = |shard: &mut TestShard, head: Head| {
        let key = layout::head_key(0, b"h");
        let record = head.encode();
        shard.engine.write(&mut |writes| writes.put(Family::Heads, &key, &record)).unwrap();
        shard.shard.cache().clear();
    };
    for inline in [&b""[..], b"\x01", b"\x07\x01a\x011", b"\x01\x05a", b"\x01\x01a"] {
        put(&mut shard, Head::inline(Kind::Hash, bytes::Bytes::copy_from_slice(inline)));
        for command in ["HGETALL h", "HLEN h", "HSET h b 1", "HDEL h b", "HSCAN h 0"] {
            let reply = shard.run(command);
            assert!(reply.starts_with("-CORRUPTED "), "{command}: {reply}");
        }
    }
    // A head that counts wrong.
    shard.run("HSET i a 1");
    put(&mut shard, Head::large(Kind::Hash, Large { version: 1 << 40, count: 2, bytes: 9 }));
    for command in ["HGETALL h", "HKEYS h", "HRANDFIELD h", "HRANDFIELD h 5", "HRANDFIELD h -5"] {
        let reply = shard.run(command);
        assert!(reply.starts_with("-CORRUPTED "), "{command}: {reply}");
    }
}
