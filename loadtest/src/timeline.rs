//! Percentiles of each interval of a run, from what every worker counted in it.
//!
//! A worker hands in one part for an interval once it is over, some milliseconds late and not at
//! the same time as the others. An interval is summarised when no worker can add to it any more,
//! so that only the histograms of the last moments take memory, however long the run. A latency
//! belongs to the interval in which the reply came.

use std::collections::BTreeMap;

use crate::histogram::{Latencies, Summary};

/// The commands of one interval, those that occurred in its measured part.
pub(crate) type Commands = Vec<(&'static str, Summary)>;

#[derive(Debug)]
pub(crate) struct Timeline {
    open: BTreeMap<u64, Latencies>,
    closed: Vec<Commands>,
    /// For each worker the first interval that it can still add to.
    reached: Vec<u64>,
}

impl Timeline {
    pub(crate) fn new(workers: usize) -> Self {
        Timeline { open: BTreeMap::new(), closed: Vec::new(), reached: vec![0; workers] }
    }

    /// A worker's part of an interval; it has nothing to add to this and the earlier ones.
    pub(crate) fn add(&mut self, worker: usize, interval: u64, part: &Latencies) {
        self.open.entry(interval).or_default().merge(part);
        self.reached[worker] = interval + 1;
        self.close();
    }

    /// The worker has ended: nobody waits for it any more.
    pub(crate) fn end(&mut self, worker: usize) {
        self.reached[worker] = u64::MAX;
        self.close();
    }

    /// The intervals in their order; of one that no worker had a part in, nothing.
    pub(crate) fn finish(self) -> Vec<Commands> {
        self.closed
    }

    fn close(&mut self) {
        let complete = self.reached.iter().copied().min().unwrap_or(u64::MAX);
        while let Some(entry) = self.open.first_entry().filter(|entry| *entry.key() < complete) {
            let (interval, latencies) = entry.remove_entry();
            // A worker that slept through an interval had no part in it.
            self.closed.resize(interval as usize, Vec::new());
            let commands = latencies.commands().map(|(command, of)| (command.name(), of));
            self.closed.push(commands.collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    fn part(micros: u64) -> Latencies {
        let mut latencies = Latencies::default();
        latencies.record(Command::Get, micros * 1000);
        latencies
    }

    fn counts(timeline: &Timeline) -> Vec<u64> {
        timeline
            .closed
            .iter()
            .map(|commands| commands.iter().map(|(_, of)| of.count).sum())
            .collect()
    }

    #[test]
    fn an_interval_is_closed_when_all_workers_are_past_it() {
        let mut timeline = Timeline::new(2);
        timeline.add(0, 0, &part(10));
        timeline.add(0, 1, &part(10));
        assert!(counts(&timeline).is_empty());
        timeline.add(1, 0, &part(30));
        assert_eq!(counts(&timeline), [2]);
        timeline.end(1);
        assert_eq!(counts(&timeline), [2, 1]);
        let commands = timeline.finish();
        assert_eq!(commands[0][0].0, "get");
        assert!((commands[0][0].1.max / 30.0 - 1.0).abs() < 0.002);
    }

    #[test]
    fn an_interval_that_was_slept_through_is_empty() {
        let mut timeline = Timeline::new(1);
        timeline.add(0, 0, &part(10));
        timeline.add(0, 3, &part(10));
        timeline.end(0);
        assert_eq!(counts(&timeline), [1, 0, 0, 1]);
    }
}
