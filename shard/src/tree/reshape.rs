//! What changes above a leaf when leaves come or go: nodes are split, merged and removed, the tree
//! grows and shrinks, and its first and last leaf become others.

use bytes::Bytes;

use super::Tree;
use super::inner::{Child, Children, Inner};
use super::leaf::HEADER_BYTES;
use super::names::{NodeId, Part, name};
use super::nodes::{self, Nodes};
use super::read::{Aim, Step, Steps};
use super::root::{Edge, HEIGHT_MAX, Root};
use super::terms::{Damaged, Side, joined_max, too_little};

/// Where a tree grows, and so where nodes are split.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Growth {
    /// In front of everything: what is there stays together.
    Front,
    /// Anywhere: into halves.
    Middle,
    /// Behind everything.
    Back,
}

/// What the nodes above have to know of a change.
enum Above {
    /// There are so many entries more.
    More(i64),
    /// These nodes are in the place of one. True: there is one only, and it has become too small.
    Others(Children, bool),
}

impl Step {
    /// The child where the way goes on has so many entries more.
    pub(super) fn add<N: Nodes>(&self, nodes: &mut N, difference: i64) -> Result<(), N::Error> {
        let record = match &self.counts {
            Some(counts) => counts.with(self.index, difference)?,
            None => nodes::counts(nodes, self.id)?.with(self.index, difference)?,
        };
        nodes.put(&name(Part::Counts, self.id), record);
        Ok(())
    }
}

/// The node of a step, to be changed.
pub(super) fn load<N: Nodes>(nodes: &mut N, id: NodeId, level: u8) -> Result<Inner, N::Error> {
    let shape = nodes::shape(nodes, id, level)?;
    Ok(Inner::of(&shape, &nodes::counts(nodes, id)?, level)?)
}

impl Tree {
    /// Puts leaves in the place of the one that `steps` lead to. `is_low`: it is one that has
    /// become too small.
    pub(super) fn reshape<N: Nodes>(
        &mut self,
        nodes: &mut N,
        steps: Steps,
        (children, is_low): (Children, bool),
        growth: Growth,
    ) -> Result<(), N::Error> {
        let mut above = Above::Others(children, is_low);
        let levels = 1..=self.root.height;
        for (step, level) in steps.into_iter().rev().zip(levels) {
            above = match above {
                Above::More(0) => Above::More(0),
                Above::More(difference) => {
                    step.add(nodes, difference)?;
                    Above::More(difference)
                }
                Above::Others(children, is_low) => {
                    let mut node = load(nodes, step.id, level)?;
                    let before = (node.children.len(), node.sum()?);
                    node.replace(step.index, children)?;
                    if is_low {
                        self.merge(nodes, &mut node, step.index)?;
                    }
                    self.settle(nodes, (step.id, node), before, growth)?
                }
            };
        }
        if let Above::Others(children, _) = above {
            self.put_on_top(nodes, children)?;
        }
        self.lower(nodes)?;
        self.take_edges(nodes)
    }

    /// Writes a node whose children are others than before, when there were so many with so many
    /// entries.
    fn settle<N: Nodes>(
        &mut self,
        nodes: &mut N,
        (id, mut node): (NodeId, Inner),
        (children, sum): (usize, u64),
        growth: Growth,
    ) -> Result<Above, N::Error> {
        let len = node.children.len();
        if len == 0 {
            self.delete_inner(nodes, id)?;
            return Ok(Above::Others(Children::new(), false));
        }
        if node.is_too_big(&self.limits) {
            let at = match growth {
                Growth::Front => 1,
                Growth::Middle => len / 2,
                Growth::Back => len - 1,
            };
            let right = Inner { level: node.level, children: node.children.split_off(at) };
            let new = self.root.new_id()?;
            self.count_records(2)?;
            let (left_id, right_id) = if growth == Growth::Front { (new, id) } else { (id, new) };
            let left = self.write(nodes, left_id, &node, left_id == new)?;
            let right = self.write(nodes, right_id, &right, right_id == new)?;
            return Ok(Above::Others([left, right].into_iter().collect(), false));
        }
        let child = self.write(nodes, id, &node, false)?;
        let min = too_little(self.limits.children);
        if len < min && children >= min {
            return Ok(Above::Others([child].into_iter().collect(), true));
        }
        Ok(Above::More(child.count.wrapping_sub(sum) as i64))
    }

    /// Writes a node, but for records that are as they were; what it is to the node above. Records
    /// of a new one are not looked for.
    pub(super) fn write<N: Nodes>(
        &self,
        nodes: &mut N,
        id: NodeId,
        node: &Inner,
        is_new: bool,
    ) -> Result<Child, N::Error> {
        let records = [(Part::Shape, node.shape(self.order)), (Part::Counts, node.counts())];
        for (part, record) in records {
            let name = name(part, id);
            if is_new || nodes.get(&name)?.as_ref() != Some(&record) {
                nodes.put(&name, record);
            }
        }
        let separator = node.children.first().map_or(Bytes::new(), |child| child.separator.clone());
        Ok(Child { id, count: node.sum()?, separator })
    }

    /// Deletes a node's records.
    pub(super) fn delete_inner<N: Nodes>(
        &mut self,
        nodes: &mut N,
        id: NodeId,
    ) -> Result<(), Damaged> {
        nodes.delete(&name(Part::Shape, id));
        nodes.delete(&name(Part::Counts, id));
        self.count_records(-2)
    }

    /// Makes one node of a child and a neighbour of it, if one of them is too small and both fit.
    pub(super) fn merge<N: Nodes>(
        &mut self,
        nodes: &mut N,
        node: &mut Inner,
        index: usize,
    ) -> Result<(), N::Error> {
        for left in [Some(index), index.checked_sub(1)].into_iter().flatten() {
            if left + 1 < node.children.len() && self.merge_with_next(nodes, node, left)? {
                break;
            }
        }
        Ok(())
    }

    fn merge_with_next<N: Nodes>(
        &mut self,
        nodes: &mut N,
        node: &mut Inner,
        index: usize,
    ) -> Result<bool, N::Error> {
        let (left_id, right_id) = (node.children[index].id, node.children[index + 1].id);
        let count = if node.level == 1 {
            let left = nodes::leaf(nodes, left_id)?;
            let right = nodes::leaf(nodes, right_id)?;
            let lens = [left.len_bytes(), right.len_bytes()];
            let is_low = lens.iter().any(|len| *len < too_little(self.limits.leaf_bytes));
            let joined = lens[0] + lens[1] - HEADER_BYTES;
            if !is_low || joined > joined_max(self.limits.leaf_bytes) {
                return Ok(false);
            }
            let record = [&left.bytes()[..], &right.bytes()[HEADER_BYTES..]].concat();
            nodes.put(&name(Part::Leaf, left_id), Bytes::from(record));
            nodes.delete(&name(Part::Leaf, right_id));
            self.count_records(-1)?;
            self.root.forget_edge(left_id);
            self.root.forget_edge(right_id);
            left.count()? + right.count()?
        } else {
            let mut left = load(nodes, left_id, node.level - 1)?;
            let mut right = load(nodes, right_id, node.level - 1)?;
            let lens = [left.children.len(), right.children.len()];
            let is_low = lens.iter().any(|len| *len < too_little(self.limits.children));
            let separator = &node.children[index + 1].separator;
            if !is_low || !left.can_join(&right, separator, &self.limits) {
                return Ok(false);
            }
            right.children[0].separator = separator.clone();
            left.children.append(&mut right.children);
            self.delete_inner(nodes, right_id)?;
            self.write(nodes, left_id, &left, false)?.count
        };
        node.children[index].count = count;
        node.children.remove(index + 1);
        Ok(true)
    }

    /// The topmost node is now these, one or more, or none.
    fn put_on_top<N: Nodes>(&mut self, nodes: &mut N, children: Children) -> Result<(), N::Error> {
        match &children[..] {
            [] => {
                let Root { last_id, len, records, .. } = self.root;
                if len > 0 || records > 0 {
                    return Err(Damaged("no entries are left, but some are counted").into());
                }
                self.root = Root { last_id, ..Root::default() };
            }
            [one] => self.root.node = one.id,
            _ => {
                self.root.height += 1;
                if self.root.height >= HEIGHT_MAX {
                    return Err(Damaged("too many levels").into());
                }
                let id = self.root.new_id()?;
                self.count_records(2)?;
                let top = Inner { level: self.root.height, children: children.into_vec() };
                self.write(nodes, id, &top, true)?;
                self.root.node = id;
            }
        }
        Ok(())
    }

    /// Lets topmost nodes go that have one child only.
    pub(super) fn lower<N: Nodes>(&mut self, nodes: &mut N) -> Result<(), N::Error> {
        while self.root.height > 0 {
            let top = nodes::shape(nodes, self.root.node, self.root.height)?;
            if top.len() > 1 {
                return Ok(());
            }
            self.delete_inner(nodes, self.root.node)?;
            self.root.node = top.id(0)?;
            self.root.height -= 1;
        }
        (self.root.first, self.root.last) = (Edge::default(), Edge::default());
        Ok(())
    }

    /// Has the entries of the first and the last leaf counted in the root, if they are not.
    pub(super) fn take_edges<N: Nodes>(&mut self, nodes: &mut N) -> Result<(), N::Error> {
        for side in [Side::Front, Side::Back] {
            if self.root.height == 0 || !self.root.edge(side).is_none() {
                continue;
            }
            let path = self.way(nodes, Aim::Side(side))?;
            let Some(parent) = path.steps.last() else { continue };
            let count = nodes::counts(nodes, parent.id)?.get(parent.index)?;
            let other = self.root.first.count + self.root.last.count;
            if count == 0 || count > self.root.len.saturating_sub(other) {
                return Err(Damaged("the count of an end is wrong").into());
            }
            self.move_count(nodes, &path.steps, (count as i64).wrapping_neg())?;
            *self.root.edge_mut(side) = Edge { leaf: path.leaf, count };
        }
        Ok(())
    }

    /// Has the entries of the first and the last leaf counted above them, as those of all others.
    pub(super) fn give_edges<N: Nodes>(&mut self, nodes: &mut N) -> Result<(), N::Error> {
        for side in [Side::Front, Side::Back] {
            let edge = std::mem::take(self.root.edge_mut(side));
            if !edge.is_none() {
                let path = self.way(nodes, Aim::Side(side))?;
                self.move_count(nodes, &path.steps, edge.count as i64)?;
            }
        }
        Ok(())
    }

    fn move_count<N: Nodes>(
        &self,
        nodes: &mut N,
        steps: &[Step],
        difference: i64,
    ) -> Result<(), N::Error> {
        steps.iter().try_for_each(|step| step.add(nodes, difference))
    }
}
