//! What the threads of the process share.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use basalt_shard::engine::options::SharedResources;
use basalt_shard::keyspace::access::LfuSettings;
use basalt_shard::keyspace::counts::SlotCount;
use basalt_shard::settings::Settings;
use basalt_shard::shard::KeyCounts;
use basalt_shard::topology::{ShardId, Topology};

use crate::config::memory_plan::MemoryPlan;
use crate::config::runtime::Change;
use crate::config::{Config, Sources};
use crate::io::accepting::Accepting;
use crate::shared::client_memory::ClientMemory;
use crate::shared::counters::Counters;
use crate::shared::data_directory::DataDirectory;
use crate::shared::log_sync::{LogSync, Mode};
use crate::shared::memory_shares::MemoryShares;
use crate::shared::open_files::OpenFiles;
use crate::shared::pause::{Held, Pause};
use crate::shared::pool::Pool;
use crate::shared::saves::Saves;
use crate::shared::scrub::Scrub;
use crate::shared::space::Space;
use crate::shared::stop::StopSignal;
use crate::shared::supervision::Supervisor;
use crate::telemetry::slowlog::SlowLog;
use crate::thread::mailbox::Mailbox;
use crate::thread::message::Message;
use crate::thread::process_command::Table;

/// What the threads of the process share. Immutable, or synchronised field by field.
pub(crate) struct Node {
    pub(crate) topology: Arc<Topology>,
    pub(crate) table: Table,
    /// A mailbox a shard.
    pub(crate) mailboxes: Vec<Mailbox<Message>>,
    /// The log of each shard.
    pub(crate) logs: Vec<LogSync>,
    /// Numbers of keys of each shard.
    pub(crate) key_counts: Vec<Arc<KeyCounts>>,
    pub(crate) pool: Pool,
    pub(crate) scrub: Scrub,
    pub(crate) counters: Counters,
    pub(crate) client_memory: ClientMemory,
    pub(crate) data_directory: DataDirectory,
    /// How the memory budget is divided.
    pub(crate) memory: RwLock<MemoryPlan>,
    /// What the caches have of it at the moment.
    pub(crate) shares: MemoryShares,
    /// The caches and buffers that the shards' databases share.
    pub(crate) engine_resources: SharedResources,
    pub(crate) config: RwLock<Arc<Config>>,
    pub(crate) sources: Sources,
    pub(crate) open_files: OpenFiles,
    /// Of `config`, for the acceptor.
    pub(crate) clients_max: AtomicUsize,
    /// Of `config`: a [`Mode`].
    pub(crate) durability: AtomicU8,
    /// Where connections come from.
    pub(crate) accepting: Accepting,
    /// There is too little space on the disk: nothing is to be added.
    pub(crate) disk_full: AtomicBool,
    /// The databases are being closed.
    pub(crate) is_stopping: AtomicBool,
    /// Clients that watch all commands.
    pub(crate) monitors: AtomicUsize,
    /// Bytes on their way to them on other threads.
    pub(crate) monitored_bytes: AtomicUsize,
    /// CLIENT PAUSE.
    pub(crate) pause: Pause,
    /// DEBUG SET-ACTIVE-EXPIRE 0.
    pub(crate) expire_off: AtomicBool,
    pub(crate) slow_log: Mutex<SlowLog>,
    pub(crate) latency: Mutex<crate::telemetry::latency::LatencyMonitor>,
    /// Names clients; the next number.
    pub(crate) next_client_id: AtomicU64,
    /// 40 random hexadecimal digits, new at each start.
    pub(crate) run_id: String,
    pub(crate) started: Instant,
    /// What SAVE and BGREWRITEAOF have come to.
    pub(crate) saves: Saves,
    /// Who looks after the process.
    pub(crate) supervisor: Supervisor,
    /// Says that the process is to end.
    pub(crate) stop: Arc<StopSignal>,
}

impl Node {
    /// `appendfsync` as it is now.
    pub(crate) fn durability_mode(&self) -> Mode {
        Mode::from_number(self.durability.load(Ordering::Relaxed))
    }

    /// Tells the shards that asked for it that the log of `shard` has come further.
    pub(crate) fn tell_subscribers(&self, shard: ShardId) {
        for subscriber in self.logs[shard].take_subscribers() {
            self.mailboxes[subscriber].send(Message::Durable);
        }
    }

    /// Tells every shard to look again at what its replies wait for.
    pub(crate) fn wake_waiters(&self) {
        for mailbox in &self.mailboxes {
            mailbox.send(Message::Durable);
        }
    }

    /// How the memory budget is divided at the moment.
    pub(crate) fn memory_plan(&self) -> MemoryPlan {
        *self.memory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration as it is now.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the budget of a configuration would be divided from now on. Reads `/proc`.
    pub(crate) fn plan_memory(&self, config: &Config) -> Result<MemoryPlan, String> {
        let budget = crate::config::memory_plan::budget(config, std::path::Path::new("/"))
            .map_err(|error| format!("cannot tell how much memory there is: {error}"))?;
        MemoryPlan::new(config, self.topology.shards(), budget)
    }

    /// Divides the memory like this from now on. The shards' hot caches and write buffers follow
    /// by themselves.
    /// Blocks while the block cache lets go of what is too much.
    pub(crate) fn set_memory_plan(&self, config: &Config, plan: MemoryPlan) {
        *self.memory.write().unwrap_or_else(PoisonError::into_inner) = plan;
        self.client_memory.reload(config, &plan);
        self.topology.room().resize(crate::shared::client_memory::bytes_max(config, &plan));
        let shares = self.shares.get().within(&plan);
        self.shares.set(shares);
        self.engine_resources.set_block_cache_bytes(shares.block_cache as usize);
        let write_buffers = match Space::of(self.data_directory.path()) {
            Some(space) => space.write_buffer_bytes(plan.write_buffers),
            None => plan.write_buffers as usize,
        };
        self.engine_resources.set_write_buffer_bytes(write_buffers);
    }

    /// Replaces the configuration by what `change` makes of it; no other change comes between. The
    /// shards' loops take theirs over by themselves.
    pub(crate) fn change_config<E>(
        &self,
        change: impl FnOnce(&Config) -> Result<Change, E>,
    ) -> Result<Vec<&'static str>, E> {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        let Change { config, changed } = change(&current)?;
        self.clients_max.store(config.maxclients as usize, Ordering::Relaxed);
        self.durability.store(Mode::of(&config) as u8, Ordering::SeqCst);
        self.topology.listening().set_classes(config.notify_keyspace_events);
        *current = Arc::new(config);
        Ok(changed)
    }

    /// Whether any client watches all commands.
    pub(crate) fn is_monitored(&self) -> bool {
        self.monitors.load(Ordering::Relaxed) != 0
    }

    /// Whether keys whose time has come stay and count (`DEBUG SET-ACTIVE-EXPIRE 0`).
    pub(crate) fn is_expiry_off(&self) -> bool {
        self.expire_off.load(Ordering::Relaxed)
    }

    /// Whether keys whose time has come are left alone at the moment.
    pub(crate) fn expire_paused(&self) -> bool {
        self.is_expiry_off() || self.pause.held() != Held::Nothing
    }

    /// Keys, and those with a deadline, of a physical database over all shards; some may be due
    /// that were not counted yet. [`expiry::live_keys`] is exact.
    pub(crate) fn key_count(&self, db: u8) -> SlotCount {
        self.key_counts.iter().map(|counts| counts.get(db)).sum()
    }
}

/// What the commands need of the configuration.
pub(crate) fn shard_settings(node: &Node, config: &Config) -> Settings {
    let lfu = LfuSettings {
        log_factor: config.lfu_log_factor,
        decay_minutes: config.lfu_decay_time_minutes,
    };
    Settings {
        proto_max_bulk_len: config.proto_max_bulk_len as usize,
        hash_max_listpack_entries: config.hash_max_listpack_entries as usize,
        hash_max_listpack_value: config.hash_max_listpack_value as usize,
        set_max_intset_entries: config.set_max_intset_entries as usize,
        set_max_listpack_entries: config.set_max_listpack_entries as usize,
        set_max_listpack_value: config.set_max_listpack_value as usize,
        hll_sparse_max_bytes: config.hll_sparse_max_bytes as usize,
        reply_bytes_max: node.memory_plan().clients as usize,
        lfu: config.maxmemory_policy.is_lfu().then_some(lfu),
    }
}
