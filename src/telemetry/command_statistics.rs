//! Calls, times and errors per command, for INFO commandstats, latencystats, errorstats and
//! LATENCY HISTOGRAM. One set a thread; INFO adds them up.

use std::collections::BTreeMap;

use basalt_shard::table::CommandId;
use hdrhistogram::Histogram;

/// Longest duration that is told apart, in nanoseconds (one second, as in Redis).
const LATENCY_NS_MAX: u64 = 1_000_000_000;

/// Different error codes that are counted; the rest is not, so that no client can fill memory.
const ERROR_CODES_MAX: usize = 128;

/// Of one command.
#[derive(Clone, Default)]
pub(crate) struct OfCommand {
    pub(crate) calls: u64,
    pub(crate) nanoseconds: u64,
    /// Refused before it ran.
    pub(crate) rejected_calls: u64,
    /// Ended with an error reply.
    pub(crate) failed_calls: u64,
    /// Durations in nanoseconds; made at the first call.
    pub(crate) latency_ns: Option<Box<Histogram<u64>>>,
}

/// See the module.
#[derive(Clone)]
pub(crate) struct CommandStatistics {
    by_command: Vec<OfCommand>,
    errors: BTreeMap<Vec<u8>, u64>,
    tracks_latency: bool,
}

impl CommandStatistics {
    pub(crate) fn new(commands: usize) -> Self {
        Self {
            by_command: vec![OfCommand::default(); commands],
            errors: BTreeMap::new(),
            tracks_latency: true,
        }
    }

    /// `latency-tracking`.
    pub(crate) fn track_latency(&mut self, tracks: bool) {
        self.tracks_latency = tracks;
    }

    /// A command has ended with this reply after so long.
    pub(crate) fn count(&mut self, id: CommandId, nanoseconds: u64, reply: &[u8]) {
        if reply.first() == Some(&b'-') {
            self.count_error(reply);
        }
        let tracks_latency = self.tracks_latency;
        let Some(command) = self.by_command.get_mut(id) else { return };
        command.calls += 1;
        command.nanoseconds = command.nanoseconds.saturating_add(nanoseconds);
        if reply.first() == Some(&b'-') {
            command.failed_calls += 1;
        }
        if tracks_latency {
            let histogram = command.latency_ns.get_or_insert_with(|| {
                // The bounds are constants that hdrhistogram takes.
                let histogram = Histogram::new_with_bounds(1, LATENCY_NS_MAX, 2);
                Box::new(histogram.unwrap_or_else(|_| unreachable!()))
            });
            histogram.saturating_record(nanoseconds.max(1));
        }
    }

    /// A command was refused with this error reply before it ran.
    pub(crate) fn reject(&mut self, id: Option<CommandId>, reply: &[u8]) {
        self.count_error(reply);
        if let Some(command) = id.and_then(|id| self.by_command.get_mut(id)) {
            command.rejected_calls += 1;
        }
    }

    fn count_error(&mut self, reply: &[u8]) {
        let text = reply.get(1..).unwrap_or_default();
        let end = text.iter().position(|byte| matches!(byte, b' ' | b'\r')).unwrap_or(text.len());
        let code = &text[..end];
        if let Some(count) = self.errors.get_mut(code) {
            *count += 1;
        } else if self.errors.len() < ERROR_CODES_MAX {
            self.errors.insert(code.to_vec(), 1);
        }
    }

    /// A copy; without the durations it is small.
    pub(crate) fn copy(&self, with_latency: bool) -> Self {
        if with_latency {
            return self.clone();
        }
        let by_command = self.by_command.iter();
        Self {
            by_command: by_command.map(|of| OfCommand { latency_ns: None, ..*of }).collect(),
            errors: self.errors.clone(),
            ..*self
        }
    }

    /// Of one command.
    pub(crate) fn of(&self, id: CommandId) -> Option<&OfCommand> {
        self.by_command.get(id)
    }

    /// By command id.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (CommandId, &OfCommand)> {
        self.by_command.iter().enumerate()
    }

    /// Error replies by code.
    pub(crate) fn errors(&self) -> &BTreeMap<Vec<u8>, u64> {
        &self.errors
    }

    /// Adds another thread's numbers.
    pub(crate) fn add(&mut self, other: &CommandStatistics) {
        for (sum, command) in self.by_command.iter_mut().zip(&other.by_command) {
            sum.calls += command.calls;
            sum.nanoseconds = sum.nanoseconds.saturating_add(command.nanoseconds);
            sum.rejected_calls += command.rejected_calls;
            sum.failed_calls += command.failed_calls;
            match (&mut sum.latency_ns, &command.latency_ns) {
                (Some(sum), Some(histogram)) => {
                    // Equal bounds: adding cannot fail.
                    let _ = sum.add(histogram.as_ref());
                }
                (sum @ None, Some(histogram)) => *sum = Some(histogram.clone()),
                (_, None) => {}
            }
        }
        for (code, count) in &other.errors {
            *self.errors.entry(code.clone()).or_default() += count;
        }
    }

    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&mut self) {
        self.by_command.fill(OfCommand::default());
        self.errors.clear();
    }

    /// All error replies.
    pub(crate) fn total_errors(&self) -> u64 {
        self.errors.values().sum()
    }
}
