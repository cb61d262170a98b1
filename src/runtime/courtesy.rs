//! Letting others have the core before a thread looks at its sockets again.
//!
//! A thread that has worked off what there was could go to sleep. But the next byte that a client
//! on the same host sends wakes it, in the middle of that client's work, and it works off that one
//! request and sleeps again: with a few shards and clients on two cores most of the time went into
//! falling asleep and waking up. Who yields first comes back when the others have done what they
//! had to do, and finds many requests. Where nobody waits for the core, that takes no time.
//!
//! A thread that sleeps a good part of its time anyway is better woken: whoever yields waits for
//! all others. Yielding makes a thread sleep less, so it takes more sleep to stop it than to begin.
//! Two shards, the load on the same two cores: with clients that never pause they slept 28% of the
//! time without yielding and 5% with it; at half of that rate 47% and 25%.
//!
//! Who computes for long keeps the core for milliseconds when it is given away, while a thread that
//! is woken takes it from such a neighbour at once. So after a yield that took long there is none
//! for a while, and longer each time.

use std::time::{Duration, Instant};

/// How much of its time a thread sleeps is looked at so often.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Who sleeps less, of a hundred, begins to yield.
const BEGIN_BELOW: u32 = 35;
/// Who sleeps more although it yields stops.
const STOP_ABOVE: u32 = 16;
/// A yield that takes longer met somebody who computes.
const LONG: Duration = Duration::from_millis(1);
/// Then there is none for so long, at first and at most.
const PAUSE: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a thread knows of its neighbours.
pub(super) struct Courtesy {
    not_before: Instant,
    pause: Duration,
    is_busy: bool,
    looked: Instant,
    /// Since then.
    slept: Duration,
}

impl Courtesy {
    pub(super) fn new(now: Instant) -> Self {
        Self { not_before: now, pause: PAUSE, is_busy: true, looked: now, slept: Duration::ZERO }
    }

    /// The thread had nothing to do for some time.
    pub(super) fn has_slept(&mut self, time: Duration) {
        self.slept += time;
    }

    fn look(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.looked);
        if passed >= LOOK_EVERY {
            let most = passed * if self.is_busy { STOP_ABOVE } else { BEGIN_BELOW } / 100;
            self.is_busy = self.slept < most;
            self.looked = now;
            self.slept = Duration::ZERO;
        }
    }

    /// At the end of a turn, at `now`: calls `give_way`, unless the thread sleeps much anyway, or
    /// that may take long.
    pub(super) fn end_of_turn(&mut self, now: Instant, give_way: impl FnOnce() -> Instant) {
        self.look(now);
        if !self.is_busy || now < self.not_before {
            return;
        }
        let back = give_way();
        if back.saturating_duration_since(now) <= LONG {
            self.pause = PAUSE;
        } else {
            self.not_before = back + self.pause;
            self.pause = (self.pause * 2).min(PAUSE_MAX);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_meets_a_long_computation_gives_way_ever_more_seldom() {
        let start = Instant::now();
        let mut courtesy = Courtesy::new(start);
        let mut now = start;
        let mut given_after = Vec::new();
        let mut last = start;
        while given_after.len() < 10 {
            now += Duration::from_millis(1);
            courtesy.end_of_turn(now, || {
                given_after.push(now.duration_since(last).as_millis());
                last = now + 3 * LONG;
                last
            });
            now = now.max(last);
        }
        assert_eq!(given_after, [1, 10, 20, 40, 80, 160, 320, 640, 1000, 1000]);
        // One short one, and all is as before.
        let (mut quick, mut later) = (0, now + PAUSE_MAX);
        for _ in 0..100 {
            later += Duration::from_millis(1);
            courtesy.end_of_turn(later, || {
                quick += 1;
                later + LONG / 2
            });
        }
        assert_eq!(quick, 100);
        courtesy.end_of_turn(later, || later + 2 * LONG);
        let mut given = false;
        courtesy.end_of_turn(later + 2 * LONG + PAUSE, || {
            given = true;
            later
        });
        assert!(given);
    }

    #[test]
    fn who_sleeps_much_does_not_give_way() {
        let mut now = Instant::now();
        let mut courtesy = Courtesy::new(now);
        // What it sleeps, of a hundred, when it gives way and when it does not.
        let mut times_given = |courtesy: &mut Courtesy, giving: u32, not_giving: u32| {
            let mut times = 0;
            for _ in 0..1000 {
                now += Duration::from_millis(1);
                let slept = if courtesy.is_busy { giving } else { not_giving };
                courtesy.has_slept(Duration::from_millis(1) * slept / 100);
                courtesy.end_of_turn(now, || {
                    times += 1;
                    now
                });
            }
            times
        };
        assert_eq!(times_given(&mut courtesy, 5, 28), 1000);
        // Until the next look.
        assert_eq!(times_given(&mut courtesy, 25, 47), 99);
        assert_eq!(times_given(&mut courtesy, 25, 47), 0);
        assert_eq!(times_given(&mut courtesy, 5, 28), 901);
        assert_eq!(times_given(&mut courtesy, 5, 28), 1000);
    }
}
