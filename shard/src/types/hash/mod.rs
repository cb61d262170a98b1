//! Hashes: fields with a value each, in one of two forms.
//!
//! ```text
//! small   head record    … | the pairs inline, in the order in which they came (see `encoding`)
//!
//! large   head record    … | version | number of fields | bytes of fields and values
//!         element        … key | version | position (8, big-endian) | field …   →   value
//! ```
//!
//! `position` is `layout::hash` of the field: it spreads fields evenly whatever they are called,
//! so that one can be drawn at random, and HSCAN's cursor is a position.
//!
//! - A hash is small up to `hash-max-listpack-entries` fields of `hash-max-listpack-value` bytes;
//!   beyond that it is large, and stays so until the key is deleted or overwritten.
//! - There is no hash without fields: with the last one the key goes.
//! - The head of a large hash counts exactly, and is written with every change of an element.
//! - Elements of a version that no head names are nobody's: deleting and overwriting a large hash
//!   costs nothing, and a compaction filter drops them later.
//!
//! `store` is the hash that the commands work on; `commands`, `counters`, `scan` and `random` are
//! the commands; `dump` is what DUMP and RESTORE need of it.

mod commands;
mod counters;
mod dump;
mod encoding;
mod random;
mod scan;
mod store;

use crate::command::Command;
use crate::keyspace::head::{Body, Head};

pub use dump::{dump, restore};
pub use store::Hash;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[commands::ROWS, counters::ROWS, scan::ROWS, random::ROWS];

/// What OBJECT ENCODING calls the form that a hash is kept in.
pub fn encoding(head: &Head) -> &'static str {
    match head.body {
        Body::Inline(_) => "listpack",
        Body::Large(..) => "hashtable",
    }
}

#[cfg(test)]
mod tests;
