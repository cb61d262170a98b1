//! Basalt's own rows: shards, threads and how the memory budget is divided.

use super::super::words::CpuPinning;
use super::row::*;

/// Few slots per shard beyond this, and far more cores than hosts have.
const SHARDS_MAX: i64 = 1024;
const BLOCKING_THREADS_MAX: i64 = 64;
/// With less, a flush takes so long that writers stall.
const RATE_MIN: u64 = 1 << 20;

pub(super) static ROWS: &[Directive] = &[
    integer("shards", "0", 0, SHARDS_MAX).own().immutable().live(|s, v| s.shards = v.number()).doc(
        "Shards, each with a thread and a database of its own; 0 makes one per core. Fixed \
             once there is data.",
    ),
    word("shard-cpu-pinning", "auto", CpuPinning::WORDS)
        .own()
        .immutable()
        .live(|s, v| s.shard_cpu_pinning.set(v.word()))
        .doc(
            "Pin each shard's thread to a core: good on a host of its own, bad on a shared \
             one; auto decides by the host.",
        ),
    integer("blocking-threads", "8", 1, BLOCKING_THREADS_MAX)
        .own()
        .immutable()
        .live(|s, v| s.blocking_threads = v.number())
        .doc("Threads per shard for work that waits for the disk."),
    memory("hot-cache-size", "0", 0, BYTES_MAX)
        .own()
        .live(|s, v| s.hot_cache_size = v.bytes())
        .doc("Memory for keys read often, over all shards; 0 takes a share of maxmemory."),
    memory("block-cache-size", "0", 0, BYTES_MAX)
        .own()
        .live(|s, v| s.block_cache_size = v.bytes())
        .doc("Memory for blocks of the database, over all shards; 0 takes a share of maxmemory."),
    memory("write-buffer-size", "0", 0, BYTES_MAX)
        .own()
        .live(|s, v| s.write_buffer_size = v.bytes())
        .doc(
            "Memory for writes not yet in table files, over all shards; 0 takes a share of \
             maxmemory.",
        ),
    memory("disk-reserve", "0", 0, BYTES_MAX).own().live(|s, v| s.disk_reserve = v.bytes()).doc(
        "Disk space that is kept free: below it, commands that add data are refused; 0 takes \
             a twentieth of the disk, from 16mb to 256mb.",
    ),
    yes_no("accept-data-loss", "no")
        .own()
        .immutable()
        .live(|s, v| s.accept_data_loss = v.yes())
        .doc(
            "Start although a part of the data is missing or damaged, with what is left; the log \
             says what was lost. For one start, on the command line.",
        ),
    yes_no("direct-io", "yes").own().immutable().live(|s, v| s.direct_io = v.yes()).doc(
        "Read and write table files past the kernel's page cache, so that maxmemory is all the \
         memory that data takes; no where the host has much more than that to spare.",
    ),
    memory("compaction-rate-limit", "0", 0, BYTES_MAX)
        .own()
        .immutable()
        .check(|rate| match rate.bytes() {
            0 | RATE_MIN.. => Ok(rate),
            _ => Err("argument must be 0 (no limit) or at least 1mb".into()),
        })
        .live(|s, v| s.compaction_rate_limit = v.bytes())
        .doc(
            "Bytes per second that flushes and compactions may write, over all shards; 0 sets \
             no limit.",
        ),
    memory("scrub-rate", "8mb", 0, BYTES_MAX).own().live(|s, v| s.scrub_rate = v.bytes()).doc(
        "Bytes per second that are read while the checksums of what is on disk are verified; 0 \
             sets no limit.",
    ),
    integer("scrub-interval", "604800", 0, UINT_MAX)
        .own()
        .live(|s, v| s.scrub_interval_seconds = v.number())
        .doc(
            "Seconds from one pass of that verification to the next; 0 leaves it to the command \
             SCRUB.",
        ),
];
