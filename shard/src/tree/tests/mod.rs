//! A tree over a map of records; whether all that must be true of its records is.

mod cost;
mod formats;
mod hostile;
mod model;
mod walks;

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;

use super::inner::Inner;
use super::names::{NodeId, Part, name};
use super::{Builder, Damaged, Limits, Nodes, Order, Side, Tree, nodes, reshape};

/// Records in memory, counting what is done with them.
#[derive(Clone, Default)]
pub(super) struct MapNodes {
    pub(super) records: BTreeMap<Vec<u8>, Bytes>,
    /// Records read since the last look.
    pub(super) reads: u64,
    /// The last states of the records changed since the last look.
    pub(super) changed: BTreeMap<Vec<u8>, Option<Bytes>>,
    /// Names that were asked for and are not there: on a disk, that costs a read.
    pub(super) misses: RefCell<Vec<Vec<u8>>>,
}

impl Nodes for MapNodes {
    type Error = Damaged;

    fn get(&mut self, name: &[u8]) -> Result<Option<Bytes>, Damaged> {
        self.reads += 1;
        let found = self.records.get(name).cloned();
        if found.is_none() {
            self.misses.borrow_mut().push(name.to_vec());
        }
        Ok(found)
    }

    fn put(&mut self, name: &[u8], record: Bytes) {
        self.changed.insert(name.to_vec(), Some(record.clone()));
        self.records.insert(name.to_vec(), record);
    }

    fn delete(&mut self, name: &[u8]) {
        self.changed.insert(name.to_vec(), None);
        self.records.remove(name);
    }
}

/// Nodes so small that a few entries make many levels.
pub(super) const TINY: Limits = Limits { leaf_bytes: 24, children: 4, separator_bytes: 24 };
pub(super) const SMALL: Limits = Limits { leaf_bytes: 64, children: 8, separator_bytes: 64 };

pub(super) fn tree(order: Order, limits: Limits) -> Tree {
    Tree::new(order).with_limits(limits)
}

/// All entries in order.
pub(super) fn entries(tree: &Tree, nodes: &mut MapNodes) -> Vec<Bytes> {
    let mut entries = Vec::new();
    let mut cursor = tree.cursor_at_rank(nodes, 0, Side::Back).unwrap();
    while let Some(entry) = cursor.next(nodes).unwrap() {
        entries.push(Bytes::copy_from_slice(entry));
    }
    entries
}

struct Check<'a> {
    tree: &'a Tree,
    nodes: MapNodes,
    records: u64,
    leaves: Vec<NodeId>,
    /// Real number of entries, by leaf.
    counts: Vec<u64>,
    entries: Vec<Bytes>,
}

/// Checks everything that must be true of the records of a tree.
#[track_caller]
pub(super) fn check(tree: &Tree, nodes: &MapNodes) -> Vec<Bytes> {
    let mut check = Check {
        tree,
        nodes: nodes.clone(),
        records: 0,
        leaves: Vec::new(),
        counts: Vec::new(),
        entries: Vec::new(),
    };
    if !tree.is_empty() {
        check.node(tree.root.node, tree.root.height, (None, None));
        if tree.root.height > 0 {
            let top = reshape::load(&mut check.nodes, tree.root.node, tree.root.height).unwrap();
            assert!(top.children.len() > 1, "a topmost node with one child");
            let first = (check.leaves[0], check.counts[0]);
            let last = (*check.leaves.last().unwrap(), *check.counts.last().unwrap());
            assert_eq!((tree.root.first.leaf, tree.root.first.count), first);
            assert_eq!((tree.root.last.leaf, tree.root.last.count), last);
        }
    }
    assert_eq!(check.records, tree.records());
    assert_eq!(check.records, nodes.records.len() as u64, "orphans");
    assert_eq!(check.entries.len() as u64, tree.len());
    let root = tree.root();
    let again = Tree::open(tree.order, &root, tree.len(), tree.entry_bytes()).unwrap();
    assert_eq!(again.root, tree.root);
    let misses = nodes.misses.borrow();
    assert_eq!(misses.len(), 0, "looked for what cannot be there: {misses:?}");
    check.entries
}

impl Check<'_> {
    /// Checks what is below a node, whose keys are not less than one and less than another. The
    /// number of entries as it is to stand above it.
    fn node(&mut self, id: NodeId, level: u8, bounds: (Option<&Bytes>, Option<&Bytes>)) -> u64 {
        if level == 0 {
            return self.leaf(id, bounds);
        }
        self.records += 2;
        let node: Inner = reshape::load(&mut self.nodes, id, level).unwrap();
        assert!(!node.is_too_big(&self.tree.limits));
        for (index, child) in node.children.iter().enumerate() {
            let lower = if index == 0 { bounds.0 } else { Some(&child.separator) };
            let next = node.children.get(index + 1).map(|next| &next.separator);
            let count = self.node(child.id, level - 1, (lower, next.or(bounds.1)));
            assert_eq!(child.count, count, "child {index} of node {id}");
        }
        node.sum().unwrap()
    }

    fn leaf(&mut self, id: NodeId, bounds: (Option<&Bytes>, Option<&Bytes>)) -> u64 {
        self.records += 1;
        let leaf = nodes::leaf(&mut self.nodes, id).unwrap();
        let count = leaf.count().unwrap();
        assert!(leaf.len_bytes() <= self.tree.limits.leaf_bytes || count == 1);
        let order = self.tree.order;
        for item in leaf.items() {
            let item = item.unwrap();
            let key = order.key(item.entry);
            if order != Order::Rank {
                assert!(bounds.0.is_none_or(|lower| key >= lower), "before its separator");
                assert!(bounds.1.is_none_or(|upper| key < upper), "behind the next separator");
                let last = self.entries.last();
                assert!(last.is_none_or(|last| order.key(last) < key), "out of order");
            }
            self.entries.push(Bytes::copy_from_slice(item.entry));
        }
        self.leaves.push(id);
        self.counts.push(count);
        let is_edge = [self.tree.root.first.leaf, self.tree.root.last.leaf].contains(&id);
        if is_edge { 0 } else { count }
    }
}

/// A tree of entries in order, made at once.
pub(super) fn build(
    limits: Limits,
    order: Order,
    entries: impl IntoIterator<Item = Vec<u8>>,
) -> (Tree, MapNodes) {
    let mut nodes = MapNodes::default();
    let mut builder = Builder::of(tree(order, limits));
    for entry in entries {
        builder.push(&mut nodes, &entry).unwrap();
    }
    let tree = builder.finish(&mut nodes).unwrap();
    (tree, nodes)
}

#[test]
fn names_keep_their_bytes() {
    assert_eq!(name(Part::Leaf, 0x0102_0304_0506)[..], [1, 1, 2, 3, 4, 5, 6]);
    assert_eq!(name(Part::Shape, 7)[..], [2, 0, 0, 0, 0, 0, 7, 1]);
    assert_eq!(name(Part::Counts, 7)[..], [2, 0, 0, 0, 0, 0, 7, 2]);
}

/// Whether a name is that of such a record.
pub(super) fn is_of(part: Part, record_name: &[u8]) -> bool {
    let own = name(part, 0);
    record_name[0] == own[0] && record_name.get(7) == own.get(7)
}
