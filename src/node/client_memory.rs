//! What clients' requests and replies hold of the memory, over all threads, and how much of it
//! they may: `maxmemory-clients`, or what the plan of the memory budget has for them.
//!
//! A request that alone is more than that gets an error. One that does not fit beside the others is
//! not read on until it does. Replies that nobody takes are given up, with the connection, when
//! they are in the way; and before that nothing big is read for anybody ([`Room`]). Who holds
//! little is left alone.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basalt_shard::room::{Claim, Claims, Room};

use crate::config::Config;
use crate::config::memory::MemoryPlan;
use crate::config::settings::MemoryShare;

/// Buffers below this are not counted: every client may have them, and counting takes time.
pub(crate) const COUNTED_FROM: usize = 64 << 10;

/// What a command takes beside its bytes while it runs, for each argument: where the arguments
/// stand, locks on keys, changes on their way. Measured, without what is the write buffers' part:
/// 500 bytes for DEL of keys that are not there and 1000 of keys that are, 600 for MSET, 300 for
/// HSET.
const ARGUMENT_BYTES: usize = 768;

/// Commands of fewer arguments are not counted, as little buffers are not.
pub(crate) const COUNTED_ARGUMENTS_FROM: usize = 1024;

/// What a client is told who has sent more than there is room for.
pub(crate) const TOO_MUCH_INPUT: &[u8] =
    b"ERR the request does not fit the memory for clients (maxmemory-clients, maxmemory)";

/// See the module.
pub(crate) struct ClientMemory {
    requests: AtomicU64,
    /// Replies are counted there.
    room: Arc<Room>,
    bytes_max: AtomicU64,
    claims: Arc<Claims>,
}

impl ClientMemory {
    pub(crate) fn new(config: &Config, plan: &MemoryPlan, room: Arc<Room>) -> Self {
        let (requests, bytes_max) = Default::default();
        let this = Self { requests, room, bytes_max, claims: Arc::default() };
        this.reload(config, plan);
        this
    }

    /// Takes over another configuration.
    pub(crate) fn reload(&self, config: &Config, plan: &MemoryPlan) {
        self.bytes_max.store(bytes_max(config, plan), Ordering::Relaxed);
    }

    /// Where requests are counted.
    pub(crate) fn requests(&self) -> &AtomicU64 {
        &self.requests
    }

    /// Where replies are counted.
    pub(crate) fn replies(&self) -> &AtomicU64 {
        self.room.replies()
    }

    /// What running a command of so many arguments takes beside its bytes.
    pub(crate) fn work_bytes(arguments: usize) -> usize {
        if arguments < COUNTED_ARGUMENTS_FROM {
            0
        } else {
            arguments.saturating_mul(ARGUMENT_BYTES)
        }
    }

    /// Counts so many bytes as a request's until what is returned is dropped.
    pub(crate) fn work(&self, bytes: usize) -> Work<'_> {
        self.requests.fetch_add(bytes as u64, Ordering::Relaxed);
        Work { requests: &self.requests, bytes: bytes as u64 }
    }

    /// Bytes that are counted.
    fn bytes(&self) -> u64 {
        self.requests.load(Ordering::Relaxed) + self.replies().load(Ordering::Relaxed)
    }

    fn bytes_max(&self) -> u64 {
        self.bytes_max.load(Ordering::Relaxed)
    }

    /// Whether a request of so many bytes could be taken if there were no others.
    pub(crate) fn can_take(&self, bytes: usize) -> bool {
        bytes < COUNTED_FROM || bytes as u64 <= self.bytes_max()
    }

    /// Whether a request of so many bytes may become `more` longer.
    pub(crate) fn has_room(&self, bytes: usize, more: usize) -> bool {
        bytes + more < COUNTED_FROM || self.bytes() + more as u64 <= self.bytes_max()
    }

    /// To be the next to take a request although there is no room; `None` when somebody else is.
    pub(crate) fn claim(&self) -> Option<Claim> {
        self.claims.claim()
    }

    /// Whether clients hold more than they may.
    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.bytes_max()
    }

    /// Whether they hold so much more that replies of so many bytes cannot be kept for a moment.
    pub(crate) fn refuses(&self, bytes: usize) -> bool {
        bytes >= COUNTED_FROM && self.bytes() > self.bytes_max().saturating_mul(2)
    }
}

/// What a command takes while it runs; see [`ClientMemory::work`].
pub(crate) struct Work<'a> {
    requests: &'a AtomicU64,
    bytes: u64,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.requests.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// Bytes that all clients together may hold.
pub(crate) fn bytes_max(config: &Config, plan: &MemoryPlan) -> u64 {
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

    /// Now it is so many; `total` is of all clients.
    pub(crate) fn set(&self, bytes: usize, total: &AtomicU64) {
        let before = self.0.replace(bytes);
        if before.max(bytes) < COUNTED_FROM {
            return;
        }
        let counted = |bytes: usize| if bytes < COUNTED_FROM { 0 } else { bytes as u64 };
        let change = counted(bytes).wrapping_sub(counted(before));
        total.fetch_add(change, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    fn of(bytes_max: usize) -> ClientMemory {
        ClientMemory {
            requests: AtomicU64::new(0),
            room: Room::new(0),
            bytes_max: AtomicU64::new(bytes_max as u64),
            claims: Arc::default(),
        }
    }

    #[test]
    fn only_much_is_counted() {
        let total = of(MB);
        let (one, other) = (HeldBytes::default(), HeldBytes::default());
        one.set(COUNTED_FROM - 1, total.requests());
        assert_eq!((one.get(), total.bytes()), (COUNTED_FROM - 1, 0));
        one.set(MB, total.requests());
        other.set(COUNTED_FROM, total.replies());
        assert_eq!(total.bytes(), (MB + COUNTED_FROM) as u64);
        assert!(total.is_over());
        other.set(10, total.replies());
        assert_eq!((total.bytes(), total.is_over()), (MB as u64, false));
        one.set(0, total.requests());
        assert_eq!(total.bytes(), 0);
    }

    #[test]
    fn what_does_not_fit_waits_and_what_never_will_is_refused() {
        let total = of(MB);
        let one = HeldBytes::default();
        one.set(MB - 100_000, total.requests());
        assert!(total.has_room(70_000, 30_000) && !total.has_room(70_000, 200_000));
        assert!(total.has_room(100, 10_000), "small ones go on");
        assert!(total.can_take(MB) && !total.can_take(MB + 1));
        let claim = total.claim();
        assert!(claim.is_some() && total.claim().is_none());
        drop(claim);
        assert!(total.claim().is_some());
    }

    #[test]
    fn replies_are_kept_for_a_while_and_not_at_any_price() {
        let total = of(MB);
        total.replies().store(2 * MB as u64, Ordering::Relaxed);
        assert!(total.is_over() && !total.refuses(MB));
        total.replies().fetch_add(1, Ordering::Relaxed);
        assert!(total.refuses(MB) && !total.refuses(COUNTED_FROM - 1));
    }

    #[test]
    fn what_a_command_takes_is_counted_while_it_runs() {
        let total = of(MB);
        assert_eq!(ClientMemory::work_bytes(COUNTED_ARGUMENTS_FROM - 1), 0);
        let work_bytes = ClientMemory::work_bytes(COUNTED_ARGUMENTS_FROM);
        assert_eq!(work_bytes, COUNTED_ARGUMENTS_FROM * ARGUMENT_BYTES);
        let work = total.work(work_bytes);
        assert_eq!(total.bytes(), work_bytes as u64);
        assert!(total.has_room(0, MB - work_bytes) && !total.has_room(0, MB));
        drop(work);
        assert_eq!(total.bytes(), 0);
    }
}
