//! Bitmaps: commands on the bits of plain strings. Bit 0 is the highest bit of the first byte, and
//! beyond the last byte all bits are 0.

mod bits;
mod field;
mod operation;
mod range;
mod single;
mod target;

use crate::command::Command;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[single::ROWS, range::ROWS, operation::ROWS, field::ROWS];
