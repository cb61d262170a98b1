//! The latency monitor: per kind of event, the spikes over `latency-monitor-threshold`, one a
//! second at most, for LATENCY LATEST and HISTORY.

use std::collections::{BTreeMap, VecDeque};

/// Spikes kept per event, as in Redis.
const SAMPLES_MAX: usize = 160;

/// One event's spikes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Event {
    /// (seconds since 1970, milliseconds), oldest first.
    pub(crate) samples: VecDeque<(u64, u64)>,
    pub(crate) max_ms: u64,
}

/// See the module.
#[derive(Default)]
pub(crate) struct LatencyMonitor {
    pub(crate) events: BTreeMap<&'static str, Event>,
}

impl LatencyMonitor {
    /// Takes a spike in.
    pub(crate) fn add(&mut self, event: &'static str, now_s: u64, duration_ms: u64) {
        let event = self.events.entry(event).or_default();
        event.max_ms = event.max_ms.max(duration_ms);
        match event.samples.back_mut() {
            Some((time_s, worst_ms)) if *time_s == now_s => {
                *worst_ms = (*worst_ms).max(duration_ms)
            }
            _ => {
                event.samples.push_back((now_s, duration_ms));
                if event.samples.len() > SAMPLES_MAX {
                    event.samples.pop_front();
                }
            }
        }
    }
}
