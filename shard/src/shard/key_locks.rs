//! The locks on a shard's keys, and what others are told of them: whoever keeps copies of a key
//! must ask again as soon as somebody wants to write it, or he might find at one shard what a
//! transaction has made, and here what was before it.
//!
//! Invariant: before a lock is held that lets its owner write, the words of its keys
//! ([`Versions`]) have changed, and nobody takes a copy while it is held or waited for.
//!
//! [`Versions`]: crate::keyspace::versions::Versions

use std::sync::Arc;

use crate::keyspace::layout::RecordKey;
use crate::locks::{LockId, LockTable, Mode, Scope};
use crate::shard::call::{Call, lock_key};
use crate::topology::{ShardId, Topology};

/// See the module.
pub struct KeyLocks {
    table: LockTable,
    shard: ShardId,
    topology: Arc<Topology>,
}

impl KeyLocks {
    /// No lock on any key of `shard`.
    pub(super) fn new(shard: ShardId, topology: Arc<Topology>) -> Self {
        Self { table: LockTable::default(), shard, topology }
    }

    /// Asks for a lock; see [`LockTable::lock`].
    pub fn lock(&mut self, scope: Scope) -> (LockId, bool) {
        match &scope {
            Scope::Keys(keys) => self.tell(keys),
            Scope::Everything => self.topology.versions(self.shard).note_everything(),
        }
        self.table.lock(scope)
    }

    /// Asks for a lock on keys, unless it would have to be waited for.
    pub fn try_lock(&mut self, keys: Vec<(RecordKey, Mode)>) -> Option<LockId> {
        self.tell(&keys);
        self.table.try_lock(keys)
    }

    /// Gives a lock back; see [`LockTable::unlock`].
    pub fn unlock(&mut self, lock: LockId) -> Vec<LockId> {
        self.table.unlock(lock)
    }

    fn tell(&self, keys: &[(RecordKey, Mode)]) {
        let versions = self.topology.versions(self.shard);
        for (key, mode) in keys {
            if *mode == Mode::Exclusive
                && let Some((position, _)) = key.split_first_chunk::<8>()
            {
                versions.note(u64::from_be_bytes(*position));
            }
        }
    }

    /// Whether somebody holds, or waits for, a lock that forbids this command.
    #[inline]
    pub(super) fn forbid(&self, call: &Call<'_>) -> bool {
        !self.table.is_empty() && self.forbid_some_key(call)
    }

    fn forbid_some_key(&self, call: &Call<'_>) -> bool {
        let locks = call.locks(&self.topology);
        locks.iter().any(|(_, key, mode)| self.table.conflicts(key, *mode))
    }

    /// Whether somebody holds, or waits for, a lock that forbids this use of a key.
    pub(super) fn forbid_key(&self, position: u64, name: &[u8], mode: Mode) -> bool {
        !self.table.is_empty() && self.table.conflicts(&lock_key(position, name), mode)
    }
}
