//! The root: what of a tree is kept in the head of its collection. Format version 1.
//!
//! ```text
//! byte 0   format version
//! byte 1   height: how many levels of inner nodes there are
//! then     varints: number of the topmost node (0: no entries) | next number to be given | records
//! then     with a height above 0, varints: number of the first leaf | its entries |
//!          number of the last leaf | its entries
//! ```
//!
//! The number of entries and their bytes stand in the head anyway.

use smallvec::SmallVec;

use super::names::{IDS_END, NodeId};
use super::terms::{Damaged, Side};
use crate::types::packed;

const FORMAT: u8 = 1;

/// A tree of nodes that are as empty as they may be has fewer levels.
pub(super) const HEIGHT_MAX: u8 = 32;

/// A root in its encoding.
pub type RootBytes = SmallVec<[u8; 48]>;

/// The first or the last leaf of a tree. Its entries are counted here and as 0 above it. Where the
/// topmost node is a leaf there is no such.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) leaf: NodeId,
    pub(super) count: u64,
}

impl Edge {
    pub(super) fn is_none(&self) -> bool {
        self.leaf == 0
    }
}

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Root {
    /// The topmost node.
    pub(super) node: NodeId,
    pub(super) height: u8,
    /// The number that was given last.
    pub(super) last_id: NodeId,
    pub(super) records: u64,
    pub(super) first: Edge,
    pub(super) last: Edge,
    pub(super) len: u64,
    pub(super) entry_bytes: u64,
}

impl Root {
    pub(super) fn edge(&self, side: Side) -> Edge {
        match side {
            Side::Front => self.first,
            Side::Back => self.last,
        }
    }

    pub(super) fn edge_mut(&mut self, side: Side) -> &mut Edge {
        match side {
            Side::Front => &mut self.first,
            Side::Back => &mut self.last,
        }
    }

    /// The end at which a leaf stands.
    pub(super) fn side_of(&self, leaf: NodeId) -> Option<Side> {
        [Side::Front, Side::Back].into_iter().find(|side| self.edge(*side).leaf == leaf)
    }

    /// The leaf `leaf` is counted above it from now on.
    pub(super) fn forget_edge(&mut self, leaf: NodeId) {
        if let Some(side) = self.side_of(leaf) {
            *self.edge_mut(side) = Edge::default();
        }
    }

    /// A number for a new node.
    pub(super) fn new_id(&mut self) -> Result<NodeId, Damaged> {
        let id = self.last_id + 1;
        if id >= IDS_END {
            return Err(Damaged("no numbers are left"));
        }
        self.last_id = id;
        Ok(id)
    }

    pub(super) fn encode(&self) -> RootBytes {
        let mut record = RootBytes::new();
        record.extend_from_slice(&[FORMAT, self.height]);
        let top = [self.node, self.last_id + 1, self.records];
        let edges = [self.first, self.last].map(|edge| [edge.leaf, edge.count]);
        let edges = edges.as_flattened().iter().filter(|_| self.height > 0);
        for number in top.iter().chain(edges) {
            packed::push_number(&mut record, *number);
        }
        record
    }

    pub(super) fn decode(record: &[u8], len: u64, entry_bytes: u64) -> Result<Self, Damaged> {
        let Some((&[format, height], mut rest)) = record.split_first_chunk::<2>() else {
            return Err(Damaged("a root is cut off"));
        };
        if format != FORMAT {
            return Err(Damaged("a root of unknown format"));
        }
        let mut next = || {
            let (number, behind) =
                packed::split_number(rest).ok_or(Damaged("a root is cut off"))?;
            rest = behind;
            Ok(number)
        };
        let (node, next_id, records) = (next()?, next()?, next()?);
        let (mut first, mut last) = (Edge::default(), Edge::default());
        if height > 0 {
            first = Edge { leaf: next()?, count: next()? };
            last = Edge { leaf: next()?, count: next()? };
        }
        if !rest.is_empty() {
            return Err(Damaged("a root is too long"));
        }
        let at_ends = first.count.checked_add(last.count);
        let is_sound = height < HEIGHT_MAX
            && (node == 0) == (len == 0)
            && (height == 0 || first.count > 0 && last.count > 0 && first.leaf != last.leaf)
            && (height > 0) == (first.leaf > 0 && last.leaf > 0)
            && at_ends.is_some_and(|count| count <= len)
            && [node, first.leaf, last.leaf].iter().all(|id| *id < next_id)
            && (1..=IDS_END).contains(&next_id)
            && (len > 0 || height == 0)
            && len <= i64::MAX as u64;
        if !is_sound {
            return Err(Damaged("a root contradicts itself"));
        }
        Ok(Self { node, height, last_id: next_id - 1, records, first, last, len, entry_bytes })
    }
}
