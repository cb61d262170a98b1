//! Whether it is worth to look for a record among memtables and cached blocks before it is read
//! from the disk: where nearly every look is in vain, it only costs. For commands that only read:
//! who writes mostly finds what it looks for, and if only that it is not there.

use std::sync::atomic::{AtomicU32, Ordering};

/// A look counts for one part in so many.
const LOOKS: u32 = 64;
/// Every look found what it looked for.
const CERTAIN: u32 = LOOKS << 16;
/// A look in vain costs 8 to 15 us. What memory has costs some 25 us more when it is asked for
/// through another thread, and more yet where many wait for those.
const WORTH_IT: u32 = CERTAIN / 8;
/// One in so many looks anyway, so that a change is noticed.
const TRY_EVERY: u32 = 16;

/// How many of the latest looks found something. Threads that look at the same time may lose a
/// look, which changes next to nothing.
pub(super) struct MemoryOdds {
    found: AtomicU32,
    spared: AtomicU32,
}

impl MemoryOdds {
    /// To begin with, everything is found.
    pub(super) fn new() -> Self {
        Self { found: AtomicU32::new(CERTAIN), spared: AtomicU32::new(0) }
    }

    /// Whether to look.
    pub(super) fn are_good(&self) -> bool {
        if self.found.load(Ordering::Relaxed) >= WORTH_IT {
            return true;
        }
        let spared = self.spared.load(Ordering::Relaxed).wrapping_add(1);
        self.spared.store(spared, Ordering::Relaxed);
        spared.is_multiple_of(TRY_EVERY)
    }

    /// How a look ended.
    pub(super) fn note(&self, has_found: bool) {
        let found = self.found.load(Ordering::Relaxed);
        let gain = if has_found { CERTAIN / LOOKS } else { 0 };
        self.found.store(found - found / LOOKS + gain, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Looks that are made out of a thousand, of which one in `one_in` finds something.
    fn looks(odds: &MemoryOdds, one_in: u32) -> u32 {
        let mut looks = 0;
        for number in 0..1000 {
            if odds.are_good() {
                looks += 1;
                odds.note(number % one_in == 0);
            }
        }
        looks
    }

    #[test]
    fn looks_that_are_mostly_in_vain_are_spared() {
        let odds = MemoryOdds::new();
        assert_eq!(looks(&odds, 1), 1000);
        assert_eq!(looks(&odds, 4), 1000);
        looks(&odds, 20);
        let few = looks(&odds, 20);
        assert!((50..100).contains(&few), "{few}");
        // And made again when they find something again.
        looks(&odds, 1);
        assert_eq!(looks(&odds, 1), 1000);
    }
}
