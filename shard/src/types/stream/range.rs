//! XLEN, XRANGE and XREVRANGE.

use std::ops::ControlFlow;

use super::id::{StreamId, parse_end, parse_start};
use super::store::Stream;
use crate::command::Args;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

/// XLEN key
pub(super) fn xlen(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let len = Stream::open(view, args.get(1))?.map_or(0, |stream| stream.len());
    reply.integer(len.cast_signed());
    Ok(())
}

/// XRANGE key start end [COUNT count]
pub(super) fn xrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Side::Back, reply)
}

/// XREVRANGE key end start [COUNT count]
pub(super) fn xrevrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Side::Front, reply)
}

fn range(
    view: &mut View<'_>,
    args: Args<'_>,
    toward: Side,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (start, end) = if toward == Side::Back { (2, 3) } else { (3, 2) };
    let ids = (parse_start(args.get(start))?, parse_end(args.get(end))?);
    let mut count = None;
    for index in (4..args.len()).step_by(2) {
        if !args.is(index, "count") || index + 1 == args.len() {
            return Err(text::SYNTAX.into());
        }
        let given = args.integer(index + 1)?;
        count = Some(u64::try_from(given).unwrap_or(0));
    }
    match Stream::open(view, args.get(1))? {
        None => reply.array(0),
        Some(_) if count == Some(0) => reply.null_array(),
        Some(stream) => {
            let header = reply.deferred_array();
            let len = write(view, &stream, ids, toward, count.unwrap_or(u64::MAX), reply)?;
            reply.finish_array(header, len);
        }
    }
    Ok(())
}

/// Answers with entries, but for the header; how many they are.
pub(super) fn write(
    view: &mut View<'_>,
    stream: &Stream,
    ids: (StreamId, StreamId),
    toward: Side,
    count: u64,
    reply: &mut ReplyBuffer,
) -> Result<usize, CommandError> {
    let mut len = 0;
    stream.range(view, ids, toward, |entry| {
        entry.write(reply)?;
        len += 1;
        Ok(goes_on(len, count, reply))
    })?;
    Ok(len)
}

/// Whether there is room for another entry in a reply of so many, of which `count` are wanted.
pub(super) fn goes_on(len: usize, count: u64, reply: &ReplyBuffer) -> ControlFlow<()> {
    if len as u64 >= count { ControlFlow::Break(()) } else { reply.goes_on() }
}
