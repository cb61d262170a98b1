//! Parts of strings. What these commands write into stays `raw` for OBJECT ENCODING.

use std::ops::Range;

use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::RAW_STRING;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("append", 3, append)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .since("2.0.0")
        .summary("Appends to the string at a key")
        .complexity("O(N) where N is the length of the resulting string")
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[Arg::key("key", 0), Arg::string("value")]),
    command("getrange", 4, getrange)
        .flags(READONLY)
        .group(Group::String)
        .since("2.4.0")
        .summary("Returns a part of the string at a key")
        .complexity("O(N) where N is the length of the part")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("end")]),
    command("substr", 4, getrange)
        .flags(READONLY)
        .group(Group::String)
        .summary("Returns a part of the string at a key")
        .complexity("O(N) where N is the length of the part")
        .deprecated("2.0.0", "`GETRANGE`")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0), Arg::integer("start"), Arg::integer("end")]),
    command("setrange", 4, setrange)
        .flags(WRITE | DENYOOM)
        .group(Group::String)
        .since("2.2.0")
        .summary("Overwrites a part of the string at a key")
        .complexity("O(N) where N is the length of the resulting string")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[Arg::key("key", 0), Arg::integer("offset"), Arg::string("value")]),
];

/// APPEND key value
pub(super) fn append(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let suffix = args.get(2);
    let key = value::open_place(view, args.get(1))?;
    if let Some(large) = value::in_pieces(&key) {
        let bytes = value::length(&key);
        value::check_length(view, bytes, suffix.len())?;
        let total = view.write_part(&key, large, bytes, suffix)?;
        view.tell(Event::APPEND, &key);
        reply_length(total, reply);
        return Ok(());
    }
    let draft = match value::value(&key) {
        None => {
            value::charge_copy(view, suffix.len())?;
            StringDraft::of(suffix, None)
        }
        Some(current) => {
            let total = value::check_length(view, current.len(), suffix.len())?;
            value::charge_copy(view, total)?;
            view.expect_value(total)?;
            let mut draft = StringDraft::new(key.deadline_ms(), RAW_STRING, total);
            draft.push(current);
            draft.push(suffix);
            draft
        }
    };
    reply_length(draft.value().len(), reply);
    view.put_string(&key, draft);
    view.tell(Event::APPEND, &key);
    Ok(())
}

/// SETRANGE key offset value
pub(super) fn setrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let offset = usize::try_from(args.integer(2)?).map_err(|_| text::OFFSET_OUT_OF_RANGE)?;
    let part = args.get(3);
    let key = value::open_place(view, args.get(1))?;
    if part.is_empty() {
        reply_length(value::length(&key), reply);
        return Ok(());
    }
    let end = value::check_length(view, offset, part.len())?;
    if let Some(large) = value::in_pieces(&key) {
        let total = view.write_part(&key, large, offset, part)?;
        view.tell(Event::SETRANGE, &key);
        reply_length(total, reply);
        return Ok(());
    }
    let current = value::bytes(&key);
    let total = end.max(current.len());
    value::charge_copy(view, total)?;
    view.expect_value(total)?;
    let mut draft = StringDraft::new(key.deadline_ms(), RAW_STRING, total);
    draft.push(current.get(..offset).unwrap_or(current));
    draft.grow(offset);
    draft.push(part);
    draft.push(current.get(end..).unwrap_or_default());
    reply_length(draft.value().len(), reply);
    view.put_string(&key, draft);
    view.tell(Event::SETRANGE, &key);
    Ok(())
}

fn reply_length(bytes: usize, reply: &mut ReplyBuffer) {
    reply.integer(i64::try_from(bytes).unwrap_or(i64::MAX));
}

/// GETRANGE key start end
pub(super) fn getrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (start, end) = (args.integer(2)?, args.integer(3)?);
    let key = value::open_parts(view, args.get(1))?;
    let range = range(value::length(&key), start, end);
    value::charge_copy(view, range.len())?;
    let part = view.string_part(&key, range)?;
    reply.bulk(&part);
    Ok(())
}

/// The bytes from `start` to `end`, both included, of a string of so many, negative ones counted
/// from the end. An `end` before the first byte stands for the first byte, as in Redis 7.2.
fn range(length: usize, start: i64, end: i64) -> Range<usize> {
    if start < 0 && end < 0 && start > end {
        return 0..0;
    }
    let bytes = i64::try_from(length).unwrap_or(i64::MAX);
    let from_start = |index: i64| {
        let index = if index < 0 { index.saturating_add(bytes).max(0) } else { index };
        usize::try_from(index).unwrap_or(usize::MAX)
    };
    let end = from_start(end).saturating_add(1).min(length);
    from_start(start).min(end)..end
}

#[cfg(test)]
mod tests {
    use super::range;
    use crate::testing::TestShard;

    #[test]
    fn sizes_are_limited_without_overflow() {
        let mut shard = TestShard::new();
        shard.settings.proto_max_bulk_len = 10;
        const TOO_LONG: &str = "-ERR string exceeds maximum allowed size (proto-max-bulk-len)";
        assert_eq!(shard.run("SETRANGE a 8 xy"), ":10");
        assert_eq!(shard.run("SETRANGE a 9 xy"), TOO_LONG);
        assert_eq!(shard.run("SETRANGE a 9223372036854775807 x"), TOO_LONG);
        assert_eq!(shard.run("SETRANGE a -1 x"), "-ERR offset is out of range");
        assert_eq!(shard.run("APPEND a x"), TOO_LONG);
        assert_eq!(shard.run("APPEND a \u{0}"), TOO_LONG);
        assert_eq!(shard.run("SETBIT a 80 1"), "-ERR bit offset is not an integer or out of range");
        assert_eq!(shard.run("SETBIT a 79 1"), ":1");
        assert_eq!(shard.run("GETRANGE a 8 -1"), "$2 xy");
    }

    #[test]
    fn parts_are_cut_as_redis_does() {
        for (start, end, expected) in [
            (0, 2, "abc"),
            (0, -1, "abcdef"),
            (-3, -1, "def"),
            (-100, 1, "ab"),
            (2, 100, "cdef"),
            (0, -100, "a"),
            (-100, -100, "a"),
            (-1, -3, ""),
            (6, 7, ""),
            (4, 3, ""),
            (i64::MIN, i64::MAX, "abcdef"),
            (i64::MAX, i64::MAX, ""),
            (i64::MAX, i64::MIN, ""),
            (i64::MIN, i64::MIN, "a"),
        ] {
            assert_eq!(&"abcdef"[range(6, start, end)], expected, "{start} {end}");
            assert_eq!(range(0, start, end), 0..0);
        }
    }
}
