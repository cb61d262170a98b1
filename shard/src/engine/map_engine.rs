//! An engine of ordered maps: the twin of RocksDB for tests that want no files. It can pretend
//! that keys are not in memory, so that the second run off the loop is exercised.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use super::{
    Direction, Engine, EngineError, Family, LogAccess, Range, ReadTier, Verified, Visit, Writes,
};
use crate::log::format::Lsn;

type Map = BTreeMap<Vec<u8>, Bytes>;

/// See the module.
#[derive(Default)]
pub struct MemoryEngine {
    families: Mutex<[Map; 5]>,
    /// Every read of the memory tier says `NotInMemory`.
    cold: AtomicBool,
    written: AtomicU64,
    ranges: AtomicU64,
    visited: AtomicU64,
}

impl MemoryEngine {
    /// From now on reads of the memory tier find nothing in memory (or do again).
    pub fn set_cold(&self, cold: bool) {
        self.cold.store(cold, Ordering::Relaxed);
    }

    /// Ranges that were read so far.
    pub fn ranges(&self) -> u64 {
        self.ranges.load(Ordering::Relaxed)
    }

    /// Records that were visited in them.
    pub fn visited(&self) -> u64 {
        self.visited.load(Ordering::Relaxed)
    }

    fn maps(&self) -> MutexGuard<'_, [Map; 5]> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuses(&self, tier: ReadTier) -> bool {
        tier != ReadTier::Disk && self.cold.load(Ordering::Relaxed)
    }
}

struct MapWrites<'a>(MutexGuard<'a, [Map; 5]>);

impl Writes for MapWrites<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &Bytes) {
        self.0[family as usize].insert(key.to_vec(), value.clone());
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.0[family as usize].remove(key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        self.0[family as usize].retain(|key, _| key.as_slice() < from || key.as_slice() >= to);
    }
}

impl Engine for MemoryEngine {
    fn get(
        &self,
        family: Family,
        key: &[u8],
        tier: ReadTier,
    ) -> Result<Option<Bytes>, EngineError> {
        if self.refuses(tier) {
            return Err(EngineError::NotInMemory);
        }
        Ok(self.maps()[family as usize].get(key).cloned())
    }

    fn range(&self, range: Range<'_>, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        if self.refuses(range.tier) {
            return Err(EngineError::NotInMemory);
        }
        let upper =
            if range.upper.is_empty() { Bound::Unbounded } else { Bound::Excluded(range.upper) };
        let maps = self.maps();
        let mut entries: Vec<_> = maps[range.family as usize]
            .range::<[u8], _>((Bound::Included(range.lower), upper))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        // `visit` may read.
        drop(maps);
        if range.direction == Direction::Backward {
            entries.reverse();
        }
        self.ranges.fetch_add(1, Ordering::Relaxed);
        for (key, value) in entries {
            self.visited.fetch_add(1, Ordering::Relaxed);
            if visit(&key, &value).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writes)) -> Result<Lsn, EngineError> {
        fill(&mut MapWrites(self.maps()));
        Ok(self.written.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn written(&self) -> Lsn {
        self.written.load(Ordering::Relaxed)
    }

    fn flush_log(&self) -> Result<Lsn, EngineError> {
        Ok(self.written())
    }

    fn flush_log_off_loop(&self) -> Result<Lsn, EngineError> {
        Ok(self.written())
    }

    fn sync_log(&self, _access: LogAccess) -> Result<Lsn, EngineError> {
        Ok(self.written())
    }

    fn log_backlog_bytes(&self) -> (u64, u64) {
        (0, 0)
    }

    fn drain(&self, _patience: Duration) -> Result<(), EngineError> {
        Ok(())
    }

    fn maintain(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn set_compacting(&self, _it_does: bool) -> Result<(), EngineError> {
        Ok(())
    }

    fn make_room(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn fail(&self, _error: &EngineError) {}

    fn failure(&self) -> Option<EngineError> {
        None
    }

    fn reopen(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn reclaim(&self, _family: Family, _from: &[u8], _to: &[u8]) -> Result<(), EngineError> {
        Ok(())
    }

    fn verify(
        &self,
        _family: Family,
        _from: &[u8],
        _bytes_max: u64,
    ) -> Result<Verified, EngineError> {
        Ok(Verified::default())
    }

    fn close(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn statistics(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}
