//! What the threads share of the shards' storage: the logs, the data directory, the disk, and how
//! memory is divided among what reads and writes there.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use basalt_shard::engine::options::SharedResources;
use basalt_shard::shard::KeyCounts;

use crate::config::memory_plan::MemoryPlan;
use crate::shared::data_directory::DataDirectory;
use crate::shared::log_sync::{LogSync, Mode};
use crate::shared::memory_shares::MemoryShares;
use crate::shared::saves::Saves;
use crate::shared::scrub::Scrub;

/// See the module.
pub(crate) struct Storage {
    /// The log of each shard.
    pub(crate) logs: Vec<LogSync>,
    /// Numbers of keys of each shard.
    pub(crate) key_counts: Vec<Arc<KeyCounts>>,
    pub(crate) data_directory: DataDirectory,
    /// `appendfsync`: a [`Mode`].
    pub(crate) durability: AtomicU8,
    /// There is too little space on the disk: nothing is to be added.
    pub(crate) disk_full: AtomicBool,
    /// The databases are being closed.
    pub(crate) is_stopping: AtomicBool,
    /// DEBUG SET-ACTIVE-EXPIRE 0.
    pub(crate) expire_off: AtomicBool,
    pub(crate) scrub: Scrub,
    /// What SAVE and BGREWRITEAOF have come to.
    pub(crate) saves: Saves,
    /// How the memory budget is divided.
    pub(crate) memory: RwLock<MemoryPlan>,
    /// What the caches have of it at the moment.
    pub(crate) shares: MemoryShares,
    /// The caches and buffers that the shards' databases share.
    pub(crate) engine_resources: SharedResources,
}

impl Storage {
    /// `appendfsync` as it is now.
    pub(crate) fn durability_mode(&self) -> Mode {
        Mode::from_number(self.durability.load(Ordering::Relaxed))
    }

    /// How the memory budget is divided at the moment.
    pub(crate) fn memory_plan(&self) -> MemoryPlan {
        *self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }
}
