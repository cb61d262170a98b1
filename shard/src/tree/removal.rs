//! Removing ranges: what lies in them as a whole goes node by node, without a look at the leaves.

use std::ops::Range;

use bytes::Bytes;

use super::leaf::HEADER_BYTES;
use super::names::{NodeId, Part, name};
use super::nodes::{self, Nodes};
use super::root::Root;
use super::terms::Damaged;
use super::{Tree, reshape};

impl Tree {
    /// Removes the entries with these ranks; how many there were. Costs a step for each node that
    /// goes. In [`Tree::entry_bytes`] those of leaves that go unseen count as average ones.
    pub fn remove_range<N: Nodes>(
        &mut self,
        nodes: &mut N,
        ranks: Range<u64>,
    ) -> Result<u64, N::Error> {
        let ranks = ranks.start..ranks.end.min(self.root.len);
        let Some(count) = ranks.end.checked_sub(ranks.start).filter(|count| *count > 0) else {
            return Ok(0);
        };
        if count == self.root.len {
            self.drop_node(nodes, self.root.node, self.root.height)?;
            if self.root.records > 0 {
                return Err(Damaged("records are left without entries").into());
            }
            self.root = Root { last_id: self.root.last_id, ..Root::default() };
            return Ok(count);
        }
        if self.remove_in_leaf(nodes, &ranks)? {
            return Ok(count);
        }
        self.give_edges(nodes)?;
        let removed_bytes = self.average_bytes(count);
        let left = self.cut(nodes, self.root.node, self.root.height, ranks)?;
        if left != self.root.len - count {
            return Err(Damaged("the number of entries is wrong").into());
        }
        self.root.len = left;
        self.root.entry_bytes = self.root.entry_bytes.saturating_sub(removed_bytes);
        self.lower(nodes)?;
        self.take_edges(nodes)?;
        Ok(count)
    }

    /// Bytes of so many average entries.
    fn average_bytes(&self, count: u64) -> u64 {
        let product = u128::from(self.root.entry_bytes) * u128::from(count);
        u64::try_from(product / u128::from(self.root.len.max(1))).unwrap_or(u64::MAX)
    }

    /// Removes the entries with these ranks below a node, but never all of them. How many are
    /// left.
    fn cut<N: Nodes>(
        &mut self,
        nodes: &mut N,
        id: NodeId,
        level: u8,
        ranks: Range<u64>,
    ) -> Result<u64, N::Error> {
        if level == 0 {
            return self.cut_leaf(nodes, id, ranks);
        }
        let mut node = reshape::load(nodes, id, level)?;
        let mut touched = Vec::new();
        let mut start = 0u64;
        let mut kept = Vec::with_capacity(node.children.len());
        for mut child in std::mem::take(&mut node.children) {
            let end = start.checked_add(child.count).ok_or(Damaged("counts are wrong"))?;
            let own = ranks.start.max(start)..ranks.end.min(end);
            if own == (start..end) {
                self.drop_node(nodes, child.id, level - 1)?;
            } else {
                if own.start < own.end {
                    let own = own.start - start..own.end - start;
                    child.count = self.cut(nodes, child.id, level - 1, own)?;
                    touched.push(kept.len());
                }
                kept.push(child);
            }
            start = end;
        }
        node.children = kept;
        if node.children.is_empty() {
            return Err(Damaged("counts are wrong").into());
        }
        for index in touched.into_iter().rev() {
            self.merge(nodes, &mut node, index)?;
        }
        Ok(self.write(nodes, id, &node, false)?.count)
    }

    fn cut_leaf<N: Nodes>(
        &mut self,
        nodes: &mut N,
        id: NodeId,
        ranks: Range<u64>,
    ) -> Result<u64, N::Error> {
        let leaf = nodes::leaf(nodes, id)?;
        let (mut start, mut end, mut left, mut index) = (None, HEADER_BYTES, 0u64, 0u64);
        for item in leaf.items() {
            let item = item?;
            if ranks.contains(&index) {
                start.get_or_insert(item.start);
                end = item.end;
            } else {
                left += 1;
            }
            index += 1;
        }
        if index < ranks.end || left == 0 {
            return Err(Damaged("counts are wrong").into());
        }
        let record = leaf.edited(&(start.unwrap_or(end)..end), None);
        nodes.put(&name(Part::Leaf, id), Bytes::from(record));
        Ok(left)
    }

    /// Deletes a node with all below it.
    fn drop_node<N: Nodes>(
        &mut self,
        nodes: &mut N,
        id: NodeId,
        level: u8,
    ) -> Result<(), N::Error> {
        if level == 0 {
            nodes.delete(&name(Part::Leaf, id));
            return Ok(self.count_records(-1)?);
        }
        let shape = nodes::shape(nodes, id, level)?;
        for index in 0..shape.len() {
            self.drop_node(nodes, shape.id(index)?, level - 1)?;
        }
        Ok(self.delete_inner(nodes, id)?)
    }
}
