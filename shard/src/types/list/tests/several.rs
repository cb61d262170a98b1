//! Lists on two shards.

use std::sync::Arc;

use crate::engine::map_engine::MemoryEngine;
use crate::shard::Sequence;
use crate::testing::TestShard;
use crate::topology::Topology;

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

/// Who gains is written first: an element is never on neither shard.
#[test]
fn the_shard_that_an_element_goes_to_is_written_first() {
    for (line, gaining, reply) in [
        ("LMOVE {a} {b} LEFT LEFT", Some(1), "$1\r\n1\r\n"),
        ("RPOPLPUSH {a} {b}", Some(1), "$1\r\n2\r\n"),
        ("RPOPLPUSH {a} {a}other", None, "$1\r\n2\r\n"),
        ("RPOPLPUSH {a} {a}", None, "$1\r\n2\r\n"),
        ("RPOPLPUSH {b} {a}", None, "$-1\r\n"),
        ("LMPOP 2 {b} {a} LEFT", None, "*2\r\n$5\r\n{bar}\r\n*1\r\n$1\r\n1\r\n"),
    ] {
        let mut sequence = on_two_shards(&["RPUSH {a} 1 2", line]);
        assert_eq!(sequence.changes.gaining(), gaining, "{line}");
        let replies = String::from_utf8(sequence.reply.take()).unwrap();
        assert_eq!(replies.strip_prefix(":2\r\n"), Some(reply), "{line}");
    }
}

#[test]
fn shards_that_take_from_each_other_do_so_one_after_the_other() {
    let lines = ["RPUSH {a} 1 2", "RPOPLPUSH {a} {b}", "LLEN {b}", "RPOPLPUSH {b} {a}"];
    let sequence = on_two_shards(&lines);
    assert_eq!((sequence.ends.len(), sequence.changes.gaining()), (3, Some(1)));
}
