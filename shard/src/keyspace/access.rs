//! When and how often the keys in the hot cache were used, as OBJECT IDLETIME and OBJECT FREQ tell
//! it. Owns the arithmetic of Redis's LFU: a counter of 8 bits that grows ever more rarely and
//! shrinks with time.
//!
//! A stamp stands in each entry of the cache, so that a use costs a store. What is not in the
//! cache counts as not used since the start: nobody uses it often. A key that gets its value by
//! RENAME begins anew. Uses on other threads are told to the owner: by a transaction when it is
//! done, and of copies when somebody asks ([`Uses`]).

use std::cell::Cell;

use crate::random::Random;

/// The counter that a new key starts with, so that it is not taken for one that nobody uses.
const COUNTER_INITIAL: u8 = 5;

/// How the counters grow and shrink: `lfu-log-factor` and `lfu-decay-time`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LfuSettings {
    /// The greater, the more uses it takes to reach the same count.
    pub log_factor: u32,
    /// Minutes after which a counter loses 1. 0: it never does.
    pub decay_minutes: u32,
}

/// The uses of one key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// As [`AccessClock`] counts seconds; 0: never.
    last_s: u32,
    /// Minute in which the counter was last brought up to date, of which it keeps 16 bits.
    counted_minute: u16,
    counter: u8,
}

/// Uses of a key that its owner has not been told of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// How many.
    pub times: u32,
    /// The last of them, in seconds since the process started.
    pub last_s: u32,
}

/// More uses at once than these make no difference to a counter, or nearly none.
const USES_COUNTED_MAX: u32 = 1 << 17;

/// See the module. Its time is set from outside, some times a second.
#[derive(Debug)]
pub struct AccessClock {
    /// Now, in seconds, of which the process's first is 1.
    now_s: u32,
    lfu: Option<LfuSettings>,
    random: Random,
}

impl AccessClock {
    /// A clock that stands until it is set; `seed` of what is left to chance.
    pub fn new(seed: u64) -> Self {
        Self { now_s: 1, lfu: None, random: Random::new(seed) }
    }

    /// Sets the time, in ms since the process started. Not the time of day: idleness is a duration.
    pub fn set_time(&mut self, steady_ms: u64) {
        self.now_s = second_of(steady_ms);
    }

    /// The time, in seconds since the process started.
    pub fn now_s(&self) -> u32 {
        self.now_s
    }

    /// Whether and how uses are counted.
    pub fn set_lfu(&mut self, lfu: Option<LfuSettings>) {
        self.lfu = lfu;
    }

    /// The stamp of a key that is used for the first time.
    pub fn first(&self) -> Access {
        Access { last_s: self.now_s, counted_minute: self.minute(), counter: COUNTER_INITIAL }
    }

    /// Notes a use.
    #[inline]
    pub fn touch(&mut self, access: &Cell<Access>) {
        let mut known = access.get();
        if let Some(lfu) = self.lfu {
            known = self.count(known, lfu);
        }
        access.set(Access { last_s: self.now_s, ..known });
    }

    /// Notes one more of the uses that are to be told to the owner.
    pub fn add_to(&self, uses: &Cell<Uses>) {
        let times = uses.get().times.saturating_add(1);
        uses.set(Uses { times, last_s: self.now_s });
    }

    /// Notes uses on another thread.
    pub fn note(&mut self, access: &Cell<Access>, uses: Uses) {
        let mut known = access.get();
        if let Some(lfu) = self.lfu {
            for _ in 0..uses.times.min(USES_COUNTED_MAX) {
                known = self.count(known, lfu);
            }
        }
        access.set(Access { last_s: known.last_s.max(uses.last_s), ..known });
    }

    /// Notes a use, unless one was noted in this second already: by a try that came to nothing.
    pub fn touch_again(&mut self, access: &Cell<Access>) {
        if access.get().last_s != self.now_s {
            self.touch(access);
        }
    }

    fn count(&mut self, known: Access, lfu: LfuSettings) -> Access {
        if known == Access::default() {
            return self.first();
        }
        let counter = known.decayed(self.minute(), lfu);
        // One use in `excess * factor + 1` counts.
        let excess = u64::from(counter.saturating_sub(COUNTER_INITIAL));
        let one_in = excess * u64::from(lfu.log_factor) + 1;
        let counts = one_in == 1 || self.random.below(one_in) == 0;
        Access {
            counter: counter.saturating_add(u8::from(counts)),
            counted_minute: self.minute(),
            ..known
        }
    }

    fn minute(&self) -> u16 {
        minute_of(self.now_s)
    }
}

fn second_of(steady_ms: u64) -> u32 {
    u32::try_from(steady_ms / 1000 + 1).unwrap_or(u32::MAX)
}

fn minute_of(seconds: u32) -> u16 {
    // Of 16 bits, as in Redis: it wraps after 45 days.
    (seconds / 60) as u16
}

impl Access {
    fn decayed(self, minute: u16, lfu: LfuSettings) -> u8 {
        let minutes = u32::from(minute.wrapping_sub(self.counted_minute));
        let lost = minutes.checked_div(lfu.decay_minutes).unwrap_or(0);
        self.counter.saturating_sub(u8::try_from(lost).unwrap_or(u8::MAX))
    }

    /// For how many seconds the key has not been used: since the process started at the most.
    pub fn idle_s(self, steady_ms: u64) -> u32 {
        second_of(steady_ms).saturating_sub(self.last_s.max(1))
    }

    /// How often the key is used, on the logarithmic scale.
    pub fn frequency(self, steady_ms: u64, lfu: LfuSettings) -> u8 {
        self.decayed(minute_of(second_of(steady_ms)), lfu)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START_MS: u64 = 7_000;

    fn clock(lfu: LfuSettings) -> AccessClock {
        let mut clock = AccessClock::new(7);
        clock.set_lfu(Some(lfu));
        clock.set_time(START_MS);
        clock
    }

    fn count_after(uses: usize, log_factor: u32) -> u8 {
        let lfu = LfuSettings { log_factor, decay_minutes: 1 };
        let mut clock = clock(lfu);
        let access = Cell::new(clock.first());
        for _ in 0..uses {
            clock.touch(&access);
        }
        access.get().frequency(START_MS, lfu)
    }

    /// The table that redis.conf has for these directives, to within what chance allows.
    #[test]
    fn counters_grow_as_in_redis() {
        for (log_factor, uses, expected) in [
            (0, 100, 104),
            (0, 1000, 255),
            (1, 100, 18),
            (1, 1000, 49),
            (1, 100_000, 255),
            (10, 100, 10),
            (10, 1000, 18),
            (10, 100_000, 142),
            (100, 100, 8),
            (100, 1000, 11),
            (100, 100_000, 49),
        ] {
            let found = count_after(uses, log_factor);
            let allowed = 3 + expected / 8;
            assert!(found.abs_diff(expected) <= allowed, "{log_factor} {uses}: {found}");
        }
    }

    #[test]
    fn counters_shrink_with_time() {
        let lfu = LfuSettings { log_factor: 0, decay_minutes: 2 };
        let mut clock = clock(lfu);
        let access = Cell::new(clock.first());
        for _ in 0..5 {
            clock.touch(&access);
        }
        let after = |minutes: u64| START_MS + minutes * 60_000;
        let frequency = |minutes, lfu| access.get().frequency(after(minutes), lfu);
        assert_eq!([0, 1, 6].map(|minutes| frequency(minutes, lfu)), [10, 10, 7]);
        clock.set_time(after(6));
        clock.touch(&access);
        assert_eq!([6, 1000].map(|minutes| frequency(minutes, lfu)), [8, 0]);
        assert_eq!(frequency(1000, LfuSettings { decay_minutes: 0, ..lfu }), 8);
    }

    #[test]
    fn idleness_is_told_in_seconds() {
        let mut clock = AccessClock::new(7);
        let access = Cell::new(Access::default());
        let idle_s = |at_ms| access.get().idle_s(at_ms);
        assert_eq!(idle_s(4_999), 4, "never: since the start");
        clock.set_time(4_999);
        clock.touch(&access);
        assert_eq!((idle_s(4_999), idle_s(10_000)), (0, 6));
    }

    #[test]
    fn uses_on_other_threads_count_as_those_here() {
        let lfu = LfuSettings { log_factor: 0, decay_minutes: 1 };
        let mut clock = clock(lfu);
        let access = Cell::new(clock.first());
        let elsewhere = Cell::new(Uses::default());
        clock.set_time(START_MS + 5_000);
        (0..7).for_each(|_| clock.add_to(&elsewhere));
        assert_eq!(access.get().idle_s(START_MS + 8_000), 8);
        clock.note(&access, elsewhere.get());
        assert_eq!(access.get().idle_s(START_MS + 8_000), 3);
        assert_eq!(access.get().frequency(START_MS, lfu), COUNTER_INITIAL + 7);
        clock.note(&access, Uses { times: u32::MAX, last_s: 0 });
        assert_eq!(access.get().frequency(START_MS, lfu), u8::MAX);
        assert_eq!(access.get().idle_s(START_MS + 8_000), 3);
    }

    #[test]
    fn a_key_that_was_only_looked_at_begins_as_a_new_one_when_it_is_used() {
        let lfu = LfuSettings { log_factor: 10, decay_minutes: 1 };
        let mut clock = clock(lfu);
        let access = Cell::new(Access::default());
        assert_eq!(access.get().frequency(START_MS, lfu), 0);
        clock.touch(&access);
        assert_eq!(access.get(), clock.first());
    }
}
