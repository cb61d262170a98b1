//! Hashes.

use crate::command::CommandSpec;
use crate::keyspace::head::{Body, Head};

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[];

/// What OBJECT ENCODING calls the form that a hash is kept in.
pub fn encoding(head: &Head) -> &'static str {
    match head.body {
        Body::Inline(_) => "listpack",
        Body::Large(_) => "hashtable",
    }
}
