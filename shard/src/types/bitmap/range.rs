//! BITCOUNT and BITPOS: looking at a range of bits.

use super::bits;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::types::string;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("bitcount", -2, bitcount)
        .flags(READONLY)
        .group(Group::Bitmap)
        .since("2.6.0")
        .summary("Counts the bits that are set in the string at a key")
        .complexity("O(N) where N is the length of the range")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::block(
                "range",
                &[
                    Arg::integer("start"),
                    Arg::integer("end"),
                    Arg::one_of("unit", &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")])
                        .since("7.0.0")
                        .optional(),
                ],
            )
            .optional(),
        ]),
    command("bitpos", -3, bitpos)
        .flags(READONLY)
        .group(Group::Bitmap)
        .since("2.8.7")
        .summary("Finds the first set or clear bit of the string at a key")
        .complexity("O(N) where N is the length of the range")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            Arg::key("key", 0),
            Arg::integer("bit"),
            Arg::block(
                "range",
                &[
                    Arg::integer("start"),
                    Arg::block(
                        "end-unit-block",
                        &[
                            Arg::integer("end"),
                            Arg::one_of(
                                "unit",
                                &[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")],
                            )
                            .since("7.0.0")
                            .optional(),
                        ],
                    )
                    .optional(),
                ],
            )
            .optional(),
        ]),
];

const NOT_A_BIT: &str = "ERR The bit argument must be 1 or 0.";

/// Bytes looked at for one unit of work.
const BYTES_PER_UNIT: u64 = 256;

/// What the indices of a range count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Byte,
    Bit,
}

impl Unit {
    fn parse(args: Args<'_>, index: usize) -> Result<Self, CommandError> {
        if args.is(index, "BIT") {
            Ok(Unit::Bit)
        } else if args.is(index, "BYTE") {
            Ok(Unit::Byte)
        } else {
            Err(text::SYNTAX.into())
        }
    }

    /// The first and the last bit of the units `start..=end` of a string, negative ones counted
    /// from its end. `None` when the range is empty.
    fn bits_of(self, value: &[u8], start: i64, end: i64) -> Option<(u64, u64)> {
        let unit_bits = if self == Unit::Bit { 1 } else { 8 };
        let units = i64::try_from(value.len()).ok()?.checked_mul(8 / unit_bits)?;
        let from_start =
            |index: i64| if index < 0 { index.saturating_add(units).max(0) } else { index };
        let (start, end) = (from_start(start), from_start(end).min(units - 1));
        if start > end {
            return None;
        }
        let (first, last) = (start.checked_mul(unit_bits)?, end.checked_mul(unit_bits)?);
        Some((u64::try_from(first).ok()?, u64::try_from(last + unit_bits - 1).ok()?))
    }
}

/// BITCOUNT key [start end [BYTE | BIT]]
pub(super) fn bitcount(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let key = string::open(view, args.get(1))?;
    // Redis 7.2 looks at the other arguments only when there is something to count.
    let Some(value) = string::value(&key) else {
        reply.integer(0);
        return Ok(());
    };
    let (start, end, unit) = match args.len() {
        2 => (0, -1, Unit::Byte),
        4 | 5 => {
            let (start, end) = (args.integer(2)?, args.integer(3)?);
            if start < 0 && end < 0 && start > end {
                reply.integer(0);
                return Ok(());
            }
            let unit = if args.len() == 5 { Unit::parse(args, 4)? } else { Unit::Byte };
            (start, end, unit)
        }
        _ => return Err(text::SYNTAX.into()),
    };
    let count = match unit.bits_of(value, start, end) {
        Some((first, last)) => {
            view.charge((last - first) / 8 / BYTES_PER_UNIT)?;
            bits::count(value, first, last)
        }
        None => 0,
    };
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}

/// BITPOS key bit [start [end [BYTE | BIT]]]
pub(super) fn bitpos(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let bit = match args.integer(2)? {
        0 => false,
        1 => true,
        _ => return Err(NOT_A_BIT.into()),
    };
    let key = string::open(view, args.get(1))?;
    // Nothing is endless zeros. As in Redis 7.2 the other arguments do not matter then.
    let Some(value) = string::value(&key) else {
        reply.integer(if bit { -1 } else { 0 });
        return Ok(());
    };
    if args.len() > 6 {
        return Err(text::SYNTAX.into());
    }
    let start = if args.len() > 3 { args.integer(3)? } else { 0 };
    let unit = if args.len() > 5 { Unit::parse(args, 5)? } else { Unit::Byte };
    let end = if args.len() > 4 { Some(args.integer(4)?) } else { None };
    let Some((first, last)) = unit.bits_of(value, start, end.unwrap_or(-1)) else {
        reply.integer(-1);
        return Ok(());
    };
    view.charge((last - first) / 8 / BYTES_PER_UNIT)?;
    let found = bits::position(value, bit, first, last);
    // Without a stated end the zeros behind the string count too.
    let behind = (!bit && end.is_none()).then_some(last + 1);
    reply.integer(found.or(behind).and_then(|found| i64::try_from(found).ok()).unwrap_or(-1));
    Ok(())
}
