//! Starting and stopping, in order: signals, listeners, data directory, databases, pid file,
//! shards' threads, clients; and back. The data directory is ours before any of it, so nothing is
//! touched that is another server's.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU8};
use std::time::{Duration, Instant};

use basalt_shard::shard::Shard;
use crossbeam_channel::Receiver;

use crate::client::clients::Clients;
use crate::clock::now_us;
use crate::config::memory_plan;
use crate::config::memory_plan::MemoryPlan;
use crate::config::words::CpuPinning;
use crate::config::{Config, Sources};
use crate::connection::arrival::connect;
use crate::connection::listener;
use crate::daemon::Background;
use crate::execute::announce;
use crate::execute::receive::receive;
use crate::io::readiness;
use crate::runtime;
use crate::server::closing::close;
use crate::server::opening::{newest_batches, open_databases, open_shards};
use crate::server::pid_file::PidFile;
use crate::server::signals;
use crate::shared::client_memory::ClientMemory;
use crate::shared::data_directory::{Claim, DataDirectory};
use crate::shared::log_sync::Mode;
use crate::shared::memory_shares::MemoryShares;
use crate::shared::open_files;
use crate::shared::pool::Pool;
use crate::shared::process::Process;
use crate::shared::saves::Saves;
use crate::shared::scrub::Scrub;
use crate::shared::stop::StopSignal;
use crate::shared::storage::Storage;
use crate::shared::supervision::Supervisor;
use crate::telemetry::Telemetry;
use crate::thread::mailbox::Mailbox;
use crate::thread::message::Message;
use crate::thread::node::Node;
use crate::thread::process_command::Table;
use crate::thread::shard_thread::ShardThread;
use crate::thread::turn;
use crate::upkeep::memory_division;
use crate::upkeep::scrub;
use crate::upkeep::{disk, drain, keeper, syncer};

/// What the process has before anything of the server is started.
pub(crate) struct Launch {
    pub(crate) claim: Claim,
    pub(crate) supervisor: Supervisor,
    pub(crate) background: Option<Background>,
}

/// Why the process ends otherwise than it should.
pub(crate) enum Fatal {
    /// It does not serve.
    Start(String),
    /// It has served, and could not put everything away.
    Stop(String),
}

impl From<String> for Fatal {
    fn from(why: String) -> Self {
        Self::Start(why)
    }
}

/// Runs the server until it is told to stop.
pub(crate) fn run(config: Config, sources: Sources, launch: Launch) -> Result<(), Fatal> {
    let Launch { claim, supervisor, background } = launch;
    let (stop, stopped) = StopSignal::new();
    signals::start(&stop)?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let listeners = listener::bind(&config)?;
    supervisor.opens(config.supervised);
    let run_id = random_id();
    let data_directory = DataDirectory::open(
        claim,
        (config.shards as usize, cores),
        config.databases as usize,
        &random_id(),
    )?;
    let manifest = data_directory.manifest();
    let (config, open_files, open_tables) = open_files::reserve(config, manifest.shards)?;
    let budget = memory_plan::budget(&config, std::path::Path::new("/"))
        .map_err(|error| format!("cannot tell how much memory there is: {error}"))?;
    let memory = MemoryPlan::new(&config, manifest.shards, budget)?;
    let opening = Instant::now();
    let lack = disk::lack_for_opening(&data_directory, manifest.shards);
    let opened = disk::opening(&data_directory, config.disk_reserve, manifest.shards, || {
        open_databases(&data_directory, &memory, open_tables, &config)
    });
    let (topology, engine_resources) = opened.map_err(|error| match lack {
        Some(lack) => format!("{error} ({lack})"),
        None => error,
    })?;
    let topology = Arc::new(topology);
    topology.listening().set_classes(config.notify_keyspace_events);
    let shards = open_shards(&topology, &memory)?;
    data_directory
        .set_opened(newest_batches(&topology))
        .map_err(|error| format!("cannot write the manifest: {error}"))?;
    let opening_ms = opening.elapsed().as_millis() as u64;

    let mut table = Table::new(crate::commands::rows());
    for rename in config.renames() {
        table
            .rename(&rename.from, &rename.to)
            .map_err(|why| format!("line {}: {why}", rename.location.line_number))?;
    }
    let pool = Pool::start(config.blocking_threads as usize * topology.shards())
        .map_err(|error| format!("cannot start threads: {error}"))?;
    let mailboxes = (0..topology.shards())
        .map(|_| Mailbox::new())
        .collect::<std::io::Result<_>>()
        .map_err(|error| format!("cannot make what wakes a shard: {error}"))?;
    let client_memory = ClientMemory::new(&config, &memory, topology.room().clone());
    let node = Arc::new(Node {
        topology: topology.clone(),
        table,
        mailboxes,
        pool,
        storage: Storage {
            logs: syncer::logs(&newest_batches(&topology)),
            key_counts: shards.iter().map(Shard::key_counts).collect(),
            data_directory,
            durability: AtomicU8::new(Mode::of(&config) as u8),
            disk_full: AtomicBool::new(false),
            is_stopping: AtomicBool::new(false),
            expire_off: AtomicBool::new(false),
            scrub: Scrub::default(),
            saves: Saves::new(now_us() / 1_000_000),
            shares: MemoryShares::new(&memory, manifest.shards),
            memory: RwLock::new(memory),
            engine_resources,
        },
        clients: Clients::new(config.maxclients as usize, client_memory, open_files),
        telemetry: Telemetry::default(),
        process: Process { sources, run_id, started: Instant::now(), supervisor, stop },
        config: RwLock::new(Arc::new(config)),
    });
    let config = node.config();
    let pid_file = PidFile::write(&config, background.is_some());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        shards = topology.shards(),
        directory = %node.storage.data_directory.path().display(),
        durability = config.appendfsync.word(),
        memory_bytes = memory.budget,
        keys = manifest.databases.iter().map(|db| node.key_count(*db).keys).sum::<u64>(),
        opening_ms,
        port = config.port,
        "Basalt starts"
    );
    if manifest.opened == 0 {
        tracing::info!("There was no data in the directory: a new data set was made");
    }
    for file in &node.process.sources.files {
        tracing::info!(file = %file.display(), "Configuration read");
    }
    config.warn_without_effect(|_directive| true);
    disk::start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    syncer::start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    let mut threads = Vec::new();
    for shard in shards {
        threads.push(start_shard(&node, shard, manifest.databases.clone(), cores)?);
    }
    memory_division::start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    crate::telemetry::usage::note_startup(&node.telemetry.counters);
    let scrubbing =
        scrub::start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    let socket_name =
        listeners.start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    node.process.stop.serves();
    tracing::info!("Ready to accept connections");
    supervisor.serves();
    if let Some(background) = background {
        background.serves();
    }
    wait_until_stopped(&stopped);
    supervisor.stops();
    drop(socket_name);
    for mailbox in &node.mailboxes {
        mailbox.send(Message::Run(Box::new(|shard_thread| shard_thread.stop())));
    }
    node.storage.scrub.stop();
    for thread in threads.into_iter().chain([scrubbing]) {
        let _ = thread.join();
    }
    let closed = close(&node).map_err(Fatal::Stop);
    drop(pid_file);
    tracing::info!("Basalt is now ready to exit, bye bye...");
    closed
}

fn start_shard(
    node: &Arc<Node>,
    shard: Shard,
    databases: Vec<u8>,
    cores: usize,
) -> Result<std::thread::JoinHandle<()>, String> {
    let id = shard.id();
    let config = node.config();
    let cpu = match config.shard_cpu_pinning {
        CpuPinning::Yes => Some(id % cores),
        CpuPinning::No | CpuPinning::Auto => None,
    };
    keeper::start(node, id).map_err(|error| format!("cannot start threads: {error}"))?;
    drain::start(node, id).map_err(|error| format!("cannot start threads: {error}"))?;
    let node = node.clone();
    runtime::start(&format!("shard-{id}"), cpu, move || {
        let shard_thread = ShardThread::new(node, shard, databases);
        async move {
            runtime::spawn_vital("sockets", watch(shard_thread.clone()));
            runtime::spawn("turn-end", turn::run(shard_thread.clone()));
            runtime::spawn_vital("events", announce::announce(shard_thread.clone()));
            runtime::spawn("expiry", crate::upkeep::expiry::expire(shard_thread.clone()));
            runtime::spawn("cron", crate::upkeep::cron::every_second(shard_thread.clone()));
            receive(&shard_thread, connect).await;
        }
    })
}

/// Wakes the tasks of a shard that have something to do.
async fn watch(shard_thread: Rc<ShardThread>) {
    let mailbox = &shard_thread.node.mailboxes[shard_thread.id];
    readiness::watch(mailbox.bell(), || mailbox.look()).await;
}

fn wait_until_stopped(stopped: &Receiver<()>) {
    while stopped.recv_timeout(Duration::from_secs(3600)).is_err() {}
    tracing::info!("Basalt stops: closing connections and databases");
}

/// 40 random hexadecimal digits.
fn random_id() -> String {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds its hashers from the operating system.
    let word = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}{:08x}", word() ^ now_us(), word(), word() as u32)
}
