//! The hot cache: the heads of the shard's busiest keys, and the busiest elements of its large
//! collections, in front of the engine.
//!
//! Owned by the shard's thread, unsynchronised, and exactly coherent: every committed change goes
//! through it. Bounded in bytes; eviction is S3-FIFO, so a scan does not wash out what is hot.
//! Ranges of elements are not read from here: only the engine knows that none is missing.

use std::cell::Cell;

use bytes::Bytes;
use quick_cache::Weighter;

use crate::keyspace::access::{Access, AccessClock, Uses};
use crate::keyspace::cache_key::{CacheKey, Name};
use crate::keyspace::hot_keys::HotKeys;
use crate::keyspace::parted::Parted;

/// What an entry costs beside the bytes of its record: its place in the cache's list and table,
/// which grow by doubling, and the counter of who shares the record. Measured: 148 bytes in a list
/// without free places.
pub(super) const ENTRY_OVERHEAD_BYTES: u64 = 176;

/// The allocator rounds up by as much as this share of a record, and by half of it on average.
const ROUNDING_SHARE: u64 = 8;

/// Bytes that are let go in one step when the cache is made smaller.
pub(super) const RESIZE_STEP_BYTES: u64 = 256 << 10;

struct Cached {
    record: Bytes,
    access: Cell<Access>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, Cached> for ByBytes {
    fn weight(&self, key: &CacheKey, cached: &Cached) -> u64 {
        let heap_bytes = (key.heap_bytes() + cached.record.len()) as u64;
        heap_bytes + heap_bytes / ROUNDING_SHARE + ENTRY_OVERHEAD_BYTES
    }
}

/// Whether reading a key counts as a use of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Touch {
    /// It does.
    Yes,
    /// It does not: the command asks about the key, not for its value.
    No,
}

/// See the module.
pub struct HotCache {
    cache: Parted<CacheKey, Cached, ByBytes>,
    /// The time of uses, and how they are counted.
    pub clock: AccessClock,
    /// The keys used most, in the cache or not.
    pub hot_keys: HotKeys,
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

/// What was in a cache.
pub struct Discarded {
    _cache: Parted<CacheKey, Cached, ByBytes>,
}

/// So many entries are dropped on the spot.
const DROPPED_AT_ONCE_MAX: usize = 4096;

impl HotCache {
    /// A cache of at most `bytes`; `seed` of what is left to chance.
    pub fn new(bytes: u64, seed: u64) -> Self {
        Self {
            cache: Parted::new(bytes, ByBytes),
            clock: AccessClock::new(seed),
            hot_keys: HotKeys::new(seed),
            hits: 0,
            misses: 0,
        }
    }

    /// The record of a key. A shared slice: no bytes are copied.
    pub fn get(&mut self, key: &[u8], touch: Touch) -> Option<Bytes> {
        if touch == Touch::Yes {
            self.hot_keys.note(key);
        }
        let Some(found) = self.cache.get(&Name::Head(key)) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        if touch == Touch::Yes {
            self.clock.touch(&found.access);
        }
        Some(found.record.clone())
    }

    /// What is `wanted` of the record of a key, lent: not even its count of references is touched.
    /// Only a hit is counted, and is a use; who does not find it here goes on to [`HotCache::get`].
    #[inline]
    pub fn lend<'a>(
        &'a mut self,
        key: &[u8],
        touch: Touch,
        wanted: impl FnOnce(&'a [u8]) -> Option<&'a [u8]>,
    ) -> Option<&'a [u8]> {
        let found = self.cache.get(&Name::Head(key))?;
        let part = wanted(&found.record)?;
        self.hits += 1;
        if touch == Touch::Yes {
            self.hot_keys.note(key);
            self.clock.touch(&found.access);
        }
        Some(part)
    }

    /// Counts what [`HotCache::get`] would count for a key that is not here.
    pub fn note_miss(&mut self, key: &[u8], touch: Touch) {
        if touch == Touch::Yes {
            self.hot_keys.note(key);
        }
        self.misses += 1;
    }

    /// When and how often a key was used, as far as is known.
    pub fn access(&self, key: &[u8]) -> Access {
        self.cache.peek(&Name::Head(key)).map(|found| found.access.get()).unwrap_or_default()
    }

    /// A key was used on another thread, by commands that are done.
    pub fn note_uses(&mut self, key: &[u8], uses: Uses) {
        if let Some(found) = self.cache.peek(&Name::Head(key)) {
            self.clock.note(&found.access, uses);
        }
    }

    /// A key was used by a command that a try here may have noted already.
    pub fn touch_again(&mut self, key: &[u8]) {
        if let Some(found) = self.cache.peek(&Name::Head(key)) {
            self.clock.touch_again(&found.access);
        }
    }

    /// Takes a record in that was read from the engine.
    pub fn insert(&mut self, key: &[u8], record: Bytes, touch: Touch) {
        let access = match touch {
            Touch::Yes => self.clock.first(),
            Touch::No => Access::default(),
        };
        self.admit(Name::Head(key), record, access);
    }

    /// A key was committed: its new record, or none. A key that was there keeps what is known of
    /// its uses.
    pub fn update(&mut self, key: &[u8], record: Option<Bytes>) {
        let access = self.clock.first();
        if let Some(new) = self.replace(Name::Head(key), record) {
            self.admit(Name::Head(key), new, access);
        }
    }

    /// An element of a large collection.
    pub fn element(&mut self, version: u64, element: &[u8]) -> Option<Bytes> {
        let found = self.cache.get(&Name::Element { version, element });
        if found.is_some() {
            self.hits += 1;
        } else {
            self.misses += 1;
        }
        found.map(|cached| cached.record.clone())
    }

    /// Takes an element in that was read from the engine.
    pub fn insert_element(&mut self, version: u64, element: &[u8], value: Bytes) {
        self.admit(Name::Element { version, element }, value, Access::default());
    }

    /// An element was committed: its new value, or none. `admit`: take it in if it is not there.
    pub fn update_element(
        &mut self,
        version: u64,
        element: &[u8],
        value: Option<Bytes>,
        admit: bool,
    ) {
        let name = Name::Element { version, element };
        if let Some(new) = self.replace(name, value)
            && admit
        {
            self.admit(name, new, Access::default());
        }
    }

    fn admit(&mut self, name: Name<'_>, record: Bytes, access: Access) {
        if record.len() as u64 <= self.cache.longest_bytes() {
            let cached = Cached { record, access: Cell::new(access) };
            self.cache.insert(CacheKey::from(name), cached);
        }
    }

    /// Replaces what is there. A record that found no place comes back.
    fn replace(&mut self, name: Name<'_>, record: Option<Bytes>) -> Option<Bytes> {
        match record {
            Some(record) if record.len() as u64 <= self.cache.longest_bytes() => {
                let Some(mut known) = self.cache.get_mut(&name) else { return Some(record) };
                known.record = record;
            }
            _ => self.cache.remove(&name),
        }
        None
    }

    /// Comes closer to another size: a long way down takes many steps, each short. True: it is
    /// there.
    pub fn resize_step(&mut self, bytes: u64) -> bool {
        self.cache.resize_step(bytes, RESIZE_STEP_BYTES)
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.cache.clear();
    }

    /// Forgets all at once, however much it is. What comes back takes time to be dropped: not on
    /// a shard's loop.
    pub fn discard(&mut self) -> Option<Discarded> {
        if self.cache.len() <= DROPPED_AT_ONCE_MAX {
            self.cache.clear();
            return None;
        }
        let empty = Parted::new(self.cache.capacity(), ByBytes);
        Some(Discarded { _cache: std::mem::replace(&mut self.cache, empty) })
    }

    /// Counts hits and misses from zero again.
    pub fn reset_counters(&mut self) {
        self.hits = 0;
        self.misses = 0;
    }

    /// Bytes in use, overhead included.
    pub fn bytes(&self) -> u64 {
        self.cache.bytes()
    }

    /// Number of heads and elements.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether nothing is cached.
    pub fn is_empty(&self) -> bool {
        self.cache.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::layout;

    fn fill(cache: &mut HotCache, keys: std::ops::Range<u32>) {
        for number in keys {
            let key = layout::head_key(0, &number.to_be_bytes());
            cache.insert(&key, Bytes::from(vec![0; 100]), Touch::Yes);
        }
    }

    #[test]
    fn the_size_changes_in_short_steps() {
        let mut cache = HotCache::new(4 << 20, 1);
        fill(&mut cache, 0..50_000);
        let full = cache.bytes();
        assert!((3 << 20..=4 << 20).contains(&full), "{full}");
        let mut steps = 1;
        while !cache.resize_step(1 << 20) {
            steps += 1;
            // Each part may go some entries further than it has to.
            assert!(cache.bytes() + (steps - 1) * (RESIZE_STEP_BYTES + 16 * 6000) > full);
        }
        assert!(steps > 10 && cache.bytes() <= 1 << 20, "{steps} {}", cache.bytes());
        fill(&mut cache, 0..50_000);
        assert!(cache.bytes() <= 1 << 20);
        assert!(cache.resize_step(8 << 20));
        fill(&mut cache, 0..50_000);
        assert!(cache.bytes() > 6 << 20, "{}", cache.bytes());
    }
}
