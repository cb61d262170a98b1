//! A client that behaves: it sends a few commands, reads their replies, and thinks for a moment. It
//! alone changes its keys, so it knows every answer.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::common::{Client, Rng, Value};

/// The longest pause for thought.
const THINKS_MS: usize = 16;
/// Commands that are sent at once, at most.
const DEPTH_MAX: usize = 8;
const KEYS: usize = 40;

/// How long answers took.
pub struct Latencies(Histogram<u64>);

impl Latencies {
    pub fn new() -> Self {
        Self(Histogram::new(3).expect("a histogram"))
    }

    pub fn add(&mut self, other: &Self) {
        self.0.add(&other.0).expect("histograms of one kind");
    }

    pub fn p999_us(&self) -> u64 {
        self.0.value_at_quantile(0.999)
    }

    fn record(&mut self, took: Duration) {
        let microseconds = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.0.record(microseconds).expect("the histogram grows");
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quantile = |quantile: f64| self.0.value_at_quantile(quantile);
        write!(
            f,
            "{} answers: p50 {} us, p99 {} us, p99.9 {} us, the longest {} us",
            self.0.len(),
            quantile(0.5),
            quantile(0.99),
            self.p999_us(),
            self.0.max()
        )
    }
}

/// What its keys have.
#[derive(Default)]
struct Known {
    strings: HashMap<String, String>,
    counters: HashMap<String, i64>,
}

pub fn run_until(mut client: Client, number: u64, mut rng: Rng, is_over: &AtomicBool) -> Latencies {
    let mut latencies = Latencies::new();
    let mut known = Known::default();
    // Whatever an earlier client of this number left.
    let keys: Vec<String> = (0..KEYS).flat_map(|key| names(number, key)).collect();
    client.call(&["DEL".to_owned()].into_iter().chain(keys).collect::<Vec<_>>());
    while !is_over.load(Ordering::Relaxed) {
        let depth = if rng.percent(70) { 1 } else { 1 + rng.below(DEPTH_MAX) };
        let (commands, expected): (Vec<_>, Vec<_>) =
            (0..depth).map(|_| known.command(number, &mut rng)).unzip();
        let began = Instant::now();
        let replies = client.pipeline(&commands);
        latencies.record(began.elapsed());
        for ((command, expected), reply) in commands.iter().zip(&expected).zip(&replies) {
            assert!(reply == expected, "client {number}: {reply:?} to {command:?}");
        }
        std::thread::sleep(Duration::from_millis(rng.below(THINKS_MS) as u64));
    }
    latencies
}

/// A string and a counter.
fn names(client: u64, key: usize) -> [String; 2] {
    [format!("good:{client}:{key}"), format!("count:{client}:{key}")]
}

impl Known {
    /// A command, and the reply to it.
    fn command(&mut self, client: u64, rng: &mut Rng) -> (Vec<String>, Value) {
        let [string, counter] = names(client, rng.below(KEYS));
        let bulk_or_null = |value: Option<&String>| match value {
            Some(value) => Value::Bulk(value.clone().into_bytes()),
            None => Value::NullBulk,
        };
        let ok = || Value::Simple(b"OK".to_vec());
        match rng.below(100) {
            0..40 => {
                let expected = bulk_or_null(self.strings.get(&string));
                (vec!["GET".into(), string], expected)
            }
            40..75 => {
                // One in some hundred is what is called big elsewhere.
                let bytes = if rng.below(300) == 0 { 300_000 } else { 1 + rng.below(300) };
                let value = format!("{client}:").repeat(bytes / 2);
                self.strings.insert(string.clone(), value.clone());
                (vec!["SET".into(), string, value], ok())
            }
            75..85 => {
                let count = self.counters.entry(counter.clone()).or_default();
                *count += 1;
                (vec!["INCR".into(), counter], Value::Int(*count))
            }
            85..95 => {
                let [other, _] = names(client, rng.below(KEYS));
                let values = [&string, &other].map(|key| bulk_or_null(self.strings.get(key)));
                (vec!["MGET".into(), string, other], Value::Array(values.to_vec()))
            }
            _ => {
                let was_there = self.strings.remove(&string).is_some();
                (vec!["DEL".into(), string], Value::Int(i64::from(was_there)))
            }
        }
    }
}
