//! What is measured: calls and durations of commands, those that took long (`slowlog`, `slowness`),
//! latency events, and what the process uses of the host (`usage`).

pub(crate) mod command_statistics;
pub(crate) mod latency;
pub(crate) mod slowlog;
pub(crate) mod slowness;
pub(crate) mod usage;

use std::sync::Mutex;

use crate::shared::counters::Counters;

/// What is measured of the process as a whole.
#[derive(Default)]
pub(crate) struct Telemetry {
    pub(crate) counters: Counters,
    pub(crate) slow_log: Mutex<slowlog::SlowLog>,
    pub(crate) latency: Mutex<latency::LatencyMonitor>,
}
