//! How the memory of the caches is divided between the hot cache and the block cache.
//!
//! A block of 4 KB that is kept for one record of 100 bytes could be twenty such records in the hot
//! cache. So where blocks of data are hardly ever found again, the block cache is made smaller, as
//! long as indexes and filters fit; where these have to be read again and again, or where ranges or
//! large values find their blocks, it gets back what the plan has for it.

use basalt_shard::engine::options::BlockUse;

/// Looks with fewer lookups than this say nothing.
const LOOKUPS_MIN: u64 = 1000;
/// The largest part of the block cache's plan that the hot cache may have, and the step by which it
/// changes; in thousandths. A step takes effect before the next is taken: entries come one by one.
const LENT_MAX: u64 = 750;
const STEP: u64 = 25;
/// Blocks of data are hardly ever found when it is fewer than one lookup in so many, and often when
/// it is more than one in so many.
const RARELY: u64 = 6;
const OFTEN: u64 = 3;
/// Indexes and filters fit when they are less than one byte in so many of what is read, and do not
/// when they are more than one in so many.
const FITTING: u64 = 32;
const MISSING: u64 = 8;

/// See the module.
#[derive(Default)]
pub(crate) struct CacheBalance {
    /// What the blocks were used for until the last look that counted.
    before: BlockUse,
    /// Thousandths of the block cache's plan that the hot cache has.
    lent: u64,
}

impl CacheBalance {
    /// Looks at what the blocks have been used for since the start; every few seconds.
    pub(crate) fn look(&mut self, now: BlockUse) {
        let found = now.data_found.saturating_sub(self.before.data_found);
        let read = now.data_read.saturating_sub(self.before.data_read);
        if found + read < LOOKUPS_MIN {
            return;
        }
        let data = now.data_bytes_read.saturating_sub(self.before.data_bytes_read);
        let meta = now.meta_bytes_read.saturating_sub(self.before.meta_bytes_read);
        self.before = now;
        let is_above = |part: u64, whole: u64, share: u64| part.saturating_mul(share) > whole;
        if is_above(meta, data + meta, MISSING) {
            // At once: every lookup waits for them.
            self.lent /= 2;
        } else if is_above(found, found + read, OFTEN) {
            self.lent = self.lent.saturating_sub(STEP);
        } else if !is_above(found, found + read, RARELY) && !is_above(meta, data + meta, FITTING) {
            self.lent = (self.lent + STEP).min(LENT_MAX);
        }
    }

    /// What is planned for hot cache and block cache, as it should be now.
    pub(crate) fn weigh(&self, hot_cache: u64, block_cache: u64) -> (u64, u64) {
        let lent = block_cache / 1000 * self.lent;
        (hot_cache + lent, block_cache - lent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks in which, of every 1000 lookups, so many found their block, and so many bytes in 1000
    /// were of indexes and filters.
    fn after(balance: &mut CacheBalance, looks: u64, found: u64, meta: u64) -> (u64, u64) {
        for _ in 0..looks {
            let before = balance.before;
            balance.look(BlockUse {
                data_found: before.data_found + found,
                data_read: before.data_read + (1000 - found),
                data_bytes_read: before.data_bytes_read + (1000 - meta),
                meta_bytes_read: before.meta_bytes_read + meta,
            });
        }
        balance.weigh(40_000, 60_000)
    }

    #[test]
    fn memory_goes_where_it_is_of_use() {
        let mut balance = CacheBalance::default();
        assert_eq!(balance.weigh(40_000, 60_000), (40_000, 60_000));
        assert_eq!(after(&mut balance, 10, 50, 10), (55_000, 45_000), "single records");
        assert_eq!(after(&mut balance, 100, 50, 10), (85_000, 15_000));
        assert_eq!(after(&mut balance, 5, 250, 10), (85_000, 15_000), "neither nor");
        assert_eq!(after(&mut balance, 2, 50, 60), (85_000, 15_000));
        assert_eq!(after(&mut balance, 2, 500, 10), (82_000, 18_000), "ranges");
        let (hot, _) = after(&mut balance, 4, 50, 500);
        assert!((40_000..43_000).contains(&hot), "indexes that do not fit: {hot}");
        assert_eq!(after(&mut balance, 100, 900, 0), (40_000, 60_000));
    }

    #[test]
    fn few_lookups_are_gathered() {
        let mut balance = CacheBalance::default();
        for lookups in 1..LOOKUPS_MIN {
            balance.look(BlockUse {
                data_read: lookups,
                data_bytes_read: 1,
                ..BlockUse::default()
            });
        }
        assert_eq!(balance.lent, 0);
        balance.look(BlockUse { data_read: 1000, data_bytes_read: 1, ..BlockUse::default() });
        assert_eq!(balance.lent, STEP);
    }
}
