//! Rows about data: the memory budget, eviction, encodings of the data types, expiry, scripts.

use super::super::value::Kind;
use super::super::words::{EvictionPolicy, Word};
use super::row::*;

const NO_DEFRAG: &str = "there is no active defragmentation";
const LAZY: &str =
    "deleting a collection takes the same short time whatever its size, so it never blocks";
const NO_EVICTION: &str = "data lives on disk and is not evicted";

const SANITIZE_WORDS: &[Word] = &[("no", "no"), ("yes", "yes"), ("clients", "clients")];
const PROPAGATION_WORDS: &[Word] =
    &[("ignore", "ignore"), ("panic", "panic"), ("panic-on-replicas", "panic-on-replicas")];

pub(super) static ROWS: &[Directive] = &[
    // Memory.
    memory("maxmemory", "0", 0, u64::MAX).live(|s, v| s.maxmemory = v.bytes()).doc(
        "The memory budget for everything; 0 means half of what the host or the cgroup \
             has.",
    ),
    word("maxmemory-policy", "noeviction", EvictionPolicy::WORDS)
        .live(|s, v| s.maxmemory_policy.set(v.word()))
        .caveat(|v| {
            (v.word() != "noeviction").then_some("no key is evicted, for the data lives on disk")
        })
        .doc(
            "Which of OBJECT FREQ and OBJECT IDLETIME is answered. Data lives on disk: none is \
             evicted under any policy.",
        ),
    integer("maxmemory-samples", "5", 1, INT_MAX)
        .reported(NO_EVICTION)
        .doc("Keys compared when evicting one."),
    integer("maxmemory-eviction-tenacity", "10", 0, 100)
        .reported(NO_EVICTION)
        .doc("Effort spent on evicting at a time."),
    integer("lfu-log-factor", "10", 0, INT_MAX)
        .live(|s, v| s.lfu_log_factor = v.number())
        .doc("How slowly OBJECT FREQ grows with use."),
    integer("lfu-decay-time", "1", 0, INT_MAX)
        .live(|s, v| s.lfu_decay_time_minutes = v.number())
        .doc("Minutes after which OBJECT FREQ loses one."),
    yes_no("lazyfree-lazy-eviction", "no")
        .reported(LAZY)
        .doc("Free evicted values in the background."),
    yes_no("lazyfree-lazy-expire", "no")
        .reported(LAZY)
        .doc("Free expired values in the background."),
    yes_no("lazyfree-lazy-server-del", "no")
        .reported(LAZY)
        .doc("Free overwritten values in the background."),
    yes_no("lazyfree-lazy-user-del", "no").reported(LAZY).doc("Make DEL the same as UNLINK."),
    yes_no("lazyfree-lazy-user-flush", "no")
        .reported(LAZY)
        .doc("Make FLUSHALL and FLUSHDB asynchronous unless they say SYNC."),
    yes_no("activedefrag", "no").only_default(NO_DEFRAG).doc("Defragment memory while running."),
    integer("active-defrag-cycle-min", "1", 1, 99)
        .reported(NO_DEFRAG)
        .doc("Least CPU share for it."),
    integer("active-defrag-cycle-max", "25", 1, 99)
        .reported(NO_DEFRAG)
        .doc("Greatest CPU share for it."),
    integer("active-defrag-threshold-lower", "10", 0, 1000)
        .reported(NO_DEFRAG)
        .doc("Fragmentation in percent at which it starts."),
    integer("active-defrag-threshold-upper", "100", 0, 1000)
        .reported(NO_DEFRAG)
        .doc("Fragmentation in percent at which it runs at full speed."),
    integer("active-defrag-max-scan-fields", "1000", 1, LONG_MAX)
        .reported(NO_DEFRAG)
        .doc("Elements from which a collection is treated on its own."),
    memory("active-defrag-ignore-bytes", "100mb", 1, BYTES_MAX)
        .reported(NO_DEFRAG)
        .doc("Wasted bytes below which it does nothing."),
    yes_no("activerehashing", "yes")
        .reported("there is no global hash table to rehash")
        .doc("Spend idle time on rehashing."),
    integer("active-expire-effort", "1", 1, 10)
        .reported("keys expire when they are due, by an index of deadlines")
        .doc("Effort spent on finding expired keys."),
    // Encodings.
    integer("hash-max-listpack-entries", "512", 0, LONG_MAX)
        .alias("hash-max-ziplist-entries")
        .live(|s, v| s.hash_max_listpack_entries = v.number())
        .doc("Fields up to which a hash is stored in one piece."),
    memory("hash-max-listpack-value", "64", 0, BYTES_MAX)
        .alias("hash-max-ziplist-value")
        .live(|s, v| s.hash_max_listpack_value = v.bytes())
        .doc("Bytes of a field or value up to which a hash is stored in one piece."),
    integer("list-max-listpack-size", "-2", i32::MIN as i64, INT_MAX)
        .alias("list-max-ziplist-size")
        .live(|s, v| s.list_max_listpack_size = v.number())
        .doc(
            "Elements (positive), or 4, 8, 16, 32, 64 kb (-1 to -5), up to which OBJECT ENCODING \
             calls a list a listpack.",
        ),
    integer("list-compress-depth", "0", 0, INT_MAX)
        .reported("the storage engine compresses what is on disk")
        .doc("Nodes at either end of a list that stay uncompressed."),
    integer("set-max-intset-entries", "512", 0, LONG_MAX)
        .live(|s, v| s.set_max_intset_entries = v.number())
        .doc("Members up to which a set of integers is stored as such."),
    integer("set-max-listpack-entries", "128", 0, LONG_MAX)
        .live(|s, v| s.set_max_listpack_entries = v.number())
        .doc("Members up to which a set is stored in one piece."),
    integer("set-max-listpack-value", "64", 0, LONG_MAX)
        .live(|s, v| s.set_max_listpack_value = v.number())
        .doc("Bytes of a member up to which a set is stored in one piece."),
    integer("zset-max-listpack-entries", "128", 0, LONG_MAX)
        .alias("zset-max-ziplist-entries")
        .live(|s, v| s.zset_max_listpack_entries = v.number())
        .doc("Members up to which a sorted set is stored in one piece."),
    memory("zset-max-listpack-value", "64", 0, BYTES_MAX)
        .alias("zset-max-ziplist-value")
        .live(|s, v| s.zset_max_listpack_value = v.bytes())
        .doc("Bytes of a member up to which a sorted set is stored in one piece."),
    memory("stream-node-max-bytes", "4096", 0, BYTES_MAX)
        .live(|s, v| s.stream_node_max_bytes = v.bytes())
        .doc("Bytes of a stream node, the unit of approximate trimming; 0 sets no limit."),
    integer("stream-node-max-entries", "100", 0, LONG_MAX)
        .live(|s, v| s.stream_node_max_entries = v.number())
        .doc("Entries of a stream node; 0 sets no limit."),
    memory("hll-sparse-max-bytes", "3000", 0, BYTES_MAX)
        .live(|s, v| s.hll_sparse_max_bytes = v.bytes())
        .doc("Bytes up to which a HyperLogLog stays sparse."),
    word("sanitize-dump-payload", "no", SANITIZE_WORDS)
        .reported("payloads of RESTORE are always checked in depth")
        .doc("Whose RESTORE payloads are checked in depth."),
    // Events and scripts.
    Directive::new("notify-keyspace-events", Kind::Events, "")
        .live(|s, v| s.notify_keyspace_events = v.classes())
        .doc("Which events of keys are published, by the letters of their classes."),
    integer("busy-reply-threshold", "5000", 0, LONG_MAX)
        .alias("lua-time-limit")
        .reported("there are no scripts")
        .doc(
            "Milliseconds after which a running script makes the server answer BUSY; 0 never \
             does.",
        ),
    word("propagation-error-behavior", "ignore", PROPAGATION_WORDS)
        .reported("no command is executed a second time on behalf of a log or a primary")
        .doc("What to do when a propagated command fails."),
];
