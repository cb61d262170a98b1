//! What the caches have of the memory at the moment. `upkeep::memory_division` decides it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::memory_plan::MemoryPlan;

/// What the caches may have, bytes over all shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) hot_cache: u64,
    pub(crate) block_cache: u64,
}

impl Shares {
    /// What they are under a new plan until it is known what others leave: divided as before, if
    /// no size is set.
    pub(crate) fn within(self, plan: &MemoryPlan) -> Self {
        let (all, planned) = (self.hot_cache + self.block_cache, plan.hot_cache + plan.block_cache);
        if plan.hot_cache_is_set || plan.block_cache_is_set || all == 0 {
            return Self { hot_cache: plan.hot_cache, block_cache: plan.block_cache };
        }
        let hot = u128::from(planned) * u128::from(self.hot_cache) / u128::from(all);
        let hot_cache = u64::try_from(hot).unwrap_or(plan.hot_cache);
        Self { hot_cache, block_cache: planned - hot_cache }
    }
}

/// The same, for everybody to read; and what the hot caches of the shards hold.
pub(crate) struct MemoryShares {
    hot_cache: AtomicU64,
    block_cache: AtomicU64,
    /// Hot cache and copies of each shard's thread, as it last said.
    held: Vec<AtomicU64>,
}

impl MemoryShares {
    /// As planned.
    pub(crate) fn new(plan: &MemoryPlan, shards: usize) -> Self {
        Self {
            hot_cache: AtomicU64::new(plan.hot_cache),
            block_cache: AtomicU64::new(plan.block_cache),
            held: (0..shards).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// What the caches may have now.
    pub(crate) fn get(&self) -> Shares {
        Shares {
            hot_cache: self.hot_cache.load(Ordering::Relaxed),
            block_cache: self.block_cache.load(Ordering::Relaxed),
        }
    }

    /// Sets it. The block cache's size is to be changed besides; the hot caches follow.
    pub(crate) fn set(&self, shares: Shares) {
        self.hot_cache.store(shares.hot_cache, Ordering::Relaxed);
        self.block_cache.store(shares.block_cache, Ordering::Relaxed);
    }

    /// The caches of `shard`'s thread hold so many bytes.
    pub(crate) fn note_held(&self, shard: usize, bytes: u64) {
        self.held[shard].store(bytes, Ordering::Relaxed);
    }

    /// What the threads said last, together.
    pub(crate) fn held(&self) -> u64 {
        self.held.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }
}
