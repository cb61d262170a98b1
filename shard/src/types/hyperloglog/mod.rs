//! HyperLogLogs: estimates of how many different elements were added. They are strings, in Redis's
//! own format, so that GET and SET move them from one server to another.
//!
//! ```text
//! 4 bytes    "HYLL"
//! 1 byte     0 dense · 1 sparse
//! 3 bytes    unused
//! 8 bytes    the estimate when it was last asked for, little-endian; top bit set: not any more
//! rest       16384 registers of 6 bits (`dense`), or runs of equal ones (`sparse`)
//! ```
//!
//! An element's hash (`murmur`) names a register by its low 14 bits; the register holds the
//! greatest number of zeros, plus one, that stood below the lowest one in the other bits.
//!
//! Anybody may SET any bytes, so nothing in them is trusted: what has no such front is no
//! HyperLogLog, what does not have registers in the right number is a corrupted one.
//!
//! `sketch` is the string as the commands see it, `estimate` what its registers say, `commands` and
//! `debug` are the commands.

mod commands;
mod debug;
mod dense;
mod estimate;
mod murmur;
mod size;
mod sketch;
mod sparse;

use crate::command::Command;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[commands::ROWS, debug::ROWS];

#[cfg(test)]
mod tests;
