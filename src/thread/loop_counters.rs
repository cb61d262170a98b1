//! What one thread counts, and how fast that grew lately.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::time::Instant;

/// Counters of one thread, for INFO.
#[derive(Default)]
pub(crate) struct LoopCounters {
    pub(crate) commands: Cell<u64>,
    pub(crate) input_bytes: Cell<u64>,
    pub(crate) output_bytes: Cell<u64>,
    /// Times that sockets gave, and took, bytes.
    pub(crate) reads: Cell<u64>,
    pub(crate) writes: Cell<u64>,
    /// Turns of the loop in which something was to be done.
    pub(crate) turns: Cell<u64>,
    /// Spent on removing keys whose time had come.
    pub(crate) expire_ns: Cell<u64>,
    pub(crate) rates: Rates,
    pub(crate) hops: Cell<u64>,
    pub(crate) transactions: Cell<u64>,
}

/// Samples that a rate is the mean of, as in Redis.
const RATE_SAMPLES: usize = 16;

/// Commands, input and output bytes, turns at one moment.
#[derive(Clone, Copy)]
struct RateSample {
    at: Instant,
    totals: [u64; 4],
}

/// How fast the totals grew lately.
#[derive(Default)]
pub(crate) struct Rates(RefCell<VecDeque<RateSample>>);

impl Rates {
    fn sample(&self, totals: [u64; 4]) {
        let mut samples = self.0.borrow_mut();
        samples.push_back(RateSample { at: Instant::now(), totals });
        if samples.len() > RATE_SAMPLES {
            samples.pop_front();
        }
    }

    /// Commands, input and output bytes, turns a second.
    pub(crate) fn per_second(&self) -> [f64; 4] {
        let samples = self.0.borrow();
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else { return [0.0; 4] };
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return [0.0; 4];
        }
        std::array::from_fn(|index| (last.totals[index] - first.totals[index]) as f64 / seconds)
    }
}

impl LoopCounters {
    /// All back to zero.
    pub(crate) fn reset(&self) {
        let Self {
            commands,
            input_bytes,
            output_bytes,
            reads,
            writes,
            turns,
            expire_ns,
            rates,
            hops,
            transactions,
        } = self;
        for counter in [
            commands,
            input_bytes,
            output_bytes,
            reads,
            writes,
            turns,
            expire_ns,
            hops,
            transactions,
        ] {
            counter.set(0);
        }
        // The samples hold totals from before.
        rates.0.borrow_mut().clear();
    }

    /// Takes a sample for the rates.
    pub(crate) fn sample(&self) {
        self.rates.sample([
            self.commands.get(),
            self.input_bytes.get(),
            self.output_bytes.get(),
            self.turns.get(),
        ]);
    }

    /// Adds to a counter.
    pub(crate) fn add(counter: &Cell<u64>, count: u64) {
        counter.set(counter.get() + count);
    }
}
