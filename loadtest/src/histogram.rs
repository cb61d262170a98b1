//! Latencies: one HDR histogram for each command, in nanoseconds, and their summaries.
//!
//! Three significant digits from 1 ns to two minutes; what took longer is counted at the upper
//! end. Only commands that occur take memory.

use hdrhistogram::Histogram;

use crate::command::{COMMAND_COUNT, Command};

const HIGHEST_NANOS: u64 = 120_000_000_000;
const SIGNIFICANT_DIGITS: u8 = 3;

#[expect(clippy::expect_used, reason = "fails only for bounds that are wrong, and ours are fixed")]
pub(crate) fn new_histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, HIGHEST_NANOS, SIGNIFICANT_DIGITS).expect("constant bounds")
}

#[derive(Debug, Default)]
pub(crate) struct Latencies {
    by_command: [Option<Histogram<u64>>; COMMAND_COUNT],
}

impl Latencies {
    pub(crate) fn record(&mut self, command: Command, nanos: u64) {
        let histogram = self.by_command[command.index()].get_or_insert_with(new_histogram);
        histogram.saturating_record(nanos);
    }

    pub(crate) fn merge(&mut self, other: &Latencies) {
        for (mine, theirs) in self.by_command.iter_mut().zip(&other.by_command) {
            if let Some(theirs) = theirs {
                add(mine.get_or_insert_with(new_histogram), theirs);
            }
        }
    }

    pub(crate) fn commands(&self) -> impl Iterator<Item = (Command, Summary)> {
        Command::ALL.into_iter().zip(&self.by_command).filter_map(|(command, histogram)| {
            histogram.as_ref().map(|histogram| (command, Summary::of(histogram)))
        })
    }

    pub(crate) fn overall(&self) -> Summary {
        let mut all = new_histogram();
        for histogram in self.by_command.iter().flatten() {
            add(&mut all, histogram);
        }
        Summary::of(&all)
    }
}

#[expect(clippy::expect_used, reason = "fails only between histograms of different bounds")]
pub(crate) fn add(sum: &mut Histogram<u64>, histogram: &Histogram<u64>) {
    sum.add(histogram).expect("same bounds");
}

/// What is reported of a histogram; times in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) mean: f64,
    pub(crate) min: f64,
    pub(crate) p50: f64,
    pub(crate) p90: f64,
    pub(crate) p99: f64,
    pub(crate) p999: f64,
    pub(crate) p9999: f64,
    pub(crate) max: f64,
}

impl Summary {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Summary {
        let micros = |nanos: u64| nanos as f64 / 1e3;
        let quantile = |q: f64| micros(histogram.value_at_quantile(q));
        Summary {
            count: histogram.len(),
            mean: histogram.mean() / 1e3,
            min: micros(histogram.min()),
            p50: quantile(0.5),
            p90: quantile(0.9),
            p99: quantile(0.99),
            p999: quantile(0.999),
            p9999: quantile(0.9999),
            max: micros(histogram.max()),
        }
    }

    /// The times with their names, in the order of reports.
    pub(crate) fn times(&self) -> [(&'static str, f64); 8] {
        [
            ("mean", self.mean),
            ("min", self.min),
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("p99.9", self.p999),
            ("p99.99", self.p9999),
            ("max", self.max),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_near(seen: f64, expected: f64) {
        assert!((seen / expected - 1.0).abs() < 0.002, "{seen}, expected {expected}");
    }

    #[test]
    fn percentiles_of_known_latencies() {
        let mut latencies = Latencies::default();
        for micros in 1..=10_000u64 {
            latencies.record(Command::Get, micros * 1000);
        }
        let summary = latencies.overall();
        assert_eq!(summary.count, 10_000);
        assert_near(summary.p50, 5000.0);
        assert_near(summary.p99, 9900.0);
        assert_near(summary.p999, 9990.0);
        assert_near(summary.p9999, 9999.0);
        assert_near(summary.max, 10_000.0);
        assert_near(summary.mean, 5000.5);
    }

    #[test]
    fn merging_keeps_commands_apart_and_adds_up() {
        let (mut one, mut two) = (Latencies::default(), Latencies::default());
        one.record(Command::Get, 1000);
        two.record(Command::Get, 2000);
        two.record(Command::Set, 1_000_000);
        one.merge(&two);
        let counts: Vec<_> = one.commands().map(|(command, s)| (command.name(), s.count)).collect();
        assert_eq!(counts, [("get", 2), ("set", 1)]);
        assert_eq!(one.overall().count, 3);
        assert_near(one.overall().max, 1000.0);
    }

    #[test]
    fn a_latency_beyond_the_upper_end_is_not_lost() {
        let mut latencies = Latencies::default();
        latencies.record(Command::Ping, u64::MAX);
        assert_eq!(latencies.overall().count, 1);
        assert!(latencies.overall().max >= 120e6 * 0.99);
    }
}
