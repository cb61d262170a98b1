//! Counters that more than one thread adds to.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// See the module; names as in INFO.
#[derive(Default)]
pub(crate) struct Counters {
    pub(crate) connections_received: AtomicU64,
    pub(crate) connections_rejected: AtomicU64,
    pub(crate) connected_clients: AtomicUsize,
    /// Closed because clients held too much memory.
    pub(crate) clients_evicted: AtomicU64,
    /// Whose turn it is to get a connection.
    pub(crate) next_shard: AtomicUsize,
    /// Most bytes that were ever seen allocated.
    pub(crate) memory_peak: AtomicU64,
    /// Bytes that were allocated when the server was ready.
    pub(crate) memory_startup: AtomicU64,
}

impl Counters {
    /// CONFIG RESETSTAT.
    pub(crate) fn reset(&self) {
        self.connections_received.store(0, Ordering::Relaxed);
        self.connections_rejected.store(0, Ordering::Relaxed);
        self.clients_evicted.store(0, Ordering::Relaxed);
    }
}
