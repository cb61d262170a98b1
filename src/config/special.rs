//! The directives whose value is neither a number nor a word: their types, grammar and text form.
//!
//! Every `parse_*` takes the words after the directive and gives the value or Redis's error text;
//! every `show_*` gives the text that CONFIG GET prints.

use super::numbers::{parse_integer, parse_memory};

/// Snapshot after `seconds` if there were `changes` (`save`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SavePoint {
    pub(crate) seconds: i64,
    pub(crate) changes: i64,
}

pub(super) fn parse_save(words: &[Vec<u8>]) -> Result<Vec<SavePoint>, String> {
    let invalid = || "Invalid save parameters".to_string();
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Vec::new());
    }
    let (pairs, odd) = words.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(invalid());
    }
    pairs
        .iter()
        .map(|[seconds, changes]| {
            let seconds = parse_integer(seconds).filter(|n| *n >= 1).ok_or_else(invalid)?;
            let changes = parse_integer(changes).filter(|n| *n >= 0).ok_or_else(invalid)?;
            Ok(SavePoint { seconds, changes })
        })
        .collect()
}

pub(super) fn show_save(points: &[SavePoint]) -> String {
    join(points.iter().map(|point| format!("{} {}", point.seconds, point.changes)))
}

/// When a client whose replies pile up is disconnected; 0 means no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputLimit {
    pub(crate) hard_bytes: u64,
    pub(crate) soft_bytes: u64,
    pub(crate) soft_seconds: i64,
}

/// `client-output-buffer-limit`: one limit per class of client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutputLimits {
    pub(crate) normal: OutputLimit,
    pub(crate) replica: OutputLimit,
    pub(crate) pubsub: OutputLimit,
}

impl OutputLimits {
    /// The classes by the names that CONFIG REWRITE writes.
    pub(super) fn classes(&self) -> [(&'static str, OutputLimit); 3] {
        [("normal", self.normal), ("replica", self.replica), ("pubsub", self.pubsub)]
    }
}

/// Changes the classes that are named; the others stay.
pub(super) fn parse_output_limits(
    current: OutputLimits,
    words: &[Vec<u8>],
) -> Result<OutputLimits, String> {
    let (groups, rest) = words.as_chunks::<4>();
    if !rest.is_empty() {
        return Err("Wrong number of arguments in buffer limit configuration.".into());
    }
    let mut limits = current;
    for [class, hard, soft, seconds] in groups {
        let target = match class.to_ascii_lowercase().as_slice() {
            b"normal" => &mut limits.normal,
            b"slave" | b"replica" => &mut limits.replica,
            b"pubsub" => &mut limits.pubsub,
            _ => {
                return Err("Invalid client class specified in buffer limit configuration.".into());
            }
        };
        let parsed = || {
            Some(OutputLimit {
                hard_bytes: parse_memory(hard)?,
                soft_bytes: parse_memory(soft)?,
                soft_seconds: parse_integer(seconds).filter(|n| *n >= 0)?,
            })
        };
        *target = parsed()
            .ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
    }
    Ok(limits)
}

/// CONFIG GET keeps the old name of the replica class, as Redis does.
pub(super) fn show_output_limits(limits: &OutputLimits) -> String {
    let classes = [("normal", limits.normal), ("slave", limits.replica), ("pubsub", limits.pubsub)];
    join(classes.iter().map(|(class, limit)| {
        format!("{class} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)
    }))
}

pub(super) fn parse_oom_scores(words: &[Vec<u8>]) -> Result<[i64; 3], String> {
    let [master, replica, child] = words else {
        return Err("wrong number of arguments".into());
    };
    let score = |word: &Vec<u8>| {
        parse_integer(word).filter(|n| (-2000..=2000).contains(n)).ok_or_else(|| {
            "Invalid oom-score-adj-values, elements must be between -2000 and 2000.".to_string()
        })
    };
    Ok([score(master)?, score(replica)?, score(child)?])
}

pub(super) fn parse_percentiles(words: &[Vec<u8>]) -> Result<Vec<f64>, String> {
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Vec::new());
    }
    words.iter().map(|word| parse_percentile(word)).collect()
}

fn parse_percentile(word: &[u8]) -> Result<f64, String> {
    let number: f64 = str::from_utf8(word)
        .ok()
        .and_then(|text| text.parse().ok())
        .filter(|number: &f64| !number.is_nan())
        .ok_or("Invalid latency-tracking-info-percentiles parameters")?;
    if !(0.0..=100.0).contains(&number) {
        return Err(
            "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]".into()
        );
    }
    // What is kept is what is shown, so that a rewritten file reads back to the same value. The
    // addition turns -0 into 0.
    Ok((number * 1e6).round() / 1e6 + 0.0)
}

pub(super) fn show_percentiles(percentiles: &[f64]) -> String {
    join(percentiles.iter().map(|percentile| {
        let fixed = format!("{percentile:.6}");
        fixed.trim_end_matches('0').trim_end_matches('.').to_string()
    }))
}

/// `replicaof host port`, or nothing for a primary.
pub(super) fn parse_replica_of(words: &[Vec<u8>]) -> Result<Option<(Vec<u8>, u16)>, String> {
    let [host, port] = words else {
        return if words.is_empty() || words == [Vec::new()] {
            Ok(None)
        } else {
            Err("wrong number of arguments".into())
        };
    };
    if host.eq_ignore_ascii_case(b"no") && port.eq_ignore_ascii_case(b"one") {
        return Ok(None);
    }
    let port = parse_integer(port).and_then(|port| u16::try_from(port).ok());
    Ok(Some((host.clone(), port.ok_or("Invalid master port")?)))
}

/// The most addresses that `bind` takes, as in Redis.
const BIND_ADDRESSES_MAX: usize = 16;

/// A leading `-` lets the address be one that this host does not have.
pub(super) fn parse_addresses(words: &[Vec<u8>]) -> Result<Vec<String>, String> {
    if let [only] = words
        && only.is_empty()
    {
        return Ok(Vec::new());
    }
    if words.len() > BIND_ADDRESSES_MAX {
        return Err("Too many bind addresses specified.".into());
    }
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b".:_%*-".contains(byte);
    words
        .iter()
        .map(|word| match str::from_utf8(word) {
            Ok(address) if !word.is_empty() && word.iter().all(allowed) => Ok(address.to_string()),
            _ => Err("Failed to bind to specified addresses.".to_string()),
        })
        .collect()
}

pub(super) fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(" ")
}
