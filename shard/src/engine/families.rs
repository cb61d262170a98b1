//! The families as RocksDB has them: their names, and batches of writes to them.

use bytes::Bytes;
use rocksdb::{ColumnFamily, DB, WriteBatch};

use super::{Family, Writes};
use crate::log::format::Lsn;

/// Column families are found by name in a map.
pub(super) const FAMILY_NAMES: [&str; 5] = ["default", "heads", "elements", "expiry", "progress"];

/// The one key of [`Family::Progress`]: number of the newest batch, u64, little-endian.
pub(super) const APPLIED_KEY: &[u8] = b"applied";

/// Number of the newest batch, out of the record in [`Family::Progress`].
pub(super) fn applied(record: Option<&[u8]>) -> Lsn {
    record.and_then(|record| record.try_into().ok()).map_or(0, Lsn::from_le_bytes)
}

/// The family in an open database.
pub(super) fn handle(db: &DB, family: Family) -> &ColumnFamily {
    match db.cf_handle(FAMILY_NAMES[family as usize]) {
        Some(handle) => handle,
        // Checked at open, and families are never dropped.
        None => unreachable!("column family exists since open"),
    }
}

/// Writes that RocksDB takes as one.
pub(super) struct BatchWrites<'a> {
    pub(super) db: &'a DB,
    pub(super) batch: WriteBatch,
}

impl Writes for BatchWrites<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &Bytes) {
        self.batch.put_cf(handle(self.db, family), key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.batch.delete_cf(handle(self.db, family), key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        self.batch.delete_range_cf(handle(self.db, family), from, to);
    }
}
