//! SETBIT and GETBIT.

use super::{bits, target};
use crate::command::Args;
use crate::error::CommandResult;
use crate::number;
use crate::resp::ReplyBuffer;
use crate::types::string;
use crate::view::View;

const NOT_A_BIT: &str = "ERR bit is not an integer or out of range";

/// SETBIT key offset value
pub(super) fn setbit(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let offset = target::parse_offset(view, args.get(2), None)?;
    let bit = number::parse_u64(args.get(3)).filter(|bit| *bit <= 1).ok_or(NOT_A_BIT)?;
    let key = string::open(view, args.get(1))?;
    let mut draft = target::draft(view, &key, bytes_up_to(offset))?;
    let old = bits::read_field(draft.value(), offset, 1);
    bits::write_field(draft.value_mut(), offset, 1, bit);
    target::put(view, &key, draft);
    reply.integer(old as i64);
    Ok(())
}

/// GETBIT key offset
pub(super) fn getbit(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let offset = target::parse_offset(view, args.get(2), None)?;
    let key = string::open(view, args.get(1))?;
    let current = string::bytes(&key);
    reply.integer(bits::read_field(current, offset, 1) as i64);
    Ok(())
}

/// Bytes of a string whose last bit is at `offset`.
pub(super) fn bytes_up_to(offset: u64) -> usize {
    usize::try_from(offset / 8).map_or(usize::MAX, |byte| byte.saturating_add(1))
}
