//! The hot cache: head records of the shard's busiest keys, in front of the engine.
//!
//! Owned by the shard's thread, unsynchronised, and exactly coherent: every committed change goes
//! through it. Bounded in bytes; eviction is S3-FIFO, so a scan does not wash the hot keys out.

use std::cell::Cell;
use std::hash::{BuildHasherDefault, Hasher};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use smallvec::SmallVec;

use crate::keyspace::access::{Access, AccessClock};
use crate::keyspace::hot_keys::HotKeys;
use crate::keyspace::layout::RecordKey;

/// A record key in the cache: shorter on the spot than a [`RecordKey`], as there are many.
type CacheKey = SmallVec<[u8; 32]>;

/// What an entry costs beside its key and record: table slots, allocation headers, counters.
const ENTRY_OVERHEAD_BYTES: u64 = 96;

/// Records longer than this share of the cache are not worth what they would push out.
const RECORD_SHARE_MAX: u64 = 16;

/// Hashes a head's record key by the position in it, which is a hash already.
#[derive(Default)]
pub struct PositionHasher(u64);

impl Hasher for PositionHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some((db, rest)) = bytes.split_first()
            && let Some((position, _)) = rest.split_first_chunk::<8>()
        {
            // The slot's bits stand highest and repeat; spread the hash below them upwards.
            let mixed = u64::from_be_bytes(*position) ^ u64::from(*db);
            self.0 = mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26);
        }
    }

    fn write_usize(&mut self, _length: usize) {}
}

struct Cached {
    record: Bytes,
    access: Cell<Access>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, Cached> for ByBytes {
    fn weight(&self, key: &CacheKey, cached: &Cached) -> u64 {
        key.len() as u64 + cached.record.len() as u64 + ENTRY_OVERHEAD_BYTES
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
    cache: Cache<CacheKey, Cached, ByBytes, BuildHasherDefault<PositionHasher>>,
    record_bytes_max: u64,
    /// The time of uses, and how they are counted.
    pub clock: AccessClock,
    /// The keys used most, in the cache or not.
    pub hot_keys: HotKeys,
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

impl HotCache {
    /// A cache of at most `bytes`; `seed` of what is left to chance.
    pub fn new(bytes: u64, seed: u64) -> Self {
        let cache = Cache::with(
            (bytes / 512) as usize,
            bytes,
            ByBytes,
            BuildHasherDefault::default(),
            quick_cache::unsync::DefaultLifecycle::default(),
        );
        Self {
            cache,
            record_bytes_max: bytes / RECORD_SHARE_MAX,
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
        let Some(found) = self.cache.get(key) else {
            self.misses += 1;
            return None;
        };
        self.hits += 1;
        if touch == Touch::Yes {
            self.clock.touch(&found.access);
        }
        Some(found.record.clone())
    }

    /// The record of a key that is used, lent: not even its count of references is touched. Only a
    /// hit is counted; who does not find it here goes on to [`HotCache::get`].
    pub fn lend(&mut self, key: &[u8]) -> Option<&[u8]> {
        let found = self.cache.get(key)?;
        self.hits += 1;
        self.hot_keys.note(key);
        self.clock.touch(&found.access);
        Some(&found.record)
    }

    /// When and how often a key was used, as far as is known.
    pub fn access(&self, key: &[u8]) -> Access {
        self.cache.peek(key).map(|found| found.access.get()).unwrap_or_default()
    }

    /// Takes a record in that was read from the engine.
    pub fn insert(&mut self, key: &RecordKey, record: Bytes, touch: Touch) {
        let access = match touch {
            Touch::Yes => self.clock.first(),
            Touch::No => Access::default(),
        };
        if record.len() as u64 <= self.record_bytes_max {
            let cached = Cached { record, access: Cell::new(access) };
            self.cache.insert(CacheKey::from_slice(key), cached);
        }
    }

    /// Takes a record in that was committed. A key that was there keeps what is known of its uses.
    pub fn update(&mut self, key: &RecordKey, record: Bytes) {
        if record.len() as u64 > self.record_bytes_max {
            self.cache.remove(key.as_slice());
        } else if let Some(mut known) = self.cache.get_mut(key.as_slice()) {
            known.record = record;
        } else {
            self.insert(key, record, Touch::Yes);
        }
    }

    /// Forgets a key.
    pub fn remove(&mut self, key: &[u8]) {
        self.cache.remove(key);
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.cache.clear();
    }

    /// Counts hits and misses from zero again.
    pub fn reset_counters(&mut self) {
        self.hits = 0;
        self.misses = 0;
    }

    /// Bytes in use, overhead included.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }

    /// Number of records.
    pub fn len(&self) -> usize {
        self.cache.len()
    }

    /// Whether nothing is cached.
    pub fn is_empty(&self) -> bool {
        self.cache.is_empty()
    }
}
