//! Sorted sets: members in order of their scores, and of their bytes where scores are the same.
//!
//! ```text
//! small   head record    … | the entries inline, in order: a leaf of a tree    (see `small`)
//!
//! large   head record    … | version | number of entries | their bytes | root  (see `form`)
//!         nodes          … key | version | 1 or 2 …                            (see `tree`)
//!         score          … key | version | 3 | position (8, big-endian) | member …   →   score (8)
//!
//! entry                  score (8) | member …                                  (see `score`)
//! ```
//!
//! A score is written so that its bytes compare as the numbers do, and entries as byte strings are
//! in the order of the set. `position` is `layout::hash` of the member: ZSCAN's cursor is one.
//!
//! - A sorted set is small up to `zset-max-listpack-entries` members of `zset-max-listpack-value`
//!   bytes; beyond that it is large, and stays so until the key is deleted or overwritten.
//! - There is no sorted set without members: with the last one the key goes.
//! - Zero has no sign in a sorted set, as in Redis's small ones.
//!
//! `store` is the sorted set that the commands work on, over `records`; `bounds` is what they say
//! about a range, and `span` which ranks that is. `add`, `read`, `remove`, `pop`, `range`, `random`
//! and `scan` are the commands on one set; those on several are in `combine`, which reads
//! `source`s. `draft` is a set that becomes of others, and `dump` one on its way out or in.

mod add;
mod answer;
mod bounds;
mod combine;
mod combine_rows;
mod draft;
mod dump;
mod form;
mod pop;
mod random;
mod range;
mod range_rows;
mod read;
mod records;
mod remove;
mod scan;
mod score;
mod small;
mod source;
mod span;
mod store;

use crate::command::Command;
use crate::keyspace::head::{Body, Head};

pub use add::{Options, add_members};
pub use draft::store;
pub use dump::{dump, restore};
pub use store::SortedSet;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[
    add::ROWS,
    read::ROWS,
    range_rows::ROWS,
    remove::ROWS,
    pop::ROWS,
    random::ROWS,
    scan::ROWS,
    combine_rows::ROWS,
];

/// What OBJECT ENCODING calls the form that a sorted set is kept in.
pub fn encoding(head: &Head) -> &'static str {
    match head.body {
        Body::Inline(_) => "listpack",
        Body::Large(..) => "skiplist",
    }
}

#[cfg(test)]
mod tests;
