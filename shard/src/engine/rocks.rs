//! RocksDB and our log behind the [`Engine`] trait. No file outside of
//! this folder names the crate.
//!
//! RocksDB keeps no log of its own. Every batch goes into the write buffer and into our log, and
//! with many others as one batch into RocksDB, with the number of the newest in the family
//! `Progress`; the families are flushed together, so what is on the disk always is everything up to
//! the batch whose number stands there.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, TryLockError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rocksdb::{DB, ReadOptions};

use super::error::EngineError;
use super::families::{APPLIED_KEY, FAMILY_NAMES, applied, handle};
use super::memory_odds::MemoryOdds;
use super::opening::{self, Open};
use super::options::SharedResources;
use super::rocksdb_error::{read_error, storage_error};
use super::site::{Opened, Site};
use super::table::{Found, Table};
use super::{
    Engine, Family, LogAccess, Range, ReadTier, Verified, Visit, Writes, merge, scrub, statistics,
    storing,
};
use crate::log::Access;
use crate::log::format::Lsn;
use crate::log::watermark::Watermark;

/// More log than this is kept for data that is not flushed; then it is flushed.
const LOG_BYTES_MAX: u64 = 256 << 20;
/// With more segments that are full and not synced, the log is synced though nobody waits for it:
/// their files stay open until then.
const UNSYNCED_FILES_MAX: usize = 12;

/// How long a full disk may keep RocksDB from taking what was written, and how often that is tried.
/// RocksDB looks every five seconds.
const FULL_PATIENCE: Duration = Duration::from_secs(12);
const FULL_PAUSE: Duration = Duration::from_millis(100);
/// How long a flush may take that makes room.
const FLUSH_PATIENCE: Duration = Duration::from_secs(3);

/// How long [`Engine::reopen`] waits for readers.
const READERS_PATIENCE: Duration = Duration::from_secs(60);

/// One shard's RocksDB and log.
pub struct RocksEngine {
    site: Site,
    shared: SharedResources,
    /// `None` after a failure, when the database could not be opened again.
    open: RwLock<Option<Open>>,
    written: AtomicU64,
    /// Lookups that were allowed to read from the disk, and that the write buffer did not answer.
    disk_lookups: AtomicU64,
    /// Of looks for heads and for elements in memory.
    odds: [MemoryOdds; 2],
    is_closing: AtomicBool,
    /// RocksDB compacts by itself.
    is_compacting: AtomicBool,
    has_failed: AtomicBool,
    failure: Mutex<Option<EngineError>>,
    noted: Mutex<Option<Watermark>>,
    memory_reads: ReadOptions,
    disk_reads: ReadOptions,
    persisted_reads: ReadOptions,
}

impl RocksEngine {
    /// Opens the database of a site, or creates it there. Blocks. The error is a sentence for the
    /// operator.
    pub fn open(site: Site, shared: &SharedResources) -> Result<(Self, Opened), String> {
        let (open, opened) = opening::open(&site, shared)?;
        let mut memory_reads = ReadOptions::default();
        memory_reads.set_read_tier(rocksdb::ReadTier::BlockCache);
        let mut persisted_reads = ReadOptions::default();
        persisted_reads.set_read_tier(rocksdb::ReadTier::Persisted);
        let engine = Self {
            is_closing: AtomicBool::new(false),
            is_compacting: AtomicBool::new(!site.is_scarce),
            site,
            shared: shared.clone(),
            open: RwLock::new(Some(open)),
            written: AtomicU64::new(opened.last),
            disk_lookups: AtomicU64::new(0),
            odds: [MemoryOdds::new(), MemoryOdds::new()],
            has_failed: AtomicBool::new(false),
            failure: Mutex::default(),
            noted: Mutex::default(),
            memory_reads,
            disk_reads: ReadOptions::default(),
            persisted_reads,
        };
        Ok((engine, opened))
    }

    /// Rewrites a whole family on the disk, dropping what is dead. Blocks.
    pub fn compact(&self, family: Family) -> Result<(), EngineError> {
        let open = self.for_disk()?;
        let open = open.get()?;
        self.drain_now(open)?;
        open.db.compact_range_cf(handle(&open.db, family), None::<&[u8]>, None::<&[u8]>);
        Ok(())
    }

    /// The database, for a thread that must not wait: not while it is being opened anew.
    fn for_loop(&self) -> Result<Reading<'_>, EngineError> {
        match self.open.try_read() {
            Ok(open) => Ok(Reading(open)),
            Err(TryLockError::Poisoned(poisoned)) => Ok(Reading(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => Err(EngineError::NotInMemory),
        }
    }

    /// The database, for a thread that may wait.
    fn for_disk(&self) -> Result<Reading<'_>, EngineError> {
        Ok(Reading(self.open.read().unwrap_or_else(PoisonError::into_inner)))
    }

    fn for_tier(&self, tier: ReadTier) -> Result<Reading<'_>, EngineError> {
        match tier {
            ReadTier::Memory | ReadTier::LikelyMemory => self.for_loop(),
            ReadTier::Disk => self.for_disk(),
        }
    }

    /// Takes over what the memory for writes is now.
    fn resize(&self, open: &Open) -> Result<(), EngineError> {
        let sizes = self.shared.sizes.get();
        if open.rest.resize(&open.db, sizes).map_err(storage_error)? {
            open.buffer.resize(sizes);
        }
        Ok(())
    }

    fn noting_failure<T>(&self, result: std::io::Result<T>) -> Result<T, EngineError> {
        result.map_err(|error| {
            let error = EngineError::from(error);
            self.fail(&error);
            error
        })
    }

    /// `Err` after a failure.
    fn check(&self, open: &Open) -> Result<(), EngineError> {
        if open.filters.log_failed.load(Ordering::Acquire) {
            self.fail(&EngineError::Io("Input/output error".into()));
        }
        if self.has_failed.load(Ordering::Acquire)
            && let Some(failure) = self.failure()
        {
            return Err(failure);
        }
        Ok(())
    }

    fn note_watermark(&self, open: &Open, durably: bool) -> Result<(), EngineError> {
        let watermark = Watermark {
            identity: self.site.identity,
            epoch: self.site.epoch,
            generation: open.log.generation(),
            durable: open.log.durable(),
            flushed: open.log.flushed(),
        };
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if durably {
            watermark.replace(&self.site.watermark())?;
        } else if *noted != Some(watermark) {
            watermark.update(&self.site.watermark())?;
        }
        *noted = Some(watermark);
        Ok(())
    }

    /// Writes what is in the write buffer into RocksDB.
    fn drain_now(&self, open: &Open) -> Result<(), EngineError> {
        self.check(open)?;
        let between_batches = || {
            let appending = open.log.pending();
            (appending, self.written())
        };
        open.buffer
            .drain(between_batches, |table, last| {
                open.filters.note_stored(last);
                if !open.buffer.is_oversized(table) {
                    return self.store(&open.db, table, last);
                }
                let drains = &self.shared.big_drains;
                let _alone = drains.lock().unwrap_or_else(PoisonError::into_inner);
                self.store(&open.db, table, last)?;
                // At once, or memtables with big values stay in memory, a few in every family. On
                // a full disk RocksDB does it later.
                match storing::flush_all(&open.db) {
                    Err(EngineError::DiskFull) => Ok(()),
                    flushed => flushed,
                }
            })
            .inspect_err(|error| self.fail(error))
    }

    /// Writes a table into RocksDB. When a flush has found no room, that refuses all writes until
    /// it has seen that there is some: what is set aside for this comes in a moment.
    fn store(&self, db: &DB, table: &Table, last: Lsn) -> Result<(), EngineError> {
        let deadline = Instant::now() + FULL_PATIENCE;
        loop {
            let stored = storing::store(db, table, last);
            let is_final = self.is_closing.load(Ordering::Acquire) || Instant::now() > deadline;
            if is_final || stored != Err(EngineError::DiskFull) {
                return stored;
            }
            std::thread::sleep(FULL_PAUSE);
        }
    }

    /// Number of the newest batch that RocksDB has on the disk.
    fn persisted(&self, open: &Open) -> Result<Lsn, EngineError> {
        let family = handle(&open.db, Family::Progress);
        let found = open.db.get_pinned_cf_opt(family, APPLIED_KEY, &self.persisted_reads);
        Ok(applied(found.map_err(storage_error)?.as_deref()))
    }
}

/// A database that cannot be closed meanwhile.
struct Reading<'a>(RwLockReadGuard<'a, Option<Open>>);

impl Reading<'_> {
    fn get(&self) -> Result<&Open, EngineError> {
        let closed = || EngineError::Unreadable("the database is closed after a failure".into());
        self.0.as_ref().ok_or_else(closed)
    }
}

impl Engine for RocksEngine {
    fn get(
        &self,
        family: Family,
        key: &[u8],
        tier: ReadTier,
    ) -> Result<Option<Bytes>, EngineError> {
        let open = self.for_tier(tier)?;
        let open = open.get()?;
        if let Found::Known(value) = open.buffer.get(family, key) {
            return Ok(value);
        }
        let db = &open.db;
        let handle = handle(db, family);
        let found = match tier {
            ReadTier::Disk => {
                self.disk_lookups.fetch_add(1, Ordering::Relaxed);
                db.get_pinned_cf_opt(handle, key, &self.disk_reads).map_err(read_error)?
            }
            ReadTier::Memory => {
                db.get_pinned_cf_opt(handle, key, &self.memory_reads).map_err(read_error)?
            }
            ReadTier::LikelyMemory => {
                let odds = &self.odds[usize::from(family == Family::Elements)];
                if !odds.are_good() {
                    return Err(EngineError::NotInMemory);
                }
                let found =
                    db.get_pinned_cf_opt(handle, key, &self.memory_reads).map_err(read_error);
                odds.note(found.is_ok());
                found?
            }
        };
        Ok(found.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn range(&self, range: Range<'_>, visit: &mut Visit<'_>) -> Result<(), EngineError> {
        let open = self.for_tier(range.tier)?;
        let open = open.get()?;
        merge::visit_range(&open.db, &open.buffer, range, visit)
    }

    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writes)) -> Result<Lsn, EngineError> {
        // While it is being opened anew: try again later.
        let open = self.for_loop().map_err(|_| EngineError::Stalled)?;
        let open = open.get().map_err(|closed| self.failure().unwrap_or(closed))?;
        self.check(open)?;
        // Held until all of it is where readers find it: who syncs the log syncs what could be
        // read, and who drains the buffer finds no batch half-way.
        let mut pending = open.log.pending();
        let lsn = self.written.load(Ordering::Relaxed) + 1;
        pending
            .push(lsn, |encoded| open.buffer.begin(encoded).map(|mut batch| fill(&mut batch)))?;
        self.written.store(lsn, Ordering::Release);
        Ok(lsn)
    }

    fn written(&self) -> Lsn {
        self.written.load(Ordering::Acquire)
    }

    fn flush_log(&self) -> Result<Lsn, EngineError> {
        let open = self.for_loop().map_err(|_| EngineError::Stalled)?;
        let open = open.get()?;
        self.check(open)?;
        self.noting_failure(open.log.try_flush())?.ok_or(EngineError::Stalled)
    }

    fn flush_log_off_loop(&self) -> Result<Lsn, EngineError> {
        let open = self.for_disk()?;
        let open = open.get()?;
        self.check(open)?;
        self.noting_failure(open.log.flush(Access::Buffered))
    }

    fn sync_log(&self, access: LogAccess) -> Result<Lsn, EngineError> {
        let open = self.for_disk()?;
        let open = open.get()?;
        self.check(open)?;
        let access = match access {
            LogAccess::Buffered => Access::Buffered,
            LogAccess::Direct => Access::Direct,
        };
        self.noting_failure(open.log.sync(access))
    }

    fn log_backlog_bytes(&self) -> (u64, u64) {
        let Ok(open) = self.for_loop() else { return (0, 0) };
        open.get()
            .map_or((0, 0), |open| (open.log.bytes_not_flushed(), open.log.bytes_not_durable()))
    }

    fn drain(&self, patience: Duration) -> Result<(), EngineError> {
        if !patience.is_zero() {
            // Not with the database held: it may have to be opened anew.
            let buffer = self.for_disk()?.get()?.buffer.clone();
            if !buffer.wait_until_due(patience) {
                return Ok(());
            }
        }
        let open = self.for_disk()?;
        self.drain_now(open.get()?)
    }

    fn maintain(&self) -> Result<(), EngineError> {
        let open = self.for_disk()?;
        let open = open.get()?;
        if self.has_failed.load(Ordering::Acquire) {
            return Ok(());
        }
        // Each does what it can, whatever becomes of the others.
        let mut noted = self.note_watermark(open, false);
        // On a full disk the log goes on in the files that it has, while it can.
        let has_room = self.is_compacting.load(Ordering::Acquire) && open.log.has_ample_room();
        let prepared = if has_room || open.log.has_spare() {
            let prepared = open.log.prepare(&mut || {
                let once_more = self.note_watermark(open, false);
                if noted.is_ok() {
                    noted = once_more;
                }
            });
            prepared.map_err(EngineError::from)
        } else {
            Ok(())
        };
        let release = || -> Result<(), EngineError> {
            open.log.release(self.persisted(open)?)?;
            if open.log.size().0 > LOG_BYTES_MAX {
                self.drain_now(open)?;
                storing::flush_all(&open.db)?;
                open.log.release(self.persisted(open)?)?;
            }
            Ok(())
        };
        let released = release();
        let resized = self.resize(open);
        let (written, _) = open.log.traffic_bytes();
        let rested = open.rest.look(&open.db, written, Instant::now()).map_err(storage_error);
        let synced = if open.log.unsynced_files() > UNSYNCED_FILES_MAX {
            self.noting_failure(open.log.sync(Access::Buffered)).map(|_| ())
        } else {
            Ok(())
        };
        released.and(noted).and(prepared).and(synced).and(resized).and(rested)
    }

    fn set_compacting(&self, it_does: bool) -> Result<(), EngineError> {
        if self.is_compacting.load(Ordering::Acquire) == it_does {
            return Ok(());
        }
        let open = self.for_disk()?;
        storing::set_compacting(&open.get()?.db, it_does)?;
        self.is_compacting.store(it_does, Ordering::Release);
        Ok(())
    }

    fn make_room(&self) -> Result<(), EngineError> {
        let open = self.for_disk()?;
        let open = open.get()?;
        // Whoever writes while it has stopped writers, or flushes, waits until it finds room.
        let stopped = open.db.property_int_value("rocksdb.is-write-stopped");
        if open.buffer.is_draining() || stopped.is_ok_and(|stopped| stopped == Some(1)) {
            return Err(EngineError::DiskFull);
        }
        let written = self.written();
        self.drain_now(open)?;
        storing::begin_flush(&open.db)?;
        let deadline = Instant::now() + FLUSH_PATIENCE;
        while self.persisted(open)? < written {
            if Instant::now() > deadline {
                return Err(EngineError::DiskFull);
            }
            std::thread::sleep(FULL_PAUSE);
        }
        open.rest.merge_now(&open.db).map_err(storage_error)
    }

    fn fail(&self, error: &EngineError) {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.get_or_insert_with(|| error.clone());
        self.has_failed.store(true, Ordering::Release);
    }

    fn failure(&self) -> Option<EngineError> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn reopen(&self) -> Result<(), EngineError> {
        let deadline = Instant::now() + READERS_PATIENCE;
        let mut slot = loop {
            // Never waiting in line: a reader that reads once more while it reads would wait for
            // us, and we for it.
            match self.open.try_write() {
                Ok(slot) => break slot,
                Err(TryLockError::Poisoned(poisoned)) => break poisoned.into_inner(),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(EngineError::Io("the database is being read all the time".into()));
                }
            }
        };
        if let Some(old) = slot.take() {
            // Compactions hold the database through their filters: they must end first.
            old.db.cancel_all_background_work(true);
            while Arc::strong_count(&old.db) > 1 && Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let is_scarce = !self.is_compacting.load(Ordering::Acquire);
        let site = self.site.for_another_opening(self.written(), is_scarce);
        let (open, opened) = opening::open(&site, &self.shared).map_err(EngineError::Io)?;
        debug_assert!(opened.last >= site.given_out);
        self.written.store(opened.last, Ordering::Release);
        *slot = Some(open);
        *self.noted.lock().unwrap_or_else(PoisonError::into_inner) = None;
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.has_failed.store(false, Ordering::Release);
        Ok(())
    }

    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), EngineError> {
        // Not `delete_file_in_range`: it drops whole files, with what was written there since.
        let open = self.for_disk()?;
        self.drain_now(open.get()?)?;
        let db = open.get()?.db.clone();
        drop(open);
        db.compact_range_cf(handle(&db, family), Some(from), Some(to));
        Ok(())
    }

    fn verify(&self, family: Family, from: &[u8], bytes_max: u64) -> Result<Verified, EngineError> {
        // Not while it is being opened anew.
        let _open = self.for_disk()?;
        scrub::verify(&self.site.directory, FAMILY_NAMES[family as usize], from, bytes_max)
    }

    fn close(&self) -> Result<(), EngineError> {
        let open = self.for_disk()?;
        let open = open.get()?;
        self.is_closing.store(true, Ordering::Release);
        let usable = self.check(open);
        if !matches!(usable, Ok(()) | Err(EngineError::DiskFull)) {
            return usable;
        }
        // On a full disk each does what it can: the log has its space, and all that matters.
        let synced = open.log.sync(Access::Buffered).map(|_| ()).map_err(EngineError::from);
        if !matches!(synced, Ok(()) | Err(EngineError::DiskFull)) {
            return synced;
        }
        let noted = self.note_watermark(open, true);
        let flushed = self.drain_now(open).and_then(|()| storing::flush_all(&open.db));
        open.db.cancel_all_background_work(true);
        noted.and(usable).and(synced).and(flushed)
    }

    fn statistics(&self) -> Vec<(&'static str, u64)> {
        let Ok(open) = self.for_disk() else { return Vec::new() };
        let Ok(open) = open.get() else { return Vec::new() };
        statistics::of(open, self.disk_lookups.load(Ordering::Relaxed))
    }
}
