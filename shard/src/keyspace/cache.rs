//! The hot cache: head records of the shard's busiest keys, in front of the engine.
//!
//! Owned by the shard's thread, unsynchronised, and exactly coherent: every committed change goes
//! through it. Bounded in bytes; eviction is S3-FIFO, so a scan does not wash the hot keys out.

use std::hash::{BuildHasherDefault, Hasher};

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::Cache;

use smallvec::SmallVec;

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

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, Bytes> for ByBytes {
    fn weight(&self, key: &CacheKey, record: &Bytes) -> u64 {
        key.len() as u64 + record.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

/// See the module.
pub struct HotCache {
    cache: Cache<CacheKey, Bytes, ByBytes, BuildHasherDefault<PositionHasher>>,
    record_bytes_max: u64,
    /// Lookups that found their key.
    pub hits: u64,
    /// Lookups that did not.
    pub misses: u64,
}

impl HotCache {
    /// A cache of at most `bytes`.
    pub fn new(bytes: u64) -> Self {
        let cache = Cache::with(
            (bytes / 512) as usize,
            bytes,
            ByBytes,
            BuildHasherDefault::default(),
            quick_cache::unsync::DefaultLifecycle::default(),
        );
        Self { cache, record_bytes_max: bytes / RECORD_SHARE_MAX, hits: 0, misses: 0 }
    }

    /// The record of a key. A shared slice: no bytes are copied.
    pub fn get(&mut self, key: &[u8]) -> Option<Bytes> {
        let found = self.cache.get(key).cloned();
        if found.is_some() {
            self.hits += 1;
        } else {
            self.misses += 1;
        }
        found
    }

    /// The record of a key, lent: not even its count of references is touched. Only a hit is
    /// counted; who does not find it here goes on to [`HotCache::get`].
    pub fn peek(&mut self, key: &[u8]) -> Option<&[u8]> {
        let found = self.cache.get(key);
        if found.is_some() {
            self.hits += 1;
        }
        found.map(Bytes::as_ref)
    }

    /// Takes a record in, as read from the engine or as committed.
    pub fn insert(&mut self, key: &RecordKey, record: Bytes) {
        if record.len() as u64 > self.record_bytes_max {
            self.cache.remove(key.as_slice());
        } else {
            self.cache.insert(CacheKey::from_slice(key), record);
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
