//! Ordered collections with counts: the n-th entry, how many stand before one, a range from here,
//! changes anywhere, all in a number of small records that grows with the logarithm of the length.
//! Lists (by index), sorted sets (by score and member) and streams (by id) stand on it.
//!
//! ```text
//!  root (in the collection's head)   height 2 · first leaf: 3 entries · last leaf: 2 entries
//!      │
//!      ▼            shape: who is below, and what tells them apart      counts: entries below
//!  inner 7          [ inner 5 | "m" | inner 6 ]                         [ 5 | 4 ]
//!                        │             │
//!      ┌─────────────────┘             └───────────┐
//!  inner 5  [ leaf 1 | "d" | leaf 2 ]          inner 6  [ leaf 3 | "t" | leaf 4 ]
//!           [ 0 | 5 ]                                   [ 4 | 0 ]
//!      ┌─────────┴───┐                             ┌───────┴──────┐
//!  leaf 1        leaf 2                        leaf 3          leaf 4
//!  a b c         d e g h k                     m n o s         t z
//!  ▲ the first                                                 ▲ the last: their entries are
//!                                                                counted in the root alone
//! ```
//!
//! A B+-tree whose nodes are records, found by the numbers of the nodes: everything is a point
//! read, most of them from the hot cache. Nothing ever iterates over the storage engine, so nothing
//! walks over what was deleted: a queue through which a hundred million entries went is as fast as
//! a new one.
//!
//! - **A leaf** is one record of some 512 bytes with its entries in order. An entry that is longer
//!   has a leaf of its own.
//! - **An inner node** has up to 64 children and two records: its *shape*, which changes only when
//!   a child comes or goes, and its *counts*. So a change in the middle writes a leaf and small
//!   counts, and not the shapes of all nodes above.
//! - **The entries of the first and the last leaf are counted in the root**, and as 0 in the counts
//!   above them: a push or pop at an end reads and writes one leaf, whatever the height.
//! - **Separators are shortened**: a child's separator is as short as it can be, greater than all
//!   keys before and not greater than any in the child.
//! - Nodes that become empty go. One that falls below a quarter is merged with a neighbour if
//!   both fit three quarters, so that coming and going does not split and merge by turns. The first
//!   and the last leaf are left as they are while they empty: a queue never merges.
//! - Where a tree grows at an end, nodes are split there and not in the middle: what was pushed
//!   in order stands in full leaves.
//!
//! Names of the records, behind what the caller puts in front of them (the record key of a large
//! collection's elements):
//!
//! ```text
//! leaf     1 | number of the node (6, big-endian)
//! inner    2 | number of the node (6, big-endian) | 1: its shape · 2: its counts
//! ```
//!
//! so that on the disk the inner nodes stand together, apart from the leaves, and what is read
//! together is side by side. Numbers are never used twice: at a million new leaves a second they
//! last nine years.
//!
//! `leaf`, `inner`, `root` and `names` are the formats; `read` and `cursor` find and walk; `write`
//! changes one place, `reshape` what is above it, `removal` takes ranges out; `build` makes a tree
//! of what comes in order. A tree writes only through its [`Nodes`]; after an error it is not to be
//! used again, and what it wrote is to be thrown away. Nothing that is read is trusted: what cannot
//! be is [`Damaged`]. Levels count down on every way down, so that there is an end to it whatever
//! the records say.

mod build;
mod cursor;
mod inner;
pub mod leaf;
mod names;
mod nodes;
mod read;
mod removal;
mod reshape;
mod root;
mod terms;
mod write;

pub use build::Builder;
pub use cursor::Cursor;
pub use nodes::Nodes;
pub use read::Sought;
pub use root::RootBytes;
pub use terms::{Damaged, Limits, Order, Side};

use root::Root;

/// An ordered collection with counts; see the module.
#[derive(Clone, Debug)]
pub struct Tree {
    order: Order,
    limits: Limits,
    root: Root,
}

impl Tree {
    /// A collection without entries.
    pub fn new(order: Order) -> Self {
        Self { order, limits: Limits::NORMAL, root: Root::default() }
    }

    /// The collection of `len` entries with `entry_bytes` in all whose root was kept.
    pub fn open(order: Order, root: &[u8], len: u64, entry_bytes: u64) -> Result<Self, Damaged> {
        Ok(Self { order, limits: Limits::NORMAL, root: Root::decode(root, len, entry_bytes)? })
    }

    /// A collection that stands in a single leaf, which is its only record: of so many entries with
    /// `entry_bytes` in all.
    pub fn of_leaf(order: Order, len: u64, entry_bytes: u64) -> Self {
        let root = Root { node: 1, last_id: 1, records: 1, len, entry_bytes, ..Root::default() };
        Self { order, limits: Limits::NORMAL, root }
    }

    /// The same with other limits: with small ones a few entries make many levels.
    #[must_use]
    pub fn with_limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// What is to be kept of it beside its number of entries and their bytes: a few dozen bytes,
    /// others after every change.
    pub fn root(&self) -> RootBytes {
        self.root.encode()
    }

    /// Number of entries.
    pub fn len(&self) -> u64 {
        self.root.len
    }

    /// Whether there are no entries, and so no records.
    pub fn is_empty(&self) -> bool {
        self.root.len == 0
    }

    /// Bytes of all entries. Exact until a range is removed whose leaves were not looked at: these
    /// count as average ones.
    pub fn entry_bytes(&self) -> u64 {
        self.root.entry_bytes
    }

    /// Number of records.
    pub fn records(&self) -> u64 {
        self.root.records
    }
}

#[cfg(test)]
mod tests;
