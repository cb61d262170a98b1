//! Taking many elements out of a list.
//!
//! What goes is taken out of the tree node by node; unless so little is left that writing it anew,
//! under another version, is less work. Then what was there becomes orphans, as when a list is
//! deleted.

use std::ops::{ControlFlow, Range};

use super::encoding::Apart;
use super::store::{List, Place};
use crate::error::CommandError;
use crate::keyspace::pieces::BIG_BYTES;
use crate::tree::{Builder, Damaged, Order, Side, Tree};
use crate::types::nodes::ElementNodes;
use crate::view::View;

/// When less than this part of a list is left, it is written anew.
const ANEW_SHARE: u64 = 8;
/// But not if less goes than this.
const ANEW_MIN: u64 = 1024;
/// Nor are places taken out one by one that are more than this part of a list.
const PLACES_SHARE: u64 = 16;

/// Places that are remembered before room for more is reserved.
const PLACES_AT_ONCE: usize = BIG_BYTES / size_of::<Range<u64>>();

/// Elements that are to be taken out.
#[derive(Default)]
struct Found {
    /// Where they stand, from the front to the back, neighbours as one.
    places: Vec<Range<u64>>,
    count: u64,
    apart: Vec<Apart>,
}

impl List {
    /// Takes all elements out but those with these ranks.
    pub fn keep(&mut self, view: &mut View<'_>, ranks: Range<u64>) -> Result<(), CommandError> {
        let kept = ranks.end.saturating_sub(ranks.start);
        let removed = self.len().saturating_sub(kept);
        if kept == 0 {
            self.clear();
            return Ok(());
        }
        if removed >= ANEW_MIN && kept < removed / ANEW_SHARE && self.apart.count == 0 {
            view.charge(self.work_of(kept))?;
            return self.write_anew(view, &[ranks]);
        }
        view.charge(self.work_of(removed))?;
        let len = self.len();
        for removed in [ranks.end..len, 0..ranks.start] {
            self.drop_apart_of(view, removed.clone())?;
            self.tree.remove_range(&mut self.place.nodes(&self.key, view), removed)?;
        }
        Ok(())
    }

    /// Takes out elements that are `wanted`, at most `count` of them, the first ones from the side
    /// from which it goes `toward` the other. How many there were.
    pub fn remove(
        &mut self,
        view: &mut View<'_>,
        wanted: &[u8],
        count: u64,
        toward: Side,
    ) -> Result<u64, CommandError> {
        let found = self.find_all(view, wanted, count, toward)?;
        if found.count == self.len() {
            self.clear();
            return Ok(found.count);
        }
        let is_much = found.places.len() as u64 > self.len() / PLACES_SHARE;
        if is_much && self.len() >= ANEW_MIN && self.apart.count == 0 {
            view.charge(self.work_of(self.len()))?;
            let kept = self.between(&found.places);
            self.write_anew(view, &kept)?;
            return Ok(found.count);
        }
        view.charge(self.work_of(found.count))?;
        for place in found.places.into_iter().rev() {
            self.tree.remove_range(&mut self.place.nodes(&self.key, view), place)?;
        }
        for apart in found.apart {
            self.drop_apart(view, apart)?;
        }
        Ok(found.count)
    }

    fn find_all(
        &mut self,
        view: &mut View<'_>,
        wanted: &[u8],
        count: u64,
        toward: Side,
    ) -> Result<Found, CommandError> {
        let mut found = Found::default();
        let ranks = 0..self.len();
        self.search(view, (ranks, toward), wanted, |view, item| {
            let rank = item.rank;
            match found.places.last_mut() {
                Some(last) if last.end == rank => last.end += 1,
                Some(last) if last.start == rank + 1 => last.start = rank,
                _ => {
                    if found.places.len() % PLACES_AT_ONCE == PLACES_AT_ONCE - 1 {
                        view.expect_work(BIG_BYTES as u64)?;
                    }
                    found.places.push(rank..rank + 1);
                }
            }
            found.apart.extend(item.apart());
            found.count += 1;
            let is_enough = found.count >= count;
            Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        if toward == Side::Front {
            found.places.reverse();
        }
        Ok(found)
    }

    /// The ranks that none of these places has.
    fn between(&self, places: &[Range<u64>]) -> Vec<Range<u64>> {
        let starts = std::iter::once(0).chain(places.iter().map(|place| place.end));
        let ends = places.iter().map(|place| place.start).chain([self.len()]);
        starts.zip(ends).map(|(start, end)| start..end).filter(|kept| !kept.is_empty()).collect()
    }

    /// Removes the long ones among the elements with these ranks, which are about to go.
    fn drop_apart_of(
        &mut self,
        view: &mut View<'_>,
        ranks: Range<u64>,
    ) -> Result<(), CommandError> {
        if self.apart.count == 0 {
            return Ok(());
        }
        let mut all = Vec::new();
        self.walk(view, ranks, Side::Back, |_, item| {
            all.extend(item.apart());
            Ok(ControlFlow::Continue(()))
        })?;
        all.into_iter().try_for_each(|apart| self.drop_apart(view, apart))
    }

    /// Takes all elements out at once. Their records become orphans with the head.
    fn clear(&mut self) {
        self.tree = Tree::new(Order::Rank);
    }

    /// Writes the elements with these ranks under a new version, none of which stands apart.
    fn write_anew(&mut self, view: &mut View<'_>, kept: &[Range<u64>]) -> Result<(), CommandError> {
        let count: u64 = kept.iter().map(|ranks| ranks.end - ranks.start).sum();
        let bytes = u128::from(self.tree.entry_bytes()) * u128::from(count);
        let bytes = bytes / u128::from(self.len().max(1));
        view.expect_work(u64::try_from(bytes).unwrap_or(u64::MAX))?;
        let version = view.new_version();
        let mut builder = Builder::new(Order::Rank);
        for ranks in kept {
            let nodes = &mut self.place.nodes(&self.key, view);
            let mut cursor = self.tree.cursor_at_rank(nodes, ranks.start, Side::Back)?;
            for _ in ranks.clone() {
                let entry = cursor.next(&mut self.place.nodes(&self.key, view))?;
                let entry = entry.ok_or(Damaged("entries are missing"))?;
                builder.push(&mut ElementNodes::new(view, &self.key, version), entry)?;
            }
        }
        self.tree = builder.finish(&mut ElementNodes::new(view, &self.key, version))?;
        self.place = Place::Records(version);
        Ok(())
    }
}
