//! The two clocks of the process.
//!
//! Keys live by the time of day ([`now_ms`]), as in Redis: deadlines outlive the process, and
//! whoever sets the clock sets it for them, too. All threads share one reading of it and count on
//! from there, so that none finds a key that another has found gone; it is renewed when it is
//! [`RENEWED_AFTER_US`] old, so that a clock that is set is followed at once, forth and back.
//!
//! How long something takes, rests or is to wait is measured by a clock that nobody sets
//! ([`steady_ms`]).

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// How old a reading of the time of day may be.
const RENEWED_AFTER_US: u64 = 2_000;
/// Less is not a clock that was set: it is the time between two looks.
const SET_BY_US: u64 = 1_000;

struct Clock {
    start: Instant,
    /// The time of day at the start, as it is known now.
    start_us: AtomicU64,
    /// When that was last looked at.
    renewed_us: AtomicU64,
}

static CLOCK: LazyLock<Clock> = LazyLock::new(|| Clock {
    start: Instant::now(),
    start_us: AtomicU64::new(time_of_day_us()),
    renewed_us: AtomicU64::new(0),
});

impl Clock {
    fn steady_us(&self, moment: Instant) -> u64 {
        moment.saturating_duration_since(self.start).as_micros() as u64
    }

    fn time_us(&self, moment: Instant) -> u64 {
        let steady_us = self.steady_us(moment);
        if steady_us > self.renewed_us.load(Ordering::Relaxed) + RENEWED_AFTER_US {
            self.renew();
        }
        self.start_us.load(Ordering::Relaxed).wrapping_add(steady_us)
    }

    #[cold]
    fn renew(&self) {
        let before_us = self.steady_us(Instant::now());
        let now_us = time_of_day_us();
        let after_us = self.steady_us(Instant::now());
        let start_us = now_us.wrapping_sub(before_us);
        let known_us = self.start_us.load(Ordering::Relaxed);
        // The thread may have lost its core between the looks.
        let doubt_us = SET_BY_US + (after_us - before_us);
        if start_us.wrapping_sub(known_us).min(known_us.wrapping_sub(start_us)) > doubt_us {
            self.start_us.store(start_us, Ordering::Relaxed);
        }
        self.renewed_us.store(after_us, Ordering::Relaxed);
    }
}

fn time_of_day_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Now, in ms since 1970.
pub(crate) fn now_ms() -> u64 {
    now_us() / 1000
}

/// Now, in microseconds since 1970.
pub(crate) fn now_us() -> u64 {
    CLOCK.time_us(Instant::now())
}

/// The time of day at a moment that just was, in ms since 1970.
pub(crate) fn time_ms(moment: Instant) -> u64 {
    CLOCK.time_us(moment) / 1000
}

/// Milliseconds of a clock that goes on evenly, whatever is done to the time of day.
pub(crate) fn steady_ms() -> u64 {
    steady_ms_at(Instant::now())
}

/// The same, at a moment that just was.
pub(crate) fn steady_ms_at(moment: Instant) -> u64 {
    CLOCK.steady_us(moment) / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_day_is_followed_when_it_is_set_and_not_when_a_look_took_long() {
        let clock = Clock {
            start: Instant::now(),
            start_us: AtomicU64::new(time_of_day_us()),
            renewed_us: AtomicU64::new(0),
        };
        let known_us = clock.start_us.load(Ordering::Relaxed);
        for (set_us, is_followed) in [(3_600_000_000, true), (0, false), (600, false)] {
            clock.start_us.store(known_us - set_us, Ordering::Relaxed);
            clock.renew();
            let moved_us = clock.start_us.load(Ordering::Relaxed).abs_diff(known_us - set_us);
            assert_eq!(moved_us > 1_000, is_followed, "{set_us}: {moved_us}");
            clock.start_us.store(known_us + set_us, Ordering::Relaxed);
            clock.renew();
            let moved_us = clock.start_us.load(Ordering::Relaxed).abs_diff(known_us + set_us);
            assert_eq!(moved_us > 1_000, is_followed, "{set_us}: {moved_us}");
        }
    }
}
