//! Every RocksDB option that Basalt sets, with its reason. One place, so that memory, durability
//! and stalls can be reasoned about together.

use std::sync::{Arc, Mutex};

use rocksdb::statistics::{StatsLevel, Ticker};
use rocksdb::{
    BlockBasedOptions, Cache, DBCompressionType, Env, LruCacheOptions, Options, WriteBufferManager,
};

use super::Family;
use super::buffer_sizes::{BufferSizes, WantedSizes};

/// What the shards of one process share: the memory budget and the background threads.
#[derive(Clone)]
pub struct SharedResources {
    /// Blocks, index and filter blocks of all shards.
    pub block_cache: Cache,
    /// Counts the memtables of all shards together.
    pub write_buffers: WriteBufferManager,
    /// Write buffers and memtables of a shard.
    pub(super) sizes: WantedSizes,
    shards: usize,
    /// Background threads.
    pub env: Env,
    /// Held while big values are written into a database: they are in memory several times then.
    pub(super) big_drains: Arc<Mutex<()>>,
    /// Held by who writes to a disk that has no room for several who do.
    pub(super) scarce_room: Arc<Mutex<()>>,
    /// What the options of every database begin with: copies share the limiter of the rate at
    /// which flushes and compactions write, and what counts reads and writes.
    base: Options,
}

/// Memtables of a family that wait to be flushed before writers have to wait.
const MEMTABLES_MAX: i32 = 3;
/// Of a Bloom filter, which the levels above the last have: quick to make, often made. At the last,
/// where most keys are, a ribbon filter does the same with 10 bits. A lookup of a key that is not
/// there asks the filters of up to 20 files, and each wrong answer reads a block from the disk.
const FILTER_BITS_PER_KEY: f64 = 14.0;
const LAST_LEVEL: i32 = 6;
/// Entries of an index block of which only the first has its whole key: the index takes half of the
/// memory.
const INDEX_RESTART_INTERVAL: i32 = 16;
/// See [`block_cache`].
const CACHE_PART_BYTES_MIN: usize = 8 << 20;
const CACHE_PART_BITS_MAX: u32 = 6;
/// More than there is of memory.
const NO_LIMIT: usize = 1 << 50;

/// A compaction reads so much of each of its files at a time, and keeps it: with up to 16 files of
/// level 0 and RocksDB's 2 MB, two shards take 75 MB more at their peak.
const COMPACTION_READ_AHEAD_BYTES: usize = 256 << 10;

/// RocksDB's own log (not ours) gets a new file at this size.
const INFO_LOG_BYTES_MAX: usize = 4 << 20;
/// By which RocksDB's list of table files grows on the disk. Its own 4 MB would be taken anew at
/// every start, from what is left of a full disk.
const MANIFEST_STEP_BYTES: usize = 64 << 10;

/// How often the limiter hands out what may be written.
const REFILL_US: i64 = 100_000;
/// One time in so many the requests of low priority go first, so that none starves; as RocksDB has
/// it.
const FAIRNESS: i32 = 10;

/// Bytes of memory that [`SharedResources`] hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SharedMemory {
    /// Blocks, index and filter blocks.
    pub block_cache_bytes: u64,
    /// Those of them that are in use or must stay.
    pub block_cache_pinned_bytes: u64,
    /// Memtables.
    pub memtable_bytes: u64,
}

/// What the databases of a process have read and written since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Bytes that flushes wrote.
    pub flushed_bytes: u64,
    /// Bytes that compactions wrote.
    pub compacted_bytes: u64,
    /// Blocks that had to be read from a table file, for lookups and ranges.
    pub blocks_read: u64,
}

/// What the blocks of the block cache were used for since the start, by lookups and ranges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlockUse {
    /// Times that a block of data was there.
    pub data_found: u64,
    /// Times that it was read from a table file instead.
    pub data_read: u64,
    /// The bytes of those.
    pub data_bytes_read: u64,
    /// Bytes of indexes and filters that were read.
    pub meta_bytes_read: u64,
}

/// Sizes that come from the configuration, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// Block cache of the whole process.
    pub block_cache_bytes: usize,
    /// Write buffers and memtables of the whole process.
    pub write_buffer_bytes: usize,
    /// Shards that share these.
    pub shards: usize,
}

/// Table files that a database keeps open at most. One more is opened anew whenever it is read.
pub const OPEN_TABLES_MAX: u64 = 512;
/// And at least: with less, a compaction or a long read alone holds more.
pub const OPEN_TABLES_MIN: u64 = 24;
/// RocksDB takes so many of `max_open_files` for its other files.
const OTHER_FILES: i32 = 10;
/// RocksDB's table cache has 2^6 parts and keeps one table in each at least; with a small limit
/// that would be more than the limit.
const TABLE_CACHE_BITS: i32 = 6;
const TABLE_CACHE_BITS_SMALL: i32 = 3;

/// Threads of compactions, for all shards: one more than two shards have long ones at a time, so
/// that the small files of level 0 do not pile up meanwhile.
const COMPACTION_THREADS: i32 = 3;

/// Starts the threads of compactions, which the databases of a process share, with the priority of
/// the calling thread. Otherwise they start with the first [`SharedResources`].
pub fn start_compaction_threads() -> Result<(), rocksdb::Error> {
    Env::new()?.set_low_priority_background_threads(COMPACTION_THREADS);
    Ok(())
}

impl SharedResources {
    /// Makes the shared parts for a process with `budget`.
    pub fn new(budget: Budget) -> Result<Self, rocksdb::Error> {
        let mut env = Env::new()?;
        env.set_low_priority_background_threads(COMPACTION_THREADS);
        env.set_high_priority_background_threads(1);
        let mut base = Options::default();
        base.enable_statistics();
        base.set_statistics_level(StatsLevel::ExceptHistogramOrTimers);
        Ok(Self {
            block_cache: block_cache(budget.block_cache_bytes),
            write_buffers: WriteBufferManager::new_write_buffer_manager(NO_LIMIT, false),
            sizes: WantedSizes::new(BufferSizes::new(budget.write_buffer_bytes, budget.shards)),
            shards: budget.shards,
            env,
            big_drains: Arc::default(),
            scarce_room: Arc::default(),
            base,
        }
        .with_open_tables(OPEN_TABLES_MAX))
    }

    /// The same, with so many table files that a database keeps open, within the bounds above.
    #[must_use]
    pub fn with_open_tables(mut self, tables: u64) -> Self {
        let tables = tables.clamp(OPEN_TABLES_MIN, OPEN_TABLES_MAX);
        let is_small = tables < OPEN_TABLES_MAX;
        let bits = if is_small { TABLE_CACHE_BITS_SMALL } else { TABLE_CACHE_BITS };
        self.base.set_max_open_files(tables as i32 + OTHER_FILES);
        self.base.set_table_cache_num_shard_bits(bits);
        self
    }

    /// The same, with table files read and written past the page cache. The file system must be
    /// able to do that.
    #[must_use]
    pub fn with_direct_io(mut self, is_wanted: bool) -> Self {
        self.base.set_use_direct_reads(is_wanted);
        self.base.set_use_direct_io_for_flush_and_compaction(is_wanted);
        self
    }

    /// How many shards share these; one at least.
    pub(super) fn shards(&self) -> u64 {
        self.shards.max(1) as u64
    }

    /// What these take of the memory at the moment.
    pub fn memory(&self) -> SharedMemory {
        SharedMemory {
            block_cache_bytes: self.block_cache.get_usage() as u64,
            block_cache_pinned_bytes: self.block_cache.get_pinned_usage() as u64,
            memtable_bytes: self.write_buffers.get_usage() as u64,
        }
    }

    /// What the databases have read and written.
    pub fn traffic(&self) -> Traffic {
        let count = |ticker| self.base.get_ticker_count(ticker);
        Traffic {
            flushed_bytes: count(Ticker::FlushWriteBytes),
            compacted_bytes: count(Ticker::CompactWriteBytes),
            // What compactions read does not go into the cache.
            blocks_read: count(Ticker::BlockCacheAdd),
        }
    }

    /// What the block cache is used for. What compactions read does not go into it.
    pub fn block_use(&self) -> BlockUse {
        let count = |ticker| self.base.get_ticker_count(ticker);
        BlockUse {
            data_found: count(Ticker::BlockCacheDataHit),
            data_read: count(Ticker::BlockCacheDataAdd),
            data_bytes_read: count(Ticker::BlockCacheDataBytesInsert),
            meta_bytes_read: count(Ticker::BlockCacheIndexBytesInsert)
                + count(Ticker::BlockCacheFilterBytesInsert),
        }
    }

    /// Changes the size of the block cache. Blocks while what is too much is let go.
    pub fn set_block_cache_bytes(&self, bytes: usize) {
        self.block_cache.clone().set_capacity(bytes);
    }

    /// Of a shard's write buffer, one table; there are up to three.
    pub fn table_bytes(&self) -> usize {
        self.sizes.get().table
    }

    /// Changes what write buffers and memtables of all shards may have. Every database takes it
    /// over when it is maintained next, and its memtables with the next flush.
    pub fn set_write_buffer_bytes(&self, bytes: usize) {
        self.sizes.set(BufferSizes::new(bytes, self.shards));
    }

    /// The same, with flushes and compactions of all shards together writing up to so many bytes
    /// a second; flushes go first. 0: no limit.
    #[must_use]
    pub fn with_compaction_rate(mut self, bytes_per_second: u64) -> Self {
        if let Ok(rate @ 1..) = i64::try_from(bytes_per_second) {
            self.base.set_ratelimiter(rate, REFILL_US, FAIRNESS);
        }
        self
    }
}

/// The block cache, in so many parts that a part holds a few of the largest blocks, and not more:
/// the filter of a large table file alone can have more than half a megabyte, which is as much as
/// the parts that RocksDB would make.
fn block_cache(bytes: usize) -> Cache {
    let parts = (bytes / CACHE_PART_BYTES_MIN).clamp(1, 1 << CACHE_PART_BITS_MAX);
    let mut options = LruCacheOptions::default();
    options.set_capacity(bytes);
    options.set_num_shard_bits(parts.ilog2() as i32);
    Cache::new_lru_cache_opts(&options)
}

/// Options of the database as a whole.
pub(super) fn database(shared: &SharedResources) -> Options {
    let mut options = shared.base.clone();
    options.set_env(&shared.env);
    options.set_write_buffer_manager(&shared.write_buffers);
    // There is no log of RocksDB's; what is on the disk must be everything up to one batch, so all
    // families go there together.
    options.set_atomic_flush(true);
    // One writer a database: the machinery for several only costs.
    options.set_allow_concurrent_memtable_write(false);
    options.set_enable_write_thread_adaptive_yield(false);
    options.set_max_background_jobs(3);
    options.set_keep_log_file_num(4);
    options.set_max_log_file_size(INFO_LOG_BYTES_MAX);
    options.set_manifest_preallocation_size(MANIFEST_STEP_BYTES);
    options.set_compaction_readahead_size(COMPACTION_READ_AHEAD_BYTES);
    options.set_bytes_per_sync(1 << 20);
    options.set_stats_dump_period_sec(0);
    // A file that is deleted on a loop thread (the last reader going away) must not block it.
    options.set_avoid_unnecessary_blocking_io(true);
    options.set_level_compaction_dynamic_level_bytes(true);
    options
}

/// Options of one family.
pub(super) fn family(shared: &SharedResources, family: Family) -> Options {
    let mut options = Options::default();
    let sizes = shared.sizes.get();
    options.set_write_buffer_size(sizes.memtable_of(family));
    options.set_max_write_buffer_number(MEMTABLES_MAX);
    let [merged, slow, stop] = sizes.level_0_files();
    options.set_level_zero_file_num_compaction_trigger(merged);
    options.set_level_zero_slowdown_writes_trigger(slow);
    options.set_level_zero_stop_writes_trigger(stop);
    options.set_level_compaction_dynamic_level_bytes(true);
    options.set_compression_type(DBCompressionType::Lz4);
    options.set_bottommost_compression_type(DBCompressionType::Zstd);
    // A block-sized arena step, not the default megabyte: an idle family costs next to nothing.
    options.set_arena_block_size(64 << 10);
    let mut table = BlockBasedOptions::default();
    table.set_block_cache(&shared.block_cache);
    table.set_cache_index_and_filter_blocks(true);
    table.set_cache_index_and_filter_blocks_with_high_priority(true);
    table.set_pin_l0_filter_and_index_blocks_in_cache(true);
    table.set_format_version(6);
    table.set_block_size(4 << 10);
    table.set_index_block_restart_interval(INDEX_RESTART_INTERVAL);
    if matches!(family, Family::Heads | Family::Elements) {
        table.set_hybrid_ribbon_filter(FILTER_BITS_PER_KEY, LAST_LEVEL);
        // Absent keys are answered from the memtable's filter without walking the skip list.
        options.set_memtable_prefix_bloom_ratio(0.05);
        options.set_memtable_whole_key_filtering(true);
    }
    options.set_block_based_table_factory(&table);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Site;
    use crate::engine::rocks::RocksEngine;

    const BUDGET: Budget =
        Budget { block_cache_bytes: 1 << 20, write_buffer_bytes: 1 << 20, shards: 2 };

    fn shared() -> SharedResources {
        SharedResources::new(BUDGET).unwrap()
    }

    /// An option of each of two databases, as RocksDB's own log shows it.
    fn logged(name: &str, shared: &SharedResources, option: &str) -> [String; 2] {
        logged_line(name, shared, &format!("Options.{option}: "))
    }

    /// What stands behind some words in the log of each of two databases.
    fn logged_line(name: &str, shared: &SharedResources, words: &str) -> [String; 2] {
        let folder = std::env::temp_dir().join(format!("basalt-{name}-{}", std::process::id()));
        let values = ["a", "b"].map(|shard| {
            let folder = folder.join(shard);
            std::fs::create_dir_all(&folder).unwrap();
            let engine = RocksEngine::open(Site::alone(folder.clone(), 1), shared).unwrap().0;
            let log = std::fs::read_to_string(folder.join("LOG")).unwrap();
            drop(engine);
            let (_, rest) = log.split_once(words).unwrap();
            rest.lines().next().unwrap().trim().to_owned()
        });
        std::fs::remove_dir_all(&folder).unwrap();
        values
    }

    #[test]
    fn all_databases_share_one_limiter() {
        let limiters = |name, bytes_per_second| {
            logged(name, &shared().with_compaction_rate(bytes_per_second), "rate_limiter")
        };
        let [one, other] = limiters("limited", 4 << 20);
        assert_eq!(one, other);
        assert_eq!(limiters("unlimited", 0), ["(nil)"; 2]);
        assert_ne!(one, "(nil)");
    }

    #[test]
    fn a_database_merges_when_its_memtables_have_gathered() {
        let trigger = logged("level-0", &shared(), "level0_file_num_compaction_trigger");
        assert_eq!(trigger, ["16"; 2]);
    }

    #[test]
    fn large_filters_fit_the_parts_of_the_block_cache() {
        for (mb, bits) in [(1, "0"), (48, "2"), (8 << 10, "6")] {
            let budget = Budget { block_cache_bytes: mb << 20, ..BUDGET };
            let shared = SharedResources::new(budget).unwrap();
            let folder = format!("parts-{mb}");
            assert_eq!(logged_line(&folder, &shared, "num_shard_bits : "), [bits; 2]);
        }
    }

    #[test]
    fn a_database_keeps_to_its_open_tables() {
        for (tables, files, bits) in [(512, "522", "6"), (30, "40", "3"), (0, "34", "3")] {
            let shared = shared().with_open_tables(tables);
            assert_eq!(logged("tables", &shared, "max_open_files"), [files; 2]);
            let shown = logged("tables", &shared, "table_cache_numshardbits");
            assert_eq!(shown, [bits; 2]);
        }
    }
}
