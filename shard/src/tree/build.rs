//! Making a tree of entries that come in order, a leaf at a time: of a collection that has outgrown
//! its small form, or one that is loaded.

use bytes::Bytes;

use super::Tree;
use super::inner::{Child, Inner, separator};
use super::leaf::{self, HEADER_BYTES};
use super::nodes::Nodes;
use super::terms::{Damaged, Order};
use crate::types::packed;

/// A tree that is being made. Its leaves and nodes are filled to seven eighths, so that the first
/// changes do not split them all.
pub struct Builder {
    tree: Tree,
    /// The record of the leaf that is being filled.
    leaf: Vec<u8>,
    /// Where its last entry is.
    last: std::ops::Range<usize>,
    count: u64,
    /// Of the leaf.
    separator: Bytes,
    /// The nodes that are being filled, by level.
    open: Vec<Inner>,
}

fn filled(limit: usize) -> usize {
    limit - limit / 8
}

impl Builder {
    /// Begins a collection.
    pub fn new(order: Order) -> Self {
        Self::of(Tree::new(order))
    }

    /// Begins with a tree without entries, whose order and limits are those of all to come.
    pub fn of(tree: Tree) -> Self {
        let leaf = leaf::EMPTY.to_vec();
        Self { tree, leaf, last: 0..0, count: 0, separator: Bytes::new(), open: Vec::new() }
    }

    /// Takes the next entry. Its key must be greater than all before.
    pub fn push<N: Nodes>(&mut self, nodes: &mut N, entry: &[u8]) -> Result<(), N::Error> {
        let order = self.tree.order;
        let last = order.key(&self.leaf[self.last.clone()]);
        let is_first = self.count == 0;
        if order != Order::Rank && !is_first && last >= order.key(entry) {
            return Err(Damaged("entries come out of order").into());
        }
        let bytes = self.leaf.len() + packed::item_bytes(entry);
        if !is_first && bytes > filled(self.tree.limits.leaf_bytes) {
            let next = match order {
                Order::Rank => Bytes::new(),
                _ => separator(last, order.key(entry)),
            };
            self.end_leaf(nodes)?;
            self.separator = next;
        }
        packed::push(&mut self.leaf, entry);
        self.last = self.leaf.len() - entry.len()..self.leaf.len();
        self.count += 1;
        self.tree.root.len += 1;
        let entry_bytes = self.tree.root.entry_bytes.saturating_add(entry.len() as u64);
        self.tree.root.entry_bytes = entry_bytes;
        Ok(())
    }

    /// The tree of all entries.
    pub fn finish<N: Nodes>(mut self, nodes: &mut N) -> Result<Tree, N::Error> {
        if self.tree.is_empty() {
            return Ok(self.tree);
        }
        if self.open.is_empty() {
            self.tree.root.node = self.tree.put_new_leaf(nodes, self.leaf)?;
            return Ok(self.tree);
        }
        self.end_leaf(nodes)?;
        let mut level = 0;
        loop {
            let node = self.open[level].clone();
            if level + 1 == self.open.len() {
                self.tree.root.node = self.put(nodes, &node)?.id;
                self.tree.root.height = node.level;
                break;
            }
            let child = self.put(nodes, &node)?;
            level += 1;
            self.add(nodes, level, child)?;
        }
        self.tree.lower(nodes)?;
        self.tree.take_edges(nodes)?;
        Ok(self.tree)
    }

    fn end_leaf<N: Nodes>(&mut self, nodes: &mut N) -> Result<(), N::Error> {
        let id = self.tree.put_new_leaf(nodes, self.leaf.clone())?;
        let separator = std::mem::take(&mut self.separator);
        let child = Child { id, count: std::mem::take(&mut self.count), separator };
        self.leaf.truncate(HEADER_BYTES);
        self.add(nodes, 0, child)
    }

    /// Adds a child to the node that is being filled at a level.
    fn add<N: Nodes>(&mut self, nodes: &mut N, level: usize, child: Child) -> Result<(), N::Error> {
        let limits = self.tree.limits;
        let Some(node) = self.open.get_mut(level) else {
            self.open.push(Inner { level: level as u8 + 1, children: vec![child] });
            return Ok(());
        };
        node.children.push(child);
        if node.children.len() <= filled(limits.children) && !node.is_too_big(&limits) {
            return Ok(());
        }
        let Some(child) = node.children.pop() else { return Ok(()) };
        let next = Inner { level: node.level, children: vec![child] };
        let full = std::mem::replace(node, next);
        let full = self.put(nodes, &full)?;
        self.add(nodes, level + 1, full)
    }

    fn put<N: Nodes>(&mut self, nodes: &mut N, node: &Inner) -> Result<Child, N::Error> {
        let id = self.tree.root.new_id()?;
        self.tree.count_records(2)?;
        self.tree.write(nodes, id, node, true)
    }
}
