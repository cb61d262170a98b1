//! Strings. The value stands in the head record as it is; see `keyspace::head`.
//!
//! A command that makes a new value writes it through [`StringDraft`], straight into the record.
//! Values are replaced as a whole, whatever part of them changes; but of a big one that stands in
//! pieces (`keyspace::pieces`) only those that change.
//!
//! [`StringDraft`]: crate::keyspace::draft::StringDraft

mod compare;
mod counters;
mod dump;
mod encoding;
mod expiry;
mod get;
mod lcs;
mod many;
mod options;
mod ranges;
mod set;
mod value;

#[cfg(test)]
mod tests;

use crate::command::Command;

pub use dump::{dump, restore};
pub use encoding::encoding;
pub(crate) use value::{
    bytes, charge_copy, in_pieces, length, open, open_parts, open_place, value,
};

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] =
    &[get::ROWS, set::ROWS, compare::ROWS, many::ROWS, ranges::ROWS, counters::ROWS, lcs::ROWS];
