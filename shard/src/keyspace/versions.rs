//! Whether a key may have changed since somebody looked at it, told to every thread.
//!
//! A thread may keep a copy of a key of another shard's. The owner counts, in a word for each part
//! of its keys, what could make a copy of them wrong: a commit, before anybody can see it, and a
//! lock that is asked for to write. A copy that was taken when nobody held or waited for a lock,
//! and whose word is still the same, is what the owner would answer with: committed, as durable as
//! the owner's answer was, and not under a transaction that has come half-way elsewhere.

use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::HASH_BITS;

/// Parts of a shard's keys.
const PARTS: usize = 1 << 15;

/// What the words said at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    part: u64,
    everything: u64,
}

/// The words of one shard. Counted up by the owner's thread only.
pub struct Versions {
    parts: Box<[AtomicU64]>,
    everything: AtomicU64,
}

impl Versions {
    /// Words for a shard of a process with so many; with one shard nobody copies.
    pub fn new(shards: usize) -> Self {
        let parts = if shards > 1 { PARTS } else { 0 };
        Self {
            parts: (0..parts).map(|_| AtomicU64::new(0)).collect(),
            everything: AtomicU64::new(0),
        }
    }

    fn part(&self, position: u64) -> Option<&AtomicU64> {
        // The highest bits of the hash below the slot.
        let part = position >> (HASH_BITS - PARTS.trailing_zeros());
        self.parts.get(part as usize % PARTS)
    }

    /// The keys at `position` are about to change, or to be locked for it.
    pub fn note(&self, position: u64) {
        if let Some(part) = self.part(position) {
            // There is one writer.
            part.store(part.load(Ordering::Relaxed) + 1, Ordering::SeqCst);
        }
    }

    /// Any key may be about to change.
    pub fn note_everything(&self) {
        self.everything.fetch_add(1, Ordering::SeqCst);
    }

    /// What the words say now of the keys at `position`. `None`: nobody may copy.
    pub fn stamp(&self, position: u64) -> Option<Stamp> {
        Some(Stamp {
            part: self.part(position)?.load(Ordering::Acquire),
            everything: self.everything.load(Ordering::Acquire),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::layout::position;

    #[test]
    fn a_stamp_ends_with_a_change_of_its_keys() {
        let versions = Versions::new(2);
        let (a, b) = (position(b"a"), position(b"b"));
        let stamps = [versions.stamp(a), versions.stamp(b)];
        versions.note(a);
        assert_ne!(versions.stamp(a), stamps[0]);
        assert_eq!(versions.stamp(b), stamps[1]);
        versions.note_everything();
        assert_ne!(versions.stamp(b), stamps[1]);
        assert_eq!(Versions::new(1).stamp(a), None);
    }
}
