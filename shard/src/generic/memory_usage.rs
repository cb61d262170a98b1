//! MEMORY USAGE: the bytes of a key's records, before compression. That is what the key takes in
//! the database; the part of it that is in memory at the moment comes and goes with its use.

use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandResult, text};
use crate::keyspace::head::{Body, Head, Kind};
use crate::keyspace::layout;
use crate::resp::ReplyBuffer;
use crate::types;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[container("memory", SUBCOMMANDS)
    .group(Group::Server)
    .since("4.0.0")
    .summary("Looks into the use of memory")];

/// The process has more of them.
const SUBCOMMANDS: &[Command] = &[command("usage", -3, usage)
    .flags(READONLY)
    .group(Group::Server)
    .since("4.0.0")
    .summary("Tells how many bytes a key and its value take")
    .keys(&[KeySpec::one(2).read()])
    .args(&[Arg::key("key", 0), Arg::integer("count").after("SAMPLES").optional()])];

pub(super) fn usage(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut index = 3;
    while index < args.len() {
        if !args.is(index, "samples") || index + 1 == args.len() || args.integer(index + 1)? < 0 {
            return Err(text::SYNTAX.into());
        }
        index += 2;
    }
    let name = args.get(2);
    // As in Redis, where it looks into the table of keys by itself.
    view.count_lookups(false);
    match view.open_head_untouched(name)?.head {
        Some(head) => reply.integer(i64::try_from(record_bytes(name, &head)).unwrap_or(i64::MAX)),
        None => reply.null(),
    }
    Ok(())
}

/// Sizes are known in total, so that SAMPLES has nothing to sample.
fn record_bytes(name: &[u8], head: &Head) -> u64 {
    let record_key = layout::head_key(0, name);
    let record_key_bytes = record_key.len() as u64;
    let expiry_bytes = if head.deadline_ms.is_some() { record_key_bytes } else { 0 };
    let head_bytes = record_key_bytes.saturating_add(head.encoded_bytes() as u64);
    let elements_bytes = match &head.body {
        Body::Inline(_) => 0,
        Body::Large(large, _) => {
            let prefix_bytes = layout::element_prefix(&record_key, large.version).len() as u64;
            let records = match head.kind {
                Kind::List => types::list::records(head),
                _ => large.count,
            };
            records.saturating_mul(prefix_bytes).saturating_add(large.bytes)
        }
    };
    head_bytes.saturating_add(expiry_bytes).saturating_add(elements_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::head::Large;
    use crate::testing::TestShard;
    use bytes::Bytes;

    #[test]
    fn every_record_of_a_key_counts() {
        let mut shard = TestShard::new();
        shard.run("SET key value");
        shard.shard.cache().clear();
        shard.engine.set_cold(true);
        assert_eq!(shard.run("MEMORY USAGE key"), ":19", "9 + 3 in front, 2 + 5 behind");
        shard.run("EXPIRE key 10");
        assert_eq!(shard.run("MEMORY USAGE key SAMPLES 0"), ":39", "and 8, and 9 + 3");
        shard.engine.set_cold(false);
        let elements_bytes = shard.with_view(|view| {
            let key = view.open(b"key").unwrap();
            let large = Large { version: view.new_version(), count: 2, bytes: 11 };
            view.put_element(&key, large.version, b"field", Bytes::from_static(b"value"));
            view.put_element(&key, large.version, b"x", Bytes::new());
            view.put(&key, &Head::large(Kind::Hash, large));
            2 * layout::element_prefix(&layout::head_key(0, b"key"), 0).len() + 11
        });
        assert_eq!(shard.run("MEMORY USAGE key"), format!(":{}", 12 + 2 + 26 + elements_bytes));
    }

    #[test]
    fn errors_come_in_the_order_of_redis() {
        let mut shard = TestShard::new();
        for (line, expected) in [
            ("MEMORY USAGE nosuch", "$-1"),
            ("MEMORY USAGE nosuch samples 5 SAMPLES 0", "$-1"),
            ("MEMORY USAGE nosuch foo", "-ERR syntax error"),
            ("MEMORY USAGE nosuch SAMPLES", "-ERR syntax error"),
            ("MEMORY USAGE nosuch SAMPLES -1", "-ERR syntax error"),
            ("MEMORY USAGE nosuch SAMPLES x", "-ERR value is not an integer or out of range"),
        ] {
            assert_eq!(shard.run(line), expected, "{line}");
        }
    }
}
