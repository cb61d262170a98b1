//! An engine of ordered maps: the twin of RocksDB for tests that want no files. It can pretend
//! that keys are not in memory, so that the second run off the loop is exercised.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::{Cursor, Direction, Engine, EngineError, Family, ReadTier, Verified, Writes};

type Map = BTreeMap<Vec<u8>, Bytes>;

/// See the module.
#[derive(Default)]
pub struct MemoryEngine {
    families: Mutex<[Map; 4]>,
    /// Every read of the memory tier says `NotInMemory`.
    cold: std::sync::atomic::AtomicBool,
}

impl MemoryEngine {
    /// From now on reads of the memory tier find nothing in memory (or do again).
    pub fn set_cold(&self, cold: bool) {
        self.cold.store(cold, std::sync::atomic::Ordering::Relaxed);
    }

    fn maps(&self) -> MutexGuard<'_, [Map; 4]> {
        self.families.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuses(&self, tier: ReadTier) -> bool {
        tier == ReadTier::Memory && self.cold.load(std::sync::atomic::Ordering::Relaxed)
    }
}

struct MapWrites<'a>(MutexGuard<'a, [Map; 4]>);

impl Writes for MapWrites<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.0[family as usize].insert(key.to_vec(), Bytes::copy_from_slice(value));
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.0[family as usize].remove(key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        self.0[family as usize].retain(|key, _| key.as_slice() < from || key.as_slice() >= to);
    }
}

struct Entries {
    entries: std::vec::IntoIter<(Vec<u8>, Bytes)>,
    current: (Vec<u8>, Bytes),
    refused: bool,
}

impl Cursor for Entries {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>, EngineError> {
        if self.refused {
            return Err(EngineError::NotInMemory);
        }
        Ok(self.entries.next().map(|entry| {
            self.current = entry;
            (self.current.0.as_slice(), self.current.1.as_ref())
        }))
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

    fn range(
        &self,
        family: Family,
        lower: &[u8],
        upper: &[u8],
        direction: Direction,
        tier: ReadTier,
    ) -> Box<dyn Cursor + '_> {
        let upper = if upper.is_empty() { Bound::Unbounded } else { Bound::Excluded(upper) };
        let maps = self.maps();
        let mut entries: Vec<_> = maps[family as usize]
            .range::<[u8], _>((Bound::Included(lower), upper))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if direction == Direction::Backward {
            entries.reverse();
        }
        Box::new(Entries {
            entries: entries.into_iter(),
            current: (Vec::new(), Bytes::new()),
            refused: self.refuses(tier),
        })
    }

    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writes)) -> Result<(), EngineError> {
        fill(&mut MapWrites(self.maps()));
        Ok(())
    }

    fn flush_log(&self) -> Result<(), EngineError> {
        Ok(())
    }

    fn sync_log(&self) -> Result<(), EngineError> {
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
