//! The typed settings: what the rest of the process reads.
//!
//! Every field is filled from one row of the directive table (its `live` binding), so the fields
//! need no defaults of their own. Sizes are bytes; durations carry their unit in the name.

use std::path::PathBuf;

use basalt_shard::effects::Classes;

use super::special::OutputLimits;
use super::words::{
    CpuPinning, Durability, EvictionPolicy, LogLevel, ProtectedAction, Supervision,
};

/// A number of bytes or a share of `maxmemory`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryShare {
    Bytes(u64),
    Percent(u8),
}

impl Default for MemoryShare {
    fn default() -> Self {
        Self::Bytes(0)
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    // Where clients connect.
    /// Addresses to listen on; one that starts with `-` may be missing on this host.
    pub(crate) bind: Vec<String>,
    /// 0: no TCP.
    pub(crate) port: u16,
    pub(crate) protected_mode: bool,
    pub(crate) tcp_backlog: i32,
    /// 0: no keepalive probes.
    pub(crate) tcp_keepalive_seconds: i32,
    /// Idle clients are closed after this time; 0: never.
    pub(crate) timeout_seconds: u32,
    pub(crate) unixsocket: Option<PathBuf>,
    /// 0: as the umask has it.
    pub(crate) unixsocketperm: u32,

    // What one client may use.
    pub(crate) maxclients: u32,
    pub(crate) maxmemory_clients: MemoryShare,
    pub(crate) client_query_buffer_limit: u64,
    pub(crate) client_output_buffer_limit: OutputLimits,
    pub(crate) proto_max_bulk_len: u64,
    pub(crate) databases: u32,

    // Who may do what.
    pub(crate) requirepass: Option<Vec<u8>>,
    pub(crate) enable_protected_configs: ProtectedAction,
    pub(crate) enable_debug_command: ProtectedAction,

    // The process.
    pub(crate) daemonize: bool,
    pub(crate) supervised: Supervision,
    pub(crate) pidfile: Option<PathBuf>,
    /// None: standard output.
    pub(crate) logfile: Option<PathBuf>,
    pub(crate) loglevel: LogLevel,
    pub(crate) crash_log_enabled: bool,

    // What is measured.
    /// Negative: nothing is slow. 0: everything is.
    pub(crate) slowlog_log_slower_than_us: i64,
    pub(crate) slowlog_max_len: u64,
    /// 0: off.
    pub(crate) latency_monitor_threshold_ms: u64,
    pub(crate) latency_tracking: bool,
    pub(crate) latency_tracking_info_percentiles: Vec<f64>,

    // Memory.
    /// The budget for everything; 0: derived from the host, see [`super::memory`].
    pub(crate) maxmemory: u64,
    pub(crate) maxmemory_policy: EvictionPolicy,
    pub(crate) lfu_log_factor: u32,
    pub(crate) lfu_decay_time_minutes: u32,

    // What is published.
    pub(crate) notify_keyspace_events: Classes,

    // Data types.
    pub(crate) hash_max_listpack_entries: u64,
    pub(crate) hash_max_listpack_value: u64,
    pub(crate) set_max_intset_entries: u64,
    pub(crate) set_max_listpack_entries: u64,
    pub(crate) set_max_listpack_value: u64,
    pub(crate) hll_sparse_max_bytes: u64,
    pub(crate) list_max_listpack_size: i32,
    pub(crate) zset_max_listpack_entries: u64,
    pub(crate) zset_max_listpack_value: u64,
    pub(crate) stream_node_max_entries: u64,
    pub(crate) stream_node_max_bytes: u64,

    // Storage.
    /// Absolute.
    pub(crate) dir: PathBuf,
    pub(crate) appendfsync: Durability,

    // Basalt's own.
    /// 0: one per core.
    pub(crate) shards: u32,
    pub(crate) shard_cpu_pinning: CpuPinning,
    pub(crate) blocking_threads: u32,
    /// For all three sizes, 0: a share of the memory budget, see [`super::memory`].
    pub(crate) hot_cache_size: u64,
    pub(crate) block_cache_size: u64,
    pub(crate) write_buffer_size: u64,
    /// Bytes per second over all shards; 0: no limit.
    pub(crate) direct_io: bool,
    pub(crate) compaction_rate_limit: u64,
    /// Bytes of disk space that are kept free; 0: by the size of the disk.
    pub(crate) disk_reserve: u64,
    /// Start although data is missing or damaged.
    pub(crate) accept_data_loss: bool,
    /// Bytes per second; 0: no limit.
    pub(crate) scrub_rate: u64,
    /// 0: only when asked for.
    pub(crate) scrub_interval_seconds: u64,
}
