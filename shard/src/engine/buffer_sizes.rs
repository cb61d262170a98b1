//! How the memory for writes is divided among the tables of the write buffers and RocksDB's
//! memtables. It may change while the databases are open: each takes it over when it is maintained.

use std::sync::{Arc, PoisonError, RwLock};

use rocksdb::DB;

use super::Family;
use super::families::handle;

/// The larger, the more often a key is overwritten before it is written into RocksDB, and the
/// longer that takes in one go. With 100,000 keys of 100 bytes a SET at pipeline 16 costs 3.3 us of
/// CPU instead of 4.3 with 8 MB, with 2 million keys 5.4 instead of 6.7.
const TABLE_BYTES_MAX: usize = 32 << 20;
/// A table without room would take no write at all.
const TABLE_BYTES_MIN: usize = 16 << 10;
/// A write buffer is full with so many tables.
pub(super) const TABLES_MAX: usize = 3;
/// A memtable of a large family is no larger than this: recovery would take longer, and writes
/// would not be faster.
const MEMTABLE_BYTES_MAX: usize = 32 << 20;
/// Below this a flush writes next to nothing and costs as much as any.
const MEMTABLE_BYTES_MIN: usize = 256 << 10;
/// Level 0 is merged into the next level when it has about so much: every merge rewrites much of
/// that level, however little is new.
const LEVEL_0_BYTES: usize = 64 << 20;
/// Files of level 0 that a merge begins with; a read that finds nothing above looks at the filter
/// of each.
const LEVEL_0_FILES_MIN: i32 = 4;
const LEVEL_0_FILES_MAX: i32 = 16;
/// So many files more, and writers are slowed down, or stopped. Twice as many as RocksDB has it:
/// with big values flushes follow each other quickly, and of most families a flush has next to
/// nothing.
const LEVEL_0_FILES_UNTIL_SLOW: i32 = 32;
const LEVEL_0_FILES_UNTIL_STOP: i32 = 64;

/// The name of the option that [`BufferSizes::level_0_files`] is for.
pub(super) const LEVEL_0_TRIGGER: &str = "level0_file_num_compaction_trigger";

/// Sizes of one shard, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BufferSizes {
    /// One table of the write buffer; there are up to [`TABLES_MAX`].
    pub(super) table: usize,
    /// A memtable of a large family.
    pub(super) memtable: usize,
}

impl BufferSizes {
    /// Divides what all of so many `shards` have for writes.
    pub(super) fn new(bytes: usize, shards: usize) -> Self {
        // A shard's share is for three tables and four memtables of the same size.
        let share = bytes / shards.max(1);
        let table = (share / (TABLES_MAX + 4)).clamp(TABLE_BYTES_MIN, TABLE_BYTES_MAX);
        // Memtables are bounded by their size and number: three of them that wait, of one family,
        // are three quarters of what is for them. The manager's own bound would be an exact one,
        // but with atomic flushes it asks for one more flush with every write that comes while one
        // is under way, without end.
        let memtables = share.saturating_sub(table * TABLES_MAX);
        let memtable = (memtables / 4).clamp(MEMTABLE_BYTES_MIN, MEMTABLE_BYTES_MAX);
        Self { table, memtable }
    }

    /// Of a memtable of `family`.
    pub(super) fn memtable_of(self, family: Family) -> usize {
        match family {
            Family::Heads | Family::Elements => self.memtable,
            Family::Meta | Family::Expiry | Family::Progress => self.memtable / 4,
        }
    }

    /// Files of level 0, each of a memtable, at which they are merged, at which writers are slowed
    /// down, and at which they are stopped.
    pub(super) fn level_0_files(self) -> [i32; 3] {
        let files = i32::try_from(LEVEL_0_BYTES / self.memtable.max(1));
        let merged = files.unwrap_or(LEVEL_0_FILES_MAX).clamp(LEVEL_0_FILES_MIN, LEVEL_0_FILES_MAX);
        [merged, merged + LEVEL_0_FILES_UNTIL_SLOW, merged + LEVEL_0_FILES_UNTIL_STOP]
    }

    /// Has an open database go by these from its next memtable on. Blocks.
    pub(super) fn apply(self, db: &DB) -> Result<(), rocksdb::Error> {
        let files = self.level_0_files().map(|files| files.to_string());
        for family in Family::ALL {
            let bytes = self.memtable_of(family).to_string();
            let options = [
                ("write_buffer_size", bytes.as_str()),
                (LEVEL_0_TRIGGER, &files[0]),
                ("level0_slowdown_writes_trigger", &files[1]),
                ("level0_stop_writes_trigger", &files[2]),
            ];
            db.set_options_cf(handle(db, family), &options)?;
        }
        Ok(())
    }
}

/// The sizes that are wanted, for all databases of a process to see.
#[derive(Clone)]
pub(super) struct WantedSizes(Arc<RwLock<BufferSizes>>);

impl WantedSizes {
    pub(super) fn new(sizes: BufferSizes) -> Self {
        Self(Arc::new(RwLock::new(sizes)))
    }

    pub(super) fn get(&self) -> BufferSizes {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, sizes: BufferSizes) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = sizes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::options::{Budget, SharedResources};
    use crate::engine::rocks::RocksEngine;
    use crate::engine::{Engine as _, Site};

    #[test]
    fn small_memtables_gather_before_they_are_merged() {
        for (memtable_mb, files) in [(0, 16), (3, 16), (8, 8), (32, 4)] {
            let sizes = BufferSizes { table: 0, memtable: memtable_mb << 20 };
            assert_eq!(sizes.level_0_files()[0], files, "{memtable_mb} MB");
        }
    }

    #[test]
    fn there_is_always_room_for_a_write() {
        for bytes in [0, 1, 10, 1 << 20] {
            let sizes = BufferSizes::new(bytes, 2);
            assert!(sizes.table >= TABLE_BYTES_MIN && sizes.memtable >= MEMTABLE_BYTES_MIN);
        }
    }

    #[test]
    fn an_open_database_takes_new_sizes_over() {
        let folder = std::env::temp_dir().join(format!("basalt-sizes-{}", std::process::id()));
        let budget = Budget { block_cache_bytes: 1 << 20, write_buffer_bytes: 1 << 20, shards: 1 };
        let shared = SharedResources::new(budget).unwrap();
        let (engine, _) = RocksEngine::open(Site::alone(folder.clone(), 1), &shared).unwrap();
        // What flushes after half a megabyte now, and what would after the change.
        let flushed = |engine: &RocksEngine| {
            let before = shared.traffic().flushed_bytes;
            for number in 0..8_u32 {
                let key = number.to_be_bytes();
                let value = bytes::Bytes::from(vec![number as u8; 100_000]);
                engine.write(&mut |writes| writes.put(Family::Heads, &key, &value)).unwrap();
                engine.drain(std::time::Duration::ZERO).unwrap();
            }
            // A flush is a matter of milliseconds, if there is one.
            std::thread::sleep(std::time::Duration::from_millis(300));
            shared.traffic().flushed_bytes - before
        };
        assert!(flushed(&engine) > 0);
        shared.set_write_buffer_bytes(64 << 20);
        engine.maintain().unwrap();
        // The memtable that is in use keeps its size.
        flushed(&engine);
        assert_eq!(flushed(&engine), 0);
        shared.set_write_buffer_bytes(1 << 20);
        engine.maintain().unwrap();
        flushed(&engine);
        assert!(flushed(&engine) > 0);
        engine.close().unwrap();
        drop(engine);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
