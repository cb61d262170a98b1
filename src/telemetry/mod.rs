//! What is measured: calls and durations of commands, those that took long (`slowlog`, `slowness`),
//! latency events, and what the process uses of the host (`usage`).

pub(crate) mod command_statistics;
pub(crate) mod latency;
pub(crate) mod slowlog;
pub(crate) mod slowness;
pub(crate) mod usage;
