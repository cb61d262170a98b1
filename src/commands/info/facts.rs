//! What INFO tells, gathered from all over the process: plain data, so that the sections are plain
//! functions of it. What the shards know is asked for on their threads; what takes longer than a
//! look is gathered off the loop.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use basalt_shard::engine::options::{SharedMemory, Traffic};
use basalt_shard::shard::Statistics;
use hdrhistogram::Histogram;

use crate::client::Session;
use crate::clock::now_us;
use crate::commands::info::hot_keys;
use crate::commands::info::keyspace::Database;
use crate::config::Config;
use crate::config::memory_plan::{MemoryPlan, host_memory};
use crate::execute::publish;
use crate::pubsub::World;
use crate::runtime::TurnTotals;
use crate::shared::memory_shares::Shares;
use crate::shared::saves::WorkFacts;
use crate::shared::scrub::ScrubStatus;
use crate::shared::supervision::Supervisor;
use crate::telemetry::command_statistics::{CommandStatistics, OfCommand};
use crate::telemetry::usage;
use crate::telemetry::usage::{Memory, ProcessorTime};
use crate::thread::node::Node;
use crate::thread::shard_thread::ShardThread;

/// What is gathered only when it is asked for.
#[derive(Clone, Copy)]
pub(super) struct Wanted {
    /// The durations of commands, which are many bytes.
    pub(super) latency: bool,
    pub(super) hot_keys: bool,
    /// What is known of databases, for which keys are looked at.
    pub(super) keyspace: bool,
}

/// Everything.
pub(super) struct Facts {
    pub(super) config: Arc<Config>,
    pub(super) memory_plan: MemoryPlan,
    pub(super) shares: Shares,
    pub(super) process: Process,
    pub(super) host: Host,
    pub(super) logs: Logs,
    pub(super) shards: Vec<OfShard>,
    pub(super) hot_keys: Vec<hot_keys::OfShard>,
    /// All shards' together, by the commands' names.
    pub(super) commands: Vec<(String, OfCommand)>,
    /// Error replies by code, and all of them.
    pub(super) errors: BTreeMap<Vec<u8>, u64>,
    pub(super) errors_total: u64,
    /// Those that have keys.
    pub(super) databases: Vec<Database>,
}

/// What the process knows of itself.
#[derive(Default)]
pub(super) struct Process {
    pub(super) now_us: u64,
    pub(super) save: WorkFacts,
    pub(super) rewrite: WorkFacts,
    pub(super) uptime_s: u64,
    pub(super) supervisor: Supervisor,
    pub(super) run_id: String,
    /// Names the data, over restarts.
    pub(super) data_id: String,
    pub(super) config_file: String,
    pub(super) connections_received: u64,
    pub(super) connections_rejected: u64,
    pub(super) connected_clients: u64,
    pub(super) clients_evicted: u64,
    pub(super) memory_peak: u64,
    pub(super) memory_startup: u64,
    /// Pieces of work for the blocking threads: those that wait, those under way.
    pub(super) pool_load: (usize, usize),
    pub(super) pool_threads: usize,
    pub(super) scrub: ScrubStatus,
}

/// What the system, the allocator and the engines say.
#[derive(Default)]
pub(super) struct Host {
    pub(super) system: String,
    pub(super) executable: String,
    pub(super) system_memory: u64,
    pub(super) memory: Memory,
    pub(super) engine_memory: SharedMemory,
    pub(super) traffic: Traffic,
    pub(super) allocator: String,
    pub(super) of_process: ProcessorTime,
    pub(super) of_children: ProcessorTime,
    /// In the engine's words, all shards' together.
    pub(super) engine: Vec<(&'static str, u64)>,
}

/// The shards' logs together.
#[derive(Default)]
pub(super) struct Logs {
    pub(super) syncs: u64,
    /// Median, 99th percentile, maximum.
    pub(super) latency_us: [u64; 3],
    pub(super) group_batches: [u64; 3],
    /// Batches that are not durable.
    pub(super) pending: u64,
    /// Shards with such batches.
    pub(super) pending_shards: usize,
    /// Bytes that are not durable.
    pub(super) pending_bytes: u64,
    /// Bytes that are not in the kernel.
    pub(super) buffered_bytes: u64,
    /// Shards whose log failed.
    pub(super) failed: usize,
    /// Times that a shard's storage failed, and came back.
    pub(super) failures: u64,
    pub(super) recoveries: u64,
    /// Whether the disk is too full to add data.
    pub(super) disk_full: bool,
    pub(super) reserve_held_bytes: u64,
}

/// What one shard's thread knows.
#[derive(Default)]
pub(super) struct OfShard {
    pub(super) keys: u64,
    /// `ok`, `full` (of the disk) or `failed`.
    pub(super) state: &'static str,
    pub(super) storage: Statistics,
    /// Keys with a deadline that stand, and how many of them are due.
    pub(super) expires: u64,
    pub(super) due: u64,
    /// As Redis counts what a snapshot would be without.
    pub(super) changes_made: u64,
    pub(super) commands: u64,
    pub(super) input_bytes: u64,
    pub(super) output_bytes: u64,
    pub(super) reads: u64,
    pub(super) writes: u64,
    pub(super) turns: u64,
    pub(super) loop_turns: TurnTotals,
    pub(super) expire_ns: u64,
    /// Channels and shard channels with subscribers whose home it is.
    pub(super) channels: u64,
    pub(super) shard_channels: u64,
    /// Patterns of the clients of all shards: every shard knows them.
    pub(super) patterns: u64,
    pub(super) subscribers: u64,
    pub(super) hops: u64,
    pub(super) transactions: u64,
    /// Commands, input and output bytes, turns a second.
    pub(super) rates: [f64; 4],
    pub(super) clients: u64,
    /// Those whose command CLIENT PAUSE holds up.
    pub(super) paused_clients: u64,
    pub(super) client_bytes: u64,
    pub(super) client_input_max: u64,
    pub(super) client_output_max: u64,
    pub(super) cache_bytes: u64,
    /// Of other shards' keys.
    pub(super) copies_bytes: u64,
    pub(super) cache_entries: u64,
    pub(super) cache_hits: u64,
    pub(super) cache_misses: u64,
    pub(super) processor_time: ProcessorTime,
}

impl Facts {
    /// Asks everybody.
    pub(super) async fn gather(shard_thread: &Rc<ShardThread>, wanted: Wanted) -> Self {
        let answers = shard_thread
            .on_every_shard(move |there| {
                let commands = there.statistics.borrow().copy(wanted.latency);
                (of_shard(there), commands, wanted.hot_keys.then(|| hot_keys_of(there)))
            })
            .await;
        let databases =
            if wanted.keyspace { Database::all(shard_thread).await } else { Vec::new() };
        // Before the work off the loop, which would count itself.
        let process = Process::of(&shard_thread.node);
        let node = shard_thread.node.clone();
        let host = shard_thread.off_loop(move || Host::look(&node)).await.unwrap_or_default();
        let node = &shard_thread.node;
        let mut statistics = CommandStatistics::new(node.table.len());
        let mut shards = Vec::with_capacity(answers.len());
        let mut hot_keys = Vec::new();
        for (of_shard, commands, hot) in answers {
            statistics.add(&commands);
            hot_keys.extend(hot);
            shards.push(of_shard);
        }
        Self {
            config: node.config(),
            memory_plan: node.storage.memory_plan(),
            shares: node.storage.shares.get(),
            process,
            host,
            logs: Logs::of(node),
            shards,
            hot_keys,
            commands: statistics
                .commands()
                .map(|(id, of)| (node.table.entry(id).full_name.clone(), of.clone()))
                .collect(),
            errors: statistics.errors().clone(),
            errors_total: statistics.total_errors(),
            databases,
        }
    }

    /// A number of all shards together.
    pub(super) fn sum(&self, number: impl Fn(&OfShard) -> u64) -> u64 {
        self.shards.iter().map(number).sum()
    }
}

fn of_shard(shard_thread: &Rc<ShardThread>) -> OfShard {
    let counters = &shard_thread.counters;
    let key_counts = &shard_thread.node.storage.key_counts[shard_thread.id];
    let mut facts = OfShard {
        keys: shard_thread.databases().iter().map(|db| key_counts.get(*db).keys).sum(),
        state: state(shard_thread),
        commands: counters.commands.get(),
        input_bytes: counters.input_bytes.get(),
        output_bytes: counters.output_bytes.get(),
        reads: counters.reads.get(),
        writes: counters.writes.get(),
        turns: counters.turns.get(),
        loop_turns: crate::runtime::turns(),
        expire_ns: counters.expire_ns.get(),
        hops: counters.hops.get(),
        transactions: counters.transactions.get(),
        rates: counters.rates.per_second(),
        processor_time: ProcessorTime::of_thread(),
        channels: publish::channel_count(shard_thread, World::All),
        shard_channels: publish::channel_count(shard_thread, World::Shard),
        patterns: shard_thread.home.borrow().pattern_count() as u64,
        ..OfShard::default()
    };
    for session in shard_thread.sessions.borrow().values() {
        let (input, output) = (session.input_bytes.get() as u64, session.output_bytes.get() as u64);
        facts.clients += 1;
        facts.paused_clients += u64::from(session.is_paused.get());
        facts.subscribers += u64::from(session.is_subscriber());
        facts.client_bytes += input + output + size_of::<Session>() as u64;
        facts.client_input_max = facts.client_input_max.max(input);
        facts.client_output_max = facts.client_output_max.max(output);
    }
    let mut shard = shard_thread.shard.borrow_mut();
    facts.storage = shard.statistics;
    for db in shard_thread.databases().iter() {
        let (expires, due) = shard.standing_deadlines(*db);
        facts.expires += expires;
        facts.due += due;
    }
    facts.changes_made = shard.listeners.changes_made();
    let cache = shard.cache();
    facts.cache_bytes = cache.bytes();
    facts.copies_bytes = shard_thread.copies.borrow().bytes();
    facts.cache_entries = cache.len() as u64;
    facts.cache_hits = cache.hits;
    facts.cache_misses = cache.misses;
    facts
}

fn hot_keys_of(shard_thread: &Rc<ShardThread>) -> hot_keys::OfShard {
    let databases = shard_thread.databases();
    hot_keys::OfShard::of(&shard_thread.shard.borrow_mut().cache().hot_keys, &databases)
}

fn state(shard_thread: &ShardThread) -> &'static str {
    let node = &shard_thread.node;
    if node.storage.logs[shard_thread.id].has_failed() {
        "failed"
    } else if node.storage.disk_full.load(Ordering::Relaxed) {
        "full"
    } else {
        "ok"
    }
}

impl Process {
    fn of(node: &Node) -> Self {
        let counters = &node.telemetry.counters;
        let config_file = node.process.sources.config_file.as_deref();
        let now_us = now_us();
        Self {
            now_us,
            save: node.storage.saves.save.facts(now_us / 1_000_000),
            rewrite: node.storage.saves.rewrite.facts(now_us / 1_000_000),
            uptime_s: node.process.started.elapsed().as_secs(),
            supervisor: node.process.supervisor,
            run_id: node.process.run_id.clone(),
            data_id: node.storage.data_directory.manifest().id.clone(),
            config_file: config_file.map_or_else(String::new, |path| path.display().to_string()),
            connections_received: counters.connections_received.load(Ordering::Relaxed),
            connections_rejected: counters.connections_rejected.load(Ordering::Relaxed),
            connected_clients: counters.connected_clients.load(Ordering::Relaxed) as u64,
            clients_evicted: counters.clients_evicted.load(Ordering::Relaxed),
            memory_peak: counters.memory_peak.load(Ordering::Relaxed),
            memory_startup: counters.memory_startup.load(Ordering::Relaxed),
            pool_load: node.pool.load(),
            pool_threads: node.pool.threads(),
            scrub: node.storage.scrub.status(),
        }
    }
}

impl Host {
    /// Bytes of all logs.
    pub(super) fn log_bytes(&self) -> u64 {
        self.of_engine("log_bytes")
    }

    /// Memory for table files that are open, beside the block cache.
    pub(super) fn table_reader_bytes(&self) -> u64 {
        self.of_engine("table_reader_bytes")
    }

    /// Memory for writes that RocksDB does not have yet.
    pub(super) fn write_buffer_bytes(&self) -> u64 {
        self.of_engine("write_buffer_bytes")
    }

    /// A number of the engines', all shards' together.
    pub(super) fn of_engine(&self, name: &str) -> u64 {
        self.engine.iter().find(|(known, _)| *known == name).map_or(0, |(_, value)| *value)
    }

    /// Reads `/proc` and asks the allocator and the engines. Off the loop only.
    fn look(node: &Node) -> Self {
        let shards = node.topology.shards();
        let mut engine: Vec<(&'static str, u64)> = Vec::new();
        for shard in 0..shards {
            for (name, value) in node.topology.engine(shard).statistics() {
                match engine.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, sum)) => *sum = sum.saturating_add(value),
                    None => engine.push((name, value)),
                }
            }
        }
        let executable = std::env::current_exe().unwrap_or_default();
        Self {
            system: system(),
            executable: executable.display().to_string(),
            system_memory: host_memory(Path::new("/proc/meminfo")).unwrap_or(0),
            memory: usage::note_peak(&node.telemetry.counters),
            engine_memory: node.storage.engine_resources.memory(),
            traffic: node.storage.engine_resources.traffic(),
            allocator: usage::allocator(),
            of_process: ProcessorTime::of_process(),
            of_children: ProcessorTime::of_children(),
            engine,
        }
    }
}

/// System, release and machine, as `uname -srm` has them.
fn system() -> String {
    let kernel = |name: &str| {
        let text = std::fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
        text.trim().to_owned()
    };
    format!("{} {} {}", kernel("ostype"), kernel("osrelease"), std::env::consts::ARCH)
}

impl Logs {
    fn of(node: &Node) -> Self {
        let mut facts = Logs::default();
        let mut latency_us: Option<Histogram<u64>> = None;
        let mut group_batches: Option<Histogram<u64>> = None;
        facts.disk_full = node.storage.disk_full.load(Ordering::Relaxed);
        facts.reserve_held_bytes = node.storage.data_directory.reserve().held();
        for (shard, log) in node.storage.logs.iter().enumerate() {
            let (buffered_bytes, pending_bytes) = node.topology.engine(shard).log_backlog_bytes();
            facts.buffered_bytes += buffered_bytes;
            facts.pending_bytes += pending_bytes;
            let pending = log.pending();
            facts.pending += pending;
            facts.pending_shards += usize::from(pending > 0);
            facts.failed += usize::from(log.has_failed());
            log.with_statistics(|statistics| {
                facts.syncs += statistics.syncs;
                facts.failures += statistics.failures;
                facts.recoveries += statistics.recoveries;
                add(&mut latency_us, &statistics.latency_us);
                add(&mut group_batches, &statistics.group_batches);
            });
        }
        facts.latency_us = latency_us.as_ref().map_or([0; 3], summary);
        facts.group_batches = group_batches.as_ref().map_or([0; 3], summary);
        facts
    }
}

fn add(sum: &mut Option<Histogram<u64>>, histogram: &Histogram<u64>) {
    match sum {
        Some(sum) => {
            // Equal bounds: adding cannot fail.
            let _ = sum.add(histogram);
        }
        None => *sum = Some(histogram.clone()),
    }
}

fn summary(histogram: &Histogram<u64>) -> [u64; 3] {
    [histogram.value_at_quantile(0.5), histogram.value_at_quantile(0.99), histogram.max()]
}
