//! Starting and stopping, in order: signals, listeners, data directory, databases, pid file,
//! shards' threads, clients; and back. The data directory is ours before any of it, so nothing is
//! touched that is another server's.

use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::task::Poll;
use std::time::{Duration, Instant};

use basalt_shard::engine::options::{self, Budget, SharedResources};
use basalt_shard::engine::rocks::RocksEngine;
use basalt_shard::engine::{Engine, EngineError, Site};
use basalt_shard::keyspace::mend::{self, Mended};
use basalt_shard::log::format::Identity;
use basalt_shard::resp::{Protocol, ReplyBuffer};
use basalt_shard::shard::Shard;
use basalt_shard::topology::{ShardId, Topology};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use nix::fcntl::OFlag;

use crate::client::Session;
use crate::clock::{now_us, steady_ms};
use crate::config::memory;
use crate::config::memory::MemoryPlan;
use crate::config::words::CpuPinning;
use crate::config::{Config, Sources};
use crate::connection;
use crate::connection::listener;
use crate::daemon::Background;
use crate::execute::{publish, run};
use crate::io::accepting::Accepting;
use crate::io::readiness;
use crate::runtime;
use crate::server::pid_file::PidFile;
use crate::server::signals;
use crate::shared::client_memory;
use crate::shared::client_memory::ClientMemory;
use crate::shared::counters::Counters;
use crate::shared::data_directory::{Claim, DataDirectory};
use crate::shared::log_sync::Mode;
use crate::shared::memory_shares::MemoryShares;
use crate::shared::open_files;
use crate::shared::pool::Pool;
use crate::shared::reserve;
use crate::shared::saves::Saves;
use crate::shared::scrub::Scrub;
use crate::shared::space::Space;
use crate::shared::stop::StopSignal;
use crate::shared::supervision::Supervisor;
use crate::sys;
use crate::thread::mailbox::Mailbox;
use crate::thread::message::{Answer, Executed, Message};
use crate::thread::node::Node;
use crate::thread::process_command::Table;
use crate::thread::shard_loop::ShardLoop;
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
    let budget = memory::budget(&config, std::path::Path::new("/"))
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
    let node = Arc::new(Node {
        mailboxes,
        logs: syncer::logs(&newest_batches(&topology)),
        key_counts: shards.iter().map(Shard::key_counts).collect(),
        topology: topology.clone(),
        table,
        pool,
        scrub: Scrub::default(),
        counters: Counters::default(),
        client_memory: ClientMemory::new(&config, &memory, topology.room().clone()),
        shares: MemoryShares::new(&memory, manifest.shards),
        memory: RwLock::new(memory),
        engine_resources,
        open_files,
        clients_max: AtomicUsize::new(config.maxclients as usize),
        durability: AtomicU8::new(Mode::of(&config) as u8),
        disk_full: AtomicBool::new(false),
        is_stopping: AtomicBool::new(false),
        accepting: Accepting::default(),
        monitors: AtomicUsize::new(0),
        monitored_bytes: AtomicUsize::new(0),
        paused_until_ms: AtomicI64::new(0),
        expire_off: AtomicBool::new(false),
        paused_writes_only: AtomicBool::new(false),
        slow_log: Mutex::default(),
        latency: Mutex::default(),
        next_client_id: AtomicU64::new(1),
        run_id,
        started: Instant::now(),
        saves: Saves::new(now_us() / 1_000_000),
        supervisor,
        stop,
        sources,
        data_directory,
        config: RwLock::new(Arc::new(config)),
    });
    let config = node.config();
    let pid_file = PidFile::write(&config, background.is_some());
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        shards = topology.shards(),
        directory = %node.data_directory.path().display(),
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
    for file in &node.sources.files {
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
    crate::telemetry::usage::note_startup(&node.counters);
    let scrubbing =
        scrub::start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    let socket_name =
        listeners.start(&node).map_err(|error| format!("cannot start threads: {error}"))?;
    node.stop.serves();
    tracing::info!("Ready to accept connections");
    supervisor.serves();
    if let Some(background) = background {
        background.serves();
    }
    wait_until_stopped(&stopped);
    supervisor.stops();
    drop(socket_name);
    for mailbox in &node.mailboxes {
        mailbox.send(Message::Run(Box::new(|shard_loop| shard_loop.stop())));
    }
    node.scrub.stop();
    for thread in threads.into_iter().chain([scrubbing]) {
        let _ = thread.join();
    }
    let closed = close(&node).map_err(Fatal::Stop);
    drop(pid_file);
    tracing::info!("Basalt is now ready to exit, bye bye...");
    closed
}

fn newest_batches(topology: &Topology) -> Vec<u64> {
    (0..topology.shards()).map(|shard| topology.engine(shard).written()).collect()
}

/// Whether the file system of the data can read and write past the page cache.
fn can_pass_page_cache(data_directory: &DataDirectory) -> bool {
    let opened = std::fs::File::options()
        .read(true)
        .custom_flags(OFlag::O_DIRECT.bits())
        .open(data_directory.manifest_path());
    if let Err(error) = &opened {
        tracing::warn!(
            %error,
            "the file system of the data cannot do direct I/O: table files go through the page \
             cache, which takes memory beyond maxmemory; direct-io no says that this is meant"
        );
    }
    opened.is_ok()
}

/// How far the compactions stand back behind the loops for the processor. At 19 they hardly run on
/// a host that is busy, until writers have to wait for them.
const COMPACTION_NICE: i32 = 10;

/// Starts the threads of the compactions; they inherit the priority of who starts them.
fn start_compactions() -> Result<(), String> {
    let start = || {
        sys::lower_processor_priority(COMPACTION_NICE);
        options::start_compaction_threads()
    };
    std::thread::scope(|scope| scope.spawn(start).join())
        .map_err(|_panic| "cannot start the threads of compactions".to_owned())?
        .map_err(|error| error.to_string())
}

/// Opens the databases of all shards, side by side.
fn open_databases(
    data_directory: &DataDirectory,
    memory: &MemoryPlan,
    open_tables: u64,
    config: &Config,
) -> Result<(Topology, SharedResources), String> {
    start_compactions()?;
    let space = Space::of(data_directory.path())
        .ok_or_else(|| format!("cannot look at {}", data_directory.path().display()))?;
    let shared = SharedResources::new(Budget {
        block_cache_bytes: memory.block_cache as usize,
        write_buffer_bytes: space.write_buffer_bytes(memory.write_buffers),
        shards: data_directory.manifest().shards,
    })
    .map_err(|error| error.to_string())?
    .with_open_tables(open_tables)
    .with_direct_io(config.direct_io && can_pass_page_cache(data_directory))
    .with_compaction_rate(config.compaction_rate_limit);
    let manifest = data_directory.manifest();
    let mut data_set = [b'0'; 40];
    data_set.copy_from_slice(manifest.id.as_bytes());
    // The keeper looks after it from then on.
    let is_scarce = space.usable < space.reserve(config.disk_reserve);
    let site = |shard: usize| Site {
        directory: data_directory.shard_folder(shard),
        identity: Identity { data_set, shard: shard as u32 },
        epoch: u64::from(manifest.epoch),
        opened_epoch: u64::from(manifest.opened),
        least: manifest.batches[shard],
        given_out: 0,
        segment_bytes: space.segment_bytes(),
        accept_loss: config.accept_data_loss,
        is_scarce,
    };
    let opened: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..manifest.shards)
            .map(|shard| {
                let (site, shared) = (site(shard), &shared);
                scope.spawn(move || RocksEngine::open(site, shared))
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| Err("opening panicked".into())))
            .collect()
    });
    let mut engines: Vec<Arc<dyn Engine>> = Vec::with_capacity(opened.len());
    let mut with_losses = Vec::new();
    for (shard, result) in opened.into_iter().enumerate() {
        let (engine, opened) = result?;
        for loss in &opened.losses {
            tracing::error!(shard, "a loss of data was accepted: {loss}");
        }
        if opened.replayed > 0 {
            tracing::info!(shard, batches = opened.replayed, "the log was replayed");
        }
        if !opened.losses.is_empty() {
            with_losses.push(shard);
        }
        engines.push(Arc::new(engine));
    }
    let topology =
        Topology::new(engines, manifest.epoch).with_room(client_memory::bytes_max(config, memory));
    for shard in with_losses {
        mend(&topology, shard);
    }
    Ok((topology, shared))
}

/// Makes what could be saved of a shard agree with itself.
fn mend(topology: &Topology, shard: ShardId) {
    tracing::warn!(shard, "the keys that are left are read, to count them anew");
    let is_own = |slot| topology.shard_of_slot(slot) == shard;
    match mend::mend(topology.engine(shard).as_ref(), &is_own) {
        Ok(Mended { keys, foreign }) => {
            tracing::warn!(shard, keys, foreign, "counted; keys of other shards were removed");
        }
        // What can be read is served all the same.
        Err(error) => tracing::error!(
            %error,
            shard,
            "the keys cannot be counted anew: DBSIZE may be wrong, and keys may expire late"
        ),
    }
}

fn open_shards(topology: &Arc<Topology>, plan: &MemoryPlan) -> Result<Vec<Shard>, String> {
    let shards = topology.shards();
    let cache_bytes = memory::hot_cache_per_shard(plan.hot_cache, shards, 0);
    (0..shards)
        .map(|shard| {
            Shard::open(shard, topology.clone(), cache_bytes, now_us() ^ (shard as u64) << 56)
                .map_err(|error| format!("cannot open shard {shard}: {error}"))
        })
        .collect()
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
        let shard_loop = ShardLoop::new(node, shard, databases);
        async move {
            runtime::spawn_vital("sockets", watch(shard_loop.clone()));
            runtime::spawn("turn-end", turn::run(shard_loop.clone()));
            runtime::spawn("expiry", crate::upkeep::expiry::expire(shard_loop.clone()));
            runtime::spawn("cron", crate::upkeep::cron::every_second(shard_loop.clone()));
            receive(&shard_loop).await;
        }
    })
}

/// Wakes the tasks of a shard that have something to do.
async fn watch(shard_loop: Rc<ShardLoop>) {
    let mailbox = &shard_loop.node.mailboxes[shard_loop.id];
    readiness::watch(mailbox.bell(), || mailbox.look()).await;
}

/// Works off the mailbox of a shard until the process stops.
async fn receive(shard_loop: &Rc<ShardLoop>) {
    loop {
        let message = std::future::poll_fn(|context| {
            if shard_loop.is_stopped() {
                return Poll::Ready(None);
            }
            shard_loop.node.mailboxes[shard_loop.id].poll_receive(context).map(Some)
        })
        .await;
        let Some(message) = message else { return };
        // A panic in one message must not end the thread, and everybody's connections with it.
        let taken = catch_unwind(AssertUnwindSafe(|| take(shard_loop, message)));
        if taken.is_err() {
            tracing::error!("a message panicked and was dropped; this is a bug, please report it");
        }
    }
}

fn take(shard_loop: &Rc<ShardLoop>, message: Message) {
    match message {
        Message::Connection(new) => {
            let id = new.id;
            let authenticated = shard_loop.config().requirepass.is_none();
            let session = Rc::new(Session::new(*new, authenticated, steady_ms()));
            shard_loop.sessions.borrow_mut().insert(id, session.clone());
            let shard_loop = shard_loop.clone();
            // Boxed, and so is stored once: each layer around a task would keep a place for it of
            // its own, which makes four.
            let serving = Box::pin(async move {
                let _gone = Goodbye { shard_loop: shard_loop.clone(), session: session.clone() };
                connection::serve(shard_loop, session).await;
            });
            runtime::spawn("connection", serving);
        }
        Message::Execute { origin, exchange, batch, answer_when } => {
            let mut reply = ReplyBuffer::new(batch.protocol.unwrap_or(Protocol::Resp2));
            let mut done = Box::<Executed>::default();
            let ran = catch_unwind(AssertUnwindSafe(|| {
                run::run_ready(shard_loop, &batch, 0, &mut reply, &mut done)
            }));
            let Ok(halt) = ran else {
                tracing::error!("a command panicked; this is a bug, please report it");
                let answer = Answer::Executed(Box::new(Executed::failed(&batch)));
                shard_loop.turn.post(origin, Message::Answer(exchange, answer));
                return;
            };
            if halt.is_none() {
                run::copy_for_others(shard_loop, &batch, &mut done);
                done.replies = reply.take();
                turn::post_executed(shard_loop, origin, exchange, done, answer_when);
                return;
            }
            let shard_loop = shard_loop.clone();
            runtime::spawn("batch", async move {
                let done = run::finish_batch(&shard_loop, &batch, halt, reply, *done).await;
                turn::post_executed(&shard_loop, origin, exchange, Box::new(done), answer_when);
            });
        }
        Message::ExecuteAtOnce { origin, exchange, batch } => {
            let ran =
                catch_unwind(AssertUnwindSafe(|| run::run_at_once(shard_loop, &batch, false)));
            let answer = match ran {
                Ok(Some(executed)) => Answer::Executed(Box::new(executed)),
                Ok(None) => Answer::NotAtOnce,
                Err(_) => {
                    tracing::error!("a command panicked; this is a bug, please report it");
                    Answer::Executed(Box::new(Executed::failed(&batch)))
                }
            };
            shard_loop.turn.post(origin, Message::Answer(exchange, answer));
        }
        Message::Lock { origin, exchange, scope } => shard_loop.lock_for(origin, exchange, scope),
        Message::Commit { origin, exchange, lock, changes } => {
            let shard_loop = shard_loop.clone();
            runtime::spawn("commit", async move {
                let result = run::commit(&shard_loop, *changes).await;
                lock.into_iter().for_each(|lock| shard_loop.unlock(lock));
                let answer = Answer::Committed(result);
                shard_loop.turn.post(origin, Message::Answer(exchange, answer));
            });
        }
        Message::Unlock(lock) => shard_loop.unlock(lock),
        Message::Used(used) => shard_loop.shard.borrow_mut().note_uses(&used),
        Message::Answer(exchange, answer) => shard_loop.answered(exchange, answer),
        Message::Durable => {
            let durable = shard_loop.node.logs[shard_loop.id].durable();
            shard_loop.shard.borrow_mut().settle(durable);
            turn::note_durable(shard_loop);
        }
        Message::Subscriptions { origin, exchange, changes } => {
            publish::take_changes(shard_loop, origin, &changes);
            if let Some(exchange) = exchange {
                shard_loop.turn.post(origin, Message::Answer(exchange, Answer::Subscribed));
            }
        }
        Message::Publish { origin, exchange, publication } => {
            publish::publish_for(shard_loop, (origin, exchange), publication);
        }
        Message::Published(publication) => publish::deliver(shard_loop, &publication),
        Message::Run(job) => job(shard_loop),
    }
}

/// Takes a session off the books, however its task ends.
struct Goodbye {
    shard_loop: Rc<ShardLoop>,
    session: Rc<Session>,
}

impl Drop for Goodbye {
    fn drop(&mut self) {
        self.shard_loop.sessions.borrow_mut().remove(&self.session.id);
        publish::forget(&self.shard_loop, &self.session);
        let node = &self.shard_loop.node;
        node.client_memory.count_requests(&self.session.input_bytes, 0);
        node.client_memory.count_replies(&self.session.output_bytes, 0);
        node.client_memory.count_replies(&self.session.pushed_bytes, 0);
        if self.session.monitor.get() {
            node.monitors.fetch_sub(1, Ordering::Relaxed);
        }
        node.counters.connected_clients.fetch_sub(1, Ordering::AcqRel);
    }
}

fn wait_until_stopped(stopped: &Receiver<()>) {
    while stopped.recv_timeout(Duration::from_secs(3600)).is_err() {}
    tracing::info!("Basalt stops: closing connections and databases");
}

/// Makes everything durable. The process ends right after, which closes the databases' files; they
/// need no more than their logs.
fn close(node: &Arc<Node>) -> Result<(), String> {
    let mut result = Ok(());
    node.is_stopping.store(true, Ordering::Release);
    let closing: Vec<_> =
        (0..node.topology.shards()).map(|shard| close_shard(node, shard)).collect();
    for (shard, closing) in closing.into_iter().enumerate() {
        match await_closing(node, &closing) {
            Ok(()) => {}
            Err(EngineError::DiskFull) => tracing::warn!(
                shard,
                "the disk is full: the next start takes what was not written into table files \
                 from the log; nothing is lost"
            ),
            Err(error) => result = Err(format!("shard {shard} could not be closed: {error}")),
        }
    }
    if result.is_ok() {
        match node.data_directory.set_opened(newest_batches(&node.topology)) {
            Ok(()) => {}
            // It says what must be there at least, and goes on saying what it said.
            Err(error) if reserve::is_full(&error) => {
                tracing::warn!(%error, "the manifest is that of the start");
            }
            Err(error) => result = Err(format!("cannot write the manifest: {error}")),
        }
    }
    disk::settle(node);
    result
}

/// How long a full disk may hold up a stop.
const FULL_PATIENCE: Duration = Duration::from_secs(5);

fn close_shard(node: &Arc<Node>, shard: ShardId) -> Receiver<Result<(), EngineError>> {
    let (closed, closing) = bounded(1);
    let engine = node.topology.engine(shard).clone();
    let close = move || {
        // Nobody waits for it any more: the process ends.
        let _ = closed.send(engine.close());
    };
    // Without the thread the channel closes at once.
    let _ = std::thread::Builder::new().name(format!("close-{shard}")).spawn(close);
    closing
}

/// The log is synced first; tables are written after that, and RocksDB waits for room as long as
/// there is none.
fn await_closing(
    node: &Node,
    closing: &Receiver<Result<(), EngineError>>,
) -> Result<(), EngineError> {
    let start = Instant::now();
    loop {
        match closing.recv_timeout(Duration::from_millis(100)) {
            Ok(closed) => return closed,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EngineError::Io("closing failed in the server; this is a bug".into()));
            }
        }
        if start.elapsed() > FULL_PATIENCE && node.disk_full.load(Ordering::Relaxed) {
            return Err(EngineError::DiskFull);
        }
    }
}

/// 40 random hexadecimal digits.
fn random_id() -> String {
    use std::hash::{BuildHasher, Hasher};
    // The standard library seeds its hashers from the operating system.
    let word = || std::collections::hash_map::RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}{:08x}", word() ^ now_us(), word(), word() as u32)
}
