//! What commands changed and what has not reached the engine yet.

use std::collections::{BTreeMap, btree_map};
use std::vec::IntoIter;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::keyspace::head;
use crate::keyspace::layout::{ElementPrefix, PositionMap, RecordKey};
use crate::keyspace::pieces;
use crate::topology::ShardId;
use crate::view::told::Effects;

/// More changed records, or bytes of them, are written off the loop.
const LONG_RECORDS: usize = 64;
const LONG_BYTES: usize = 64 << 10;

/// More changed keys than this are found through a map instead of by looking at each.
const SCANNED_CHANGES_MAX: usize = 8;

/// What stood under a key before the command, as far as counting needs to know it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// There was a record (perhaps an expired one).
    pub existed: bool,
    /// Its deadline.
    pub deadline_ms: Option<u64>,
}

/// A new state of one key.
#[derive(Debug)]
pub struct HeadChange {
    /// The shard that owns the key.
    pub shard: ShardId,
    /// Record key of the head.
    pub record_key: RecordKey,
    /// What it replaces.
    pub before: Before,
    /// The new record; `None` deletes the key.
    pub after: Option<Bytes>,
    /// Deadline of the new record.
    pub deadline_ms: Option<u64>,
    /// The version under which the new record stands among the elements, because it is big.
    pub apart: Option<u64>,
}

impl HeadChange {
    /// What stands in the place of the new record, and its pieces, if it is big.
    pub fn placed_apart(&self) -> Option<(Bytes, Vec<(RecordKey, Bytes)>)> {
        let (record, version) = (self.after.as_ref()?, self.apart?);
        let (place, value) = head::in_place_of(record, version).ok()?;
        Some((place, pieces::of(&self.record_key, version, &value).collect()))
    }
}

/// The writes of one command (or of several that belong together).
#[derive(Default)]
pub struct Changes {
    pub(super) heads: Vec<HeadChange>,
    by_key: PositionMap<usize>,
    /// Elements by record key, with the shard that owns them; `None` deletes.
    pub(super) elements: BTreeMap<RecordKey, (ShardId, Option<Bytes>)>,
    /// Versions that no collection had before.
    pub(super) new_versions: SmallVec<[u64; 2]>,
    /// The shard that values of other shards went to.
    pub(super) gaining: Option<ShardId>,
    /// A physical database of which nothing is left.
    emptied: Option<u8>,
    /// This is what time did: whoever sees it learns nothing that was not so before.
    is_of_time: bool,
    /// What happened beside.
    pub(crate) effects: Effects,
}

/// Changed elements as in [`Changes`], in order.
pub type IntoElements = btree_map::IntoIter<RecordKey, (ShardId, Option<Bytes>)>;

impl Changes {
    /// Keys of `shard` go, which stand under these record keys with these deadlines.
    pub(crate) fn removing(
        shard: ShardId,
        keys: impl Iterator<Item = (RecordKey, Option<u64>)>,
    ) -> Self {
        let removed = |(record_key, deadline_ms)| HeadChange {
            shard,
            record_key,
            before: Before { existed: true, deadline_ms },
            after: None,
            deadline_ms: None,
            apart: None,
        };
        Self { heads: keys.map(removed).collect(), ..Self::default() }
    }

    /// The same, because their time has come.
    pub(crate) fn expiring(
        shard: ShardId,
        keys: impl Iterator<Item = (RecordKey, Option<u64>)>,
    ) -> Self {
        Self { is_of_time: true, ..Self::removing(shard, keys) }
    }

    /// Everything goes that is in a physical database.
    pub(crate) fn emptying(db: u8) -> Self {
        Self { emptied: Some(db), ..Self::default() }
    }

    /// No record changes, and yet it counts as so many changes.
    pub fn of_no_record(count: u64) -> Self {
        let effects = Effects { count: Some(count), ..Effects::default() };
        Self { effects, ..Self::default() }
    }

    /// What is left of these when the command fails.
    pub(crate) fn undone(self) -> Self {
        Self { effects: self.effects.of_lookups(), ..Self::default() }
    }

    /// Whether no record changes.
    pub fn is_empty(&self) -> bool {
        self.heads.is_empty() && self.elements.is_empty() && self.emptied.is_none()
    }

    /// Whether there is nothing to commit and nobody to be told anything.
    pub fn is_nothing(&self) -> bool {
        self.is_empty() && self.effects.is_empty()
    }

    /// The physical database that is emptied, if one is.
    pub(crate) fn emptied(&self) -> Option<u8> {
        self.emptied
    }

    /// Whether this is what time did.
    pub(crate) fn is_of_time(&self) -> bool {
        self.is_of_time
    }

    /// The shard that values of other shards went to, if any did. Its part must be durable before
    /// the others are written: they take away what only this one then has.
    pub fn gaining(&self) -> Option<ShardId> {
        self.gaining
    }

    /// Whether these and later changes can be one: values may go to one shard only, or no part
    /// could be the first.
    pub fn can_absorb(&self, later: &Changes) -> bool {
        self.gaining.is_none() || later.gaining.is_none() || self.gaining == later.gaining
    }

    /// How many changes these are, as Redis counts what a snapshot would be without: mostly one for
    /// each key, for some commands one for each field or pair.
    pub fn count(&self) -> u64 {
        self.effects.count.unwrap_or(self.heads.len() as u64)
    }

    /// The changed keys.
    pub fn heads(&self) -> &[HeadChange] {
        &self.heads
    }

    /// The changed keys and elements, to keep.
    pub fn into_parts(self) -> (IntoIter<HeadChange>, IntoElements) {
        (self.heads.into_iter(), self.elements.into_iter())
    }

    /// What happened beside, to be told.
    pub(crate) fn take_effects(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// The changed elements.
    pub fn elements(&self) -> impl Iterator<Item = (&RecordKey, Option<&Bytes>)> {
        self.elements.iter().map(|(key, (_, value))| (key, value.as_ref()))
    }

    /// Forgets the elements of collections that are large since these changes: once they are
    /// written, no cache needs to be told of them.
    pub fn drop_new_elements(&mut self) {
        if self.new_versions.is_empty() {
            return;
        }
        self.elements.retain(|record_key, _| {
            let version = ElementPrefix::parse(record_key).map(|prefix| prefix.version);
            version.is_none_or(|version| !self.new_versions.contains(&version))
        });
    }

    /// Whether writing them takes longer than a command may stay on the loop.
    pub fn is_long(&self) -> bool {
        let records = self.heads.len() + self.elements.len();
        let bytes = || self.heads.iter().filter_map(|head| Some(head.after.as_ref()?.len()));
        let element_bytes =
            || self.elements.values().filter_map(|(_, value)| Some(value.as_ref()?.len()));
        records > LONG_RECORDS || bytes().chain(element_bytes()).sum::<usize>() > LONG_BYTES
    }

    /// Splits the changes by owner: the entry of every shard that has any.
    pub fn by_shard(self) -> Vec<(ShardId, Changes)> {
        let count = self.count();
        let mut parts: BTreeMap<ShardId, Changes> = BTreeMap::new();
        for change in self.heads {
            parts.entry(change.shard).or_default().heads.push(change);
        }
        for (key, (shard, value)) in self.elements {
            parts.entry(shard).or_default().elements.insert(key, (shard, value));
        }
        for told in self.effects.events {
            parts.entry(told.shard).or_default().effects.events.push(told);
        }
        for part in parts.values_mut() {
            part.new_versions.clone_from(&self.new_versions);
            part.effects.count = Some(0);
        }
        // What counts is the sum over all shards.
        if let Some(mut first) = parts.first_entry() {
            first.get_mut().effects.count = Some(count);
        }
        parts.into_iter().collect()
    }

    /// Takes over later changes; what they found is what these left.
    pub fn absorb(&mut self, later: Changes) {
        self.effects.count = Some(self.count() + later.count());
        self.effects.events.extend(later.effects.events);
        for change in later.heads {
            self.set(change);
        }
        self.elements.extend(later.elements);
        self.new_versions.extend(later.new_versions);
        self.gaining = self.gaining.or(later.gaining);
    }

    pub(super) fn find(&self, record_key: &[u8]) -> Option<usize> {
        if self.heads.len() <= SCANNED_CHANGES_MAX {
            return self.heads.iter().position(|change| change.record_key[..] == *record_key);
        }
        self.by_key.get(record_key).copied()
    }

    pub(super) fn set(&mut self, change: HeadChange) {
        if let Some(index) = self.find(&change.record_key) {
            let old = &mut self.heads[index];
            old.after = change.after;
            old.deadline_ms = change.deadline_ms;
            old.apart = change.apart;
            return;
        }
        self.heads.push(change);
        if self.heads.len() == SCANNED_CHANGES_MAX + 1 {
            self.by_key = self
                .heads
                .iter()
                .enumerate()
                .map(|(index, change)| (change.record_key.clone(), index))
                .collect();
        } else if self.heads.len() > SCANNED_CHANGES_MAX + 1
            && let Some(last) = self.heads.last()
        {
            self.by_key.insert(last.record_key.clone(), self.heads.len() - 1);
        }
    }
}
