//! CLIENT PAUSE: until when commands are held up, and which.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::clock::steady_ms;

/// What is held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Nothing,
    Writes,
    Everything,
}

/// See the module.
#[derive(Default)]
pub(crate) struct Pause {
    /// By the steady clock. 0: there is none.
    until_ms: AtomicI64,
    writes_only: AtomicBool,
}

impl Pause {
    /// What is held up now.
    pub(crate) fn held(&self) -> Held {
        match self.until_ms.load(Ordering::Relaxed) {
            0 => Held::Nothing,
            until_ms => self.held_at(until_ms, steady_ms()),
        }
    }

    #[cold]
    fn held_at(&self, until_ms: i64, now_ms: u64) -> Held {
        if until_ms < now_ms as i64 {
            // Who looks next need not look at the clock.
            let _ =
                self.until_ms.compare_exchange(until_ms, 0, Ordering::Relaxed, Ordering::Relaxed);
            return Held::Nothing;
        }
        if self.writes_only.load(Ordering::Relaxed) { Held::Writes } else { Held::Everything }
    }

    /// Pauses for so long; `None`: nobody lives to see the end of that. A pause that holds neither
    /// ends sooner nor becomes weaker by a new one.
    pub(crate) fn begin(&self, time_ms: i64, writes_only: bool) -> Option<()> {
        let now_ms = steady_ms();
        let until_ms = (now_ms as i64).checked_add(time_ms)?;
        let known_ms = self.until_ms.load(Ordering::Relaxed);
        let held = self.held_at(known_ms, now_ms);
        self.writes_only.store(writes_only && held != Held::Everything, Ordering::Relaxed);
        let until_ms = if held == Held::Nothing { until_ms } else { until_ms.max(known_ms) };
        self.until_ms.store(until_ms, Ordering::Relaxed);
        Some(())
    }

    /// Ends it.
    pub(crate) fn end(&self) {
        self.until_ms.store(0, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_neither_cut_short_nor_weakened() {
        let pause = Pause::default();
        assert_eq!(pause.held(), Held::Nothing);
        pause.begin(100_000, true).unwrap();
        assert_eq!(pause.held(), Held::Writes);
        pause.begin(1, false).unwrap();
        pause.begin(1, true).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert_eq!(pause.held(), Held::Everything);
        pause.end();
        assert_eq!(pause.held(), Held::Nothing);
        assert_eq!(pause.begin(i64::MAX, true), None);
    }

    #[test]
    fn a_pause_that_is_over_is_forgotten() {
        let pause = Pause::default();
        pause.begin(0, false).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
        assert_eq!(pause.held(), Held::Nothing);
        assert_eq!(pause.until_ms.load(Ordering::Relaxed), 0);
        pause.begin(100_000, true).unwrap();
        assert_eq!(pause.held(), Held::Writes, "the one before is over");
    }
}
