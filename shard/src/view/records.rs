//! Where records come from: the memory of a loop with its hot cache, the disk, or a copy of what
//! another shard's key holds. The databases of all shards can be read, whoever owns them.

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{Direction, Engine, Family, Range, ReadTier, Visit};
use crate::error::CommandError;
use crate::keyspace::access::Access;
use crate::keyspace::cache::{HotCache, Touch};
use crate::keyspace::head::{self, Head};
use crate::keyspace::layout::{self, RecordKey};
use crate::keyspace::pieces::BIG_BYTES;
use crate::topology::{ShardId, Topology};
use crate::view::key::Key;

/// Records that a run off the loop brings back for the hot cache.
const LOADED_MAX: usize = 64;
/// Bytes of them, and of those of a sequence.
pub(crate) const LOADED_BYTES_MAX: usize = 1 << 20;

/// What of a key is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// Whether it is there, of what kind, and until when; a value may be left out.
    Front,
    /// What there is to say without the value.
    Head,
    /// Parts of the value.
    Parts,
    /// Parts of the value, to be changed.
    Place,
    /// The value.
    Whole,
}

/// Where the head of a key stands: its owner, and the record key there.
pub(super) type Place<'a> = (ShardId, &'a RecordKey);

enum Source<'a> {
    /// Memory, on the loop of a shard, whose hot cache is at hand.
    Loop(ShardId, &'a mut HotCache),
    /// The record of one key and nothing else, on the loop of a shard that does not own it.
    Copy(&'a RecordKey, &'a Bytes),
    /// The disk too, on a thread that may block.
    Disk,
}

/// See the module.
pub(super) struct Records<'a> {
    topology: &'a Topology,
    source: Source<'a>,
    /// The command only reads.
    pub(super) is_read: bool,
    /// What was read from the disk, for the hot caches of the owners.
    pub(super) loaded: Vec<(ShardId, RecordKey, Bytes)>,
    loaded_bytes: usize,
}

impl<'a> Records<'a> {
    /// In the memory of the loop of the shard that owns `cache`.
    #[inline]
    pub(super) fn on_loop(topology: &'a Topology, shard: ShardId, cache: &'a mut HotCache) -> Self {
        Self::from(topology, Source::Loop(shard, cache))
    }

    /// One record alone.
    pub(super) fn of_copy(
        topology: &'a Topology,
        record_key: &'a RecordKey,
        record: &'a Bytes,
    ) -> Self {
        Self::from(topology, Source::Copy(record_key, record))
    }

    /// On a thread that may block.
    pub(super) fn off_loop(topology: &'a Topology) -> Self {
        Self::from(topology, Source::Disk)
    }

    #[inline]
    fn from(topology: &'a Topology, source: Source<'a>) -> Self {
        Self { topology, source, is_read: false, loaded: Vec::new(), loaded_bytes: 0 }
    }

    /// The database of a shard.
    #[inline]
    pub(super) fn engine(&self, shard: ShardId) -> &'a Arc<dyn Engine> {
        self.topology.engine(shard)
    }

    /// Whether a thread runs this that must not block.
    #[inline]
    pub(super) fn is_on_loop(&self) -> bool {
        !matches!(self.source, Source::Disk)
    }

    /// `OffLoop` where the disk must not be read.
    pub(super) fn needs_disk(&self) -> Result<(), CommandError> {
        if self.is_on_loop() { Err(CommandError::OffLoop) } else { Ok(()) }
    }

    /// `OffLoop` where there are no elements to be read.
    #[inline]
    pub(super) fn needs_elements(&self) -> Result<(), CommandError> {
        if self.is_of_copy() { Err(CommandError::OffLoop) } else { Ok(()) }
    }

    /// Whether a copy is all that there is.
    #[inline]
    pub(super) fn is_of_copy(&self) -> bool {
        matches!(self.source, Source::Copy(..))
    }

    /// How far to look.
    #[inline]
    pub(super) fn tier(&self) -> ReadTier {
        if self.is_on_loop() { ReadTier::Memory } else { ReadTier::Disk }
    }

    /// How far to look for a single record on the loop of its owner.
    #[inline]
    fn tier_at_home(&self) -> ReadTier {
        if self.is_read { ReadTier::LikelyMemory } else { ReadTier::Memory }
    }

    /// The copy, if it is of this key of this physical database.
    #[inline]
    pub(super) fn copy_of(&self, physical: u8, name: &[u8]) -> Option<&'a Bytes> {
        let Source::Copy(record_key, record) = self.source else { return None };
        let is_of_it =
            name == &record_key[layout::HEAD_PREFIX_BYTES..] && physical == record_key[0];
        is_of_it.then_some(record)
    }

    /// The shard whose loop runs this, and its hot cache.
    #[inline]
    pub(super) fn home(&mut self) -> Option<(ShardId, &mut HotCache)> {
        match &mut self.source {
            Source::Loop(home, cache) => Some((*home, cache)),
            _ => None,
        }
    }

    /// The hot cache of a shard, if it is at hand.
    #[inline]
    pub(super) fn cache_of(&mut self, shard: ShardId) -> Option<&mut HotCache> {
        self.home().filter(|(home, _)| *home == shard).map(|(_, cache)| cache)
    }

    /// When and how often a key was used, as far as the hot cache at hand knows.
    pub(super) fn access_of(&self, record_key: &RecordKey) -> Access {
        match &self.source {
            Source::Loop(_, cache) => cache.access(record_key),
            _ => Access::default(),
        }
    }

    /// A head in the hot cache, if its value is of no interest: nothing is copied.
    #[inline]
    pub(super) fn hot_head(
        &mut self,
        (shard, record_key): Place<'_>,
        touch: Touch,
    ) -> Result<Option<Head>, CommandError> {
        let Some(cache) = self.cache_of(shard) else { return Ok(None) };
        let record = cache.lend(record_key, touch, Some);
        Ok(record.map(Head::decode_front).transpose()?)
    }

    /// The record of a head, as it stands among the heads: of a big string only its place. On the
    /// loop that is not enough for who wants the string whole.
    #[inline]
    pub(super) fn read(
        &mut self,
        (shard, record_key): Place<'_>,
        touch: Touch,
        part: Part,
    ) -> Result<Option<Bytes>, CommandError> {
        let engine = self.engine(shard);
        let tier = self.tier_at_home();
        match &mut self.source {
            Source::Copy(given, record) if *given == record_key => Ok(Some((*record).clone())),
            Source::Copy(..) => Err(CommandError::OffLoop),
            Source::Loop(home, cache) if *home == shard => {
                // Who wants the front has looked already. To be changed in place, the place of a
                // big string must be known.
                let found = if part == Part::Front {
                    cache.note_miss(record_key, touch);
                    None
                } else {
                    cache.get(record_key, touch)
                };
                if let Some(record) = found
                    && (part != Part::Place || record.len() < BIG_BYTES)
                {
                    return Ok(Some(record));
                }
                let record = engine.get(Family::Heads, record_key, tier)?;
                if let Some(record) = &record {
                    if head::elsewhere(record)?.is_none() {
                        cache.insert(record_key, record.clone(), touch);
                    } else if part == Part::Whole {
                        return Err(CommandError::OffLoop);
                    }
                }
                Ok(record)
            }
            Source::Loop(..) => {
                let record = engine.get(Family::Heads, record_key, ReadTier::Memory)?;
                if part == Part::Whole
                    && let Some(record) = &record
                    && head::elsewhere(record)?.is_some()
                {
                    return Err(CommandError::OffLoop);
                }
                Ok(record)
            }
            Source::Disk => Ok(engine.get(Family::Heads, record_key, ReadTier::Disk)?),
        }
    }

    /// Keeps a whole record that was read from the disk, for the hot cache of its owner.
    pub(super) fn keep(&mut self, (shard, record_key): Place<'_>, record: &Bytes) {
        if self.loaded.len() < LOADED_MAX && self.loaded_bytes + record.len() <= LOADED_BYTES_MAX {
            self.loaded_bytes += record.len();
            self.loaded.push((shard, record_key.clone(), record.clone()));
        }
    }

    /// An element of a large collection.
    #[inline]
    pub(super) fn element(
        &mut self,
        key: &Key,
        version: u64,
        element: &[u8],
    ) -> Result<Option<Bytes>, CommandError> {
        self.needs_elements()?;
        let engine = self.engine(key.shard);
        let tier = self.tier_at_home();
        let Some(cache) = self.cache_of(key.shard) else {
            let place = key.element_key(version, element);
            return Ok(engine.get(Family::Elements, &place, self.tier())?);
        };
        if let Some(value) = cache.element(version, element) {
            return Ok(Some(value));
        }
        let value = engine.get(Family::Elements, &key.element_key(version, element), tier)?;
        if let Some(value) = &value {
            cache.insert_element(version, element, value.clone());
        }
        Ok(value)
    }

    /// The same, of an element whose place is known, past the hot cache.
    pub(super) fn element_at(
        &self,
        (shard, place): Place<'_>,
    ) -> Result<Option<Bytes>, CommandError> {
        Ok(self.engine(shard).get(Family::Elements, place, self.tier())?)
    }

    /// Visits the elements in `lower..upper` in order, until `visit` breaks.
    pub(super) fn elements(
        &self,
        shard: ShardId,
        (lower, upper): (&RecordKey, &RecordKey),
        direction: Direction,
        visit: &mut Visit<'_>,
    ) -> Result<(), CommandError> {
        let (family, tier) = (Family::Elements, self.tier());
        let range = Range { family, lower, upper, direction, tier };
        Ok(self.engine(shard).range(range, visit)?)
    }
}
