//! The overlay: what the command has changed so far lies over the records, and its reads see it.
//! So do the changes of earlier commands of the same sequence.

use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;

use crate::engine::Direction;
use crate::keyspace::layout::RecordKey;
use crate::view::changes::{Changes, HeadChange};
use crate::view::key::Key;

/// See the module.
#[derive(Default)]
pub(super) struct Overlay<'a> {
    /// Those of this command.
    pub(super) changes: Changes,
    /// Those of earlier commands, not committed yet.
    earlier: Option<&'a Changes>,
}

impl<'a> Overlay<'a> {
    /// Over the changes of earlier commands.
    #[inline]
    pub(super) fn above(earlier: &'a Changes) -> Self {
        Self { changes: Changes::default(), earlier: (!earlier.is_empty()).then_some(earlier) }
    }

    /// Whether there is nothing between the command and the records.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.earlier.is_none()
    }

    /// All changes, the newest first.
    fn layers(&self) -> impl Iterator<Item = &Changes> {
        [Some(&self.changes), self.earlier].into_iter().flatten()
    }

    /// What was made of a key.
    #[inline]
    pub(super) fn head(&self, record_key: &[u8]) -> Option<&HeadChange> {
        let own = &self.changes;
        if let Some(index) = own.find(record_key) {
            return own.heads.get(index);
        }
        let earlier = self.earlier?;
        earlier.find(record_key).and_then(|index| earlier.heads.get(index))
    }

    /// What was made of an element; within, `None`: it was deleted.
    #[inline]
    pub(super) fn element(&self, key: &Key, version: u64, element: &[u8]) -> Option<Option<Bytes>> {
        if self.layers().all(|changes| changes.elements.is_empty()) {
            return None;
        }
        self.element_at(&key.element_key(version, element))
    }

    /// The same, of an element whose place is known.
    pub(super) fn element_at(&self, place: &RecordKey) -> Option<Option<Bytes>> {
        self.layers()
            .find_map(|changes| changes.elements.get(place))
            .map(|(_, value)| value.clone())
    }

    /// What was made of the elements in `lower..upper`, in order.
    pub(super) fn elements(
        &self,
        (lower, upper): (&RecordKey, &RecordKey),
        direction: Direction,
    ) -> Vec<(&RecordKey, Option<&Bytes>)> {
        let mut merged: BTreeMap<&RecordKey, Option<&Bytes>> = BTreeMap::new();
        // What is newer takes the place of what is older.
        for changes in self.earlier.into_iter().chain([&self.changes]) {
            let range = (Bound::Included(lower), Bound::Excluded(upper));
            let changed = changes.elements.range::<RecordKey, _>(range);
            merged.extend(changed.map(|(key, (_, value))| (key, value.as_ref())));
        }
        match direction {
            Direction::Forward => merged.into_iter().collect(),
            Direction::Backward => merged.into_iter().rev().collect(),
        }
    }
}
