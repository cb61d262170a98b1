//! What one shard's thread has: its shard, its connections, and the locks that its tasks wait
//! for. Lives in an `Rc`, touched by this thread alone; no borrow is held over an await.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};

use basalt_shard::command::Args;
use basalt_shard::engine::EngineError;
use basalt_shard::keyspace::copies::Copies;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::locks::{LockId, Scope};
use basalt_shard::settings::Settings;
use basalt_shard::shard::{Call, Shard, Statistics};
use basalt_shard::topology::ShardId;
use rustc_hash::FxHashMap;

use crate::client::Caller;
use crate::client::Session;
use crate::clock::steady_ms;
use crate::config::{Config, memory_plan};
use crate::io::input::BufferPool;
use crate::pubsub::home::Home;
use crate::pubsub::subscribers::Subscribers;
use crate::shared::log_sync::{FLUSHED_ON_LOOP_BYTES_MAX, Mode};
use crate::telemetry::command_statistics::CommandStatistics;
use crate::thread::loop_counters::LoopCounters;
use crate::thread::message::Message;
use crate::thread::node::Node;
use crate::thread::questions::{Asked, ReplyTo, question};
use crate::thread::shard_command::{Setting, ShardCommand};
use crate::thread::turn::gathered::Turn;

/// Who waits for a lock.
enum LockWaiter {
    Here(Option<Waker>),
    /// A transaction that another shard's thread runs.
    There(ReplyTo<LockId>),
}

/// The settings that every request looks at, copied out of the configuration.
#[derive(Clone, Copy, Default)]
pub(crate) struct HotSettings {
    pub(crate) proto_max_bulk_len: usize,
    pub(crate) client_query_buffer_limit: u64,
    /// Of normal clients; 0: none.
    pub(crate) output_hard_bytes: u64,
    pub(crate) output_soft_bytes: u64,
    /// Of clients that have subscribed; 0: none.
    pub(crate) pubsub_output_hard_bytes: u64,
    pub(crate) slowlog_log_slower_than_us: i64,
    pub(crate) latency_monitor_threshold_ms: u64,
    /// As the shards' commands have it.
    pub(crate) reply_bytes_max: usize,
}

/// See the module.
pub(crate) struct ShardThread {
    pub(crate) id: ShardId,
    pub(crate) node: Arc<Node>,
    pub(crate) shard: RefCell<Shard>,
    /// Keys of other shards that are read without asking them.
    pub(crate) copies: RefCell<Copies>,
    pub(crate) turn: Turn<Message>,
    pub(crate) buffers: BufferPool,
    pub(crate) sessions: RefCell<FxHashMap<u64, Rc<Session>>>,
    /// Clients of this thread that have subscribed.
    pub(crate) subscribers: RefCell<Subscribers>,
    /// What this shard knows as the home of channels.
    pub(crate) home: RefCell<Home>,
    pub(crate) statistics: RefCell<CommandStatistics>,
    pub(crate) counters: LoopCounters,
    pub(crate) hot_settings: Cell<HotSettings>,
    /// The steady clock, as of a tenth of a second ago at the most.
    steady_ms: Cell<u64>,
    config: RefCell<Arc<Config>>,
    settings: RefCell<Arc<Settings>>,
    databases: RefCell<Arc<Vec<u8>>>,
    lock_waiters: RefCell<FxHashMap<LockId, LockWaiter>>,
    /// Everything up to this batch was handed on.
    flushed: Cell<Ticket>,
    stopped: Cell<bool>,
}

impl ShardThread {
    pub(crate) fn new(node: Arc<Node>, shard: Shard, databases: Vec<u8>) -> Rc<Self> {
        let config = node.config();
        let shards = node.topology.shards();
        let this = Rc::new(Self {
            id: shard.id(),
            shard: RefCell::new(shard),
            copies: RefCell::new(Copies::new(memory_plan::copies_per_shard(
                node.storage.memory_plan().hot_cache,
                shards,
            ))),
            turn: Turn::new(shards),
            buffers: BufferPool::default(),
            sessions: RefCell::default(),
            subscribers: RefCell::default(),
            home: RefCell::default(),
            statistics: RefCell::new(CommandStatistics::new(node.table.len())),
            counters: LoopCounters::default(),
            hot_settings: Cell::default(),
            steady_ms: Cell::new(steady_ms()),
            settings: RefCell::new(Arc::new(crate::thread::node::shard_settings(&node, &config))),
            config: RefCell::new(config),
            databases: RefCell::new(Arc::new(databases)),
            lock_waiters: RefCell::default(),
            flushed: Cell::new(0),
            stopped: Cell::new(false),
            node,
        });
        this.look_at_clock();
        this.reload_config();
        this
    }

    /// Ends this thread: connections are closed, and what was written goes to the kernel.
    pub(crate) fn stop(&self) {
        for session in self.sessions.borrow().values() {
            session.kill();
        }
        self.flush_log();
        self.stopped.set(true);
    }

    /// Whether the thread is to end.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.get()
    }

    /// The configuration as this thread knows it.
    pub(crate) fn config(&self) -> Arc<Config> {
        self.config.borrow().clone()
    }

    /// Takes the process's configuration over.
    pub(crate) fn reload_config(&self) {
        let config = self.node.config();
        let settings = crate::thread::node::shard_settings(&self.node, &config);
        {
            let mut shard = self.shard.borrow_mut();
            shard.track_dirty(Mode::of(&config) == Mode::Always);
            shard.cache().clock.set_lfu(settings.lfu);
        }
        let reply_bytes_max = settings.reply_bytes_max;
        *self.settings.borrow_mut() = Arc::new(settings);
        self.statistics.borrow_mut().track_latency(config.latency_tracking);
        self.hot_settings.set(HotSettings {
            proto_max_bulk_len: config.proto_max_bulk_len as usize,
            client_query_buffer_limit: config.client_query_buffer_limit,
            output_hard_bytes: config.client_output_buffer_limit.normal.hard_bytes,
            output_soft_bytes: config.client_output_buffer_limit.normal.soft_bytes,
            pubsub_output_hard_bytes: config.client_output_buffer_limit.pubsub.hard_bytes,
            slowlog_log_slower_than_us: config.slowlog_log_slower_than_us,
            latency_monitor_threshold_ms: config.latency_monitor_threshold_ms,
            reply_bytes_max,
        });
        *self.config.borrow_mut() = config;
        // With another `appendfsync` what was handed to the syncing thread may be left to the loop,
        // and the other way round.
        self.flushed.set(0);
        self.node.storage.logs[self.id].ring();
        // Whose replies need not wait any more go at the end of the turn.
        self.turn.schedule();
    }

    /// CONFIG RESETSTAT: what this thread counted.
    pub(crate) fn reset_statistics(&self) {
        self.counters.reset();
        crate::runtime::reset_turns();
        self.statistics.borrow_mut().reset();
        let mut shard = self.shard.borrow_mut();
        shard.statistics = Statistics::default();
        shard.cache().reset_counters();
    }

    /// Time passes: to be told some times a second.
    pub(crate) fn look_at_clock(&self) {
        let steady_ms = steady_ms();
        self.steady_ms.set(steady_ms);
        self.shard.borrow_mut().set_time(steady_ms);
    }

    /// Which physical database stands for each logical one.
    pub(crate) fn databases(&self) -> Arc<Vec<u8>> {
        self.databases.borrow().clone()
    }

    /// Takes over another order of the databases.
    pub(crate) fn set_databases(&self, databases: Vec<u8>) {
        *self.databases.borrow_mut() = Arc::new(databases);
    }

    /// Thresholds and limits for the commands.
    pub(crate) fn settings(&self) -> Arc<Settings> {
        self.settings.borrow().clone()
    }

    /// Runs `run` with the call for a command.
    pub(crate) fn with_call<T>(
        &self,
        command: ShardCommand,
        args: Args<'_>,
        (caller, now_ms): (Caller, u64),
        run: impl FnOnce(&Call<'_>) -> T,
    ) -> T {
        let databases = self.databases.borrow();
        let settings = self.settings.borrow();
        let setting = Setting {
            databases: &databases,
            settings: &settings,
            now_ms,
            steady_ms: self.steady_ms.get(),
        };
        run(&command.call(args, caller, setting))
    }

    /// Hands what this shard wrote to the kernel, or to the syncer.
    pub(crate) fn flush_log(&self) {
        let mut shard = self.shard.borrow_mut();
        let log = &self.node.storage.logs[self.id];
        let written = shard.written();
        if written > self.flushed.get() {
            let mode = self.node.storage.durability_mode();
            match mode {
                // The syncer hands it to the kernel and syncs in one go.
                Mode::Always => log.want(written),
                Mode::EverySecond | Mode::No => {
                    log.note(written);
                    let engine = shard.engine();
                    let (bytes, _) = engine.log_backlog_bytes();
                    if bytes > FLUSHED_ON_LOOP_BYTES_MAX {
                        log.want_flush(written);
                    } else {
                        match engine.flush_log() {
                            Ok(flushed) => {
                                log.note_flushed(flushed);
                                self.node.tell_subscribers(self.id);
                            }
                            Err(EngineError::Stalled) => log.want_flush(written),
                            Err(error) => log.report(&error, mode, self.id),
                        }
                    }
                }
            }
            self.flushed.set(written);
        }
        shard.settle(log.durable());
    }

    /// Whether batch `ticket` of `shard` is as durable as `appendfsync` promises, or never will be.
    pub(crate) fn is_settled(&self, shard: ShardId, ticket: Ticket) -> bool {
        self.is_as_durable_as(self.node.storage.durability_mode(), shard, ticket)
    }

    /// Whether batch `ticket` of `shard` is as durable as `mode` promises, or never will be.
    pub(crate) fn is_as_durable_as(&self, mode: Mode, shard: ShardId, ticket: Ticket) -> bool {
        let log = &self.node.storage.logs[shard];
        ticket == 0 || log.has_failed() || log.promised(mode) >= ticket
    }

    /// A question of this thread: what waits for the answer, and what goes along.
    pub(crate) fn ask<T: Send>(&self) -> (Asked<T>, ReplyTo<T>) {
        question(self.id)
    }

    /// Answers a question of another shard's at the end of the turn.
    pub(crate) fn answer<T: Send + 'static>(&self, reply_to: ReplyTo<T>, answer: T) {
        let origin = reply_to.origin;
        self.turn.post(origin, Message::Answer(reply_to.answer(answer)));
    }

    /// Waits for a lock of this shard, and says whether it was had at once.
    pub(crate) async fn lock(&self, scope: Scope) -> (LockId, bool) {
        let (id, granted) = self.shard.borrow_mut().locks.lock(scope);
        if !granted {
            self.lock_waiters.borrow_mut().insert(id, LockWaiter::Here(None));
            std::future::poll_fn(|context| match self.lock_waiters.borrow_mut().get_mut(&id) {
                None => Poll::Ready(()),
                Some(waiter) => {
                    *waiter = LockWaiter::Here(Some(context.waker().clone()));
                    Poll::Pending
                }
            })
            .await;
        }
        (id, granted)
    }

    /// Locks for a transaction that another thread runs; it is told when it has the lock.
    pub(crate) fn lock_for(&self, scope: Scope, reply_to: ReplyTo<LockId>) {
        let (id, granted) = self.shard.borrow_mut().locks.lock(scope);
        if granted {
            self.answer(reply_to, id);
        } else {
            self.lock_waiters.borrow_mut().insert(id, LockWaiter::There(reply_to));
        }
    }

    /// Gives a lock of this shard back.
    pub(crate) fn unlock(&self, lock: LockId) {
        let granted = self.shard.borrow_mut().locks.unlock(lock);
        for id in granted {
            match self.lock_waiters.borrow_mut().remove(&id) {
                Some(LockWaiter::Here(Some(waker))) => waker.wake(),
                Some(LockWaiter::There(reply_to)) => self.answer(reply_to, id),
                Some(LockWaiter::Here(None)) | None => {}
            }
        }
    }

    /// Runs `work` on a thread that may block. `None`: it panicked.
    pub(crate) async fn off_loop<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let (asked, reply_to) = self.ask();
        let node = self.node.clone();
        self.node.pool.run(move || {
            // A panic must still lead to an answer.
            let value = catch_unwind(AssertUnwindSafe(work)).ok();
            let mailbox = &node.mailboxes[reply_to.origin];
            mailbox.send(Message::Answer(reply_to.answer(value)));
        });
        asked.await
    }

    /// Runs `work` on the thread of `shard`. `None`: it panicked there.
    pub(crate) async fn on_shard<T: Send + 'static>(
        self: &Rc<Self>,
        shard: ShardId,
        work: impl FnOnce(&Rc<ShardThread>) -> T + Send + 'static,
    ) -> Option<T> {
        if shard == self.id {
            return Some(work(self));
        }
        let (asked, reply_to) = self.ask();
        let job = move |there: &Rc<ShardThread>| {
            let value = catch_unwind(AssertUnwindSafe(|| work(there)));
            if value.is_err() {
                tracing::error!("a piece of work panicked; this is a bug, please report it");
            }
            there.answer(reply_to, value.ok());
        };
        self.turn.post(shard, Message::Run(Box::new(job)));
        asked.await
    }

    /// Runs `work` on the thread of every shard, one after the other.
    pub(crate) async fn on_every_shard<T: Send + 'static>(
        self: &Rc<Self>,
        work: impl Fn(&Rc<ShardThread>) -> T + Clone + Send + 'static,
    ) -> Vec<T> {
        let mut results = Vec::new();
        for shard in 0..self.node.topology.shards() {
            results.extend(self.on_shard(shard, work.clone()).await);
        }
        results
    }
}
