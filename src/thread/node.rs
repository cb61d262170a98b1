//! What the threads of the process share.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use basalt_shard::keyspace::access::LfuSettings;
use basalt_shard::keyspace::counts::SlotCount;
use basalt_shard::settings::Settings;
use basalt_shard::topology::{ShardId, Topology};

use crate::client::clients::Clients;
use crate::config::Config;
use crate::config::memory_plan::MemoryPlan;
use crate::config::runtime::Change;
use crate::shared::log_sync::Mode;
use crate::shared::pause::Held;
use crate::shared::pool::Pool;
use crate::shared::process::Process;
use crate::shared::space::Space;
use crate::shared::storage::Storage;
use crate::telemetry::Telemetry;
use crate::thread::mailbox::Mailbox;
use crate::thread::message::Message;
use crate::thread::process_command::Table;

/// What the threads of the process share, each part with its own owner in a room below. Immutable,
/// or synchronised field by field.
pub(crate) struct Node {
    pub(crate) topology: Arc<Topology>,
    pub(crate) table: Table,
    /// A mailbox a shard.
    pub(crate) mailboxes: Vec<Mailbox<Message>>,
    pub(crate) pool: Pool,
    pub(crate) storage: Storage,
    pub(crate) clients: Clients,
    pub(crate) telemetry: Telemetry,
    pub(crate) process: Process,
    /// As it is now. Replaced as a whole.
    pub(crate) config: RwLock<Arc<Config>>,
}

impl Node {
    /// Tells the shards that asked for it that the log of `shard` has come further.
    pub(crate) fn tell_subscribers(&self, shard: ShardId) {
        for subscriber in self.storage.logs[shard].take_subscribers() {
            self.mailboxes[subscriber].send(Message::Durable);
        }
    }

    /// Tells every shard to look again at what its replies wait for.
    pub(crate) fn wake_waiters(&self) {
        for mailbox in &self.mailboxes {
            mailbox.send(Message::Durable);
        }
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
        *self.storage.memory.write().unwrap_or_else(PoisonError::into_inner) = plan;
        self.clients.memory.reload(config, &plan);
        self.topology.room().resize(crate::shared::client_memory::bytes_max(config, &plan));
        let shares = self.storage.shares.get().within(&plan);
        self.storage.shares.set(shares);
        self.storage.engine_resources.set_block_cache_bytes(shares.block_cache as usize);
        let write_buffers = match Space::of(self.storage.data_directory.path()) {
            Some(space) => space.write_buffer_bytes(plan.write_buffers),
            None => plan.write_buffers as usize,
        };
        self.storage.engine_resources.set_write_buffer_bytes(write_buffers);
    }

    /// Replaces the configuration by what `change` makes of it; no other change comes between. The
    /// shards' loops take theirs over by themselves.
    pub(crate) fn change_config<E>(
        &self,
        change: impl FnOnce(&Config) -> Result<Change, E>,
    ) -> Result<Vec<&'static str>, E> {
        let mut current = self.config.write().unwrap_or_else(PoisonError::into_inner);
        let Change { config, changed } = change(&current)?;
        self.clients.max.store(config.maxclients as usize, Ordering::Relaxed);
        self.storage.durability.store(Mode::of(&config) as u8, Ordering::SeqCst);
        self.topology.listening().set_classes(config.notify_keyspace_events);
        *current = Arc::new(config);
        Ok(changed)
    }

    /// Whether keys whose time has come stay and count (`DEBUG SET-ACTIVE-EXPIRE 0`).
    pub(crate) fn is_expiry_off(&self) -> bool {
        self.storage.expire_off.load(Ordering::Relaxed)
    }

    /// Whether keys whose time has come are left alone at the moment.
    pub(crate) fn expire_paused(&self) -> bool {
        self.is_expiry_off() || self.clients.pause.held() != Held::Nothing
    }

    /// Keys, and those with a deadline, of a physical database over all shards; some may be due
    /// that were not counted yet. [`expiry::live_keys`] is exact.
    pub(crate) fn key_count(&self, db: u8) -> SlotCount {
        self.storage.key_counts.iter().map(|counts| counts.get(db)).sum()
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
        list_max_listpack_size: config.list_max_listpack_size,
        zset_max_listpack_entries: config.zset_max_listpack_entries as usize,
        zset_max_listpack_value: config.zset_max_listpack_value as usize,
        stream_node_max_entries: config.stream_node_max_entries,
        stream_node_max_bytes: config.stream_node_max_bytes,
        reply_bytes_max: node.storage.memory_plan().clients as usize,
        lfu: config.maxmemory_policy.is_lfu().then_some(lfu),
    }
}
