//! Finding entries: by rank and by key, and the ways down to leaves.

use bytes::Bytes;
use smallvec::SmallVec;

use super::Tree;
use super::inner::{Counts, Shape};
use super::names::NodeId;
use super::nodes::{self, Nodes};
use super::terms::Side;

/// Where to go on the way down.
#[derive(Clone, Copy)]
pub(super) enum Aim<'k> {
    /// To the leaf that has the entry with so many before it, those of the first leaf not counted;
    /// it is neither in the first nor in the last leaf.
    Rank(u64),
    /// To the leaf that has a key, or would.
    Key(&'k [u8]),
    /// To the first or the last leaf.
    Side(Side),
}

/// A node on the way down to a leaf.
pub(super) struct Step {
    pub(super) id: NodeId,
    pub(super) shape: Shape,
    /// Read already.
    pub(super) counts: Option<Counts>,
    /// The child where the way goes on.
    pub(super) index: usize,
}

/// The nodes above a leaf, the topmost first.
pub(super) type Steps = SmallVec<[Step; 5]>;

/// A way down to a leaf.
pub(super) struct Path {
    pub(super) steps: Steps,
    pub(super) leaf: NodeId,
    /// Of a way by rank: entries before the wanted one in the leaf.
    pub(super) rest: u64,
}

/// Where a key stands, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sought {
    /// Number of entries with lesser keys.
    pub rank: u64,
    /// Whether there is an entry with this very key.
    pub is_found: bool,
}

impl Tree {
    /// The entry with so many others before it.
    pub fn get<N: Nodes>(&self, nodes: &mut N, rank: u64) -> Result<Option<Bytes>, N::Error> {
        if rank >= self.root.len {
            return Ok(None);
        }
        let (leaf, index) = match self.at_an_end(rank) {
            Some((leaf, index, _)) => (leaf, index),
            None => {
                let (mut id, mut rest) = (self.root.node, rank - self.root.first.count);
                for level in (1..=self.root.height).rev() {
                    let index;
                    (index, rest) = nodes::counts(nodes, id)?.find(rest)?;
                    id = nodes::shape(nodes, id, level)?.id(index)?;
                }
                (id, rest)
            }
        };
        let leaf = nodes::leaf(nodes, leaf)?;
        let item = leaf.item(index)?;
        Ok(Some(leaf.share(&item)))
    }

    /// Finds a key, and how many entries stand before it.
    pub fn seek<N: Nodes>(&self, nodes: &mut N, key: &[u8]) -> Result<Sought, N::Error> {
        if self.is_empty() {
            return Ok(Sought { rank: 0, is_found: false });
        }
        let (mut id, mut rank) = (self.root.node, 0u64);
        for level in (1..=self.root.height).rev() {
            let shape = nodes::shape(nodes, id, level)?;
            let index = shape.find(key)?;
            if index > 0 {
                rank = rank.saturating_add(nodes::counts(nodes, id)?.before(index)?);
            }
            id = shape.id(index)?;
        }
        if id != self.root.first.leaf {
            rank = rank.saturating_add(self.root.first.count);
        }
        let leaf = nodes::leaf(nodes, id)?;
        let position = leaf.seek(self.order, key)?;
        Ok(Sought { rank: rank.saturating_add(position.index), is_found: position.found.is_some() })
    }

    /// The entry with a key.
    pub fn find<N: Nodes>(&self, nodes: &mut N, key: &[u8]) -> Result<Option<Bytes>, N::Error> {
        if self.is_empty() {
            return Ok(None);
        }
        let mut id = self.root.node;
        for level in (1..=self.root.height).rev() {
            let shape = nodes::shape(nodes, id, level)?;
            id = shape.id(shape.find(key)?)?;
        }
        let leaf = nodes::leaf(nodes, id)?;
        let position = leaf.seek(self.order, key)?;
        Ok(position.found.map(|item| leaf.share(&item)))
    }

    /// Number of entries with keys from `from` on and before `to`.
    pub fn count_between<N: Nodes>(
        &self,
        nodes: &mut N,
        from: &[u8],
        to: &[u8],
    ) -> Result<u64, N::Error> {
        if from >= to {
            return Ok(0);
        }
        let to = self.seek(nodes, to)?.rank;
        Ok(to.saturating_sub(self.seek(nodes, from)?.rank))
    }

    /// The leaf of an entry, how many others are before it there, and where that leaf is, if it is
    /// the first or the last one or the only one.
    #[inline]
    pub(super) fn at_an_end(&self, rank: u64) -> Option<(NodeId, u64, Option<Side>)> {
        let root = &self.root;
        if root.height == 0 {
            return Some((root.node, rank, None));
        }
        if rank < root.first.count {
            return Some((root.first.leaf, rank, Some(Side::Front)));
        }
        let before_last = root.len.saturating_sub(root.last.count);
        let index = rank.checked_sub(before_last)?;
        Some((root.last.leaf, index, Some(Side::Back)))
    }

    /// Goes down to a leaf, remembering the way.
    pub(super) fn way<N: Nodes>(&self, nodes: &mut N, aim: Aim<'_>) -> Result<Path, N::Error> {
        descend(nodes, (self.root.node, self.root.height), aim)
    }
}

/// Goes down to a leaf from a node at a level, remembering the way.
pub(super) fn descend<N: Nodes>(
    nodes: &mut N,
    (top, height): (NodeId, u8),
    aim: Aim<'_>,
) -> Result<Path, N::Error> {
    let mut path = Path { steps: Steps::new(), leaf: top, rest: 0 };
    if let Aim::Rank(rank) = aim {
        path.rest = rank;
    }
    for level in (1..=height).rev() {
        let id = path.leaf;
        let (mut counts, mut index) = (None, 0);
        if let Aim::Rank(_) = aim {
            let found = nodes::counts(nodes, id)?;
            (index, path.rest) = found.find(path.rest)?;
            counts = Some(found);
        }
        let shape = nodes::shape(nodes, id, level)?;
        match aim {
            Aim::Rank(_) | Aim::Side(Side::Front) => {}
            Aim::Key(key) => index = shape.find(key)?,
            Aim::Side(Side::Back) => index = shape.len() - 1,
        }
        path.leaf = shape.id(index)?;
        path.steps.push(Step { id, shape, counts, index });
    }
    Ok(path)
}
