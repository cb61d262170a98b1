//! Lists: elements in the order in which they were put, in one of two forms.
//!
//! ```text
//! small   head record    … | a leaf with all entries, inline
//!
//! large   head record    … | version | elements | their bytes | extension (see `encoding`)
//!         element        … key | version | name of a tree's node         →   the node
//!         element        … key | version | 3 | number (8) | piece (4)    →   a piece of a long
//!                                                                            element
//! ```
//!
//! - Both forms are a counted tree ([`crate::tree`]); a small list is one of a single leaf, which
//!   stands in the head. A list is small as long as that has [`store::SMALL_BYTES_MAX`] bytes at
//!   most: a change of a small list writes all of it, and one of a large list a leaf and the head.
//! - A large list stays one until its last element goes, and the key with it.
//! - What is pushed and popped at an end touches the leaf there, however long the list is and
//!   whatever was deleted.
//! - **Long elements stand apart**, in pieces of their own, and the tree has an entry in the place
//!   of each that says how long it is. So nodes stay short; who looks for a value passes over
//!   elements of another length without reading them; and room for one is reserved before it is
//!   read.
//! - OBJECT ENCODING tells what Redis would make of a list of this size under
//!   `list-max-listpack-size`; it says nothing about the form here. That a list has outgrown the
//!   directive is kept in the extension, as Redis goes back only when a list fits half of it.
//! - Elements of a version that no head names are nobody's: deleting and overwriting a large list
//!   costs nothing, nor does trimming one to a small part of it, which gets a new version.
//!
//! `store` is the list that the commands work on, `walk` goes through its elements, `cut` takes
//! many of them out, `apart` has the long ones; `encoding` and `limits` are what stands on disk and
//! what Redis's directive means. `ends`, `read`, `change` and `transfer` are the commands, `dump`
//! is for DUMP and RESTORE.

mod apart;
mod change;
mod cut;
mod dump;
mod encoding;
mod ends;
mod limits;
mod read;
mod store;
mod transfer;
mod walk;

use crate::command::Command;
use crate::keyspace::head::{Body, Head};

use encoding::Extra;

pub use dump::{dump, restore};
pub use store::List;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[ends::ROWS, read::ROWS, change::ROWS, transfer::ROWS];

/// What OBJECT ENCODING calls a list that is kept in this head.
pub fn encoding(head: &Head) -> &'static str {
    match &head.body {
        Body::Large(large, extension) => match Extra::decode(large, extension) {
            Ok(extra) if !extra.is_long => "listpack",
            _ => "quicklist",
        },
        Body::Inline(_) => "listpack",
    }
}

/// Number of records beside the head.
pub fn records(head: &Head) -> u64 {
    match &head.body {
        Body::Large(large, extension) => {
            Extra::decode(large, extension).map_or(large.count, |extra| extra.records())
        }
        Body::Inline(_) => 0,
    }
}

#[cfg(test)]
mod tests;
