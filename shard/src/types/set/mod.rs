//! Sets: members, in one of three forms.
//!
//! ```text
//! integers   head record    … | the integers inline, in their order         (see `integers`)
//! packed     head record    … | the members inline, in the order in which they came (`encoding`)
//!
//! large      head record    … | version | number of members | bytes of members
//!            element        … key | version | position (8, big-endian) | member …   →   (empty)
//! ```
//!
//! A member's `position` is its hash: see `types::hashed`.
//!
//! - A set that begins with an integer holds integers, up to `set-max-intset-entries`. Another
//!   member makes it packed, if it is short enough.
//! - It is packed up to `set-max-listpack-entries` members of `set-max-listpack-value` bytes.
//!   Beyond that it is large, and stays so until the key is deleted or overwritten, or SPOP takes
//!   nearly all of it.
//! - There is no set without members: with the last one the key goes.
//! - The head of a large set counts exactly, and is written with every change of an element.
//!
//! `store` is the set that the commands work on, `form` when it changes its form. `commands`,
//! `pop`, `random` and `scan` are the commands on one set. Those on several are in `combine`: what
//! they find out is in `algebra`, over large sets with the help of `merge`, and `draft` is the set
//! that becomes of it.

mod algebra;
mod combine;
mod commands;
mod draft;
mod dump;
mod encoding;
mod form;
mod integers;
mod merge;
mod pop;
mod random;
mod scan;
mod store;

use crate::command::Command;
use crate::keyspace::head::{Body, Head};

pub use dump::{dump, restore};
pub use store::Set;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] =
    &[commands::ROWS, pop::ROWS, random::ROWS, scan::ROWS, combine::ROWS];

/// What OBJECT ENCODING calls the form that a set is kept in.
pub fn encoding(head: &Head) -> &'static str {
    match &head.body {
        Body::Inline(bytes) if integers::is_form_of(bytes) => "intset",
        Body::Inline(_) => "listpack",
        Body::Large(..) => "hashtable",
    }
}

#[cfg(test)]
mod tests;
