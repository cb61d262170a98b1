//! Where a tree's records are, and reading them.

use bytes::Bytes;

use super::inner::{Counts, Shape};
use super::leaf::Leaf;
use super::names::{NodeId, Part, name};
use super::terms::Damaged;

/// The records of one tree.
pub trait Nodes {
    /// Why a record cannot be had.
    type Error: From<Damaged>;

    /// The record with this name, as it was put last.
    fn get(&mut self, name: &[u8]) -> Result<Option<Bytes>, Self::Error>;

    /// Sets the record with this name.
    fn put(&mut self, name: &[u8], record: Bytes);

    /// Deletes the record with this name, which there is.
    fn delete(&mut self, name: &[u8]);
}

fn record<N: Nodes>(nodes: &mut N, part: Part, id: NodeId) -> Result<Bytes, N::Error> {
    let missing = match part {
        Part::Leaf => "a leaf is missing",
        Part::Shape => "a shape is missing",
        Part::Counts => "counts are missing",
    };
    nodes.get(&name(part, id))?.ok_or_else(|| Damaged(missing).into())
}

pub(super) fn leaf<N: Nodes>(nodes: &mut N, id: NodeId) -> Result<Leaf, N::Error> {
    Ok(Leaf::decode(record(nodes, Part::Leaf, id)?)?)
}

/// The shape of the node `id`, which stands so many levels above the leaves.
pub(super) fn shape<N: Nodes>(nodes: &mut N, id: NodeId, level: u8) -> Result<Shape, N::Error> {
    Ok(Shape::decode(record(nodes, Part::Shape, id)?, level)?)
}

pub(super) fn counts<N: Nodes>(nodes: &mut N, id: NodeId) -> Result<Counts, N::Error> {
    Ok(Counts::decode(record(nodes, Part::Counts, id)?)?)
}
