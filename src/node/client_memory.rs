//! What clients' requests and replies hold of the memory, over all threads, and how much of it
//! they may: `maxmemory-clients`, or what the plan of the memory budget has for them.
//!
//! Who asks for more when there is no more gets an error and is disconnected; who holds little is
//! left alone.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::config::Config;
use crate::config::memory::MemoryPlan;
use crate::config::settings::MemoryShare;

/// Buffers below this are not counted: every client may have them, and counting takes time.
const COUNTED_FROM: usize = 64 << 10;

/// What a client is told who has sent more than there is room for.
pub(crate) const TOO_MUCH_INPUT: &[u8] =
    b"ERR the request does not fit the memory for clients (maxmemory-clients, maxmemory)";

/// See the module.
pub(crate) struct ClientMemory {
    bytes: AtomicU64,
    bytes_max: AtomicU64,
}

impl ClientMemory {
    pub(crate) fn new(config: &Config, plan: &MemoryPlan) -> Self {
        let this = Self { bytes: AtomicU64::new(0), bytes_max: AtomicU64::new(0) };
        this.reload(config, plan);
        this
    }

    /// Takes over another configuration.
    pub(crate) fn reload(&self, config: &Config, plan: &MemoryPlan) {
        self.bytes_max.store(bytes_max(config, plan), Ordering::Relaxed);
    }

    /// Bytes that are counted.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Whether there is no room for a client that holds so many bytes.
    pub(crate) fn refuses(&self, bytes: usize) -> bool {
        bytes >= COUNTED_FROM && self.bytes() > self.bytes_max.load(Ordering::Relaxed)
    }
}

/// Bytes that all clients together may hold.
fn bytes_max(config: &Config, plan: &MemoryPlan) -> u64 {
    match config.maxmemory_clients {
        MemoryShare::Bytes(0) => plan.clients,
        MemoryShare::Bytes(bytes) => bytes,
        MemoryShare::Percent(percent) => plan.budget / 100 * u64::from(percent),
    }
}

/// One client's part of it, in one direction.
#[derive(Default)]
pub(crate) struct HeldBytes(Cell<usize>);

impl HeldBytes {
    /// Bytes that are held.
    pub(crate) fn get(&self) -> usize {
        self.0.get()
    }

    /// Now it is so many.
    pub(crate) fn set(&self, bytes: usize, total: &ClientMemory) {
        let before = self.0.replace(bytes);
        if before.max(bytes) < COUNTED_FROM {
            return;
        }
        let counted = |bytes: usize| if bytes < COUNTED_FROM { 0 } else { bytes as u64 };
        let change = counted(bytes).wrapping_sub(counted(before));
        total.bytes.fetch_add(change, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_much_is_counted_and_refused() {
        let total = ClientMemory { bytes: AtomicU64::new(0), bytes_max: AtomicU64::new(1 << 20) };
        let (one, other) = (HeldBytes::default(), HeldBytes::default());
        one.set(COUNTED_FROM - 1, &total);
        assert_eq!((one.get(), total.bytes()), (COUNTED_FROM - 1, 0));
        one.set(1 << 20, &total);
        assert!(!total.refuses(1 << 20));
        other.set(COUNTED_FROM, &total);
        assert_eq!(total.bytes(), (1 << 20) + COUNTED_FROM as u64);
        assert!(total.refuses(1 << 20) && total.refuses(COUNTED_FROM));
        assert!(!total.refuses(COUNTED_FROM - 1));
        other.set(10, &total);
        assert_eq!((total.bytes(), total.refuses(1 << 20)), (1 << 20, false));
        one.set(0, &total);
        assert_eq!(total.bytes(), 0);
    }
}
