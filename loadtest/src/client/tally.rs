//! What one thread counted; threads' tallies are merged at the end.
//!
//! Latencies, replies and nils cover the measured part of a run. Errors cover all of it: an
//! error during the warm-up is one that somebody should see.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::in_flight::InFlight;
use crate::histogram::{Latencies, add, new_histogram};
use crate::ledger::{Answers, Reply, Writer};
use crate::reply::ReplyKind;

#[derive(Debug)]
pub(crate) struct Tally {
    /// Without those of the interval that is under way.
    pub(crate) latencies: Latencies,
    /// Those of the interval under way, apart so that each reply is recorded once only.
    recent: Latencies,
    /// How long after the intended time the requests of an open loop were sent.
    pub(crate) send_delay: Histogram<u64>,
    /// Replies to measured requests.
    pub(crate) measured: u64,
    pub(crate) nils: u64,
    /// All replies, for the progress line.
    pub(crate) replies: u64,
    /// The longest latency since the progress line was last fed.
    pub(crate) longest_recent: u64,
    /// Requests of an open loop that came due and were never sent.
    pub(crate) unsent: u64,
    pub(crate) errors: Errors,
    /// Of a recorded run, by connection; else empty.
    pub(crate) answers: Vec<Answers>,
    /// What came of a recorded run, once it has ended.
    pub(crate) writers: Vec<Writer>,
}

#[derive(Debug, Default)]
pub(crate) struct Errors {
    /// Error replies by the first word, each with one full text as an example.
    pub(crate) replies: BTreeMap<String, (u64, String)>,
    pub(crate) connect_failures: u64,
    pub(crate) disconnects: u64,
    /// Bytes that are no RESP.
    pub(crate) protocol: u64,
    /// Requests whose connection went silent or away before their reply.
    pub(crate) timeouts: u64,
    pub(crate) lost_requests: u64,
}

/// A server that puts varying text first must not grow the table without bound.
const ERROR_PREFIXES_MAX: usize = 64;

impl Errors {
    pub(crate) fn total(&self) -> u64 {
        let replies: u64 = self.replies.values().map(|(count, _)| count).sum();
        replies
            + self.connect_failures
            + self.disconnects
            + self.protocol
            + self.timeouts
            + self.lost_requests
    }

    pub(crate) fn reply(&mut self, text: &[u8]) {
        let text = String::from_utf8_lossy(text);
        let prefix = text.split(' ').next().unwrap_or_default();
        self.add_replies(prefix, 1, &text);
    }

    fn add_replies(&mut self, prefix: &str, count: u64, example: &str) {
        let full = self.replies.len() >= ERROR_PREFIXES_MAX;
        let prefix = if full && !self.replies.contains_key(prefix) { "(others)" } else { prefix };
        if let Some((sum, _)) = self.replies.get_mut(prefix) {
            *sum += count;
        } else {
            self.replies.insert(prefix.to_owned(), (count, example.to_owned()));
        }
    }

    fn merge(&mut self, other: &Errors) {
        for (prefix, (count, example)) in &other.replies {
            self.add_replies(prefix, *count, example);
        }
        self.connect_failures += other.connect_failures;
        self.disconnects += other.disconnects;
        self.protocol += other.protocol;
        self.timeouts += other.timeouts;
        self.lost_requests += other.lost_requests;
    }
}

impl Tally {
    pub(crate) fn new() -> Self {
        Tally {
            latencies: Latencies::default(),
            recent: Latencies::default(),
            send_delay: new_histogram(),
            measured: 0,
            nils: 0,
            replies: 0,
            longest_recent: 0,
            unsent: 0,
            errors: Errors::default(),
            answers: Vec::new(),
            writers: Vec::new(),
        }
    }

    /// The place where a request and its reply meet, whatever the pacing.
    pub(crate) fn reply(&mut self, request: InFlight, kind: ReplyKind, text: &[u8], now: u64) {
        self.replies += 1;
        if kind == ReplyKind::Error {
            self.errors.reply(text);
        }
        if let Some(answers) = self.answers.get_mut(request.connection) {
            let refused = kind == ReplyKind::Error;
            answers.replies.push(Reply { micros: now / 1000, refused });
        }
        let nanos = now.saturating_sub(request.intended);
        self.longest_recent = self.longest_recent.max(nanos);
        if request.measured {
            self.measured += 1;
            self.nils += u64::from(kind == ReplyKind::Nil);
            self.recent.record(request.command, nanos);
        }
    }

    /// A request that was given up. The time it waited counts as a latency: leaving it out would
    /// make the percentiles better the worse the server behaves.
    pub(crate) fn timed_out(&mut self, request: InFlight, now: u64) {
        self.errors.timeouts += 1;
        if request.measured {
            self.recent.record(request.command, now.saturating_sub(request.intended));
        }
    }

    /// Ends an interval: its latencies, which are now in the sum too.
    pub(crate) fn take_recent(&mut self) -> Latencies {
        self.latencies.merge(&self.recent);
        std::mem::take(&mut self.recent)
    }

    /// A connection is gone: what it has in flight will never be answered.
    pub(crate) fn lost(&mut self, connection: usize, now: u64) {
        if let Some(answers) = self.answers.get_mut(connection) {
            answers.lost_micros.get_or_insert(now / 1000);
        }
    }

    pub(crate) fn merge(&mut self, other: Tally) {
        self.latencies.merge(&other.latencies);
        add(&mut self.send_delay, &other.send_delay);
        self.measured += other.measured;
        self.nils += other.nils;
        self.replies += other.replies;
        self.unsent += other.unsent;
        self.errors.merge(&other.errors);
        self.writers.extend(other.writers);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Command;

    #[test]
    fn errors_are_counted_by_prefix_and_bounded() {
        let mut errors = Errors::default();
        errors.reply(b"ERR one");
        errors.reply(b"ERR two");
        errors.reply(b"OOM command not allowed");
        assert_eq!(errors.replies["ERR"], (2, "ERR one".to_owned()));
        assert_eq!(errors.replies["OOM"].0, 1);
        for n in 0..1000 {
            errors.reply(format!("X{n} odd").as_bytes());
        }
        assert!(errors.replies.len() <= ERROR_PREFIXES_MAX + 1);
        assert_eq!(errors.total(), 1003);
    }

    #[test]
    fn only_measured_requests_have_latencies_and_a_timeout_is_one() {
        let mut tally = Tally::new();
        let request =
            |measured| InFlight { command: Command::Get, connection: 0, measured, intended: 1000 };
        tally.reply(request(false), ReplyKind::Nil, b"", 2000);
        tally.reply(request(true), ReplyKind::Nil, b"", 3000);
        tally.timed_out(request(true), 5_001_000);
        assert_eq!((tally.replies, tally.measured, tally.nils), (2, 1, 1));
        assert_eq!(tally.latencies.overall().count, 0);
        assert_eq!(tally.take_recent().overall().count, 2);
        assert_eq!(tally.take_recent().overall().count, 0);
        assert_eq!(tally.latencies.overall().count, 2);
        assert!(tally.latencies.overall().max >= 4990.0);
        assert_eq!(tally.errors.timeouts, 1);
    }
}
