//! Opening a shard's database: what RocksDB has on the disk, and behind it what the log has.
//!
//! A database is opened only when it is certain that nothing which was known to be durable is
//! missing: log, watermark, database and the data set's manifest have to agree. Otherwise it is
//! refused, in a sentence that says what happened and what can be done; who accepts the loss says
//! so, and is told how much it was.

use std::collections::VecDeque;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::Instant;

use rocksdb::{ColumnFamilyDescriptor, DB, Options, ReadOptions, WriteBatch};
use rustix::fs::statvfs;

use super::error::EngineError;
use super::families::{APPLIED_KEY, FAMILY_NAMES, applied, handle};
use super::filter::{FilterContext, OrphanFilterFactory};
use super::options::{self, SharedResources};
use super::rest::Rest;
use super::rocksdb_error::storage_error;
use super::site::{Opened, Site};
use super::storing::{flush_all, store, write};
use super::table::Table;
use super::write_buffer::WriteBuffer;
use super::{Family, batch};
use crate::log::format::{Identity, Lsn};
use crate::log::watermark::Watermark;
use crate::log::{self, Apply, Found, Log, Replayed};

/// Key of [`Family::Meta`] under which the database says whose it is.
const IDENTITY_KEY: &[u8] = b"identity";

/// What can be done about a loss, for the end of a refusal.
const REMEDY: &str = "Restore it from a backup, or start once with --accept-data-loss yes to go on \
                      without what is lost";

/// An open database.
pub(super) struct Open {
    pub(super) db: Arc<DB>,
    pub(super) log: Arc<Log>,
    pub(super) filters: Arc<FilterContext>,
    pub(super) buffer: Arc<WriteBuffer>,
    pub(super) rest: Rest,
}

/// Refuses, or notes a loss that is accepted.
struct Judge {
    accept: bool,
    losses: Vec<String>,
}

impl Judge {
    fn lost(&mut self, what: String) -> Result<(), String> {
        if !self.accept {
            return Err(format!("{what}. {REMEDY}"));
        }
        self.losses.push(what);
        Ok(())
    }
}

/// Opens the database of a site. Blocks.
pub(super) fn open(site: &Site, shared: &SharedResources) -> Result<(Open, Opened), String> {
    let mut judge = Judge { accept: site.accept_loss, losses: Vec::new() };
    let sizes = shared.sizes.get();
    // Nobody else looks in, whatever the directory around it and the umask permit.
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&site.directory)
        .map_err(|error| format!("cannot make {}: {error}", site.shown()))?;
    let watermark = read_watermark(site, &mut judge)?;
    let Database { db, filters, persisted } = open_database(site, shared, &mut judge)?;
    check_identity(site, &db)?;
    // First only a look: who refuses to open changes nothing.
    let found = read_log(site, persisted, &mut |_| Ok(()))?;
    judge_log(site, watermark.as_ref(), &found, &mut judge)?;
    let replayed = found.last - persisted;
    if replayed > 0 {
        Replay::new(site, shared, &db, sizes.table, (persisted, found.bytes)).run()?;
    }
    let known = watermark.as_ref().map_or(0, |known| known.flushed.max(known.durable));
    let given_out =
        if judge.losses.is_empty() { 0 } else { known.max(found.newest).max(site.least) };
    let last = found.last.max(given_out).max(site.given_out);
    if last != found.last {
        store(&db, &Table::default(), last).map_err(|error| failed(site, error))?;
    }
    // From here on the old log is not needed, and what it had is durable whatever the page cache
    // made of it.
    flush_all(&db).map_err(|error| failed(site, error))?;
    let generation = watermark.as_ref().map_or(0, |known| known.generation).max(found.generation);
    // Before the old log goes: a start that ends in between must not miss it.
    Watermark {
        identity: site.identity,
        epoch: site.epoch,
        generation: generation + 1,
        durable: last,
        flushed: last,
    }
    .replace(&site.watermark())
    .map_err(|error| format!("cannot write {}: {error}", site.watermark().display()))?;
    let settings = log::Settings {
        directory: site.log(),
        identity: site.identity,
        segment_bytes: site.segment_bytes,
    };
    let log = Log::begin(settings, last, generation + 1)
        .map_err(|error| format!("cannot begin a log in {}: {error}", site.log().display()))?;
    let log = Arc::new(log);
    filters.set_log(&log);
    let buffer = Arc::new(WriteBuffer::new(sizes));
    let rest = Rest::new(sizes, Instant::now());
    Ok((Open { db, log, filters, buffer, rest }, Opened { last, replayed, losses: judge.losses }))
}

fn failed(site: &Site, error: EngineError) -> String {
    let advice = match error {
        EngineError::DiskFull => ": make some room and start again; nothing is lost",
        _ => "",
    };
    format!("cannot open the database in {}: {error}{advice}", site.shown())
}

fn read_watermark(site: &Site, judge: &mut Judge) -> Result<Option<Watermark>, String> {
    let path = site.watermark();
    let shown = path.display();
    let watermark = match Watermark::read(&path) {
        Ok(watermark) => watermark,
        Err(why) => {
            let unknown = "how far the log of this shard had come is not known";
            judge.lost(format!("{shown}: {why}; {unknown}"))?;
            return Ok(None);
        }
    };
    let Some(watermark) = watermark else {
        if site.opened_epoch > 0 {
            judge.lost(format!(
                "{shown} is missing: a part of the data set is gone, or another folder stands in \
                 its place"
            ))?;
        }
        return Ok(None);
    };
    if watermark.identity != site.identity {
        return Err(format!(
            "{shown} belongs to shard {} of data set {}, not to shard {} of data set {}: put the \
             folders back into their places",
            watermark.identity.shard,
            String::from_utf8_lossy(&watermark.identity.data_set),
            site.identity.shard,
            String::from_utf8_lossy(&site.identity.data_set),
        ));
    }
    if watermark.epoch < site.opened_epoch {
        judge.lost(format!(
            "{} is older than the rest of the data set: it was last opened at start {}, the data \
             set at start {}",
            site.shown(),
            watermark.epoch,
            site.opened_epoch
        ))?;
    }
    let is_first_opening = site.opened_epoch < site.epoch;
    if is_first_opening && watermark.epoch >= site.epoch {
        // Nothing to be accepted: it says where each database is, and that may be wrong.
        return Err(format!(
            "basalt.manifest is older than the rest of the data set: {} was opened at start {}, \
             and by the manifest the next start is number {}. Restore the newest basalt.manifest \
             from a backup",
            site.shown(),
            watermark.epoch,
            site.epoch
        ));
    }
    Ok(Some(watermark))
}

/// An opened RocksDB.
struct Database {
    db: Arc<DB>,
    filters: Arc<FilterContext>,
    /// Number of the newest batch in it.
    persisted: Lsn,
}

fn open_database(
    site: &Site,
    shared: &SharedResources,
    judge: &mut Judge,
) -> Result<Database, String> {
    let mut database = options::database(shared);
    let is_new = site.opened_epoch == 0;
    if is_new {
        database.create_if_missing(true);
        database.create_missing_column_families(true);
    }
    match open_families(site, shared, &database) {
        Ok(opened) => Ok(opened),
        Err(error) if is_new => Err(failed(site, error)),
        Err(EngineError::DiskFull) => Err(failed(site, EngineError::DiskFull)),
        Err(error) => {
            judge.lost(failed(site, error))?;
            database.create_if_missing(true);
            database.create_missing_column_families(true);
            DB::repair(&database, &site.directory)
                .map_err(|error| failed(site, storage_error(error)))?;
            open_families(site, shared, &database).map_err(|error| failed(site, error))
        }
    }
}

fn open_families(
    site: &Site,
    shared: &SharedResources,
    database: &Options,
) -> Result<Database, EngineError> {
    // The filter looks heads up in the database that it filters for.
    let filters = Arc::new(FilterContext::default());
    let families = Family::ALL.iter().zip(FAMILY_NAMES).map(|(family, name)| {
        let mut options = options::family(shared, *family);
        options.set_disable_auto_compactions(site.is_scarce);
        if *family == Family::Elements {
            options.set_compaction_filter_factory(OrphanFilterFactory::new(filters.clone()));
        }
        ColumnFamilyDescriptor::new(name, options)
    });
    let db = DB::open_cf_descriptors(database, &site.directory, families).map_err(storage_error)?;
    for name in FAMILY_NAMES {
        if db.cf_handle(name).is_none() {
            return Err(EngineError::Corrupted(format!("column family '{name}' is missing")));
        }
    }
    let record = db
        .get_cf_opt(handle(&db, Family::Progress), APPLIED_KEY, &ReadOptions::default())
        .map_err(storage_error)?;
    let persisted = applied(record.as_deref());
    read_all(&db, Family::Meta)?;
    let db = Arc::new(db);
    filters.set_database(&db);
    Ok(Database { db, filters, persisted })
}

/// Whether every record of a family can be read. For small ones, without which nothing goes.
fn read_all(db: &DB, family: Family) -> Result<(), EngineError> {
    let mut iterator = db.raw_iterator_cf_opt(handle(db, family), ReadOptions::default());
    iterator.seek_to_first();
    while iterator.valid() {
        iterator.next();
    }
    iterator.status().map_err(storage_error)
}

/// Whether the database is this shard's; a new one is told that it is.
fn check_identity(site: &Site, db: &DB) -> Result<(), String> {
    let Identity { data_set, shard } = site.identity;
    let mut expected = data_set.to_vec();
    expected.extend_from_slice(&shard.to_le_bytes());
    let meta = handle(db, Family::Meta);
    match db.get_cf(meta, IDENTITY_KEY).map_err(|error| failed(site, storage_error(error)))? {
        Some(found) if found == expected => Ok(()),
        Some(found) => Err(format!(
            "{} holds the database of another shard or data set ({}): put the folders back into \
             their places",
            site.shown(),
            String::from_utf8_lossy(&found[..found.len().min(40)])
        )),
        None => {
            let mut batch = WriteBatch::default();
            batch.put_cf(meta, IDENTITY_KEY, expected);
            write(db, batch).map_err(|error| failed(site, error))
        }
    }
}

/// Takes what the log has into RocksDB. Where there is not the room to have all of that twice on
/// the disk, it goes from there to here in steps of a segment.
struct Replay<'a> {
    site: &'a Site,
    shared: &'a SharedResources,
    db: &'a DB,
    table_bytes: usize,
    in_steps: bool,
    /// RocksDB has everything up to this batch on the disk.
    persisted: Lsn,
    /// What was read and is not in RocksDB.
    table: Table,
    /// Segments that are not needed once RocksDB has on the disk what was read.
    read: VecDeque<PathBuf>,
}

impl<'a> Replay<'a> {
    /// Of a log with so many `bytes` of batches behind `persisted`.
    fn new(
        site: &'a Site,
        shared: &'a SharedResources,
        db: &'a DB,
        table_bytes: usize,
        (persisted, bytes): (Lsn, u64),
    ) -> Self {
        let free = statvfs(&site.directory)
            .map_or(u64::MAX, |found| found.f_bavail.saturating_mul(found.f_frsize));
        let in_steps = free / shared.shards() / 2 < bytes;
        let (table, read) = (Table::default(), VecDeque::new());
        Self { site, shared, db, table_bytes, in_steps, persisted, table, read }
    }

    fn run(mut self) -> Result<(), String> {
        let site = self.site;
        let mut last = self.persisted;
        let replayed = read_log(site, last, &mut |found| match found {
            Found::Batch(lsn, batch) => {
                batch::decode(batch, &mut self.table)
                    .ok_or_else(|| EngineError::Corrupted(format!("batch {lsn} of the log")))?;
                last = lsn;
                if self.table.bytes() >= self.table_bytes { self.store(last) } else { Ok(()) }
            }
            Found::SegmentEnd(path) => {
                self.read.push_back(path.to_owned());
                if self.in_steps { self.step(last) } else { Ok(()) }
            }
        })?;
        self.store(replayed.last).map_err(|error| failed(site, error))
    }

    fn store(&mut self, last: Lsn) -> Result<(), EngineError> {
        store(self.db, &std::mem::take(&mut self.table), last)
    }

    /// Lets go of the log up to the batch `last`, but for the segment that the next log begins in.
    fn step(&mut self, last: Lsn) -> Result<(), EngineError> {
        // One shard after the other: each needs room for a moment only.
        let _alone = self.shared.scarce_room.lock().unwrap_or_else(PoisonError::into_inner);
        if last > self.persisted {
            self.store(last)?;
            flush_all(self.db)?;
            self.persisted = last;
        }
        while self.read.len() > 1 {
            if let Some(path) = self.read.pop_front() {
                std::fs::remove_file(path)?;
            }
        }
        Ok(())
    }
}

fn read_log(
    site: &Site,
    persisted: Lsn,
    apply: &mut Apply<'_, EngineError>,
) -> Result<Replayed, String> {
    log::replay::<EngineError>(&site.log(), &site.identity, persisted, apply).map_err(|error| {
        match error {
            EngineError::DiskFull => failed(site, error),
            _ => format!("cannot read the log in {}: {error}", site.log().display()),
        }
    })
}

/// Whether the log has all that it must have.
fn judge_log(
    site: &Site,
    watermark: Option<&Watermark>,
    found: &Replayed,
    judge: &mut Judge,
) -> Result<(), String> {
    let log = site.log();
    let lost = |from: Lsn, to: Lsn| format!("{} batches of writes ({from} to {to})", to - from + 1);
    let next = found.last + 1;
    if let Some(damage) = &found.damage {
        let known = watermark.map_or(0, |known| known.flushed.max(known.durable));
        let newest = found.newest.max(known).max(site.least);
        let extent = if newest >= next {
            format!("; lost are {}", lost(next, newest))
        } else {
            String::new()
        };
        return judge.lost(format!("the log of this shard is damaged: {damage}{extent}"));
    }
    let durable = watermark.map_or(0, |known| known.durable).max(site.least);
    if durable >= next {
        return judge.lost(format!(
            "the log in {} ends too early: a part of it is missing, cut off or an older copy; {} \
             were durable and are not there",
            log.display(),
            lost(next, durable)
        ));
    }
    if let Some(known) = watermark
        && known.flushed >= next
        && found.generation < known.generation
    {
        return judge.lost(format!(
            "segment {} of the log in {} is missing; {} were in it",
            known.generation,
            log.display(),
            lost(next, known.flushed)
        ));
    }
    Ok(())
}
