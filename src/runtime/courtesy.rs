//! Letting others have the core before a thread looks at its sockets again.
//!
//! A thread that has worked off what there was could go to sleep. But the next byte that a client
//! on the same host sends wakes it, in the middle of that client's work, and it works off that one
//! request and sleeps again: with a few shards and clients on two cores most of the time went into
//! falling asleep and waking up. Who yields first comes back when the others have done what they
//! had to do, and finds many requests. Where nobody waits for the core, that takes no time.
//!
//! Who computes for long keeps the core for milliseconds when it is given away, while a thread that
//! is woken takes it from such a neighbour at once. So after a yield that took long there is none
//! for a while, and longer each time.

use std::time::{Duration, Instant};

/// A yield that takes longer met somebody who computes.
const LONG: Duration = Duration::from_millis(1);
/// Then there is none for so long, at first and at most.
const PAUSE: Duration = Duration::from_millis(10);
const PAUSE_MAX: Duration = Duration::from_secs(1);

/// What a thread knows of its neighbours.
pub(super) struct Courtesy {
    not_before: Instant,
    pause: Duration,
}

impl Courtesy {
    pub(super) fn new(now: Instant) -> Self {
        Self { not_before: now, pause: PAUSE }
    }

    /// At the end of a turn, at `now`: calls `give_way`, unless that may take long.
    pub(super) fn end_of_turn(&mut self, now: Instant, give_way: impl FnOnce() -> Instant) {
        if now < self.not_before {
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
}
