//! How far the log of each shard is, who waits for it, and what became of it.
//!
//! With `always` the syncing thread (`upkeep::syncer`) makes everything durable that has gathered,
//! tells who waits, and takes the next group. In the other modes the loop hands the log to the
//! kernel by itself at the end of its turn; what is too much for that is left to that thread.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use basalt_shard::engine::{Engine, EngineError, LogAccess};
use basalt_shard::error::storage_error_reply;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::topology::ShardId;
use hdrhistogram::Histogram;

use crate::config::Config;
use crate::config::words::Durability;
use crate::shared::syncer_bell::Bell;

/// How often `everysec` syncs.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

/// More than this is not handed to the kernel by the loop.
pub(crate) const FLUSHED_ON_LOOP_BYTES_MAX: u64 = 256 << 10;

/// `appendfsync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Mode {
    Always = 0,
    EverySecond = 1,
    No = 2,
}

impl Mode {
    /// What the configuration says.
    pub(crate) fn of(config: &Config) -> Self {
        match config.appendfsync {
            Durability::Always => Mode::Always,
            Durability::Everysec => Mode::EverySecond,
            Durability::No => Mode::No,
        }
    }

    /// The mode whose number this is.
    pub(crate) fn from_number(number: u8) -> Self {
        match number {
            0 => Mode::Always,
            1 => Mode::EverySecond,
            _ => Mode::No,
        }
    }
}

/// What was measured.
pub(crate) struct SyncStatistics {
    pub(crate) syncs: u64,
    /// Durations in microseconds.
    pub(crate) latency_us: Histogram<u64>,
    /// Batches made durable by each sync.
    pub(crate) group_batches: Histogram<u64>,
    /// Times that the log, or the database behind it, failed; and times that it came back.
    pub(crate) failures: u64,
    pub(crate) recoveries: u64,
}

/// The latest failure: batches in between were not acknowledged, and never will be.
struct Failure {
    /// What was promised by then, and what was durable.
    after: Ticket,
    durable: Ticket,
    up_to: Ticket,
    reply: String,
}

/// The log of one shard.
pub(crate) struct LogSync {
    /// The newest batch that was written.
    wanted: AtomicU64,
    /// Everything up to this batch is in the kernel.
    flushed: AtomicU64,
    /// Everything up to this batch is durable.
    durable: AtomicU64,
    /// Nothing is taken any more until the database is opened anew.
    failed: AtomicBool,
    failure: Mutex<Option<Failure>>,
    /// Shards whose replies wait for this log.
    subscribers: Vec<AtomicBool>,
    has_subscribers: AtomicBool,
    /// There is too much for the loop to hand to the kernel.
    flush_wanted: AtomicBool,
    /// Somebody waits for everything up to this batch to be synced, whatever the mode.
    sync_wanted: AtomicU64,
    /// Wakes the syncing thread.
    bell: Arc<Bell>,
    statistics: Mutex<SyncStatistics>,
}

impl LogSync {
    /// The log of one of `shards` shards, whose newest batch is `written`, and durable. `bell` is
    /// its syncing thread's.
    pub(crate) fn new(shards: usize, written: Ticket, bell: Arc<Bell>) -> Self {
        let histogram = |highest: u64| {
            // Two digits are enough, and the bounds are constants: creation cannot fail.
            Histogram::new_with_bounds(1, highest, 2).unwrap_or_else(|_| unreachable!())
        };
        Self {
            wanted: AtomicU64::new(written),
            flushed: AtomicU64::new(written),
            durable: AtomicU64::new(written),
            failed: AtomicBool::new(false),
            failure: Mutex::default(),
            subscribers: (0..shards).map(|_| AtomicBool::new(false)).collect(),
            has_subscribers: AtomicBool::new(false),
            flush_wanted: AtomicBool::new(false),
            sync_wanted: AtomicU64::new(0),
            bell,
            statistics: Mutex::new(SyncStatistics {
                syncs: 0,
                latency_us: histogram(60_000_000),
                group_batches: histogram(10_000_000),
                failures: 0,
                recoveries: 0,
            }),
        }
    }

    /// Everything up to this batch is durable.
    pub(crate) fn durable(&self) -> Ticket {
        self.durable.load(Ordering::Acquire)
    }

    /// Everything up to this batch is as durable as `mode` promises before a reply.
    pub(crate) fn promised(&self, mode: Mode) -> Ticket {
        match mode {
            Mode::Always => self.durable(),
            Mode::EverySecond | Mode::No => self.flushed.load(Ordering::Acquire),
        }
    }

    /// Whether the log failed and nothing is written.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// What to reply to who waited for `ticket`, if that will never be as durable as is promised.
    pub(crate) fn loss_of(&self, ticket: Ticket) -> Option<String> {
        self.loss_behind(ticket, |failure| failure.after)
    }

    /// The same, if `ticket` was never synced.
    pub(crate) fn sync_loss_of(&self, ticket: Ticket) -> Option<String> {
        self.loss_behind(ticket, |failure| failure.durable)
    }

    fn loss_behind(&self, ticket: Ticket, kept: impl Fn(&Failure) -> Ticket) -> Option<String> {
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        let failure = failure.as_ref()?;
        let kept = kept(failure);
        let is_open = self.has_failed() && ticket > kept;
        (is_open || (kept < ticket && ticket <= failure.up_to)).then(|| failure.reply.clone())
    }

    /// Nothing written to this log can be promised any more, until [`LogSync::recovered`].
    pub(crate) fn fail(&self, error: &EngineError, mode: Mode) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if self.has_failed() {
            return;
        }
        let reply = storage_error_reply(error);
        let (after, durable) = (self.promised(mode), self.durable());
        *failure = Some(Failure { after, durable, up_to: Ticket::MAX, reply });
        self.failed.store(true, Ordering::SeqCst);
        drop(failure);
        self.with_statistics(|statistics| statistics.failures += 1);
    }

    /// The database was opened anew, with everything up to `written` durable. Batches that have
    /// waited until now are lost for who waits for them; their numbers are not used again.
    pub(crate) fn recovered(&self, written: Ticket) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = failure.as_mut() {
            failure.up_to = written;
        }
        for mark in [&self.wanted, &self.flushed, &self.durable] {
            mark.store(written, Ordering::SeqCst);
        }
        self.failed.store(false, Ordering::SeqCst);
        drop(failure);
        self.with_statistics(|statistics| statistics.recoveries += 1);
    }

    /// `shard` wants to know when more becomes durable.
    pub(crate) fn subscribe(&self, shard: ShardId) {
        self.subscribers[shard].store(true, Ordering::SeqCst);
        self.has_subscribers.store(true, Ordering::SeqCst);
    }

    /// Shards that wanted to know; they are forgotten.
    pub(crate) fn take_subscribers(&self) -> impl Iterator<Item = ShardId> + '_ {
        let has_some = self.has_subscribers.swap(false, Ordering::SeqCst);
        let all = self.subscribers.iter().enumerate().filter(move |_| has_some);
        all.filter(|(_, asked)| asked.swap(false, Ordering::SeqCst)).map(|(shard, _)| shard)
    }

    /// Asks for everything up to `ticket` to become durable.
    pub(crate) fn want(&self, ticket: Ticket) {
        if self.wanted.fetch_max(ticket, Ordering::SeqCst) < ticket {
            self.ring();
        }
    }

    /// Asks for everything up to `ticket` to be handed to the kernel by the syncing thread.
    pub(crate) fn want_flush(&self, ticket: Ticket) {
        self.note(ticket);
        if !self.flush_wanted.swap(true, Ordering::SeqCst) {
            self.ring();
        }
    }

    /// Asks for everything up to `ticket` to be synced, whatever the mode.
    pub(crate) fn want_sync(&self, ticket: Ticket) {
        self.note(ticket);
        if self.sync_wanted.fetch_max(ticket, Ordering::SeqCst) < ticket {
            self.ring();
        }
    }

    fn must_sync(&self, mode: Mode) -> bool {
        mode == Mode::Always || self.sync_wanted.load(Ordering::SeqCst) > self.durable()
    }

    /// The syncing thread's.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Wakes the syncing thread: there may be something to do for it.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Whether the syncing thread has something to do at once.
    pub(crate) fn has_work(&self, mode: Mode) -> bool {
        self.flush_wanted.load(Ordering::SeqCst)
            || (self.must_sync(mode) && self.written() > self.durable() && !self.has_failed())
    }

    /// One round of the syncing thread. `is_due`: a second has gone.
    pub(crate) fn work_off(&self, engine: &dyn Engine, mode: Mode, shard: ShardId, is_due: bool) {
        if is_due {
            // Whatever was written and not handed on, for whatever reason, is so now.
            self.note(engine.written());
            if self.written() > self.flushed.load(Ordering::SeqCst) {
                self.flush_wanted.store(true, Ordering::SeqCst);
            }
        }
        if self.must_sync(mode) || (mode == Mode::EverySecond && is_due) {
            self.flush_wanted.store(false, Ordering::SeqCst);
            self.sync(engine, mode, shard);
        } else if self.flush_wanted.swap(false, Ordering::SeqCst) {
            self.flush(engine, mode, shard);
        }
    }

    /// Notes batches that were written but that nobody waits for (`everysec`).
    pub(crate) fn note(&self, ticket: Ticket) {
        self.wanted.fetch_max(ticket, Ordering::SeqCst);
    }

    /// Everything up to `ticket` is in the kernel.
    pub(crate) fn note_flushed(&self, ticket: Ticket) {
        self.flushed.fetch_max(ticket, Ordering::SeqCst);
    }

    /// The newest batch that is known to be written.
    pub(crate) fn written(&self) -> Ticket {
        self.wanted.load(Ordering::SeqCst)
    }

    /// Batches that are written and not durable.
    pub(crate) fn pending(&self) -> u64 {
        self.wanted.load(Ordering::Relaxed).saturating_sub(self.durable())
    }

    /// What was measured so far.
    pub(crate) fn with_statistics<T>(&self, look: impl FnOnce(&mut SyncStatistics) -> T) -> T {
        look(&mut self.statistics.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Syncs once if anything is not durable.
    fn sync(&self, engine: &dyn Engine, mode: Mode, shard: ShardId) {
        let before = self.durable();
        if self.written() <= before || self.has_failed() {
            return;
        }
        let access = if mode == Mode::Always { LogAccess::Direct } else { LogAccess::Buffered };
        let start = Instant::now();
        match engine.sync_log(access) {
            // It may have failed elsewhere meanwhile; what was durable before that stays so.
            Ok(_) if self.has_failed() => {}
            Ok(durable) => {
                self.note_flushed(durable);
                self.durable.fetch_max(durable, Ordering::SeqCst);
                let took_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                self.with_statistics(|statistics| {
                    statistics.syncs += 1;
                    statistics.latency_us.saturating_record(took_us);
                    statistics.group_batches.saturating_record(durable.saturating_sub(before));
                });
            }
            Err(error) => self.report(&error, mode, shard),
        }
    }

    fn flush(&self, engine: &dyn Engine, mode: Mode, shard: ShardId) {
        match engine.flush_log_off_loop() {
            Ok(flushed) => self.note_flushed(flushed),
            Err(error) => self.report(&error, mode, shard),
        }
    }

    /// Never retried: after a failed write or sync the kernel may have dropped the pages.
    pub(crate) fn report(&self, error: &EngineError, mode: Mode, shard: ShardId) {
        if !self.has_failed() {
            self.fail(error, mode);
            tracing::error!(%error, shard, "the log failed; this shard takes no writes until its \
                                            database could be opened anew");
        }
    }
}
