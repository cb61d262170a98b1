//! How long a thread's loop is busy without a look at its sockets.
//!
//! A *turn* begins with the first task that runs after the executor has looked at its rings, and
//! ends with the last one before it looks again: what a client of the thread waits for in vain in
//! between. Every turn's wall time is taken. Wall time alone would blame the server when the kernel
//! runs somebody else on the core, so of a long turn it is also known how much processor time the
//! thread had (to within a millisecond), and how often it went to sleep in the middle, which it
//! does when it waits for the disk or for another thread. These cost system calls: they are read at
//! a turn's beginning only when they were not for a while, and at its end only when it was long.
//!
//! A poll costs one look at the wall clock for this, a turn one more.

use std::time::{Duration, Instant};

use basalt_shard::table::CommandId;
use hdrhistogram::Histogram;
use nix::sys::resource::{UsageWho, getrusage};
use nix::time::{ClockId, clock_gettime};

/// A longer turn is one too many.
pub(crate) const LONG: Duration = Duration::from_millis(10);
/// How old a look at what the thread has used may be for a turn that begins.
const LOOK_AGE_MAX: Duration = Duration::from_millis(1);
/// Turns up to this are told apart.
const TURN_US_MAX: u64 = 60_000_000;

/// One turn that is worth a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LongTurn {
    pub(crate) wall: Duration,
    /// What the thread did meanwhile; known of turns over 10 ms.
    pub(crate) usage: Option<Usage>,
    /// The task that took most of it, and the command that it ran.
    pub(crate) task: &'static str,
    pub(crate) command: Option<CommandId>,
}

/// What a thread has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Usage {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// Times that it gave the processor away of its own accord.
    pub(crate) sleeps: u64,
}

impl Usage {
    /// Of the calling thread.
    pub(super) fn of_thread() -> Self {
        // Not getrusage's time, which may be a tick old.
        let cpu = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
        let sleeps = getrusage(UsageWho::RUSAGE_THREAD)
            .map_or(0, |usage| u64::try_from(usage.voluntary_context_switches()).unwrap_or(0));
        Self { cpu: cpu.map_or(Duration::ZERO, Duration::from), sleeps }
    }
}

/// All turns so far.
#[derive(Clone)]
pub(crate) struct TurnTotals {
    pub(crate) wall_us: Histogram<u64>,
    pub(crate) wall_us_max: u64,
    /// Turns whose wall time was over 10 ms.
    pub(crate) long: u64,
    /// Those whose processor time was, too.
    pub(crate) long_by_cpu: u64,
    /// Those in which the thread slept.
    pub(crate) long_by_sleep: u64,
    /// The most processor time of any turn over 10 ms.
    pub(crate) cpu_us_max: u64,
}

impl Default for TurnTotals {
    fn default() -> Self {
        // Two digits are enough, and the bounds are constants: creation cannot fail.
        let wall_us =
            Histogram::new_with_bounds(1, TURN_US_MAX, 2).unwrap_or_else(|_| unreachable!());
        Self { wall_us, wall_us_max: 0, long: 0, long_by_cpu: 0, long_by_sleep: 0, cpu_us_max: 0 }
    }
}

impl TurnTotals {
    /// Adds another thread's.
    pub(crate) fn add(&mut self, other: &Self) {
        // Equal bounds: adding cannot fail.
        let _ = self.wall_us.add(&other.wall_us);
        self.wall_us_max = self.wall_us_max.max(other.wall_us_max);
        self.long += other.long;
        self.long_by_cpu += other.long_by_cpu;
        self.long_by_sleep += other.long_by_sleep;
        self.cpu_us_max = self.cpu_us_max.max(other.cpu_us_max);
    }

    fn note(&mut self, turn: &LongTurn) {
        let wall_us = microseconds(turn.wall);
        self.wall_us.saturating_record(wall_us.max(1));
        self.wall_us_max = self.wall_us_max.max(wall_us);
        if turn.wall > LONG {
            self.long += 1;
        }
        if let Some(Usage { cpu, sleeps }) = turn.usage {
            self.long_by_cpu += u64::from(cpu > LONG);
            self.long_by_sleep += u64::from(sleeps > 0);
            self.cpu_us_max = self.cpu_us_max.max(microseconds(cpu));
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The clock of one thread; see the module.
pub(super) struct TurnClock {
    begin: Instant,
    /// Of the latest poll.
    end: Instant,
    /// The latest look at what the thread has used before the turn, and when that was.
    before: (Instant, Usage),
    /// Turns since that look: between two of them the thread sleeps once at most.
    turns_since: u64,
    /// Since that look, as of the turn's end.
    usage: Option<Usage>,
    /// The command that took longest of those of the current poll, and its nanoseconds.
    command: (Option<CommandId>, u64),
    /// The longest poll of the turn.
    longest: (Duration, &'static str, Option<CommandId>),
    pub(super) totals: TurnTotals,
    worst: Option<LongTurn>,
}

impl TurnClock {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            begin: now,
            end: now,
            before: (now, Usage::of_thread()),
            turns_since: 0,
            usage: None,
            command: (None, 0),
            longest: (Duration::ZERO, "", None),
            totals: TurnTotals::default(),
            worst: None,
        }
    }

    /// A turn begins, and with that the one before it is over.
    pub(super) fn begin_turn(&mut self, now: Instant, look: impl FnOnce() -> Usage) {
        let (_, task, command) = self.longest;
        let turn = LongTurn { wall: self.end - self.begin, usage: self.usage, task, command };
        self.totals.note(&turn);
        if self.worst.is_none_or(|worst| worst.wall < turn.wall) {
            self.worst = Some(turn);
        }
        self.turns_since += 1;
        if now.saturating_duration_since(self.before.0) >= LOOK_AGE_MAX {
            self.before = (now, look());
            self.turns_since = 0;
        }
        self.begin = now;
        self.end = now;
        self.usage = None;
        self.longest = (Duration::ZERO, "", None);
    }

    /// How long the turn has lasted.
    pub(super) fn age(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.begin)
    }

    /// A poll of `task` is over.
    pub(super) fn end_poll(
        &mut self,
        task: &'static str,
        now: Instant,
        look: impl FnOnce() -> Usage,
    ) {
        let took = now.saturating_duration_since(self.end);
        self.end = now;
        let (command, _) = std::mem::take(&mut self.command);
        if took > self.longest.0 {
            self.longest = (took, task, command);
        }
        if now.saturating_duration_since(self.begin) > LONG {
            let (Usage { cpu, sleeps }, before) = (look(), self.before.1);
            self.usage = Some(Usage {
                cpu: cpu.saturating_sub(before.cpu),
                sleeps: sleeps.saturating_sub(before.sleeps + self.turns_since),
            });
        }
    }

    /// The current poll ran a command that took so long.
    pub(super) fn ran(&mut self, command: CommandId, nanoseconds: u64) {
        if nanoseconds >= self.command.1 {
            self.command = (Some(command), nanoseconds);
        }
    }

    /// The longest turn since the last time.
    pub(super) fn take_worst(&mut self) -> Option<LongTurn> {
        self.worst.take()
    }

    /// CONFIG RESETSTAT.
    pub(super) fn reset(&mut self) {
        self.totals = TurnTotals::default();
        self.worst = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn unasked() -> Usage {
        unreachable!("what the thread has used is not asked for")
    }

    fn used(cpu_ms: u32, sleeps: u64) -> impl FnOnce() -> Usage {
        move || Usage { cpu: cpu_ms * MS, sleeps }
    }

    #[test]
    fn a_turn_is_as_long_as_all_its_polls() {
        let start = Instant::now();
        let at = |ms: u32| start + ms * MS;
        let mut clock = TurnClock::new(start);
        clock.begin_turn(at(100), used(50, 7));
        clock.ran(1, 10);
        clock.ran(2, 9);
        clock.end_poll("connection", at(107), unasked);
        clock.ran(3, 0);
        clock.end_poll("connection", at(109), unasked);
        clock.end_poll("expiry", at(112), used(56, 7));
        // What is between the turns belongs to none of them.
        clock.begin_turn(at(500), used(57, 8));
        let usage = Some(Usage { cpu: 6 * MS, sleeps: 0 });
        let worst = LongTurn { wall: 12 * MS, usage, task: "connection", command: Some(1) };
        assert_eq!(clock.take_worst(), Some(worst));
        assert_eq!(clock.take_worst(), None);
        let TurnTotals { long, long_by_cpu, long_by_sleep, .. } = clock.totals;
        assert_eq!((long, long_by_cpu, long_by_sleep), (1, 0, 0));
        assert_eq!((clock.totals.wall_us_max, clock.totals.cpu_us_max), (12_000, 6_000));
    }

    #[test]
    fn a_busy_turn_is_told_from_one_that_waited() {
        let start = Instant::now();
        let at = |us: u64| start + Duration::from_micros(us);
        let mut clock = TurnClock::new(start);
        clock.begin_turn(at(5_000), used(5, 1));
        clock.end_poll("messages", at(5_010), unasked);
        // So soon after the last look there is no other; the thread may have slept in between.
        clock.begin_turn(at(5_500), unasked);
        clock.end_poll("messages", at(40_500), used(39, 2));
        clock.begin_turn(at(50_000), used(41, 3));
        clock.end_poll("messages", at(70_000), used(42, 4));
        clock.begin_turn(at(70_000), used(43, 5));
        let TurnTotals { long, long_by_cpu, long_by_sleep, .. } = clock.totals;
        assert_eq!((long, long_by_cpu, long_by_sleep), (2, 1, 1));
        assert_eq!((clock.totals.wall_us_max, clock.totals.cpu_us_max), (35_000, 34_000));
        let mut both = TurnTotals::default();
        both.add(&clock.totals);
        both.add(&clock.totals);
        assert_eq!((both.long, both.wall_us.len(), both.wall_us_max), (4, 8, 35_000));
        clock.reset();
        assert_eq!((clock.totals.long, clock.totals.wall_us.len()), (0, 0));
    }
}
