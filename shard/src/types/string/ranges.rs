//! Parts of strings. What these commands write into stays `raw` for OBJECT ENCODING.

use super::value;
use crate::command::Args;
use crate::error::{CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::RAW_STRING;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// APPEND key value
pub(super) fn append(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let suffix = args.get(2);
    let key = value::open(view, args.get(1))?;
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
    reply_length(draft.value(), reply);
    view.put_string(&key, draft);
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
    let key = value::open(view, args.get(1))?;
    let current = value::bytes(&key);
    if part.is_empty() {
        reply_length(current, reply);
        return Ok(());
    }
    let end = value::check_length(view, offset, part.len())?;
    let total = end.max(current.len());
    value::charge_copy(view, total)?;
    view.expect_value(total)?;
    let mut draft = StringDraft::new(key.deadline_ms(), RAW_STRING, total);
    draft.push(current.get(..offset).unwrap_or(current));
    draft.grow(offset);
    draft.push(part);
    draft.push(current.get(end..).unwrap_or_default());
    reply_length(draft.value(), reply);
    view.put_string(&key, draft);
    Ok(())
}

fn reply_length(value: &[u8], reply: &mut ReplyBuffer) {
    reply.integer(i64::try_from(value.len()).unwrap_or(i64::MAX));
}

/// GETRANGE key start end
pub(super) fn getrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (start, end) = (args.integer(2)?, args.integer(3)?);
    let key = value::open(view, args.get(1))?;
    let current = value::bytes(&key);
    let part = part(current, start, end);
    value::charge_copy(view, part.len())?;
    reply.bulk(part);
    Ok(())
}

/// The bytes from `start` to `end`, both included, negative ones counted from the end. An `end`
/// before the first byte stands for the first byte, as in Redis 7.2.
fn part(value: &[u8], start: i64, end: i64) -> &[u8] {
    if start < 0 && end < 0 && start > end {
        return &[];
    }
    let bytes = i64::try_from(value.len()).unwrap_or(i64::MAX);
    let from_start = |index: i64| {
        let index = if index < 0 { index.saturating_add(bytes).max(0) } else { index };
        usize::try_from(index).unwrap_or(usize::MAX)
    };
    let end = from_start(end).saturating_add(1).min(value.len());
    value.get(from_start(start)..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::part;
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
            assert_eq!(part(b"abcdef", start, end), expected.as_bytes(), "{start} {end}");
            assert_eq!(part(b"", start, end), b"");
        }
    }
}
