//! The open loop's schedule: when each request is meant to be sent.
//!
//! Latency is counted from these times and never from the moment of sending, so that a stall of
//! the server, which also holds up the requests behind it, shows in the percentiles as long as
//! it lasted (no coordinated omission). The schedule never adapts to the server.
//!
//! Times are nanoseconds after the start of the run.

use clap::ValueEnum;

use crate::rng::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Arrivals {
    /// The same gap between any two requests
    Even,
    /// Random gaps (a Poisson process), as independent users produce them
    Poisson,
}

/// One thread's share of the schedule: with `T` threads, thread `t` sends the requests
/// `t, t + T, t + 2T …` of an even schedule, or an independent Poisson process of a `T`-th of
/// the rate.
#[derive(Debug, Clone)]
pub(crate) struct Schedule {
    arrivals: Arrivals,
    first_gap: f64,
    gap: f64,
    count: u64,
    elapsed: f64,
    rng: Rng,
}

const NANOS_PER_SECOND: f64 = 1e9;

impl Schedule {
    pub(crate) fn new(
        arrivals: Arrivals,
        rate: f64,
        thread: usize,
        threads: usize,
        rng: Rng,
    ) -> Self {
        let shared_gap = NANOS_PER_SECOND / rate;
        let mut schedule = Schedule {
            arrivals,
            first_gap: shared_gap * thread as f64,
            gap: shared_gap * threads as f64,
            count: 0,
            elapsed: 0.0,
            rng,
        };
        schedule.settle();
        schedule
    }

    /// When the next request is meant to be sent.
    pub(crate) fn due(&self) -> u64 {
        self.elapsed as u64
    }

    pub(crate) fn advance(&mut self) {
        self.count += 1;
        self.settle();
    }

    fn settle(&mut self) {
        self.elapsed = match self.arrivals {
            // Multiplied afresh each time: adding up gaps would add up their rounding.
            Arrivals::Even => self.first_gap + self.count as f64 * self.gap,
            Arrivals::Poisson => self.elapsed - (1.0 - self.rng.unit()).ln() * self.gap,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(arrivals: Arrivals, rate: f64, thread: usize, threads: usize, n: usize) -> Vec<u64> {
        let rng = Rng::for_stream(11, thread as u64);
        let mut schedule = Schedule::new(arrivals, rate, thread, threads, rng);
        (0..n)
            .map(|_| {
                let due = schedule.due();
                schedule.advance();
                due
            })
            .collect()
    }

    #[test]
    fn even_schedule_has_the_rate() {
        assert_eq!(times(Arrivals::Even, 1e6, 0, 1, 4), [0, 1000, 2000, 3000]);
    }

    #[test]
    fn threads_interleave_into_the_schedule_of_one() {
        let mut merged = times(Arrivals::Even, 1e6, 0, 3, 5);
        merged.extend(times(Arrivals::Even, 1e6, 1, 3, 5));
        merged.extend(times(Arrivals::Even, 1e6, 2, 3, 5));
        merged.sort_unstable();
        assert_eq!(merged, times(Arrivals::Even, 1e6, 0, 1, 15));
    }

    #[test]
    fn even_schedule_does_not_drift() {
        // 3 requests per second for a day: gaps that are no whole number of nanoseconds.
        let mut schedule = Schedule::new(Arrivals::Even, 3.0, 0, 1, Rng::for_stream(0, 0));
        for _ in 0..3 * 86_400 {
            schedule.advance();
        }
        assert_eq!(schedule.due(), 86_400_000_000_000);
    }

    #[test]
    fn poisson_has_the_rate_in_the_mean_and_uneven_gaps() {
        let times = times(Arrivals::Poisson, 1e6, 0, 2, 100_001);
        let mean = (times[100_000] - times[0]) as f64 / 1e5;
        assert!((1960.0..2040.0).contains(&mean), "mean gap {mean} ns, expected 2000");
        let short = times.windows(2).filter(|pair| pair[1] - pair[0] < 1000).count();
        // 1 - e^-0.5 of the gaps are shorter than half the mean.
        assert!((38_000..40_700).contains(&short), "{short}");
        assert!(times.windows(2).all(|pair| pair[0] <= pair[1]));
    }
}
