//! Writing into RocksDB, and from its memory to the disk. Nothing of it goes through a log of
//! RocksDB's.

use bytes::Bytes;
use rocksdb::{DB, FlushOptions, WriteBatch, WriteOptions};

use super::error::EngineError;
use super::families::{APPLIED_KEY, BatchWrites, handle};
use super::rocksdb_error::storage_error;
use super::table::Table;
use super::{Family, Writes};
use crate::log::format::Lsn;

/// Writes without a log, waiting as long as RocksDB wants to.
pub(super) fn write(db: &DB, batch: WriteBatch) -> Result<(), EngineError> {
    let mut options = WriteOptions::default();
    options.disable_wal(true);
    db.write_opt(batch, &options).map_err(storage_error)
}

/// Writes what gathered in a table into RocksDB, as one batch; `last` is the newest batch in it.
/// Waits as long as RocksDB wants to.
pub(super) fn store(db: &DB, table: &Table, last: Lsn) -> Result<(), EngineError> {
    let mut writes = BatchWrites { db, batch: WriteBatch::with_capacity_bytes(table.bytes()) };
    table.replay(&mut writes);
    writes.put(Family::Progress, APPLIED_KEY, &Bytes::copy_from_slice(&last.to_le_bytes()));
    write(db, writes.batch)
}

/// Has RocksDB compact when it thinks that it should, and stop writers when it is behind; or not.
pub(super) fn set_compacting(db: &DB, it_does: bool) -> Result<(), EngineError> {
    let disabled = if it_does { "false" } else { "true" };
    Family::ALL.into_iter().try_for_each(|family| {
        db.set_options_cf(handle(db, family), &[("disable_auto_compactions", disabled)])
            .map_err(storage_error)
    })
}

/// Flushes all memtables to the disk. Blocks.
pub(super) fn flush_all(db: &DB) -> Result<(), EngineError> {
    flush(db, true)
}

/// Begins to.
pub(super) fn begin_flush(db: &DB) -> Result<(), EngineError> {
    flush(db, false)
}

fn flush(db: &DB, wait: bool) -> Result<(), EngineError> {
    let families: Vec<_> = Family::ALL.iter().map(|family| handle(db, *family)).collect();
    let mut options = FlushOptions::default();
    options.set_wait(wait);
    db.flush_cfs_opt(&families, &options).map_err(storage_error)
}
