//! What clients' requests and replies hold of the memory, over all threads, and how much of it
//! they may: `maxmemory-clients`, or what the plan of the memory budget has for them.
//!
//! What has come of a request counts, not what was announced. A request that alone is more than all
//! there is gets an error. One that does not fit beside the others stands in a [`Line`] until it
//! does; the first in the line goes ahead although it does not, and so do those behind it that
//! together need no more than there is once. Who needs little has a line of its own, and something
//! beyond the bound. When somebody waits, those who hold memory and do nothing with it go
//! (`session::eviction`). Who holds next to nothing is left alone.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use basalt_shard::room::{Line, Place, Room};

use crate::config::Config;
use crate::config::memory_plan::MemoryPlan;
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

/// Who needs no more than one part in so many of the memory for clients needs little.
const LITTLE_SHARE: u64 = 8;
/// Beyond the bound, those may have one part in so many.
const BEYOND_SHARE: u64 = 4;

/// See the module.
pub(crate) struct ClientMemory {
    requests: AtomicU64,
    /// Replies are counted there.
    room: Arc<Room>,
    bytes_max: AtomicU64,
    /// Those who wait with a request that needs much, and with one that needs little.
    line: Arc<Line>,
    little_line: Arc<Line>,
    /// What the requests come to that are read although they do not fit.
    ahead: AtomicU64,
}

impl ClientMemory {
    pub(crate) fn new(config: &Config, plan: &MemoryPlan, room: Arc<Room>) -> Self {
        let this = Self::of(bytes_max(config, plan), room);
        this.reload(config, plan);
        this
    }

    fn of(bytes_max: u64, room: Arc<Room>) -> Self {
        Self {
            requests: AtomicU64::new(0),
            room,
            bytes_max: AtomicU64::new(bytes_max),
            line: Arc::default(),
            little_line: Arc::default(),
            ahead: AtomicU64::new(0),
        }
    }

    /// Takes over another configuration.
    pub(crate) fn reload(&self, config: &Config, plan: &MemoryPlan) {
        self.bytes_max.store(bytes_max(config, plan), Ordering::SeqCst);
        self.wake_next();
    }

    /// Where to wait with a request that comes to so many bytes. `None`: too many wait already.
    pub(crate) fn join_line(&self, whole: usize) -> Option<Place> {
        if self.is_little(whole) { self.little_line.join() } else { self.line.join() }
    }

    /// Somebody who waits may go on.
    pub(crate) fn wake_next(&self) {
        self.little_line.wake_next();
        self.line.wake_next();
    }

    /// One client's requests hold so many bytes; `held` is what it had.
    pub(crate) fn count_requests(&self, held: &HeldBytes, bytes: usize) {
        if held.set(bytes, &self.requests) {
            self.wake_next();
        }
    }

    /// The same for its replies.
    pub(crate) fn count_replies(&self, held: &HeldBytes, bytes: usize) {
        if held.set(bytes, self.room.replies()) {
            self.wake_next();
            self.room.line().wake_next();
        }
    }

    /// Whether a request that comes to so many bytes may be read although it does not fit. They
    /// count until [`ClientMemory::has_gone_ahead`].
    pub(crate) fn goes_ahead(&self, bytes: usize, is_first: bool) -> bool {
        let gone = self.ahead.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |ahead| {
            let ahead = ahead.saturating_add(bytes as u64);
            (is_first || ahead <= self.bytes_max()).then_some(ahead)
        });
        gone.is_ok()
    }

    /// That request is there, or its client is gone.
    pub(crate) fn has_gone_ahead(&self, bytes: usize) {
        self.ahead.fetch_sub(bytes as u64, Ordering::SeqCst);
        self.wake_next();
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
        self.requests.fetch_add(bytes as u64, Ordering::SeqCst);
        Work { memory: self, bytes: bytes as u64 }
    }

    /// Bytes that are counted.
    fn bytes(&self) -> u64 {
        self.requests.load(Ordering::SeqCst) + self.room.replies().load(Ordering::SeqCst)
    }

    fn bytes_max(&self) -> u64 {
        self.bytes_max.load(Ordering::SeqCst)
    }

    /// Whether a request of so many bytes could be taken if there were no others.
    pub(crate) fn can_take(&self, bytes: usize) -> bool {
        bytes < COUNTED_FROM || bytes as u64 <= self.bytes_max()
    }

    /// Whether a request that comes to so many bytes may go beyond the bound.
    pub(crate) fn is_little(&self, bytes: usize) -> bool {
        bytes as u64 <= self.bytes_max() / LITTLE_SHARE
    }

    /// Whether a request that will come to `whole` bytes, as far as is known, and has some of them,
    /// may have `more`.
    pub(crate) fn has_room(&self, whole: usize, more: usize) -> bool {
        let (held, bytes_max) = (self.bytes(), self.bytes_max());
        let fits = |held: u64, bytes_max: u64| held.saturating_add(more as u64) <= bytes_max;
        whole.max(more) < COUNTED_FROM
            || fits(held, bytes_max)
            || (self.is_little(whole)
                && fits(
                    held.saturating_sub(self.ahead.load(Ordering::SeqCst)),
                    bytes_max.saturating_add(bytes_max / BEYOND_SHARE),
                ))
    }

    /// Bytes that are to go before so many more fit.
    pub(crate) fn lack(&self, more: usize) -> u64 {
        self.bytes().saturating_add(more as u64).saturating_sub(self.bytes_max())
    }

    /// Whether clients hold more than they may.
    pub(crate) fn is_over(&self) -> bool {
        self.lack(0) > 0
    }

    /// Bytes of replies beyond what can be borne for a moment: twice what there is for requests and
    /// replies.
    pub(crate) fn excess_of_replies(&self) -> u64 {
        let replies = self.room.replies().load(Ordering::SeqCst);
        replies.saturating_sub(self.bytes_max().saturating_mul(2))
    }
}

/// What a command takes while it runs; see [`ClientMemory::work`].
pub(crate) struct Work<'a> {
    memory: &'a ClientMemory,
    bytes: u64,
}

impl Drop for Work<'_> {
    fn drop(&mut self) {
        self.memory.requests.fetch_sub(self.bytes, Ordering::SeqCst);
        self.memory.wake_next();
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

    /// Now it is so many; `total` is of all clients. Whether the total has become less.
    fn set(&self, bytes: usize, total: &AtomicU64) -> bool {
        let before = self.0.replace(bytes);
        if before.max(bytes) < COUNTED_FROM {
            return false;
        }
        let counted = |bytes: usize| if bytes < COUNTED_FROM { 0 } else { bytes as u64 };
        let change = counted(bytes).wrapping_sub(counted(before));
        total.fetch_add(change, Ordering::SeqCst);
        bytes < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    fn of(bytes_max: usize) -> ClientMemory {
        ClientMemory::of(bytes_max as u64, Room::new(0))
    }

    #[test]
    fn only_much_is_counted() {
        let total = of(MB);
        let (one, other) = (HeldBytes::default(), HeldBytes::default());
        total.count_requests(&one, COUNTED_FROM - 1);
        assert_eq!((one.get(), total.bytes()), (COUNTED_FROM - 1, 0));
        total.count_requests(&one, MB);
        total.count_replies(&other, COUNTED_FROM);
        assert_eq!(total.bytes(), (MB + COUNTED_FROM) as u64);
        assert!(total.is_over());
        total.count_replies(&other, 10);
        assert_eq!((total.bytes(), total.is_over()), (MB as u64, false));
        total.count_requests(&one, 0);
        assert_eq!(total.bytes(), 0);
    }

    #[test]
    fn what_does_not_fit_waits_and_what_never_will_is_refused() {
        let total = of(MB);
        let one = HeldBytes::default();
        total.count_requests(&one, MB - 100_000);
        assert!(total.has_room(170_000, 30_000) && !total.has_room(170_000, 200_000));
        assert!(total.has_room(10_100, 10_000), "small ones go on");
        assert_eq!((total.lack(100_000), total.lack(100_001)), (0, 1));
        assert!(total.can_take(MB) && !total.can_take(MB + 1));
    }

    #[test]
    fn who_needs_little_goes_on_beside_who_holds_all_of_it() {
        let total = of(8 * MB);
        let (stalled, first) = (HeldBytes::default(), HeldBytes::default());
        total.count_requests(&stalled, 8 * MB);
        total.count_requests(&first, 6 * MB);
        assert!(!total.has_room(MB, MB));
        assert!(total.goes_ahead(6 * MB, false));
        assert!(!total.goes_ahead(3 * MB, false) && total.goes_ahead(3 * MB, true));
        total.has_gone_ahead(3 * MB);
        assert!(total.has_room(MB, MB), "what goes ahead is no hindrance");
        assert!(!total.has_room(MB + 1, MB), "not little");
        let others = HeldBytes::default();
        total.count_requests(&others, 2 * MB);
        assert!(!total.has_room(MB, MB), "nor is there more than a little");
    }

    #[test]
    fn replies_may_take_twice_of_it_for_a_moment() {
        let total = of(MB);
        let (replies, requests) = (HeldBytes::default(), HeldBytes::default());
        total.count_requests(&requests, MB);
        total.count_replies(&replies, 2 * MB);
        assert!(total.is_over() && total.excess_of_replies() == 0);
        total.count_replies(&replies, 2 * MB + 1);
        assert_eq!(total.excess_of_replies(), 1);
    }

    #[test]
    fn what_a_command_takes_is_counted_while_it_runs() {
        let total = of(MB);
        assert_eq!(ClientMemory::work_bytes(COUNTED_ARGUMENTS_FROM - 1), 0);
        let work_bytes = ClientMemory::work_bytes(COUNTED_ARGUMENTS_FROM);
        assert_eq!(work_bytes, COUNTED_ARGUMENTS_FROM * ARGUMENT_BYTES);
        let work = total.work(work_bytes);
        assert_eq!(total.bytes(), work_bytes as u64);
        assert!(total.has_room(MB, MB - work_bytes) && !total.has_room(MB, MB));
        drop(work);
        assert_eq!(total.bytes(), 0);
    }
}
