//! RocksDB behind the [`Engine`] trait. The only place, with `options` and `filter`, that names
//! the crate.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use rocksdb::{
    ColumnFamily, ColumnFamilyDescriptor, DB, DBRawIterator, ErrorKind, ReadOptions, WriteBatch,
    WriteOptions,
};

use super::filter::{FilterContext, OrphanFilterFactory};
use super::options::{self, SharedResources};
use super::{Cursor, Direction, Engine, EngineError, Family, ReadTier, Verified, Writes, scrub};

/// Column families are found by name in a map; they are looked up once, at open.
const FAMILY_NAMES: [&str; 4] = ["default", "heads", "elements", "expiry"];

/// One shard's RocksDB.
pub struct RocksEngine {
    db: Arc<DB>,
    filters: Arc<FilterContext>,
    write_options: WriteOptions,
    memory_reads: ReadOptions,
    disk_reads: ReadOptions,
}

impl RocksEngine {
    /// Opens the database in `directory`, or creates it there. Blocks.
    pub fn open(directory: &Path, shared: &SharedResources) -> Result<Self, EngineError> {
        // The filter looks heads up in the database that it filters for.
        let filters = Arc::new(FilterContext::default());
        let families = Family::ALL.iter().zip(FAMILY_NAMES).map(|(family, name)| {
            let mut options = options::family(shared, *family);
            if *family == Family::Elements {
                options.set_compaction_filter_factory(OrphanFilterFactory::new(filters.clone()));
            }
            ColumnFamilyDescriptor::new(name, options)
        });
        let db = Arc::new(
            DB::open_cf_descriptors(&options::database(shared), directory, families)
                .map_err(storage_error)?,
        );
        for name in FAMILY_NAMES {
            if db.cf_handle(name).is_none() {
                return Err(EngineError::Corrupted(format!("column family '{name}' is missing")));
            }
        }
        // Set exactly once: this is the only place that has the cell at this time.
        let _ = filters.database.set(Arc::downgrade(&db));
        let mut write_options = WriteOptions::default();
        write_options.set_no_slowdown(true);
        let mut memory_reads = ReadOptions::default();
        memory_reads.set_read_tier(rocksdb::ReadTier::BlockCache);
        Ok(Self { db, filters, write_options, memory_reads, disk_reads: ReadOptions::default() })
    }

    /// Rewrites a whole family on the disk, dropping what is dead. Blocks.
    pub fn compact(&self, family: Family) {
        self.db.compact_range_cf(self.family(family), None::<&[u8]>, None::<&[u8]>);
    }

    fn family(&self, family: Family) -> &ColumnFamily {
        match self.db.cf_handle(FAMILY_NAMES[family as usize]) {
            Some(handle) => handle,
            // Checked at open, and families are never dropped.
            None => unreachable!("column family exists since open"),
        }
    }
}

/// A RocksDB error in our words.
pub(super) fn storage_error(error: rocksdb::Error) -> EngineError {
    match error.kind() {
        ErrorKind::Incomplete => {
            // The same kind stands for "not in the block cache" and for "no_slowdown refused".
            if error.as_ref().contains("stall") {
                EngineError::Stalled
            } else {
                EngineError::NotInMemory
            }
        }
        ErrorKind::Corruption => EngineError::Corrupted(error.into_string()),
        _ => EngineError::Io(error.into_string()),
    }
}

struct BatchWrites<'a> {
    engine: &'a RocksEngine,
    batch: WriteBatch,
}

impl Writes for BatchWrites<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]) {
        self.batch.put_cf(self.engine.family(family), key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.batch.delete_cf(self.engine.family(family), key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        self.batch.delete_range_cf(self.engine.family(family), from, to);
    }
}

struct RangeCursor<'a> {
    iterator: DBRawIterator<'a>,
    direction: Direction,
    started: bool,
}

impl Cursor for RangeCursor<'_> {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>, EngineError> {
        match (self.started, self.direction) {
            (false, Direction::Forward) => self.iterator.seek_to_first(),
            (false, Direction::Backward) => self.iterator.seek_to_last(),
            (true, Direction::Forward) => self.iterator.next(),
            (true, Direction::Backward) => self.iterator.prev(),
        }
        self.started = true;
        if !self.iterator.valid() {
            self.iterator.status().map_err(storage_error)?;
            return Ok(None);
        }
        Ok(self.iterator.item())
    }
}

impl Engine for RocksEngine {
    fn get(
        &self,
        family: Family,
        key: &[u8],
        tier: ReadTier,
    ) -> Result<Option<Bytes>, EngineError> {
        let options = match tier {
            ReadTier::Memory => &self.memory_reads,
            ReadTier::Disk => &self.disk_reads,
        };
        let found =
            self.db.get_pinned_cf_opt(self.family(family), key, options).map_err(storage_error)?;
        Ok(found.map(|value| Bytes::copy_from_slice(&value)))
    }

    fn range(
        &self,
        family: Family,
        lower: &[u8],
        upper: &[u8],
        direction: Direction,
        tier: ReadTier,
    ) -> Box<dyn Cursor + '_> {
        let mut options = ReadOptions::default();
        if tier == ReadTier::Memory {
            options.set_read_tier(rocksdb::ReadTier::BlockCache);
        }
        options.set_iterate_lower_bound(lower);
        if !upper.is_empty() {
            options.set_iterate_upper_bound(upper);
        }
        let iterator = self.db.raw_iterator_cf_opt(self.family(family), options);
        Box::new(RangeCursor { iterator, direction, started: false })
    }

    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writes)) -> Result<(), EngineError> {
        let mut writes = BatchWrites { engine: self, batch: WriteBatch::default() };
        fill(&mut writes);
        self.db.write_opt(writes.batch, &self.write_options).map_err(|error| match error.kind() {
            ErrorKind::Incomplete => EngineError::Stalled,
            _ => storage_error(error),
        })
    }

    fn flush_log(&self) -> Result<(), EngineError> {
        self.db.flush_wal(false).map_err(storage_error)
    }

    fn sync_log(&self) -> Result<(), EngineError> {
        if self.filters.log_failed.load(Ordering::Acquire) {
            return Err(EngineError::Io("the log could not be made durable".into()));
        }
        self.db.flush_wal(true).map_err(storage_error)
    }

    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), EngineError> {
        // Not `delete_file_in_range`: it drops whole files, with what was written there since.
        self.db.compact_range_cf(self.family(family), Some(from), Some(to));
        Ok(())
    }

    fn verify(&self, family: Family, from: &[u8], bytes_max: u64) -> Result<Verified, EngineError> {
        scrub::verify(self.db.path(), FAMILY_NAMES[family as usize], from, bytes_max)
    }

    fn close(&self) -> Result<(), EngineError> {
        let synced = self.sync_log();
        self.db.cancel_all_background_work(true);
        synced
    }

    fn statistics(&self) -> Vec<(&'static str, u64)> {
        let sum = |property: &str| -> u64 {
            Family::ALL
                .iter()
                .filter_map(|family| {
                    self.db.property_int_value_cf(self.family(*family), property).ok().flatten()
                })
                .sum()
        };
        let once =
            |property: &str| self.db.property_int_value(property).ok().flatten().unwrap_or(0);
        vec![
            ("memtable_bytes", sum("rocksdb.cur-size-all-mem-tables")),
            ("table_reader_bytes", sum("rocksdb.estimate-table-readers-mem")),
            ("sst_bytes", sum("rocksdb.total-sst-files-size")),
            ("live_data_bytes", sum("rocksdb.estimate-live-data-size")),
            ("pending_compaction_bytes", sum("rocksdb.estimate-pending-compaction-bytes")),
            ("running_compactions", once("rocksdb.num-running-compactions")),
            ("running_flushes", once("rocksdb.num-running-flushes")),
            ("write_stopped", once("rocksdb.is-write-stopped")),
            ("background_errors", once("rocksdb.background-errors")),
        ]
    }
}
