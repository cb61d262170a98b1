//! How many keys each physical database of a shard has, for every thread to read.
//!
//! A key whose time has come is gone for everybody, removed or not. So a number of keys is one as
//! of a moment, and the shard says up to when what it says here is exact: as long as nothing that
//! is due still stands, until the next deadline. After that the shard has to be asked
//! ([`super::Shard::count_due`]).

use std::sync::atomic::{AtomicU64, Ordering};

use crate::keyspace::counts::SlotCount;

/// See the module.
pub struct KeyCounts {
    databases: Vec<OfDatabase>,
}

#[derive(Default)]
struct OfDatabase {
    /// What stands there, whether it is due or not.
    keys: AtomicU64,
    expires: AtomicU64,
    /// Of these, what was counted as due.
    due: AtomicU64,
    /// From this moment on somebody may be due who is not counted so; 0: is already.
    exact_until_ms: AtomicU64,
}

impl KeyCounts {
    pub(super) fn new() -> Self {
        Self { databases: (0..=u8::MAX).map(|_| OfDatabase::default()).collect() }
    }

    /// Keys and deadlines of a physical database, without those that the shard has counted as due
    /// so far.
    pub fn get(&self, db: u8) -> SlotCount {
        let database = &self.databases[usize::from(db)];
        let due = database.due.load(Ordering::Acquire);
        SlotCount {
            keys: database.keys.load(Ordering::Acquire).saturating_sub(due),
            expires: database.expires.load(Ordering::Acquire).saturating_sub(due),
        }
    }

    /// Keys that stand in a physical database, those included that are due.
    pub fn standing(&self, db: u8) -> u64 {
        self.databases[usize::from(db)].keys.load(Ordering::Acquire)
    }

    /// Keys and deadlines as of `now_ms`, if the shard need not be asked for them.
    pub fn exact(&self, db: u8, now_ms: u64) -> Option<SlotCount> {
        let database = &self.databases[usize::from(db)];
        let is_exact = || database.exact_until_ms.load(Ordering::Acquire) > now_ms;
        // Before and after: the shard's thread may be changing them.
        let before = is_exact();
        let count = SlotCount {
            keys: database.keys.load(Ordering::Acquire),
            expires: database.expires.load(Ordering::Acquire),
        };
        (before && is_exact()).then_some(count)
    }

    pub(super) fn set(&self, db: u8, standing: SlotCount, due: u64, next_deadline_ms: u64) {
        let database = &self.databases[usize::from(db)];
        let exact_until_ms = if due == 0 { next_deadline_ms } else { 0 };
        // First: who reads the new numbers must not take them for exact any longer.
        database.exact_until_ms.store(exact_until_ms, Ordering::Release);
        database.keys.store(standing.keys, Ordering::Release);
        database.expires.store(standing.expires, Ordering::Release);
        database.due.store(due, Ordering::Release);
    }
}
