//! Changing one place: putting entries in, replacing and removing them.
//!
//! As long as the leaf keeps within its bounds, it and the counts above it are all that is written,
//! and at an end not even these.

use std::ops::Range;

use bytes::Bytes;

use super::leaf::{self, HEADER_BYTES, Leaf};
use super::names::{NodeId, Part, name};
use super::nodes::{self, Nodes};
use super::read::{Aim, Steps};
use super::reshape::Growth;
use super::root::Root;
use super::terms::{Damaged, Order, Side, too_little};
use super::{Tree, inner};
use crate::types::packed;

/// A leaf that is about to change.
struct Spot {
    id: NodeId,
    leaf: Leaf,
    /// The way to it; unknown where it was not needed to find it.
    steps: Option<Steps>,
    /// The end where it is.
    side: Option<Side>,
}

/// What changes in a leaf.
struct Edit<'a> {
    /// Where the entries stand that go.
    range: Range<usize>,
    /// How many go.
    removed: u64,
    /// Their bytes.
    removed_bytes: u64,
    /// What comes in their place.
    entry: Option<&'a [u8]>,
}

impl Tree {
    /// Puts an entry in front of the one with this rank, or behind all others. Of a collection
    /// that is in order of keys, the caller knows that it belongs there.
    pub fn insert_at<N: Nodes>(
        &mut self,
        nodes: &mut N,
        rank: u64,
        entry: &[u8],
    ) -> Result<(), N::Error> {
        if self.is_empty() {
            return self.begin(nodes, entry);
        }
        let (spot, at) = if rank >= self.root.len {
            let spot = self.spot_at_side(nodes, Side::Back)?;
            let at = spot.leaf.len_bytes();
            (spot, at)
        } else if rank == 0 {
            (self.spot_at_side(nodes, Side::Front)?, HEADER_BYTES)
        } else {
            let (spot, index) = self.spot_at(nodes, rank)?;
            let at = spot.leaf.item(index)?.start;
            (spot, at)
        };
        let edit = Edit { range: at..at, removed: 0, removed_bytes: 0, entry: Some(entry) };
        self.edit(nodes, spot, edit)
    }

    /// Puts an entry in front of all others, or behind them.
    pub fn push<N: Nodes>(
        &mut self,
        nodes: &mut N,
        side: Side,
        entry: &[u8],
    ) -> Result<(), N::Error> {
        let rank = if side == Side::Front { 0 } else { self.root.len };
        self.insert_at(nodes, rank, entry)
    }

    /// Puts an entry where its key belongs, in the place of one with the same key. Whether there
    /// was none.
    pub fn insert<N: Nodes>(&mut self, nodes: &mut N, entry: &[u8]) -> Result<bool, N::Error> {
        if self.is_empty() {
            self.begin(nodes, entry)?;
            return Ok(true);
        }
        let key = self.order.key(entry);
        let spot = self.spot_of(nodes, key)?;
        let position = spot.leaf.seek(self.order, key)?;
        let edit = match position.found {
            Some(item) => Edit {
                range: item.start..item.end,
                removed: 1,
                removed_bytes: item.entry.len() as u64,
                entry: Some(entry),
            },
            None => Edit {
                range: position.at..position.at,
                removed: 0,
                removed_bytes: 0,
                entry: Some(entry),
            },
        };
        let is_new = edit.removed == 0;
        self.edit(nodes, spot, edit)?;
        Ok(is_new)
    }

    /// Puts another entry in the place of the one with this rank, which must have the same key.
    /// What was there; `None`, and nothing changes: there is no such rank.
    pub fn replace_at<N: Nodes>(
        &mut self,
        nodes: &mut N,
        rank: u64,
        entry: &[u8],
    ) -> Result<Option<Bytes>, N::Error> {
        self.change_at(nodes, rank, Some(entry))
    }

    /// Removes the entry with this rank; what it was.
    pub fn remove_at<N: Nodes>(
        &mut self,
        nodes: &mut N,
        rank: u64,
    ) -> Result<Option<Bytes>, N::Error> {
        self.change_at(nodes, rank, None)
    }

    /// Removes the first or the last entry; what it was.
    pub fn pop<N: Nodes>(&mut self, nodes: &mut N, side: Side) -> Result<Option<Bytes>, N::Error> {
        let rank = if side == Side::Front { 0 } else { self.root.len.wrapping_sub(1) };
        self.remove_at(nodes, rank)
    }

    /// Removes the entry with a key; what it was.
    pub fn remove<N: Nodes>(
        &mut self,
        nodes: &mut N,
        key: &[u8],
    ) -> Result<Option<Bytes>, N::Error> {
        if self.is_empty() {
            return Ok(None);
        }
        let spot = self.spot_of(nodes, key)?;
        let Some(item) = spot.leaf.seek(self.order, key)?.found else { return Ok(None) };
        let old = spot.leaf.share(&item);
        let range = item.start..item.end;
        let removed_bytes = old.len() as u64;
        self.edit(nodes, spot, Edit { range, removed: 1, removed_bytes, entry: None })?;
        Ok(Some(old))
    }

    fn change_at<N: Nodes>(
        &mut self,
        nodes: &mut N,
        rank: u64,
        entry: Option<&[u8]>,
    ) -> Result<Option<Bytes>, N::Error> {
        if rank >= self.root.len {
            return Ok(None);
        }
        let (spot, index) = self.spot_at(nodes, rank)?;
        let item = spot.leaf.item(index)?;
        let old = spot.leaf.share(&item);
        let range = item.start..item.end;
        let removed_bytes = old.len() as u64;
        self.edit(nodes, spot, Edit { range, removed: 1, removed_bytes, entry })?;
        Ok(Some(old))
    }

    /// Removes entries of one leaf, the one with this rank and those behind it, if all of them
    /// are there. Whether they were.
    pub(super) fn remove_in_leaf<N: Nodes>(
        &mut self,
        nodes: &mut N,
        ranks: &Range<u64>,
    ) -> Result<bool, N::Error> {
        let (spot, index) = self.spot_at(nodes, ranks.start)?;
        let start = spot.leaf.item(index)?.start;
        let (mut end, mut removed, mut removed_bytes) = (start, 0, 0);
        for item in spot.leaf.items_from(start) {
            if removed == ranks.end - ranks.start {
                break;
            }
            let item = item?;
            end = item.end;
            removed += 1;
            removed_bytes += item.entry.len() as u64;
        }
        let is_all = removed == ranks.end - ranks.start;
        if is_all {
            let edit = Edit { range: start..end, removed, removed_bytes, entry: None };
            self.edit(nodes, spot, edit)?;
        }
        Ok(is_all)
    }

    /// The first entry of all.
    fn begin<N: Nodes>(&mut self, nodes: &mut N, entry: &[u8]) -> Result<(), N::Error> {
        let mut record = Vec::with_capacity(HEADER_BYTES + packed::item_bytes(entry));
        record.extend_from_slice(leaf::EMPTY);
        packed::push(&mut record, entry);
        let id = self.put_new_leaf(nodes, record)?;
        let Root { last_id, .. } = self.root;
        let (len, entry_bytes) = (1, entry.len() as u64);
        self.root = Root { node: id, last_id, records: 1, len, entry_bytes, ..Root::default() };
        Ok(())
    }

    pub(super) fn put_new_leaf<N: Nodes>(
        &mut self,
        nodes: &mut N,
        record: Vec<u8>,
    ) -> Result<NodeId, N::Error> {
        let id = self.root.new_id()?;
        nodes.put(&name(Part::Leaf, id), Bytes::from(record));
        self.root.records += 1;
        Ok(id)
    }

    fn spot_at_side<N: Nodes>(&self, nodes: &mut N, side: Side) -> Result<Spot, N::Error> {
        let is_alone = self.root.height == 0;
        let id = if is_alone { self.root.node } else { self.root.edge(side).leaf };
        let steps = is_alone.then(Steps::new);
        Ok(Spot { id, leaf: nodes::leaf(nodes, id)?, steps, side: (!is_alone).then_some(side) })
    }

    /// The leaf of an entry, and how many others are before it there.
    fn spot_at<N: Nodes>(&self, nodes: &mut N, rank: u64) -> Result<(Spot, u64), N::Error> {
        let (id, index, steps, side) = match self.at_an_end(rank) {
            Some((id, index, None)) => (id, index, Some(Steps::new()), None),
            Some((id, index, side)) => (id, index, None, side),
            None => {
                let path = self.way(nodes, Aim::Rank(rank - self.root.first.count))?;
                (path.leaf, path.rest, Some(path.steps), None)
            }
        };
        Ok((Spot { id, leaf: nodes::leaf(nodes, id)?, steps, side }, index))
    }

    /// The leaf where a key belongs.
    fn spot_of<N: Nodes>(&self, nodes: &mut N, key: &[u8]) -> Result<Spot, N::Error> {
        let path = self.way(nodes, Aim::Key(key))?;
        let side = if self.root.height == 0 { None } else { self.root.side_of(path.leaf) };
        let leaf = nodes::leaf(nodes, path.leaf)?;
        Ok(Spot { id: path.leaf, leaf, steps: Some(path.steps), side })
    }

    fn edit<N: Nodes>(
        &mut self,
        nodes: &mut N,
        spot: Spot,
        edit: Edit<'_>,
    ) -> Result<(), N::Error> {
        let added = u64::from(edit.entry.is_some());
        let difference = added as i64 - edit.removed as i64;
        let len = self.root.len.checked_add_signed(difference);
        self.root.len = len.ok_or(Damaged("the number of entries is wrong"))?;
        let added_bytes = edit.entry.map_or(0, <[u8]>::len) as u64;
        let kept_bytes = self.root.entry_bytes.saturating_sub(edit.removed_bytes);
        self.root.entry_bytes = kept_bytes.saturating_add(added_bytes);

        let record = spot.leaf.edited(&edit.range, edit.entry);
        let old_bytes = spot.leaf.len_bytes();
        let is_empty = record.len() == HEADER_BYTES;
        let is_alone = old_bytes - edit.range.len() == HEADER_BYTES;
        let is_full = record.len() > self.limits.leaf_bytes && added > 0 && !is_alone;
        let min = too_little(self.limits.leaf_bytes);
        let is_edge = self.root.height == 0 || spot.side.is_some();
        let is_low = !is_edge && record.len() < min && old_bytes >= min;
        if !is_empty && !is_full && !is_low {
            nodes.put(&name(Part::Leaf, spot.id), Bytes::from(record));
            return self.recount(nodes, spot, difference);
        }

        let steps = match spot.steps {
            Some(steps) => steps,
            None => self.way(nodes, Aim::Side(spot.side.unwrap_or(Side::Front)))?.steps,
        };
        self.root.forget_edge(spot.id);
        if is_full {
            let new_end = edit.range.start + edit.entry.map_or(0, packed::item_bytes);
            let new = edit.range.start..new_end;
            let is_at = |side| self.root.height == 0 || spot.side == Some(side);
            let growth = if new.end == record.len() && is_at(Side::Back) {
                Growth::Back
            } else if new.start == HEADER_BYTES && is_at(Side::Front) {
                Growth::Front
            } else {
                Growth::Middle
            };
            let children = self.split(nodes, (spot.id, &spot.leaf), &record, (&new, growth))?;
            return self.reshape(nodes, steps, (children, false), growth);
        }
        let mut children = inner::Children::new();
        if is_empty {
            nodes.delete(&name(Part::Leaf, spot.id));
            self.count_records(-1)?;
        } else {
            let count = leaf::count(&record)?;
            nodes.put(&name(Part::Leaf, spot.id), Bytes::from(record));
            children.push(inner::Child { id: spot.id, count, separator: Bytes::new() });
        }
        self.reshape(nodes, steps, (children, !is_empty), Growth::Middle)
    }

    /// A leaf has so many entries more than before.
    fn recount<N: Nodes>(
        &mut self,
        nodes: &mut N,
        spot: Spot,
        difference: i64,
    ) -> Result<(), N::Error> {
        if difference == 0 || self.root.height == 0 {
            return Ok(());
        }
        if let Some(side) = spot.side {
            let edge = self.root.edge_mut(side);
            let count = edge.count.checked_add_signed(difference).filter(|count| *count > 0);
            edge.count = count.ok_or(Damaged("the count of an end is wrong"))?;
            return Ok(());
        }
        for step in spot.steps.into_iter().flatten() {
            step.add(nodes, difference)?;
        }
        Ok(())
    }

    /// Writes a record that has become too long for the leaf `id` as leaves of their own. A part
    /// that is as it was is not written again.
    fn split<N: Nodes>(
        &mut self,
        nodes: &mut N,
        (id, old): (NodeId, &Leaf),
        record: &[u8],
        (new, growth): (&Range<usize>, Growth),
    ) -> Result<inner::Children, N::Error> {
        let cuts = match growth {
            Growth::Back => [new.start].into_iter().collect(),
            Growth::Front => [new.end].into_iter().collect(),
            Growth::Middle => leaf::cuts(record, new, self.limits.leaf_bytes)?,
        };
        let ends = cuts.iter().copied().chain([record.len()]);
        let starts = [HEADER_BYTES].into_iter().chain(cuts.iter().copied());
        let parts =
            starts.zip(ends).map(|(start, end)| [leaf::EMPTY, &record[start..end]].concat());
        let parts: Vec<Vec<u8>> = parts.collect();
        let kept = parts.iter().position(|part| part == old.bytes());
        let mut children = inner::Children::new();
        let mut last: Option<&[u8]> = None;
        for (index, part) in parts.iter().enumerate() {
            let (first_entry, last_entry) = leaf::ends(part)?;
            let separator = match last {
                Some(last) if self.order != Order::Rank => {
                    inner::separator(self.order.key(last), self.order.key(first_entry))
                }
                _ => Bytes::new(),
            };
            last = Some(last_entry);
            let id = if index == kept.unwrap_or(0) {
                if kept.is_none() {
                    nodes.put(&name(Part::Leaf, id), Bytes::copy_from_slice(part));
                }
                id
            } else {
                self.put_new_leaf(nodes, part.clone())?
            };
            children.push(inner::Child { id, count: leaf::count(part)?, separator });
        }
        Ok(children)
    }

    /// There are so many records more.
    pub(super) fn count_records(&mut self, difference: i64) -> Result<(), Damaged> {
        let records = self.root.records.checked_add_signed(difference);
        self.root.records = records.ok_or(Damaged("the number of records is wrong"))?;
        Ok(())
    }
}
