//! SETBIT and GETBIT.

use super::{bits, target};
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::head::{Large, RAW_STRING};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::types::string;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("setbit", 4, setbit)
        .flags(WRITE | DENYOOM)
        .group(Group::Bitmap)
        .since("2.2.0")
        .summary("Sets or clears a bit of the string at a key")
        .complexity("O(N) where N is the length of the string")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0), Arg::integer("offset"), Arg::integer("value")]),
    command("getbit", 3, getbit)
        .flags(READONLY | FAST)
        .group(Group::Bitmap)
        .since("2.2.0")
        .summary("Returns a bit of the string at a key")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0), Arg::integer("offset")]),
];

const NOT_A_BIT: &str = "ERR bit is not an integer or out of range";

/// SETBIT key offset value
pub(super) fn setbit(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let offset = target::parse_offset(view, args.get(2), None)?;
    let bit = number::parse_u64(args.get(3)).filter(|bit| *bit <= 1).ok_or(NOT_A_BIT)?;
    let key = string::open_place(view, args.get(1))?;
    if let Some(large) = string::in_pieces(&key) {
        let old = write_bit(view, (&key, large), offset, bit)?;
        reply.integer(old as i64);
        return Ok(());
    }
    let mut draft = target::draft(view, &key, bytes_up_to(offset))?;
    let old = bits::read_field(draft.value(), offset, 1);
    bits::write_field(draft.value_mut(), offset, 1, bit);
    let is_changed = old != bit || target::is_longer(&key, &draft);
    target::put(view, &key, draft);
    view.count_changes(usize::from(is_changed));
    if is_changed {
        view.tell(Event::SETBIT, &key);
    }
    reply.integer(old as i64);
    Ok(())
}

/// Sets a bit of a string in pieces, unless it is the same in every respect.
fn write_bit(
    view: &mut View<'_>,
    (key, large): (&Key, Large),
    offset: u64,
    bit: u64,
) -> Result<u64, CommandError> {
    let end = bytes_up_to(offset);
    let current = view.string_part(key, end - 1..end)?;
    let mut byte = [current.first().copied().unwrap_or_default()];
    let old = bits::read_field(&byte, offset % 8, 1);
    bits::write_field(&mut byte, offset % 8, 1, bit);
    let is_raw = key.head.as_ref().is_some_and(|head| head.flags & RAW_STRING != 0);
    if !is_raw || current[..] != byte {
        view.write_part(key, large, end - 1, &byte)?;
        let is_changed = current[..] != byte;
        view.count_changes(usize::from(is_changed));
        if is_changed {
            view.tell(Event::SETBIT, key);
        }
    }
    Ok(old)
}

/// GETBIT key offset
pub(super) fn getbit(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let offset = target::parse_offset(view, args.get(2), None)?;
    let key = string::open_parts(view, args.get(1))?;
    let end = bytes_up_to(offset);
    let byte = view.string_part(&key, end - 1..end)?;
    reply.integer(bits::read_field(&byte, offset % 8, 1) as i64);
    Ok(())
}

/// Bytes of a string whose last bit is at `offset`.
pub(super) fn bytes_up_to(offset: u64) -> usize {
    usize::try_from(offset / 8).map_or(usize::MAX, |byte| byte.saturating_add(1))
}
