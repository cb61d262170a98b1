//! What the caches have of the memory: their part of the plan, more while others leave theirs, and
//! less when others have taken more than theirs.
//!
//! A thread looks ten times a second at what is allocated. What of that is not in the caches
//! belongs to clients, write buffers, flushes, compactions and work off the loops; the most of it
//! in the last seconds is left free for them, so that what comes in waves (a flush, say) does not
//! empty the caches each time. Pages with holes count in part only: what a cache lets go leaves
//! holes, and it would have to let go more, and more. When there is more in memory than the
//! budget, caches let go as much as that, and again as it becomes more or does not go. A cache
//! whose size is set keeps it.
//! Between those whose sizes are open, their use decides ([`CacheBalance`]).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::config::memory_plan::MemoryPlan;
use crate::shared::memory_shares::Shares;
use crate::telemetry::usage;
use crate::thread::node::Node;
use crate::upkeep::cache_balance::CacheBalance;

/// How often it looks, and when the budget is passed.
const EVERY: Duration = Duration::from_millis(100);
const EVERY_WHEN_OVER: Duration = Duration::from_millis(20);
/// What others had is forgotten by one part in so many at each look: by half in 4 seconds.
const FORGOTTEN: u64 = 64;
/// Caches grow by one part in so many of the budget at each look. They shrink at once.
const GROWTH: u64 = 128;
/// Of what is planned for clients and write buffers, caches may have so much while they leave it.
const LENT_SHARE: (u64, u64) = (3, 4);
/// Of the budget, holes in the allocator's pages count as used up to one part in so many.
const HOLES_SHARE: u64 = 16;
/// What has not gone after so many looks, some seconds, is answered again.
const EXCESS_LOOKS: u32 = 500;
/// And of their own they keep one part in so many whatever others take.
const KEPT: u64 = 4;
/// Pages that nobody uses are given back at once when they are one part in so many of the budget,
/// or when there is more than the budget. Otherwise the allocator does that in its time.
const UNUSED_SHARE: u64 = 8;
const UNUSED_SHARE_OVER: u64 = 16;

/// How often it looks at what blocks are used for.
const BALANCED_EVERY: Duration = Duration::from_secs(2);

/// What is in memory at a moment.
#[derive(Clone, Copy, Debug, Default)]
struct InMemory {
    /// Allocated by the caches.
    caches: u64,
    /// By everybody.
    allocated: u64,
    /// Pages that this is in, and those of the allocator itself.
    resident: u64,
}

/// More in memory than the budget.
#[derive(Clone, Copy)]
struct Excess {
    /// What the caches had when it began.
    caches: u64,
    /// The most that it has been since.
    most: u64,
    /// Looks since then.
    looks: u32,
}

/// Divides what others leave.
#[derive(Default)]
struct Divider {
    /// What everybody but the caches had, at most and lately.
    others: u64,
    balance: CacheBalance,
    /// While there is more in memory than the budget.
    excess: Option<Excess>,
}

impl Divider {
    /// The next shares, from the current ones and what is in memory now.
    fn divide(&mut self, plan: &MemoryPlan, current: Shares, memory: InMemory) -> Shares {
        let holes = memory.resident.saturating_sub(memory.allocated);
        let others =
            memory.allocated.saturating_sub(memory.caches) + holes.min(plan.budget / HOLES_SHARE);
        self.others = others.max(self.others - self.others / FORGOTTEN);
        let planned = plan.hot_cache + plan.block_cache;
        let lent = (plan.clients + plan.write_buffers) / LENT_SHARE.1 * LENT_SHARE.0;
        let left = plan.budget.saturating_sub(self.others);
        let wanted = left.min(self.fitting(plan, memory)).clamp(planned / KEPT, planned + lent);
        let grown = current.hot_cache + current.block_cache + plan.budget / GROWTH;
        let all = wanted.min(grown);
        let (hot, block) = match (plan.hot_cache_is_set, plan.block_cache_is_set) {
            (false, false) => self.balance.weigh(plan.hot_cache, plan.block_cache),
            (false, true) => (plan.hot_cache, 0),
            (true, false) => (0, plan.block_cache),
            (true, true) => (0, 0),
        };
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

    /// What the caches may have at most because of what is in memory.
    fn fitting(&mut self, plan: &MemoryPlan, memory: InMemory) -> u64 {
        let excess = memory.resident.saturating_sub(plan.budget);
        if excess == 0 {
            self.excess = None;
            return u64::MAX;
        }
        let begun = Excess { caches: memory.caches, most: 0, looks: 0 };
        let mut known = self.excess.filter(|known| known.looks < EXCESS_LOOKS).unwrap_or(begun);
        known.most = known.most.max(excess);
        known.looks += 1;
        self.excess = Some(known);
        known.caches.saturating_sub(known.most)
    }
}

/// Starts the thread. It ends with the process.
pub(crate) fn start(node: &Arc<Node>) -> std::io::Result<()> {
    let node = node.clone();
    std::thread::Builder::new().name("memory".into()).stack_size(256 << 10).spawn(move || {
        let mut divider = Divider::default();
        let mut pause = EVERY;
        let mut balanced = Instant::now();
        while !node.storage.is_stopping.load(Ordering::Acquire) {
            std::thread::sleep(pause);
            if balanced.elapsed() >= BALANCED_EVERY {
                balanced = Instant::now();
                divider.balance.look(node.storage.engine_resources.block_use());
            }
            let is_over = look(&node, &mut divider);
            pause = if is_over { EVERY_WHEN_OVER } else { EVERY };
        }
    })?;
    Ok(())
}

/// Sets the shares anew. Whether more than the budget is in memory.
fn look(node: &Node, divider: &mut Divider) -> bool {
    let memory = usage::allocator_memory();
    let plan = node.storage.memory_plan();
    // Pages that nobody uses go back to the system within a second, or at once where it matters.
    let in_use = memory.active + memory.metadata;
    let unused = memory.resident.saturating_sub(in_use);
    let is_over = memory.resident > plan.budget;
    if unused > plan.budget / UNUSED_SHARE || (is_over && unused > plan.budget / UNUSED_SHARE_OVER)
    {
        usage::purge();
    }
    let caches =
        node.storage.engine_resources.memory().block_cache_bytes + node.storage.shares.held();
    let current = node.storage.shares.get();
    let in_memory = InMemory { caches, allocated: memory.allocated, resident: in_use };
    let next = divider.divide(&plan, current, in_memory);
    // Who changes the plan sets them, too: not over that.
    if next != current && node.storage.memory_plan() == plan {
        node.storage.shares.set(next);
        node.storage.engine_resources.set_block_cache_bytes(next.block_cache as usize);
    }
    is_over
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Settings;

    const MB: u64 = 1 << 20;

    fn sum(shares: Shares) -> u64 {
        shares.hot_cache + shares.block_cache
    }

    /// Full caches, others, and no holes.
    fn with(shares: Shares, others: u64) -> InMemory {
        let (caches, all) = (sum(shares), sum(shares) + others);
        InMemory { caches, allocated: all, resident: all }
    }

    fn settled(plan: &MemoryPlan, others: u64) -> Shares {
        let mut divider = Divider::default();
        let mut shares = Shares { hot_cache: plan.hot_cache, block_cache: plan.block_cache };
        for _ in 0..1000 {
            shares = divider.divide(plan, shares, with(shares, others));
        }
        shares
    }

    /// A plan, what divides it, and full caches beside little else.
    fn at_ease() -> (MemoryPlan, Divider, Shares) {
        let plan = plan(&Settings::default());
        (plan, Divider::default(), settled(&plan, 30 * MB))
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
        let (plan, mut divider, mut shares) = at_ease();
        let before = sum(shares);
        shares = divider.divide(&plan, shares, with(shares, 200 * MB));
        assert!(sum(shares) <= 56 * MB, "{shares:?}");
        let mut looks = 0;
        while sum(shares) + MB < before {
            let next = divider.divide(&plan, shares, with(shares, 30 * MB));
            assert!(sum(next) <= sum(shares) + plan.budget / GROWTH);
            shares = next;
            looks += 1;
        }
        assert!((50..500).contains(&looks), "{looks}");
    }

    #[test]
    fn what_is_let_go_and_stays_in_memory_is_not_let_go_again_and_again() {
        let (plan, mut divider, mut shares) = at_ease();
        let full = sum(shares) + 30 * MB;
        // Somebody needs much for a moment; what the caches let go leaves holes.
        let mut least = sum(shares);
        for look in 0..600 {
            let others = if look == 0 { 60 * MB } else { 30 * MB };
            let (caches, allocated) = (sum(shares), sum(shares) + others);
            let memory = InMemory { caches, allocated, resident: allocated.max(full) };
            shares = divider.divide(&plan, shares, memory);
            least = least.min(sum(shares));
        }
        assert!(least + 50 * MB > full - 30 * MB, "{least}");
        assert!(sum(shares) + 30 * MB + plan.budget / HOLES_SHARE >= full, "{shares:?}");
    }

    #[test]
    fn caches_let_go_as_there_is_more_than_the_budget() {
        let (plan, mut divider, mut shares) = at_ease();
        let before = sum(shares);
        let mut look = |resident| {
            let caches = sum(shares);
            let memory = InMemory { caches, allocated: caches + 30 * MB, resident };
            shares = divider.divide(&plan, shares, memory);
            sum(shares)
        };
        let over = look(266 * MB);
        assert!(over.abs_diff(before - 10 * MB) < 10, "{over} of {before}");
        assert_eq!(look(266 * MB), over, "it does not become more");
        assert_eq!(look(260 * MB), over);
        assert!(look(270 * MB).abs_diff(before - 14 * MB) < 10);
        let stays = (0..=EXCESS_LOOKS).map(|_| look(270 * MB)).last().unwrap();
        assert!(stays < before - 24 * MB, "it stays");
        assert!(look(255 * MB) > before - 100 * MB, "it fits");
        assert!(look(1000 * MB).abs_diff((plan.hot_cache + plan.block_cache) / KEPT) < 10);
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
