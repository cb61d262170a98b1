//! Making a shard's log durable: a thread a shard that syncs everything which has gathered, tells
//! who waits, and takes the next group. While one sync runs, the loop goes on and the next group
//! gathers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use basalt_shard::engine::Engine;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::topology::ShardId;
use hdrhistogram::Histogram;

use crate::config::Config;
use crate::config::words::Durability;
use crate::node::Node;
use crate::router::message::Message;

/// How often `everysec` syncs.
const EVERY: Duration = Duration::from_secs(1);

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

    fn from_number(number: u8) -> Self {
        match number {
            0 => Mode::Always,
            1 => Mode::EverySecond,
            _ => Mode::No,
        }
    }
}

impl Node {
    /// `appendfsync` as it is now.
    pub(crate) fn durability_mode(&self) -> Mode {
        Mode::from_number(self.durability.load(Ordering::Relaxed))
    }
}

/// What was measured.
pub(crate) struct SyncStatistics {
    pub(crate) syncs: u64,
    /// Durations in microseconds.
    pub(crate) latency_us: Histogram<u64>,
    /// Batches made durable by each sync.
    pub(crate) group_batches: Histogram<u64>,
}

/// The log of one shard.
pub(crate) struct LogSync {
    /// The newest batch that the syncer was asked for.
    wanted: AtomicU64,
    /// Everything up to this batch is durable.
    durable: AtomicU64,
    /// A sync or write failed; nothing is durable any more until the database is opened anew.
    failed: AtomicBool,
    /// Shards whose replies wait for this log.
    subscribers: Vec<AtomicBool>,
    sleeping: Mutex<bool>,
    bell: Condvar,
    statistics: Mutex<SyncStatistics>,
}

impl LogSync {
    pub(crate) fn new(shards: usize) -> Self {
        let histogram = |highest: u64| {
            // Two digits are enough, and the bounds are constants: creation cannot fail.
            Histogram::new_with_bounds(1, highest, 2).unwrap_or_else(|_| unreachable!())
        };
        Self {
            wanted: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            failed: AtomicBool::new(false),
            subscribers: (0..shards).map(|_| AtomicBool::new(false)).collect(),
            sleeping: Mutex::new(false),
            bell: Condvar::new(),
            statistics: Mutex::new(SyncStatistics {
                syncs: 0,
                latency_us: histogram(60_000_000),
                group_batches: histogram(10_000_000),
            }),
        }
    }

    /// Everything up to this batch is durable.
    pub(crate) fn durable(&self) -> Ticket {
        self.durable.load(Ordering::Acquire)
    }

    /// Whether the log failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Acquire)
    }

    /// Nothing written to this log can be promised any more.
    pub(crate) fn fail(&self) {
        self.failed.store(true, Ordering::Release);
    }

    /// `shard` wants to know when more becomes durable.
    pub(crate) fn subscribe(&self, shard: ShardId) {
        self.subscribers[shard].store(true, Ordering::SeqCst);
    }

    /// Asks for everything up to `ticket` to become durable.
    pub(crate) fn want(&self, ticket: Ticket) {
        if self.wanted.fetch_max(ticket, Ordering::SeqCst) < ticket {
            let sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
            if *sleeping {
                self.bell.notify_one();
            }
        }
    }

    /// Notes batches that were written but that nobody waits for (`everysec`).
    pub(crate) fn note(&self, ticket: Ticket) {
        self.wanted.fetch_max(ticket, Ordering::SeqCst);
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
    pub(crate) fn with_statistics<T>(&self, read: impl FnOnce(&SyncStatistics) -> T) -> T {
        read(&self.statistics.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Syncs once if anything is not durable.
    fn sync(&self, engine: &dyn Engine) {
        let target = self.wanted.load(Ordering::SeqCst);
        let before = self.durable();
        if target <= before || self.has_failed() {
            return;
        }
        let start = Instant::now();
        match engine.sync_log() {
            Ok(()) => {
                self.durable.store(target, Ordering::SeqCst);
                let mut statistics = self.statistics.lock().unwrap_or_else(PoisonError::into_inner);
                statistics.syncs += 1;
                let took_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
                statistics.latency_us.saturating_record(took_us);
                statistics.group_batches.saturating_record(target - before);
            }
            Err(error) => {
                // Never retried: after a failed sync the kernel may have dropped the pages.
                self.fail();
                tracing::error!(%error, "making the log durable failed; writes are refused");
            }
        }
    }
}

/// Starts the syncing thread of `shard`. It ends with the process.
pub(crate) fn start(node: &Arc<Node>, shard: ShardId) -> std::io::Result<()> {
    let node = node.clone();
    std::thread::Builder::new().name(format!("sync-{shard}")).stack_size(256 << 10).spawn(
        move || {
            let engine = node.topology.engine(shard).clone();
            let log = &node.logs[shard];
            loop {
                match node.durability_mode() {
                    Mode::Always => {
                        wait(log, EVERY);
                        log.sync(engine.as_ref());
                    }
                    Mode::EverySecond => {
                        std::thread::sleep(EVERY);
                        log.sync(engine.as_ref());
                    }
                    Mode::No => std::thread::sleep(EVERY),
                }
                for (subscriber, asked) in log.subscribers.iter().enumerate() {
                    if asked.swap(false, Ordering::SeqCst) {
                        node.mailboxes[subscriber].send(Message::Durable);
                    }
                }
            }
        },
    )?;
    Ok(())
}

/// Sleeps until something is wanted, `most` at the longest.
fn wait(log: &LogSync, most: Duration) {
    let mut sleeping = log.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
    if log.wanted.load(Ordering::SeqCst) <= log.durable() {
        *sleeping = true;
        let (mut awake, _) =
            log.bell.wait_timeout(sleeping, most).unwrap_or_else(PoisonError::into_inner);
        *awake = false;
    }
}
