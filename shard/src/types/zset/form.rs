//! What the head of a large sorted set has of its tree ([`crate::tree`]).
//!
//! ```text
//! head   … | version | number of entries | bytes of entries | extension, version 1: the root
//! ```

use crate::engine::EngineError;
use crate::error::CommandError;
use crate::keyspace::head::{Extension, Head, Kind, Large};
use crate::tree::{Order, Tree};

/// Version of the extension.
const VERSION: u8 = 1;

fn corrupted(what: &str) -> CommandError {
    EngineError::Corrupted(format!("sorted set: {what}")).into()
}

/// The tree of a set, out of its head.
pub(super) fn open(large: &Large, extension: &Extension) -> Result<Tree, CommandError> {
    match extension.get() {
        Some((VERSION, root)) => Ok(Tree::open(Order::Entry, root, large.count, large.bytes)?),
        Some(_) => Err(corrupted("unknown extension")),
        None => Err(corrupted("no root")),
    }
}

/// The head of a set whose records stand under `version`.
pub(super) fn head(version: u64, tree: &Tree) -> Result<Head, CommandError> {
    let extension = Extension::new(VERSION, &tree.root()).ok_or_else(|| corrupted("long root"))?;
    let large = Large { version, count: tree.len(), bytes: tree.entry_bytes() };
    Ok(Head::extended(Kind::SortedSet, large, extension))
}
