//! What looking a key up is beside reading it: a hit or a miss for INFO, and a use of the key.

use crate::keyspace::access::Uses;
use crate::keyspace::cache::Touch;
use crate::keyspace::layout::RecordKey;
use crate::topology::ShardId;
use crate::view::{Key, View};

/// Keys whose uses are told to their owners, of one run.
pub(crate) const USED_MAX: usize = 1024;

/// A use of a key that no hot cache has noted.
pub struct Use {
    /// The key's owner.
    pub shard: ShardId,
    /// Record key of its head.
    pub record_key: RecordKey,
    /// Nor can a try have noted it that came to nothing: it was elsewhere, or the use followed a
    /// change in the same run.
    pub is_new: bool,
}

impl View<'_> {
    /// Whether lookups count as keyspace hits and misses from here on: those of commands that only
    /// read do, unless they say otherwise.
    pub fn count_lookups(&mut self, counts: bool) {
        self.counts_lookups = counts;
    }

    /// A key that is open was used once more.
    pub fn use_again(&mut self, key: &Key) {
        if self.context.touch == Touch::No || !key.exists() {
            return;
        }
        let is_changed = self.changed(&key.record_key).is_some();
        match &mut self.cache {
            Some((home, cache)) if *home == key.shard && !is_changed => {
                let last_s = cache.clock.now_s();
                cache.note_uses(&key.record_key, Uses { times: 1, last_s });
            }
            _ => self.note_use(key.shard, &key.record_key, true),
        }
    }

    /// A key was looked up; `is_changed`: in what this run has made of it.
    #[inline]
    pub(super) fn note_lookup(
        &mut self,
        (shard, record_key): (ShardId, &RecordKey),
        (exists, is_changed): (bool, bool),
        touch: Touch,
    ) {
        if self.counts_lookups {
            *if exists { &mut self.hits } else { &mut self.misses } += 1;
        }
        if touch == Touch::No || !exists {
            return;
        }
        if self.copy.is_some() {
            self.uses_copy = true;
            return;
        }
        // A hot cache that is at hand and was looked into has noted the use.
        if is_changed || self.cache.as_ref().is_none_or(|(home, _)| *home != shard) {
            self.note_use(shard, record_key, is_changed);
        }
    }

    fn note_use(&mut self, shard: ShardId, record_key: &RecordKey, is_new: bool) {
        if self.used.len() < USED_MAX {
            self.used.push(Use { shard, record_key: record_key.clone(), is_new });
        }
    }
}
