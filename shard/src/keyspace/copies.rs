//! Copies of other shards' keys, so that reading a hot one needs no message. One a thread.
//!
//! A copy says nothing by itself: it counts as long as its owner's words ([`super::versions`]) are
//! what they were when it was taken.

use std::cell::Cell;

use bytes::Bytes;
use quick_cache::Weighter;

use super::access::Uses;
use super::cache::{ENTRY_OVERHEAD_BYTES, RESIZE_STEP_BYTES};
use super::cache_key::{CacheKey, Name};
use super::layout::RecordKey;
use super::parted::Parted;
use super::versions::Stamp;

/// A longer record is not copied.
pub const COPIED_BYTES_MAX: usize = 4 << 10;

/// One in so many reads that a copy would answer goes to the key's owner all the same, so that it
/// knows that the key is used.
const LEFT_TO_OWNER: u32 = 64;

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

/// A copy, and what its owner does not know of it.
pub struct Kept {
    stamp: Stamp,
    /// The record.
    pub record: Bytes,
    /// Reads that it answered.
    pub uses: Cell<Uses>,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<CacheKey, Kept> for ByBytes {
    fn weight(&self, key: &CacheKey, kept: &Kept) -> u64 {
        key.heap_bytes() as u64 + kept.record.len() as u64 + ENTRY_OVERHEAD_BYTES
    }
}

/// See the module.
pub struct Copies {
    cache: Parted<CacheKey, Kept, ByBytes>,
    /// Reads that copies could answer, around and around.
    reads: Cell<u32>,
    /// Reads that needed no message.
    pub hits: u64,
}

impl Copies {
    /// At most `bytes` of them.
    pub fn new(bytes: u64) -> Self {
        Self { cache: Parted::new(bytes, ByBytes), reads: Cell::new(0), hits: 0 }
    }

    /// Keeps a copy.
    pub fn insert(&mut self, copy: Copy) {
        // In memory of its own: what the owner holds would be freed on another thread all the time.
        let record = Bytes::copy_from_slice(&copy.record);
        // What is known of its uses goes over from an older copy.
        let uses = Cell::new(self.take_uses(&copy.record_key).unwrap_or_default());
        let key = CacheKey::from(Name::Head(&copy.record_key));
        self.cache.insert(key, Kept { stamp: copy.stamp, record, uses });
    }

    /// The copy of a key whose owner's words say `now`.
    pub fn get(&self, record_key: &[u8], now: Stamp) -> Option<&Kept> {
        let kept = self.cache.get(&Name::Head(record_key))?;
        (kept.stamp == now).then_some(kept)
    }

    /// The same for a read, now and then left to the owner: then there is none.
    pub fn read(&self, record_key: &[u8], now: Stamp) -> Option<&Kept> {
        let kept = self.get(record_key, now)?;
        let reads = self.reads.get().wrapping_add(1);
        self.reads.set(reads);
        (!reads.is_multiple_of(LEFT_TO_OWNER)).then_some(kept)
    }

    /// The uses of a key, to be told to its owner.
    pub fn take_uses(&self, record_key: &[u8]) -> Option<Uses> {
        let kept = self.cache.peek(&Name::Head(record_key))?;
        Some(kept.uses.take()).filter(|uses| uses.times > 0)
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
        assert!(copies.get(&record_key, now()).is_none());
        let copy = Copy {
            record_key: record_key.clone(),
            record: Bytes::from_static(b"record"),
            stamp: now(),
        };
        copies.insert(copy.clone());
        let kept = copies.get(&record_key, now()).unwrap();
        assert_eq!(kept.record, b"record"[..]);
        kept.uses.set(Uses { times: 3, last_s: 9 });
        versions.note(position);
        assert!(copies.get(&record_key, now()).is_none());
        copies.insert(Copy { stamp: now(), ..copy });
        assert_eq!(copies.take_uses(&record_key), Some(Uses { times: 3, last_s: 9 }));
        assert_eq!(copies.take_uses(&record_key), None);
    }
}
