//! Opening keys: what stands there, a lookup and a use of it.

use bytes::Bytes;

use super::View;
use crate::error::{CommandError, text};
use crate::keyspace::access::{Access, Uses};
use crate::keyspace::cache::Touch;
use crate::keyspace::head::{self, Head, Kind};
use crate::keyspace::layout;
use crate::view::changes::Before;
use crate::view::key::Key;
use crate::view::records::{Part, Place};

/// A longer string is not lent out of the cache: copying it is work that must be accounted for.
const HOT_STRING_BYTES_MAX: usize = 64 << 10;

impl View<'_> {
    /// Opens a key of the selected database.
    pub fn open(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, self.context.touch, Part::Whole)
    }

    /// Opens a key that must hold a `kind`, or nothing.
    pub fn open_kind(&mut self, key: &[u8], kind: Kind) -> Result<Key, CommandError> {
        let key = self.open(key)?;
        match &key.head {
            Some(head) if head.kind != kind => Err(text::WRONG_TYPE.into()),
            _ => Ok(key),
        }
    }

    /// Opens a key of the selected database whose value, if it is a string, is read by parts
    /// ([`View::string_part`]).
    pub fn open_parts(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, self.context.touch, Part::Parts)
    }

    /// The same, to be changed in place if it stands in pieces ([`View::write_part`]).
    pub fn open_place(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, self.context.touch, Part::Place)
    }

    /// Opens a key of the selected database whose value is of no interest: whether it is there, of
    /// what kind, and until when. What a big value consists of is not read.
    pub fn open_head(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, self.context.touch, Part::Front)
    }

    /// The same, of another logical database.
    pub fn open_head_in(&mut self, db: usize, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(db, key, self.context.touch, Part::Front)
    }

    /// The same, in order to use it, whatever the client said of its uses.
    pub fn open_head_to_touch(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, Touch::Yes, Part::Front)
    }

    /// The same, to tell something about it, which is not a use of it.
    pub fn open_head_untouched(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, Touch::No, Part::Head)
    }

    /// The string at a key of the selected database, lent from the hot cache: what GET needs and
    /// nothing more. `None` says nothing; open the key then.
    pub fn hot_string(&mut self, key: &[u8]) -> Option<&[u8]> {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_opened(key);
        if !self.overlay.is_empty() {
            return None;
        }
        let physical = *self.context.databases.get(self.context.db)?;
        let now_ms = self.context.now_ms;
        if let Some(record) = self.records.copy_of(physical, key) {
            let value = head::live_string(record, now_ms)?;
            self.lookups.hits += 1;
            self.lookups.uses_copy |= self.context.touch == Touch::Yes;
            return Some(value);
        }
        let position = layout::position(key);
        let (home, cache) = self.records.home()?;
        if self.context.topology.shard_of_slot(layout::slot_of(position)) != home {
            return None;
        }
        let record_key = layout::head_key_at(physical, position, key);
        let value = cache.lend(&record_key, self.context.touch, |record| {
            head::live_string(record, now_ms).filter(|value| value.len() <= HOT_STRING_BYTES_MAX)
        })?;
        self.gate.pass(&record_key);
        self.lookups.hits += 1;
        Some(value)
    }

    fn open_with(
        &mut self,
        db: usize,
        key: &[u8],
        touch: Touch,
        part: Part,
    ) -> Result<Key, CommandError> {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_opened(key);
        let physical = *self.context.databases.get(db).ok_or(text::DB_OUT_OF_RANGE)?;
        let position = layout::position(key);
        let shard = self.context.topology.shard_of_slot(layout::slot_of(position));
        let record_key = layout::head_key_at(physical, position, key);
        self.gate.pass(&record_key);
        let place = (shard, &record_key);
        let decode = if part == Part::Whole { Head::decode } else { Head::decode_place };
        let changed = self.overlay.head(&record_key);
        let is_changed = changed.is_some();
        let (before, head) = match changed.map(|change| (change.before, change.after.clone())) {
            Some((before, record)) => {
                let record = record.map(|record| self.whole(place, record, part)).transpose()?;
                (before, record.map(decode).transpose()?)
            }
            None => {
                let hot = match part {
                    Part::Front => self.records.hot_head(place, touch)?,
                    _ => None,
                };
                let head = match hot {
                    Some(head) => Some(head),
                    None => self.read(place, touch, part)?.map(decode).transpose()?,
                };
                let before = Before {
                    existed: head.is_some(),
                    deadline_ms: head.as_ref().and_then(|head| head.deadline_ms),
                };
                (before, head)
            }
        };
        let head = head.filter(|head| !head.is_expired(self.context.now_ms));
        self.note_lookup(place, (head.is_some(), is_changed), touch);
        Ok(Key { record_key, shard, before, head })
    }

    /// The record of a key that was not changed, with as much of its value as is wanted.
    fn read(
        &mut self,
        place: Place<'_>,
        touch: Touch,
        part: Part,
    ) -> Result<Option<Bytes>, CommandError> {
        let Some(record) = self.records.read(place, touch, part)? else { return Ok(None) };
        if self.records.is_on_loop() {
            return Ok(Some(record));
        }
        let is_apart = head::elsewhere(&record)?.is_some();
        if !is_apart {
            self.holding.note_read(record.len())?;
        }
        let record = self.whole(place, record, part)?;
        let is_of_use = match part {
            Part::Whole => true,
            Part::Parts | Part::Place => !is_apart,
            Part::Front | Part::Head => false,
        };
        if is_of_use && touch == Touch::Yes {
            self.records.keep(place, &record);
        }
        Ok(Some(record))
    }

    /// Whether lookups count as keyspace hits and misses from here on: those of commands that only
    /// read do, unless they say otherwise.
    pub fn count_lookups(&mut self, counts: bool) {
        self.lookups.are_counted = counts;
    }

    /// When and how often a key of the selected database was used, as far as is known. To be asked
    /// before the key is opened.
    pub fn access_of(&self, key: &[u8]) -> Access {
        let physical = self.context.databases.get(self.context.db);
        physical.map_or_else(Access::default, |physical| {
            self.records.access_of(&layout::head_key(*physical, key))
        })
    }

    /// A key that is open was used once more.
    pub fn use_again(&mut self, key: &Key) {
        if self.context.touch == Touch::No || !key.exists() {
            return;
        }
        let is_changed = self.overlay.head(&key.record_key).is_some();
        match self.records.cache_of(key.shard) {
            Some(cache) if !is_changed => {
                let last_s = cache.clock.now_s();
                cache.note_uses(&key.record_key, Uses { times: 1, last_s });
            }
            _ => self.lookups.note_use(key.shard, &key.record_key, true),
        }
    }

    /// A key was looked up; `is_changed`: in what this run has made of it.
    #[inline]
    fn note_lookup(
        &mut self,
        (shard, record_key): Place<'_>,
        (exists, is_changed): (bool, bool),
        touch: Touch,
    ) {
        self.lookups.count(exists);
        if !exists && self.lookups.are_counted {
            self.tell_miss(shard, record_key);
        }
        if touch == Touch::No || !exists {
            return;
        }
        if self.records.is_of_copy() {
            self.lookups.uses_copy = true;
            return;
        }
        // A hot cache that is at hand and was looked into has noted the use.
        if is_changed || self.records.cache_of(shard).is_none() {
            self.lookups.note_use(shard, record_key, is_changed);
        }
    }
}
