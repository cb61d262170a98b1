//! Walking from entry to entry, leaf by leaf, in either direction.
//!
//! The way down to the leaf is remembered, so that the next leaf is one read away. At an end it is
//! not even looked for until the first leaf is through.

use std::ops::{ControlFlow, Range};

use smallvec::SmallVec;

use super::Tree;
use super::leaf::{HEADER_BYTES, Leaf};
use super::names::NodeId;
use super::nodes::{self, Nodes};
use super::read::{self, Aim, Step, Steps};
use super::terms::{Damaged, Side};

/// A place between two entries, and the direction in which it moves. It is of use as long as the
/// tree does not change.
pub struct Cursor {
    toward: Side,
    /// The topmost node, and its level.
    top: (NodeId, u8),
    /// The leaf that is walked through, if there is any.
    leaf: Option<Leaf>,
    /// Towards the back: where the next entry stands in the leaf.
    at: usize,
    /// Towards the front: where the entries stand that are still to come.
    starts: SmallVec<[usize; 32]>,
    steps: Steps,
    /// The leaf is at this end, and its way down was not looked for.
    unknown: Option<Side>,
    /// As many entries as there can be.
    left: u64,
}

impl Tree {
    fn cursor(&self, toward: Side) -> Cursor {
        Cursor {
            toward,
            top: (self.root.node, self.root.height),
            leaf: None,
            at: 0,
            starts: SmallVec::new(),
            steps: Steps::new(),
            unknown: None,
            left: self.root.len,
        }
    }

    /// A cursor behind the entries before `rank`.
    pub fn cursor_at_rank<N: Nodes>(
        &self,
        nodes: &mut N,
        rank: u64,
        toward: Side,
    ) -> Result<Cursor, N::Error> {
        let mut cursor = self.cursor(toward);
        // The entry that comes next.
        let next = match toward {
            Side::Back => rank,
            Side::Front if rank > self.root.len => self.root.len.wrapping_sub(1),
            Side::Front => rank.wrapping_sub(1),
        };
        if next >= self.root.len {
            return Ok(cursor);
        }
        let (leaf, index) = match self.at_an_end(next) {
            Some((leaf, index, side)) => {
                cursor.unknown = side;
                (leaf, index)
            }
            None => {
                let path = self.way(nodes, Aim::Rank(next - self.root.first.count))?;
                cursor.steps = path.steps;
                (path.leaf, path.rest)
            }
        };
        let leaf = nodes::leaf(nodes, leaf)?;
        let item = leaf.item(index)?;
        let at = if toward == Side::Back { item.start } else { item.end };
        cursor.enter(leaf, at)?;
        Ok(cursor)
    }

    /// A cursor before the first entry whose key is not less than `key`.
    pub fn cursor_at_key<N: Nodes>(
        &self,
        nodes: &mut N,
        key: &[u8],
        toward: Side,
    ) -> Result<Cursor, N::Error> {
        let mut cursor = self.cursor(toward);
        if self.is_empty() {
            return Ok(cursor);
        }
        let path = self.way(nodes, Aim::Key(key))?;
        cursor.steps = path.steps;
        let leaf = nodes::leaf(nodes, path.leaf)?;
        let at = leaf.seek(self.order, key)?.at;
        cursor.enter(leaf, at)?;
        Ok(cursor)
    }

    /// Visits the entries with these ranks, the first of them first if it goes `toward` the back,
    /// until `visit` breaks. Entries are lent, not copied.
    pub fn range<N: Nodes>(
        &self,
        nodes: &mut N,
        ranks: Range<u64>,
        toward: Side,
        mut visit: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<(), N::Error> {
        let end = ranks.end.min(self.root.len);
        if ranks.start >= end {
            return Ok(());
        }
        let start = if toward == Side::Back { ranks.start } else { end };
        let mut cursor = self.cursor_at_rank(nodes, start, toward)?;
        for _ in ranks.start..end {
            let entry = cursor.next(nodes)?.ok_or(Damaged("entries are missing"))?;
            if visit(entry).is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl Cursor {
    /// Makes `at` of `leaf` the place of the cursor.
    fn enter(&mut self, leaf: Leaf, at: usize) -> Result<(), Damaged> {
        self.at = at;
        if self.toward == Side::Front {
            self.starts.clear();
            for item in leaf.items() {
                let start = item?.start;
                if start >= at {
                    break;
                }
                self.starts.push(start);
            }
        }
        self.leaf = Some(leaf);
        Ok(())
    }

    /// Whether there is nothing more in the leaf.
    fn is_through(&self) -> bool {
        match (&self.leaf, self.toward) {
            (Some(leaf), Side::Back) => self.at >= leaf.len_bytes(),
            _ => self.starts.is_empty(),
        }
    }

    /// The next entry; `None` when there are no more.
    #[inline]
    pub fn next<N: Nodes>(&mut self, nodes: &mut N) -> Result<Option<&[u8]>, N::Error> {
        if self.leaf.is_none() || self.is_through() && !self.next_leaf(nodes)? {
            return Ok(None);
        }
        let Some(leaf) = &self.leaf else { return Ok(None) };
        let at = match self.toward {
            Side::Back => self.at,
            Side::Front => self.starts.pop().unwrap_or(HEADER_BYTES),
        };
        let item = leaf.items_from(at).next().unwrap_or(Err(Damaged("an entry is missing")))?;
        self.at = item.end;
        // Whatever the records say: there is an end.
        self.left = self.left.checked_sub(1).ok_or(Damaged("more entries than counted"))?;
        Ok(Some(item.entry))
    }

    /// Goes on to the next leaf. False: there is none.
    fn next_leaf<N: Nodes>(&mut self, nodes: &mut N) -> Result<bool, N::Error> {
        match self.unknown.take() {
            Some(side) if side == self.toward => {
                self.leaf = None;
                return Ok(false);
            }
            Some(side) => self.steps = read::descend(nodes, self.top, Aim::Side(side))?.steps,
            None => {}
        }
        let next = |step: &Step| match self.toward {
            Side::Back => Some(step.index + 1).filter(|index| *index < step.shape.len()),
            Side::Front => step.index.checked_sub(1),
        };
        let turn = self.steps.iter().enumerate().rev();
        let Some((depth, index)) = turn.filter_map(|(at, step)| Some((at, next(step)?))).next()
        else {
            self.leaf = None;
            return Ok(false);
        };
        self.steps.truncate(depth + 1);
        let mut id = 0;
        if let Some(step) = self.steps.last_mut() {
            step.index = index;
            id = step.shape.id(index)?;
        }
        self.go_down(nodes, id)
    }

    /// Goes down to the nearest leaf below the node `id`.
    fn go_down<N: Nodes>(&mut self, nodes: &mut N, mut id: NodeId) -> Result<bool, N::Error> {
        while self.steps.len() < usize::from(self.top.1) {
            let level = self.top.1 - self.steps.len() as u8;
            let shape = nodes::shape(nodes, id, level)?;
            let index = if self.toward == Side::Back { 0 } else { shape.len() - 1 };
            let child = shape.id(index)?;
            self.steps.push(Step { id, shape, counts: None, index });
            id = child;
        }
        let leaf = nodes::leaf(nodes, id)?;
        let at = if self.toward == Side::Back { HEADER_BYTES } else { leaf.len_bytes() };
        self.enter(leaf, at)?;
        Ok(true)
    }
}
