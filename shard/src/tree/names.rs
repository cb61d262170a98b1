//! The numbers of nodes, and the names of their records.

use smallvec::SmallVec;

/// The number of a node, never 0.
pub(super) type NodeId = u64;

/// Bytes of a number.
pub(super) const ID_BYTES: usize = 6;
/// Numbers are less than this.
pub(super) const IDS_END: NodeId = 1 << (8 * ID_BYTES);

/// Which of a node's records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Leaf,
    Shape,
    Counts,
}

/// The first byte of a name: of leaves, and of inner nodes.
const LEAF: u8 = 1;
const INNER: u8 = 2;

/// The name of a node's record.
pub(super) type Name = SmallVec<[u8; 8]>;

/// See the tree.
pub(super) fn name(part: Part, id: NodeId) -> Name {
    let (tag, record) = match part {
        Part::Leaf => (LEAF, None),
        Part::Shape => (INNER, Some(1)),
        Part::Counts => (INNER, Some(2)),
    };
    let [_, _, id @ ..] = id.to_be_bytes();
    let mut name = Name::new();
    name.push(tag);
    name.extend_from_slice(&id);
    name.extend(record);
    name
}
