//! Elements of large collections, one by one and in order.

use std::iter::Peekable;
use std::ops::ControlFlow;
use std::vec::IntoIter;

use bytes::Bytes;

use super::View;
use crate::engine::Direction;
use crate::error::CommandError;
use crate::keyspace::head::{Body, Head};
use crate::keyspace::layout::{self, RecordKey};
use crate::view::key::Key;

impl View<'_> {
    /// A version for a collection that becomes large, never used before.
    pub fn new_version(&mut self) -> u64 {
        let version = self.context.topology.new_version();
        self.overlay.changes.new_versions.push(version);
        version
    }

    /// An element of a large collection.
    pub fn element(
        &mut self,
        key: &Key,
        version: u64,
        element: &[u8],
    ) -> Result<Option<Bytes>, CommandError> {
        if let Some(changed) = self.overlay.element(key, version, element) {
            return Ok(changed);
        }
        self.charge(1)?;
        let value = self.records.element(key, version, element)?;
        // Its size was not known before; others have to wait at least.
        self.holding.note_read(value.as_ref().map_or(0, Bytes::len))?;
        Ok(value)
    }

    /// Sets an element of a large collection. Counting is the type's business.
    pub fn put_element(&mut self, key: &Key, version: u64, element: &[u8], value: Bytes) {
        self.holding.reserve_for(value.len());
        self.change_element(key, version, element, Some(value));
    }

    /// Deletes an element of a large collection.
    pub fn remove_element(&mut self, key: &Key, version: u64, element: &[u8]) {
        self.change_element(key, version, element, None);
    }

    fn change_element(&mut self, key: &Key, version: u64, element: &[u8], value: Option<Bytes>) {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_changed(key.name());
        let place = key.element_key(version, element);
        self.overlay.changes.elements.insert(place, (key.shard, value));
    }

    /// Visits the elements `from..to` (empty `to`: to the end) of a large collection in order,
    /// this command's own changes included, until `visit` breaks.
    pub fn elements(
        &mut self,
        key: &Key,
        version: u64,
        (from, to): (&[u8], &[u8]),
        direction: Direction,
        visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        self.records.needs_elements()?;
        let prefix = layout::element_prefix(&key.record_key, version);
        let lower = key.element_key(version, from);
        let upper =
            if to.is_empty() { layout::prefix_end(&prefix) } else { key.element_key(version, to) };
        if lower >= upper {
            return Ok(());
        }
        let range = (&lower, &upper);
        let whole = match &key.head {
            Some(Head { body: Body::Large(large, _), .. }) => large.bytes,
            _ => 0,
        };
        let changed = self.overlay.elements(range, direction).into_iter().peekable();
        let mut merge = Merge { changed, direction, prefix_bytes: prefix.len(), visit };
        let (account, holding) = (&mut self.account, &mut self.holding);
        let mut walk = holding.begin_walk(version, whole);
        let (mut may_go_on, mut flow) = (Ok(()), ControlFlow::Continue(()));
        self.records.elements(key.shard, range, direction, &mut |place, value| {
            may_go_on =
                holding.pass(&mut walk, place.len() + value.len()).and_then(|()| account.charge(1));
            flow =
                if may_go_on.is_ok() { merge.stored(place, value) } else { ControlFlow::Break(()) };
            flow
        })?;
        may_go_on?;
        holding.end_walk(&walk);
        if flow.is_continue() {
            merge.rest();
        }
        Ok(())
    }
}

/// Puts what a command changed between what is stored.
struct Merge<'a, F> {
    /// In the order of the visit.
    changed: Peekable<IntoIter<(&'a RecordKey, Option<&'a Bytes>)>>,
    direction: Direction,
    /// Length of what stands before an element in its record key.
    prefix_bytes: usize,
    visit: F,
}

impl<F: FnMut(&[u8], &[u8]) -> ControlFlow<()>> Merge<'_, F> {
    /// Visits what comes before a stored element, and that one, unless it was changed.
    fn stored(&mut self, place: &[u8], value: &[u8]) -> ControlFlow<()> {
        while let Some((changed, _)) = self.changed.peek() {
            let is_same = changed[..] == *place;
            let comes_first = match self.direction {
                Direction::Forward => changed[..] < *place,
                Direction::Backward => changed[..] > *place,
            };
            if !is_same && !comes_first {
                break;
            }
            self.next_changed()?;
            if is_same {
                return ControlFlow::Continue(());
            }
        }
        (self.visit)(&place[self.prefix_bytes..], value)
    }

    /// Visits what comes behind everything that is stored.
    fn rest(&mut self) {
        while self.changed.peek().is_some() && self.next_changed().is_continue() {}
    }

    fn next_changed(&mut self) -> ControlFlow<()> {
        match self.changed.next() {
            Some((place, Some(value))) => (self.visit)(&place[self.prefix_bytes..], value),
            _ => ControlFlow::Continue(()),
        }
    }
}
