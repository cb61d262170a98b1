//! Copies of other shards' keys, so that reading a hot one needs no message. One a thread.
//!
//! A copy says nothing by itself: it counts as long as its owner's words ([`super::versions`]) are
//! what they were when it was taken.

use std::hash::BuildHasherDefault;

use bytes::Bytes;
use quick_cache::Weighter;
use quick_cache::unsync::{Cache, DefaultLifecycle};
use smallvec::SmallVec;

use super::cache::RESIZE_STEP_BYTES;
use super::layout::{PositionHasher, RecordKey};
use super::versions::Stamp;

/// A longer record is not copied.
pub const COPIED_BYTES_MAX: usize = 4 << 10;

/// What an entry costs beside its key and record.
const ENTRY_OVERHEAD_BYTES: u64 = 112;

/// A key's record, as its owner had it.
#[derive(Clone, Debug)]
pub struct Copy {
    /// Record key of the head.
    pub record_key: RecordKey,
    /// The record.
    pub record: Bytes,
    /// What the owner's words said then.
    pub stamp: Stamp,
}

type CopyKey = SmallVec<[u8; 32]>;

#[derive(Clone)]
struct ByBytes;

impl Weighter<CopyKey, (Stamp, Bytes)> for ByBytes {
    fn weight(&self, key: &CopyKey, (_, record): &(Stamp, Bytes)) -> u64 {
        key.len() as u64 + record.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

/// See the module.
pub struct Copies {
    cache: Cache<CopyKey, (Stamp, Bytes), ByBytes, BuildHasherDefault<PositionHasher>>,
    /// Reads that needed no message.
    pub hits: u64,
}

impl Copies {
    /// At most `bytes` of them.
    pub fn new(bytes: u64) -> Self {
        let cache = Cache::with(
            (bytes / 512) as usize,
            bytes,
            ByBytes,
            BuildHasherDefault::default(),
            DefaultLifecycle::default(),
        );
        Self { cache, hits: 0 }
    }

    /// Keeps a copy.
    pub fn insert(&mut self, copy: Copy) {
        // In memory of its own: what the owner holds would be freed on another thread all the time.
        let record = Bytes::copy_from_slice(&copy.record);
        self.cache.insert(CopyKey::from_slice(&copy.record_key), (copy.stamp, record));
    }

    /// The record of a key whose owner's words say `now`.
    pub fn get(&self, record_key: &[u8], now: Stamp) -> Option<Bytes> {
        let (stamp, record) = self.cache.get(record_key)?;
        (*stamp == now).then(|| record.clone())
    }

    /// Comes closer to another size, as [`super::cache::HotCache::resize_step`] does.
    pub fn resize_step(&mut self, bytes: u64) -> bool {
        let next = bytes.max(self.cache.weight().saturating_sub(RESIZE_STEP_BYTES));
        self.cache.set_capacity(next);
        next == bytes
    }

    /// Bytes in use, overhead included.
    pub fn bytes(&self) -> u64 {
        self.cache.weight()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::layout;
    use crate::keyspace::versions::Versions;

    #[test]
    fn a_copy_counts_until_its_key_may_have_changed() {
        let versions = Versions::new(2);
        let mut copies = Copies::new(1 << 20);
        let position = layout::position(b"k");
        let record_key = layout::head_key(0, b"k");
        let now = || versions.stamp(position).unwrap();
        assert_eq!(copies.get(&record_key, now()), None);
        let copy = Copy {
            record_key: record_key.clone(),
            record: Bytes::from_static(b"record"),
            stamp: now(),
        };
        copies.insert(copy);
        assert_eq!(copies.get(&record_key, now()).as_deref(), Some(&b"record"[..]));
        versions.note(position);
        assert_eq!(copies.get(&record_key, now()), None);
    }
}
