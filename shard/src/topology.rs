//! Which shard a key belongs to, and how to read any shard's database.
//!
//! Engines may be read from every thread, so a command over keys of several shards runs in one
//! place, under locks held on all of them, and only its writes are sent to the owners.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::effects::Listening;
use crate::engine::Engine;
use crate::keyspace::layout::{self, SLOTS};
use crate::keyspace::versions::Versions;
use crate::room::Room;

/// Number of a shard.
pub type ShardId = usize;

/// The shards of one process.
pub struct Topology {
    engines: Vec<Arc<dyn Engine>>,
    versions: Vec<Versions>,
    next_version: AtomicU64,
    room: Arc<Room>,
    listening: Listening,
}

impl Topology {
    /// `engines` in the order of the shards. `epoch` must be greater than at any earlier start on
    /// the same data: it makes the versions of collections unique over restarts.
    pub fn new(engines: Vec<Arc<dyn Engine>>, epoch: u32) -> Self {
        let versions = engines.iter().map(|_| Versions::new(engines.len())).collect();
        let next_version = AtomicU64::new(u64::from(epoch) << 32);
        let room = Room::new(u64::MAX);
        Self { engines, versions, next_version, room, listening: Listening::default() }
    }

    /// The same, with so much room for big values.
    #[must_use]
    pub fn with_room(self, bytes_max: u64) -> Self {
        self.room.resize(bytes_max);
        self
    }

    /// Room for big values that are read or written.
    pub fn room(&self) -> &Arc<Room> {
        &self.room
    }

    /// Who wants to hear of events.
    #[inline]
    pub fn listening(&self) -> &Listening {
        &self.listening
    }

    /// Number of shards.
    pub fn shards(&self) -> usize {
        self.engines.len()
    }

    /// The shard that owns `slot`: contiguous ranges of (nearly) equal size.
    pub fn shard_of_slot(&self, slot: u16) -> ShardId {
        usize::from(slot) * self.engines.len() / usize::from(SLOTS)
    }

    /// The shard that owns `key`.
    pub fn shard_of(&self, key: &[u8]) -> ShardId {
        if self.engines.len() == 1 { 0 } else { self.shard_of_slot(layout::slot(key)) }
    }

    /// The first slot of `shard`; for the number of shards, the number of slots.
    pub fn first_slot(&self, shard: ShardId) -> u16 {
        let slots = usize::from(SLOTS);
        ((shard * slots).div_ceil(self.engines.len())).min(slots) as u16
    }

    /// The database of `shard`.
    pub fn engine(&self, shard: ShardId) -> &Arc<dyn Engine> {
        &self.engines[shard]
    }

    /// Whether keys of `shard` may have changed.
    pub fn versions(&self, shard: ShardId) -> &Versions {
        &self.versions[shard]
    }

    /// A version that no collection ever had.
    pub fn new_version(&self) -> u64 {
        self.next_version.fetch_add(1, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::map_engine::MemoryEngine;

    #[test]
    fn shards_own_contiguous_slots() {
        for shards in [1, 2, 3, 4, 7] {
            let engines = (0..shards).map(|_| Arc::new(MemoryEngine::default()) as _).collect();
            let topology = Topology::new(engines, 1);
            for shard in 0..shards {
                let (first, end) = (topology.first_slot(shard), topology.first_slot(shard + 1));
                assert!((first..end).all(|slot| topology.shard_of_slot(slot) == shard));
            }
            assert_eq!(topology.first_slot(shards), SLOTS);
        }
    }
}
