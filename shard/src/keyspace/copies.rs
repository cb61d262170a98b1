//! Copies of other shards' keys, so that reading a hot one needs no message. One a thread.
//!
//! A copy says nothing by itself: it counts as long as its owner's words ([`super::versions`]) are
//! what they were when it was taken.

use bytes::Bytes;
use quick_cache::Weighter;

use super::cache::{ENTRY_OVERHEAD_BYTES, RESIZE_STEP_BYTES};
use super::cache_key::{CacheKey, Name};
use super::layout::RecordKey;
use super::parted::Parted;
use super::versions::Stamp;

/// A longer record is not copied.
pub const COPIED_BYTES_MAX: usize = 4 << 10;

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

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, (Stamp, Bytes)> for ByBytes {
    fn weight(&self, key: &CacheKey, (_, record): &(Stamp, Bytes)) -> u64 {
        key.heap_bytes() as u64 + record.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

/// See the module.
pub struct Copies {
    cache: Parted<CacheKey, (Stamp, Bytes), ByBytes>,
    /// Reads that needed no message.
    pub hits: u64,
}

impl Copies {
    /// At most `bytes` of them.
    pub fn new(bytes: u64) -> Self {
        Self { cache: Parted::new(bytes, ByBytes), hits: 0 }
    }

    /// Keeps a copy.
    pub fn insert(&mut self, copy: Copy) {
        // In memory of its own: what the owner holds would be freed on another thread all the time.
        let record = Bytes::copy_from_slice(&copy.record);
        let key = CacheKey::from(Name::Head(&copy.record_key));
        self.cache.insert(key, (copy.stamp, record));
    }

    /// The record of a key whose owner's words say `now`.
    pub fn get(&self, record_key: &[u8], now: Stamp) -> Option<Bytes> {
        let (stamp, record) = self.cache.get(&Name::Head(record_key))?;
        (*stamp == now).then(|| record.clone())
    }

    /// Comes closer to another size, as [`super::cache::HotCache::resize_step`] does.
    pub fn resize_step(&mut self, bytes: u64) -> bool {
        self.cache.resize_step(bytes, RESIZE_STEP_BYTES)
    }

    /// Bytes in use, overhead included.
    pub fn bytes(&self) -> u64 {
        self.cache.bytes()
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
