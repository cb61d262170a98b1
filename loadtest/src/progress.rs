//! The line that shows how a run goes, once an interval on standard error, and the record of the
//! same figures for the report.
//!
//! On a terminal the line overwrites itself; elsewhere, such as in a log, lines follow each other.

use std::io::{IsTerminal, Write, stderr};
use std::time::Duration;

use crate::timeline::Commands;

/// Totals over all workers; the longest latency is that since the last snapshot.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Snapshot {
    pub(crate) replies: u64,
    pub(crate) errors: u64,
    pub(crate) longest_nanos: u64,
}

/// What happened in one interval of a run.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Moment {
    /// Since the start, warm-up included.
    pub(crate) at: Duration,
    /// Whether the warm-up was over when it began.
    pub(crate) measured: bool,
    pub(crate) throughput: f64,
    pub(crate) errors: u64,
    pub(crate) longest_micros: f64,
    /// Percentiles, known when the run is over.
    pub(crate) commands: Commands,
}

#[derive(Debug)]
pub(crate) struct Line {
    label: String,
    quiet: bool,
    terminal: bool,
    shown: bool,
    last_at: Duration,
    last: Snapshot,
    moments: Vec<Moment>,
}

impl Line {
    pub(crate) fn new(label: &str, quiet: bool) -> Self {
        Line {
            label: label.to_owned(),
            quiet,
            terminal: stderr().is_terminal(),
            shown: false,
            last_at: Duration::ZERO,
            last: Snapshot::default(),
            moments: Vec::new(),
        }
    }

    /// Shows what happened since the last tick; `warm_up` is when the measured part began.
    pub(crate) fn tick(&mut self, at: Duration, warm_up: Duration, now: &Snapshot) {
        let seconds = at.saturating_sub(self.last_at).as_secs_f64();
        let moment = Moment {
            at,
            measured: self.last_at >= warm_up,
            throughput: now.replies.saturating_sub(self.last.replies) as f64 / seconds.max(1e-9),
            errors: now.errors.saturating_sub(self.last.errors),
            longest_micros: now.longest_nanos as f64 / 1e3,
            commands: Commands::new(),
        };
        self.last_at = at;
        self.last = *now;
        if !self.quiet {
            self.show(&moment, now.errors);
        }
        self.moments.push(moment);
    }

    fn show(&mut self, moment: &Moment, errors: u64) {
        let text = format!(
            "{} {:4.0} s{}  {:>9.0} ops/s  longest {:.2} ms  errors {errors}",
            self.label,
            moment.at.as_secs_f64(),
            if moment.measured { "" } else { " (warm-up)" },
            moment.throughput,
            moment.longest_micros / 1e3,
        );
        self.shown = true;
        // A closed standard error must not end a measurement.
        let _ = if self.terminal {
            write!(stderr(), "\r{text:<78}")
        } else {
            writeln!(stderr(), "{text}")
        };
    }

    /// Makes place for what comes next and gives the record, with each interval's commands.
    pub(crate) fn finish(mut self, intervals: Vec<Commands>) -> Vec<Moment> {
        if self.shown && self.terminal {
            let _ = write!(stderr(), "\r{:<78}\r", "");
        }
        for (moment, commands) in self.moments.iter_mut().zip(intervals) {
            moment.commands = commands;
        }
        self.moments
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::histogram::Summary;

    #[test]
    fn moments_are_differences() {
        let mut line = Line::new("x", true);
        let snapshot = |replies, errors| Snapshot { replies, errors, longest_nanos: 5000 };
        line.tick(Duration::from_secs(1), Duration::from_secs(1), &snapshot(100, 1));
        line.tick(Duration::from_secs(3), Duration::from_secs(1), &snapshot(500, 4));
        let moments = line.finish(vec![vec![("get", Summary::default())]]);
        assert_eq!(moments.iter().map(|moment| moment.measured).collect::<Vec<_>>(), [false, true]);
        assert_eq!((moments[0].commands.len(), moments[1].commands.len()), (1, 0));
        assert_eq!(moments[0].throughput, 100.0);
        assert_eq!(moments[1].throughput, 200.0);
        assert_eq!(moments[1].errors, 3);
        assert_eq!(moments[1].longest_micros, 5.0);
    }
}
