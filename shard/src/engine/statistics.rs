//! Numbers for INFO, as RocksDB, the write buffer and the log have them.

use super::Family;
use super::families::handle;
use super::opening::Open;

/// See [`super::Engine::statistics`].
pub(super) fn of(open: &Open, disk_lookups: u64) -> Vec<(&'static str, u64)> {
    let sum = |property: &str| -> u64 {
        Family::ALL
            .iter()
            .filter_map(|family| {
                let handle = handle(&open.db, *family);
                open.db.property_int_value_cf(handle, property).ok().flatten()
            })
            .sum()
    };
    let once = |property: &str| open.db.property_int_value(property).ok().flatten().unwrap_or(0);
    let (log_bytes, log_segments) = open.log.size();
    let (appended_bytes, written_bytes) = open.log.traffic_bytes();
    vec![
        ("write_buffer_bytes", open.buffer.bytes() as u64),
        ("memtable_bytes", sum("rocksdb.cur-size-all-mem-tables")),
        ("table_reader_bytes", sum("rocksdb.estimate-table-readers-mem")),
        ("sst_bytes", sum("rocksdb.total-sst-files-size")),
        ("live_data_bytes", sum("rocksdb.estimate-live-data-size")),
        ("level_0_files", sum("rocksdb.num-files-at-level0")),
        ("pending_compaction_bytes", sum("rocksdb.estimate-pending-compaction-bytes")),
        ("running_compactions", once("rocksdb.num-running-compactions")),
        ("running_flushes", once("rocksdb.num-running-flushes")),
        ("write_stopped", once("rocksdb.is-write-stopped")),
        ("background_errors", once("rocksdb.background-errors")),
        ("log_bytes", log_bytes),
        ("log_segments", log_segments as u64),
        ("disk_lookups", disk_lookups),
        ("log_appended_bytes", appended_bytes),
        ("log_written_bytes", written_bytes),
    ]
}
