//! What keeps a shard's storage going: a thread a shard that does the log's housekeeping, has
//! deletions make room on a full disk, and opens the database anew when it had failed and the disk
//! is well again.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use basalt_shard::engine::{Engine, EngineError};
use basalt_shard::keyspace::counts::Counts;
use basalt_shard::locks::{LockId, Scope};
use basalt_shard::log::format::Lsn;
use basalt_shard::topology::ShardId;
use crossbeam_channel::bounded;

use crate::runtime;
use crate::thread::message::Message;
use crate::thread::node::Node;
use crate::upkeep::disk;
use crate::upkeep::guarded::guarded;

/// How often it looks after things.
const EVERY: Duration = Duration::from_millis(100);
/// How often it tries to open a database anew, at first and at most.
const ATTEMPT_EVERY: Duration = Duration::from_millis(500);
const ATTEMPT_EVERY_MAX: Duration = Duration::from_secs(2);
/// How long it waits for the commands under way before it opens the database anew.
const LOCK_PATIENCE: Duration = Duration::from_secs(60);
/// Written to see whether the disk takes writes.
const PROBE_BYTES: usize = 64 << 10;
/// On a full disk, how often what gathered is written out so that deletions make room, at first and
/// at last: each time leaves small files.
const MAKE_ROOM_EVERY: Duration = Duration::from_secs(1);
const MAKE_ROOM_EVERY_MAX: Duration = Duration::from_secs(30);
/// How long compactions have for that, one after the other down the levels.
const COMPACTING_TIME: Duration = Duration::from_secs(3);
/// The same trouble is not reported more often.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// Starts the keeper of `shard`. It ends with the process.
pub(crate) fn start(node: &Arc<Node>, shard: ShardId) -> std::io::Result<()> {
    let node = node.clone();
    std::thread::Builder::new().name(format!("keeper-{shard}")).stack_size(512 << 10).spawn(
        move || {
            let mut keeper = Keeper {
                shard,
                next_attempt: Instant::now(),
                pause: ATTEMPT_EVERY,
                reported: None,
                room: RoomMaking::new(),
                node,
            };
            let node = keeper.node.clone();
            loop {
                guarded(&node, shard, || keeper.look_after());
                std::thread::sleep(EVERY);
            }
        },
    )?;
    Ok(())
}

struct Keeper {
    node: Arc<Node>,
    shard: ShardId,
    next_attempt: Instant,
    pause: Duration,
    reported: Option<Instant>,
    room: RoomMaking,
}

/// What was done on a full disk.
struct RoomMaking {
    /// When, and with everything up to this batch.
    made: Instant,
    up_to: Lsn,
    /// How long it waits for more deletions.
    pause: Duration,
}

impl RoomMaking {
    fn new() -> Self {
        let made = Instant::now();
        Self { made, up_to: 0, pause: MAKE_ROOM_EVERY }
    }
}

impl Keeper {
    fn look_after(&mut self) {
        if self.node.storage.is_stopping.load(Ordering::Acquire) {
            return;
        }
        let engine = self.node.topology.engine(self.shard).clone();
        if let Err(error) = engine.maintain() {
            self.report("the log's housekeeping failed", &error.to_string());
        }
        let log = &self.node.storage.logs[self.shard];
        match engine.failure() {
            Some(failure) => log.report(&failure, self.node.storage.durability_mode(), self.shard),
            None if log.has_failed() => {}
            None => {
                self.pause = ATTEMPT_EVERY;
                if let Err(error) = self.make_room(engine.as_ref()) {
                    self.report("deletions make no room", &error.to_string());
                }
                return;
            }
        }
        // Whoever waits for this log learns that it is in vain.
        self.node.wake_waiters();
        if Instant::now() < self.next_attempt {
            return;
        }
        match self.recover() {
            Ok(()) => tracing::info!(
                shard = self.shard,
                "the database was opened anew: this shard takes writes again"
            ),
            Err(why) => self.report("the database cannot be opened anew yet", &why),
        }
        self.next_attempt = Instant::now() + self.pause;
        self.pause = (self.pause * 2).min(ATTEMPT_EVERY_MAX);
    }

    /// On a full disk the room that is left is for writing out what was deleted, and now and then
    /// for compacting it away.
    fn make_room(&mut self, engine: &dyn Engine) -> Result<(), EngineError> {
        if !self.node.storage.disk_full.load(Ordering::Relaxed) {
            self.room = RoomMaking::new();
            return engine.set_compacting(true);
        }
        let written = engine.written();
        let since = self.room.made.elapsed();
        let is_due = written != self.room.up_to && since > self.room.pause;
        if !is_due && since < MAKE_ROOM_EVERY_MAX {
            return engine.set_compacting(false);
        }
        let pause = (self.room.pause * 2).min(MAKE_ROOM_EVERY_MAX);
        let made = disk::making_room(&self.node, || {
            engine.make_room()?;
            engine.set_compacting(true)?;
            wait_for_compactions(engine, self.node.as_ref());
            engine.set_compacting(false)
        });
        let made = made.unwrap_or(Err(EngineError::DiskFull));
        let up_to = if made.is_ok() { written } else { self.room.up_to };
        self.room = RoomMaking { made: Instant::now(), up_to, pause };
        made
    }

    fn report(&mut self, what: &str, why: &str) {
        if self.reported.is_none_or(|reported| reported.elapsed() > REPORT_EVERY) {
            self.reported = Some(Instant::now());
            tracing::warn!(shard = self.shard, why, "{what}");
        }
    }

    /// Opens the database anew while nobody uses it.
    fn recover(&self) -> Result<(), String> {
        let folder = self.node.storage.data_directory.shard_folder(self.shard);
        let directory = &self.node.storage.data_directory;
        if let Some(lack) = disk::lack_for_reopening(&self.node) {
            return Err(lack);
        }
        directory
            .reserve()
            .lend(|| probe(&folder))
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let lock = self.lock()?;
        let engine = self.node.topology.engine(self.shard);
        let reopen = || {
            engine.reopen()?;
            // Without its counts it must not be written to.
            Counts::load(engine.as_ref()).inspect_err(|error| engine.fail(error))
        };
        let reopened = disk::opening(directory, self.node.config().disk_reserve, 1, reopen);
        let written = engine.written();
        let failed = reopened.as_ref().err().map(EngineError::to_string);
        let shard = self.shard;
        self.node.mailboxes[shard].send(Message::Run(Box::new(move |shard_thread| {
            if let Ok(counts) = reopened {
                shard_thread.shard.borrow_mut().reload(counts);
                shard_thread.node.storage.logs[shard].recovered(written);
            }
            shard_thread.unlock(lock);
        })));
        failed.map_or(Ok(()), Err)
    }

    /// Locks the whole shard.
    fn lock(&self) -> Result<LockId, String> {
        let (granted, wait) = bounded(1);
        self.node.mailboxes[self.shard].send(Message::Run(Box::new(move |shard_thread| {
            let shard_thread = shard_thread.clone();
            runtime::spawn("locking a shard", async move {
                let (lock, _) = shard_thread.lock(Scope::Everything).await;
                if granted.send(lock).is_err() {
                    // Nobody waits for it any more.
                    shard_thread.unlock(lock);
                }
            });
        })));
        wait.recv_timeout(LOCK_PATIENCE)
            .map_err(|_| "commands under way do not come to their end".to_owned())
    }
}

/// Waits until nothing is compacted any more, level after level.
fn wait_for_compactions(engine: &dyn Engine, node: &Node) {
    let deadline = Instant::now() + COMPACTING_TIME;
    let mut quiet_looks = 0;
    while quiet_looks < 2
        && Instant::now() < deadline
        && !node.storage.is_stopping.load(Ordering::Acquire)
    {
        std::thread::sleep(EVERY);
        let statistics = engine.statistics();
        let is_quiet = statistics.contains(&("running_compactions", 0));
        quiet_looks = if is_quiet { quiet_looks + 1 } else { 0 };
    }
}

/// Whether the disk takes writes.
fn probe(folder: &Path) -> std::io::Result<()> {
    let path = folder.join("probe");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).open(&path)?;
    let written = file.write_all(&[0; PROBE_BYTES]).and_then(|()| file.sync_all());
    let removed = std::fs::remove_file(&path);
    written.and(removed)
}
