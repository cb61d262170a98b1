//! What one command sees and changes.
//!
//! A handler works on a [`View`]: it opens keys, reads their heads and elements, and puts new ones.
//! Nothing reaches the engine: writes collect in [`Changes`], which the handler's own reads see,
//! and which is either committed as one batch or thrown away. On the loop the view reads memory
//! only; when that is not enough the handler ends with `OffLoop` and runs again elsewhere.

mod changes;
mod pieces;
mod uses;
mod writes;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

use bytes::Bytes;

use crate::engine::{Direction, Family, Range, ReadTier};
use crate::error::{CommandError, text};
use crate::keyspace::access::Access;
use crate::keyspace::cache::{HotCache, Touch};
use crate::keyspace::dirty::{DirtyKeys, Ticket};
use crate::keyspace::head::{self, Body, Head, Kind};
use crate::keyspace::layout::{self, RecordKey};
use crate::keyspace::pieces::BIG_BYTES;
use crate::random::Random;
use crate::room::{Reservation, Reserved};
use crate::settings::Settings;
use crate::topology::{ShardId, Topology};

pub use changes::{Before, Changes, HeadChange, IntoElements};
pub(crate) use uses::USED_MAX;
pub use uses::Use;

/// Work that a command may do on the loop, in units of one record (or 64 bytes touched). About
/// 100 microseconds; beyond it the command runs off the loop.
const LOOP_BUDGET: u64 = 512;

/// A longer string is not lent out of the cache: copying it is work that must be accounted for.
const HOT_STRING_BYTES_MAX: usize = 64 << 10;

/// Records that a run off the loop brings back for the hot cache.
const LOADED_MAX: usize = 64;
/// Bytes of them, and of those of a sequence.
pub(crate) const LOADED_BYTES_MAX: usize = 1 << 20;

/// A key that a handler opened.
pub struct Key {
    record_key: RecordKey,
    shard: ShardId,
    before: Before,
    /// The live head: `None` when the key does not exist or has expired.
    pub head: Option<Head>,
}

impl Key {
    /// Whether there is a live value.
    pub fn exists(&self) -> bool {
        self.head.is_some()
    }

    /// The deadline of the live value.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.head.as_ref().and_then(|head| head.deadline_ms)
    }

    /// The key's name.
    pub fn name(&self) -> &[u8] {
        &self.record_key[layout::HEAD_PREFIX_BYTES..]
    }
}

/// What of a key is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
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

/// What a command runs with, beside its arguments.
pub struct Context<'a> {
    /// All shards.
    pub topology: &'a Topology,
    /// Thresholds and limits.
    pub settings: &'a Settings,
    /// Which physical database stands for each logical one.
    pub databases: &'a [u8],
    /// The logical database that the connection selected.
    pub db: usize,
    /// Now, in ms since 1970.
    pub now_ms: u64,
    /// The clock of uses, in ms since the process started.
    pub steady_ms: u64,
    /// Whether the client's commands count as uses of keys (CLIENT NO-TOUCH).
    pub touch: Touch,
}

/// See the module.
pub struct View<'a> {
    context: Context<'a>,
    random: &'a mut Random,
    /// The hot cache of the shard that runs this, when it is run on its loop.
    cache: Option<(ShardId, &'a mut HotCache)>,
    tier: ReadTier,
    /// The command only reads.
    is_read: bool,
    budget: u64,
    changes: Changes,
    /// Changes of earlier commands of the same sequence, not committed yet.
    earlier: Option<&'a Changes>,
    loaded: Vec<(ShardId, RecordKey, Bytes)>,
    loaded_bytes: usize,
    /// The only record that can be read.
    copy: Option<(&'a RecordKey, &'a Bytes)>,
    dirty: Option<&'a DirtyKeys>,
    /// Room for what was read and is to be written, if it is big.
    held: Reservation,
    /// The version of the big collection that there is room for in `held`.
    walked: Option<u64>,
    /// Bytes that were read and that no room is reserved for yet.
    read_bytes: usize,
    /// Bytes of a value to be written that room is reserved for.
    expected_bytes: usize,
    /// Why nothing of this run counts: there was no room for a value to be written.
    pub failure: Option<CommandError>,
    /// The newest batch among those that wrote what this command saw and that are not durable.
    pub gate: Ticket,
    /// Keys that reading lookups found, and did not find, for INFO.
    pub hits: u64,
    /// See `hits`.
    pub misses: u64,
    /// Lookups count as reading ones.
    counts_lookups: bool,
    /// Keys that were used and whose hot cache is not at hand, for their owners.
    pub used: Vec<Use>,
    /// The value of the copy was read.
    pub uses_copy: bool,
}

impl<'a> View<'a> {
    /// A view for a command on the loop of the shard that owns `cache`: memory only.
    pub fn on_loop(
        context: Context<'a>,
        random: &'a mut Random,
        shard: ShardId,
        cache: &'a mut HotCache,
    ) -> Self {
        Self::new((context, random), Some((shard, cache)), ReadTier::Memory, LOOP_BUDGET)
    }

    /// A view for a command that reads one key, whose record is given: `OffLoop` if it needs more.
    pub fn of_copy(
        context: Context<'a>,
        random: &'a mut Random,
        record_key: &'a RecordKey,
        record: &'a Bytes,
    ) -> Self {
        let mut view = Self::new((context, random), None, ReadTier::Memory, LOOP_BUDGET);
        view.copy = Some((record_key, record));
        view.counts_lookups = true;
        view
    }

    /// A view for a thread that may block.
    pub fn off_loop(context: Context<'a>, random: &'a mut Random) -> Self {
        Self::new((context, random), None, ReadTier::Disk, u64::MAX)
    }

    fn new(
        (context, random): (Context<'a>, &'a mut Random),
        cache: Option<(ShardId, &'a mut HotCache)>,
        tier: ReadTier,
        budget: u64,
    ) -> Self {
        Self {
            context,
            random,
            cache,
            tier,
            is_read: false,
            budget,
            changes: Changes::default(),
            earlier: None,
            loaded: Vec::new(),
            loaded_bytes: 0,
            copy: None,
            dirty: None,
            held: Reservation::default(),
            walked: None,
            read_bytes: 0,
            expected_bytes: 0,
            failure: None,
            gate: 0,
            hits: 0,
            misses: 0,
            counts_lookups: false,
            used: Vec::new(),
            uses_copy: false,
        }
    }

    /// The same, on top of changes that are not committed yet.
    #[must_use]
    pub fn after(mut self, earlier: &'a Changes) -> Self {
        if !earlier.is_empty() {
            self.earlier = Some(earlier);
        }
        self
    }

    /// The same, noting in `gate` which batches the reply has to wait for.
    #[must_use]
    pub fn gated_by(mut self, dirty: &'a DirtyKeys) -> Self {
        if !dirty.is_empty() {
            self.dirty = Some(dirty);
        }
        self
    }

    /// The same, for a command that only reads, or not.
    #[must_use]
    pub fn of_read(mut self, is_read: bool) -> Self {
        self.is_read = is_read;
        self.counts_lookups = is_read;
        self
    }

    /// The same, with room that its sequence has reserved already.
    #[must_use]
    pub fn holding(mut self, held: Reservation) -> Self {
        self.held = held;
        self
    }

    /// What was changed, the records that were read from disk (for the hot cache), and the room
    /// that these take.
    pub fn finish(self) -> (Changes, Vec<(ShardId, RecordKey, Bytes)>, Reservation) {
        (self.changes, self.loaded, self.held)
    }

    /// Now, in ms since 1970. The same throughout a command.
    pub fn now_ms(&self) -> u64 {
        self.context.now_ms
    }

    /// What this command changes counts as so many changes, and not as one for each key.
    pub fn count_changes(&mut self, count: usize) {
        self.changes.stated_count = Some(count as u64);
    }

    /// The clock by which uses of keys are noted, in ms since the process started.
    pub fn steady_ms(&self) -> u64 {
        self.context.steady_ms
    }

    /// Thresholds and limits.
    pub fn settings(&self) -> &'a Settings {
        self.context.settings
    }

    /// Random numbers.
    pub fn random(&mut self) -> &mut Random {
        self.random
    }

    /// The logical database of the connection.
    pub fn db(&self) -> usize {
        self.context.db
    }

    /// Number of logical databases.
    pub fn databases(&self) -> usize {
        self.context.databases.len()
    }

    /// Accounts for `units` of work: records visited, or multiples of 64 bytes touched. Ends the
    /// run on the loop when it was too much.
    pub fn charge(&mut self, units: u64) -> Result<(), CommandError> {
        match self.budget.checked_sub(units) {
            Some(rest) => {
                self.budget = rest;
                Ok(())
            }
            None => Err(CommandError::OffLoop),
        }
    }

    /// Opens a key of the selected database.
    pub fn open(&mut self, key: &[u8]) -> Result<Key, CommandError> {
        self.open_with(self.context.db, key, self.context.touch, Part::Whole)
    }

    /// The string at a key of the selected database, lent from the hot cache: what GET needs and
    /// nothing more. `None` says nothing; open the key then.
    pub fn hot_string(&mut self, key: &[u8]) -> Option<&[u8]> {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_opened(key);
        if !self.changes.is_empty() || self.earlier.is_some() {
            return None;
        }
        let physical = *self.context.databases.get(self.context.db)?;
        if let Some((record_key, record)) = self.copy
            && key == &record_key[layout::HEAD_PREFIX_BYTES..]
            && physical == record_key[0]
        {
            let value = head::live_string(record, self.context.now_ms)?;
            self.hits += 1;
            self.uses_copy |= self.context.touch == Touch::Yes;
            return Some(value);
        }
        let position = layout::position(key);
        let (home, cache) = self.cache.as_mut()?;
        if self.context.topology.shard_of_slot(layout::slot_of(position)) != *home {
            return None;
        }
        let record_key = layout::head_key_at(physical, position, key);
        let now_ms = self.context.now_ms;
        let value = cache.lend(&record_key, self.context.touch, |record| {
            head::live_string(record, now_ms).filter(|value| value.len() <= HOT_STRING_BYTES_MAX)
        })?;
        if let Some(dirty) = self.dirty {
            self.gate = self.gate.max(dirty.ticket(&record_key));
        }
        self.hits += 1;
        Some(value)
    }

    /// Opens a key that must hold a `kind`, or nothing.
    pub fn open_kind(&mut self, key: &[u8], kind: Kind) -> Result<Key, CommandError> {
        let key = self.open(key)?;
        match &key.head {
            Some(head) if head.kind != kind => Err(text::WRONG_TYPE.into()),
            _ => Ok(key),
        }
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

    /// When and how often a key of the selected database was used, as far as is known. To be asked
    /// before the key is opened.
    pub fn access_of(&self, key: &[u8]) -> Access {
        let physical = self.context.databases.get(self.context.db);
        let (Some((_, cache)), Some(physical)) = (&self.cache, physical) else {
            return Access::default();
        };
        cache.access(&layout::head_key(*physical, key))
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
        if let Some(dirty) = self.dirty {
            self.gate = self.gate.max(dirty.ticket(&record_key));
        }
        let decode = if part == Part::Whole { Head::decode } else { Head::decode_place };
        let changed = self.changed(&record_key);
        let is_changed = changed.is_some();
        let (before, head) = match changed.map(|change| (change.before, change.after.clone())) {
            Some((before, record)) => {
                let place = (shard, &record_key);
                let record = record.map(|record| self.whole(place, record, part)).transpose()?;
                (before, record.map(decode).transpose()?)
            }
            None => {
                let head = match self.hot_head(shard, &record_key, touch, part)? {
                    Some(head) => Some(head),
                    None => self.read(shard, &record_key, touch, part)?.map(decode).transpose()?,
                };
                let before = Before {
                    existed: head.is_some(),
                    deadline_ms: head.as_ref().and_then(|head| head.deadline_ms),
                };
                (before, head)
            }
        };
        let head = head.filter(|head| !head.is_expired(self.context.now_ms));
        self.note_lookup((shard, &record_key), (head.is_some(), is_changed), touch);
        Ok(Key { record_key, shard, before, head })
    }

    /// What this command, or an earlier one of its sequence, made of a key.
    fn changed(&self, record_key: &[u8]) -> Option<&HeadChange> {
        let own = &self.changes;
        if let Some(index) = own.find(record_key) {
            return own.heads.get(index);
        }
        let earlier = self.earlier?;
        earlier.find(record_key).and_then(|index| earlier.heads.get(index))
    }

    /// A head in the hot cache, if its value is of no interest: nothing is copied.
    fn hot_head(
        &mut self,
        shard: ShardId,
        record_key: &RecordKey,
        touch: Touch,
        part: Part,
    ) -> Result<Option<Head>, CommandError> {
        let Some((home, cache)) = &mut self.cache else { return Ok(None) };
        if part != Part::Front || *home != shard || self.copy.is_some() {
            return Ok(None);
        }
        let record = cache.lend(record_key, touch, Some);
        Ok(record.map(Head::decode_front).transpose()?)
    }

    /// How far to look for a single record.
    fn record_tier(&self) -> ReadTier {
        let is_likely = self.is_read && self.tier == ReadTier::Memory;
        if is_likely { ReadTier::LikelyMemory } else { self.tier }
    }

    fn read(
        &mut self,
        shard: ShardId,
        record_key: &RecordKey,
        touch: Touch,
        part: Part,
    ) -> Result<Option<Bytes>, CommandError> {
        if let Some((given, record)) = self.copy {
            let is_given = given == record_key;
            return if is_given { Ok(Some(record.clone())) } else { Err(CommandError::OffLoop) };
        }
        let tier = self.record_tier();
        if let Some((home, cache)) = &mut self.cache
            && *home == shard
        {
            // Who wants the front has looked already. To be changed in place, the place of a big
            // string must be known.
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
            let record =
                self.context.topology.engine(shard).get(Family::Heads, record_key, tier)?;
            if let Some(record) = &record {
                if head::elsewhere(record)?.is_none() {
                    cache.insert(record_key, record.clone(), touch);
                } else if part == Part::Whole {
                    return Err(CommandError::OffLoop);
                }
            }
            return Ok(record);
        }
        let engine = self.context.topology.engine(shard);
        let Some(record) = engine.get(Family::Heads, record_key, self.tier)? else {
            return Ok(None);
        };
        let is_apart = head::elsewhere(&record)?.is_some();
        if !is_apart {
            self.note_read(record.len())?;
        }
        let record = self.whole((shard, record_key), record, part)?;
        if (part == Part::Whole || !matches!(part, Part::Front | Part::Head) && !is_apart)
            && self.tier == ReadTier::Disk
            && touch == Touch::Yes
            && self.loaded.len() < LOADED_MAX
            && self.loaded_bytes + record.len() <= LOADED_BYTES_MAX
        {
            self.loaded_bytes += record.len();
            self.loaded.push((shard, record_key.clone(), record.clone()));
        }
        Ok(Some(record))
    }

    /// So many bytes were read from the disk, or are about to be: reserves room when it is much.
    fn note_read(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.read_bytes += bytes;
        if self.read_bytes < BIG_BYTES || self.tier == ReadTier::Memory {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.read_bytes) as u64;
        self.reserve(bytes)
    }

    /// A value of so many bytes is about to be made: reserves room, if it is big. Twice, as the log
    /// takes a copy.
    pub fn expect_value(&mut self, bytes: usize) -> Result<(), CommandError> {
        if bytes < BIG_BYTES || self.tier == ReadTier::Memory {
            return Ok(());
        }
        if bytes > self.settings().reply_bytes_max {
            return Err(text::VALUE_TOO_LONG.into());
        }
        self.expected_bytes += bytes;
        self.reserve(2 * bytes as u64)
    }

    /// So many bytes are about to be gathered beside the reply: reserves room, if they are many.
    pub fn expect_work(&mut self, bytes: u64) -> Result<(), CommandError> {
        if bytes < BIG_BYTES as u64 || self.tier == ReadTier::Memory {
            return Ok(());
        }
        self.reserve(bytes)
    }

    fn reserve(&mut self, bytes: u64) -> Result<(), CommandError> {
        match self.held.grow(self.context.topology.room(), bytes) {
            Reserved::Yes => Ok(()),
            Reserved::NotNow => Err(CommandError::NoRoom),
            Reserved::Never => Err(text::VALUE_TOO_LONG.into()),
        }
    }

    /// Reserves room for a value that is made already, if it is big and was not expected.
    fn reserve_for(&mut self, bytes: usize) {
        if bytes < BIG_BYTES || self.tier == ReadTier::Memory {
            return;
        }
        // The record is a little longer than the value.
        let new = bytes.saturating_sub(self.expected_bytes + BIG_BYTES / 2);
        self.expected_bytes = self.expected_bytes.saturating_sub(bytes);
        if new > 0
            && let Err(error) = self.reserve(2 * bytes as u64)
        {
            self.failure = Some(error);
        }
    }

    /// A version for a collection that becomes large, never used before.
    pub fn new_version(&mut self) -> u64 {
        let version = self.context.topology.new_version();
        self.changes.new_versions.push(version);
        version
    }

    /// An element of a large collection.
    pub fn element(
        &mut self,
        key: &Key,
        version: u64,
        element: &[u8],
    ) -> Result<Option<Bytes>, CommandError> {
        let engine = self.context.topology.engine(key.shard);
        if let Some(changed) = self.changed_element(key, version, element) {
            return Ok(changed);
        }
        self.charge(1)?;
        if self.copy.is_some() {
            return Err(CommandError::OffLoop);
        }
        let tier = self.record_tier();
        let home = self.cache.as_mut().filter(|(home, _)| *home == key.shard);
        let Some((_, cache)) = home else {
            let record_key = element_key(key, version, element);
            let value = engine.get(Family::Elements, &record_key, self.tier)?;
            // Its size is not known before; others have to wait at least.
            self.note_read(value.as_ref().map_or(0, Bytes::len))?;
            return Ok(value);
        };
        if let Some(value) = cache.element(version, element) {
            return Ok(Some(value));
        }
        let record_key = element_key(key, version, element);
        let value = engine.get(Family::Elements, &record_key, tier)?;
        if let Some(value) = &value {
            cache.insert_element(version, element, value.clone());
        }
        Ok(value)
    }

    /// What this command, or an earlier one of its sequence, made of an element.
    fn changed_element(&self, key: &Key, version: u64, element: &[u8]) -> Option<Option<Bytes>> {
        let all = || [Some(&self.changes), self.earlier].into_iter().flatten();
        if all().all(|changes| changes.elements.is_empty()) {
            return None;
        }
        let record_key = element_key(key, version, element);
        all().find_map(|changes| changes.elements.get(&record_key)).map(|(_, value)| value.clone())
    }

    /// Sets an element of a large collection. Counting is the type's business.
    pub fn put_element(&mut self, key: &Key, version: u64, element: &[u8], value: Bytes) {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_changed(key.name());
        self.reserve_for(value.len());
        let record_key = element_key(key, version, element);
        self.changes.elements.insert(record_key, (key.shard, Some(value)));
    }

    /// Deletes an element of a large collection.
    pub fn remove_element(&mut self, key: &Key, version: u64, element: &[u8]) {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_changed(key.name());
        let record_key = element_key(key, version, element);
        self.changes.elements.insert(record_key, (key.shard, None));
    }

    /// Visits the elements `from..to` (empty `to`: to the end) of a large collection in order,
    /// this command's own changes included, until `visit` breaks.
    pub fn elements(
        &mut self,
        key: &Key,
        version: u64,
        (from, to): (&[u8], &[u8]),
        direction: Direction,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        if self.copy.is_some() {
            return Err(CommandError::OffLoop);
        }
        let prefix = layout::element_prefix(&key.record_key, version);
        let lower = element_key(key, version, from);
        let upper =
            if to.is_empty() { layout::prefix_end(&prefix) } else { element_key(key, version, to) };
        if lower >= upper {
            return Ok(());
        }
        let mut changed: Vec<(&RecordKey, Option<&Bytes>)> = {
            let range = || (Bound::Included(&lower), Bound::Excluded(&upper));
            let mut merged: BTreeMap<&RecordKey, Option<&Bytes>> = BTreeMap::new();
            for changes in self.earlier.into_iter().chain([&self.changes]) {
                let changed = changes.elements.range::<RecordKey, _>(range());
                merged.extend(changed.map(|(key, (_, value))| (key, value.as_ref())));
            }
            merged.into_iter().collect()
        };
        if direction == Direction::Backward {
            changed.reverse();
        }
        let comes_first = |left: &[u8], right: &[u8]| match direction {
            Direction::Forward => left < right,
            Direction::Backward => left > right,
        };
        let engine = self.context.topology.engine(key.shard);
        let range = Range {
            family: Family::Elements,
            lower: &lower,
            upper: &upper,
            direction,
            tier: self.tier,
        };
        let mut budget = self.budget;
        let mut changed = changed.into_iter().peekable();
        let strip = prefix.len();
        let mut is_over = false;
        let mut is_too_much = false;
        // Whoever has seen so much of a big collection may keep it all, once.
        let whole = match &key.head {
            Some(Head { body: Body::Large(large), .. }) => large.bytes,
            _ => 0,
        };
        let is_reserved = self.walked == Some(version);
        let (held, room) = (&mut self.held, self.context.topology.room());
        let (mut seen, mut reserved) = (0, Reserved::Yes);
        engine.range(range, &mut |stored_key, stored_value| {
            let before = seen;
            seen += stored_key.len() + stored_value.len();
            if !is_reserved && before < BIG_BYTES && seen >= BIG_BYTES {
                reserved = held.grow(room, whole.max(BIG_BYTES as u64));
                if reserved != Reserved::Yes {
                    return ControlFlow::Break(());
                }
            }
            let Some(rest) = budget.checked_sub(1) else {
                is_too_much = true;
                return ControlFlow::Break(());
            };
            budget = rest;
            let mut shadowed = false;
            while let Some((own_key, own_value)) = changed.peek() {
                if own_key[..] == *stored_key {
                    shadowed = true;
                } else if !comes_first(own_key, stored_key) {
                    break;
                }
                if let Some(value) = own_value
                    && visit(&own_key[strip..], value).is_break()
                {
                    is_over = true;
                    return ControlFlow::Break(());
                }
                changed.next();
                if shadowed {
                    break;
                }
            }
            if !shadowed && visit(&stored_key[strip..], stored_value).is_break() {
                is_over = true;
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        })?;
        match reserved {
            Reserved::Yes if is_too_much => return Err(CommandError::OffLoop),
            Reserved::Yes if seen >= BIG_BYTES => self.walked = Some(version),
            Reserved::Yes => {}
            _ if self.tier == ReadTier::Memory => return Err(CommandError::OffLoop),
            Reserved::NotNow => return Err(CommandError::NoRoom),
            Reserved::Never => return Err(text::VALUE_TOO_LONG.into()),
        }
        if !is_over {
            for (own_key, own_value) in changed {
                if let Some(value) = own_value
                    && visit(&own_key[strip..], value).is_break()
                {
                    break;
                }
            }
        }
        self.budget = budget;
        Ok(())
    }
}

fn element_key(key: &Key, version: u64, element: &[u8]) -> RecordKey {
    let mut record_key = layout::element_prefix(&key.record_key, version);
    record_key.extend_from_slice(element);
    record_key
}
