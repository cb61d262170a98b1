//! What looking a key up is beside reading it: a hit or a miss for INFO, and a use of the key.

use crate::keyspace::layout::RecordKey;
use crate::topology::ShardId;

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

/// The lookups of one run.
#[derive(Default)]
pub(super) struct Lookups {
    /// Lookups count as hits and misses.
    pub(super) are_counted: bool,
    pub(super) hits: u64,
    pub(super) misses: u64,
    /// Keys that were used and whose hot cache is not at hand, for their owners.
    pub(super) used: Vec<Use>,
    /// The value of the copy was read.
    pub(super) uses_copy: bool,
}

impl Lookups {
    /// A key was looked up, and was there or not.
    #[inline]
    pub(super) fn count(&mut self, exists: bool) {
        if self.are_counted {
            *if exists { &mut self.hits } else { &mut self.misses } += 1;
        }
    }

    /// A key was used, for its owner to hear.
    pub(super) fn note_use(&mut self, shard: ShardId, record_key: &RecordKey, is_new: bool) {
        if self.used.len() < USED_MAX {
            self.used.push(Use { shard, record_key: record_key.clone(), is_new });
        }
    }
}
