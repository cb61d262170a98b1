//! What the caches have of the memory: their part of the plan, more while others leave theirs, and
//! less when others have taken more than theirs.
//!
//! A thread looks ten times a second at what the allocator has from the system. What of that is not
//! in the caches belongs to clients, write buffers, flushes, compactions, work off the loops and
//! fragmentation; the most of it in the last seconds is left free for them, so that what comes in
//! waves (a flush, say) does not empty the caches each time. A cache whose size is set keeps it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::config::memory::MemoryPlan;
use crate::node::{Node, usage};

/// How often it looks, and when the budget is passed.
const EVERY: Duration = Duration::from_millis(100);
const EVERY_WHEN_OVER: Duration = Duration::from_millis(20);
/// What others had is forgotten by one part in so many at each look: by half in 4 seconds.
const FORGOTTEN: u64 = 64;
/// Caches grow by one part in so many of the budget at each look. They shrink at once.
const GROWTH: u64 = 128;
/// Of what is planned for clients and write buffers, caches may have so much while they leave it.
const LENT_SHARE: (u64, u64) = (3, 4);
/// And of their own they keep one part in so many whatever others take.
const KEPT: u64 = 4;
/// Pages that nobody uses are given back at once when they are one part in so many of the budget.
/// Otherwise the allocator does that in its time.
const UNUSED_SHARE: u64 = 8;

/// What the caches may have, bytes over all shards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) hot_cache: u64,
    pub(crate) block_cache: u64,
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

    fn held(&self) -> u64 {
        self.held.iter().map(|bytes| bytes.load(Ordering::Relaxed)).sum()
    }
}

/// Divides what others leave.
#[derive(Default)]
struct Divider {
    /// What everybody but the caches had, at most and lately.
    others: u64,
}

impl Divider {
    /// The next shares, from the current ones and what others have now.
    fn divide(&mut self, plan: &MemoryPlan, current: Shares, others: u64) -> Shares {
        self.others = others.max(self.others - self.others / FORGOTTEN);
        let planned = plan.hot_cache + plan.block_cache;
        let lent = (plan.clients + plan.write_buffers) / LENT_SHARE.1 * LENT_SHARE.0;
        let left = plan.budget.saturating_sub(self.others);
        let wanted = left.clamp(planned / KEPT, planned + lent);
        let grown = current.hot_cache + current.block_cache + plan.budget / GROWTH;
        let all = wanted.min(grown);
        let open = |own, is_set| if is_set { 0 } else { own };
        let hot = open(plan.hot_cache, plan.hot_cache_is_set);
        let block = open(plan.block_cache, plan.block_cache_is_set);
        let for_open = all.saturating_sub(planned - hot - block);
        let part = |own: u64| {
            let exact = u128::from(for_open) * u128::from(own) / u128::from((hot + block).max(1));
            u64::try_from(exact).unwrap_or(for_open)
        };
        Shares {
            hot_cache: if plan.hot_cache_is_set { plan.hot_cache } else { part(hot) },
            block_cache: if plan.block_cache_is_set { plan.block_cache } else { part(block) },
        }
    }
}

/// Starts the thread. It ends with the process.
pub(crate) fn start(node: &Arc<Node>) -> std::io::Result<()> {
    let node = node.clone();
    std::thread::Builder::new().name("memory".into()).stack_size(256 << 10).spawn(move || {
        let mut divider = Divider::default();
        let mut pause = EVERY;
        while !node.is_stopping.load(Ordering::Acquire) {
            std::thread::sleep(pause);
            let is_over = look(&node, &mut divider);
            pause = if is_over { EVERY_WHEN_OVER } else { EVERY };
        }
    })?;
    Ok(())
}

/// Sets the shares anew. Whether more than the budget is in memory.
fn look(node: &Node, divider: &mut Divider) -> bool {
    let memory = usage::allocator_memory();
    let plan = node.memory_plan();
    let unused = memory.resident.saturating_sub(memory.active + memory.metadata);
    let mut resident = memory.resident;
    if unused > plan.budget / UNUSED_SHARE {
        usage::purge();
        resident -= unused;
    }
    let blocks = node.engine_resources.memory().block_cache_bytes;
    let others = resident.saturating_sub(blocks + node.shares.held());
    let current = node.shares.get();
    let next = divider.divide(&plan, current, others);
    // Who changes the plan sets them, too: not over that.
    if next != current && node.memory_plan() == plan {
        node.shares.set(next);
        node.engine_resources.set_block_cache_bytes(next.block_cache as usize);
    }
    resident > plan.budget
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;

    const MB: u64 = 1 << 20;

    fn settled(plan: &MemoryPlan, others: u64) -> Shares {
        let mut divider = Divider::default();
        let mut shares = Shares { hot_cache: plan.hot_cache, block_cache: plan.block_cache };
        for _ in 0..1000 {
            shares = divider.divide(plan, shares, others);
        }
        shares
    }

    fn plan(settings: &Settings) -> MemoryPlan {
        MemoryPlan::new(settings, 2, 256 * MB).unwrap()
    }

    #[test]
    fn caches_have_what_others_leave() {
        let plan = plan(&Settings::default());
        let planned = plan.hot_cache + plan.block_cache;
        let all = |others| {
            let shares = settled(&plan, others);
            // In the proportion of the plan.
            let expected = shares.block_cache as f64 / plan.block_cache as f64;
            assert!((shares.hot_cache as f64 / plan.hot_cache as f64 - expected).abs() < 0.01);
            shares.hot_cache + shares.block_cache
        };
        let idle = all(30 * MB);
        assert!(idle > planned + 50 * MB && idle < 226 * MB, "{idle}");
        assert!(all(150 * MB).abs_diff(106 * MB) < 10);
        assert!(all(1000 * MB).abs_diff(planned / KEPT) < 10);
    }

    #[test]
    fn they_shrink_at_once_and_grow_slowly() {
        let plan = plan(&Settings::default());
        let mut divider = Divider::default();
        let mut shares = settled(&plan, 30 * MB);
        let sum = |shares: Shares| shares.hot_cache + shares.block_cache;
        let before = sum(shares);
        shares = divider.divide(&plan, shares, 200 * MB);
        assert!(sum(shares) <= 56 * MB, "{shares:?}");
        let mut looks = 0;
        while sum(shares) + MB < before {
            let next = divider.divide(&plan, shares, 30 * MB);
            assert!(sum(next) <= sum(shares) + plan.budget / GROWTH);
            shares = next;
            looks += 1;
        }
        assert!((50..500).contains(&looks), "{looks}");
    }

    #[test]
    fn sizes_that_are_set_are_kept() {
        let given = Settings { hot_cache_size: 10 * MB, ..Settings::default() };
        let plan = plan(&given);
        for others in [30, 100, 300] {
            assert_eq!(settled(&plan, others * MB).hot_cache, 10 * MB);
        }
        assert!(settled(&plan, 30 * MB).block_cache > plan.block_cache);
        assert!(settled(&plan, 300 * MB).block_cache < plan.block_cache);
        let both =
            Settings { hot_cache_size: 10 * MB, block_cache_size: 20 * MB, ..Settings::default() };
        let plan = MemoryPlan::new(&both, 2, 256 * MB).unwrap();
        let kept = Shares { hot_cache: 10 * MB, block_cache: 20 * MB };
        assert_eq!((settled(&plan, 0), settled(&plan, 1000 * MB)), (kept, kept));
    }
}
