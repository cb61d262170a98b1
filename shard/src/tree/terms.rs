//! What the files of the tree have words for: orders, ends, limits, and damage.

/// What is wrong with the records of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damaged(pub &'static str);

/// What entries are in order of. Keys compare as byte strings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Of nothing: they stand where they were put, and are found by rank alone.
    Rank,
    /// Of themselves.
    Entry,
    /// Of so many bytes at their beginning.
    Prefix(usize),
}

impl Order {
    /// The key of an entry.
    #[inline]
    pub fn key(self, entry: &[u8]) -> &[u8] {
        match self {
            Order::Rank => &[],
            Order::Entry => entry,
            Order::Prefix(bytes) => entry.get(..bytes).unwrap_or(entry),
        }
    }
}

/// An end of a collection, and the direction towards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Where ranks begin.
    Front,
    /// Where they end.
    Back,
}

/// How big nodes may become.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of a leaf's record, unless it has only one entry.
    pub leaf_bytes: usize,
    /// Children of an inner node: 4 to 255.
    pub children: usize,
    /// Bytes of an inner node's separators, unless it has few children.
    pub separator_bytes: usize,
}

impl Limits {
    /// The limits of every tree that is not told others.
    pub const NORMAL: Limits = Limits { leaf_bytes: 512, children: 64, separator_bytes: 2048 };
}

/// What is less than this part of a limit is too little.
pub(super) fn too_little(limit: usize) -> usize {
    limit / 4
}

/// What two nodes may have together to become one.
pub(super) fn joined_max(limit: usize) -> usize {
    limit / 4 * 3
}
