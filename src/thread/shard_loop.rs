//! What one shard's thread has: its shard, its connections, the questions it has asked others, and
//! the locks its tasks wait for. Lives in an `Rc`, touched by this thread alone; no borrow is held
//! over an await.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Instant;

use basalt_shard::command::Args;
use basalt_shard::command::Run;
use basalt_shard::engine::EngineError;
use basalt_shard::keyspace::copies::Copies;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::locks::{LockId, Scope};
use basalt_shard::settings::Settings;
use basalt_shard::shard::{Call, Shard, Statistics};
use basalt_shard::table::CommandId;
use basalt_shard::topology::ShardId;
use rustc_hash::FxHashMap;

use crate::client::Caller;
use crate::client::Session;
use crate::clock::steady_ms;
use crate::config::{Config, memory};
use crate::io::input::BufferPool;
use crate::pubsub::home::Home;
use crate::pubsub::subscribers::Subscribers;
use crate::shared::log_sync::{FLUSHED_ON_LOOP_BYTES_MAX, Mode};
use crate::telemetry::command_statistics::CommandStatistics;
use crate::thread::message::{Answer, ExchangeId, Message};
use crate::thread::node::Node;
use crate::thread::turn;
use crate::thread::turn::Turn;

/// Who waits for a lock.
enum LockWaiter {
    Here(Option<Waker>),
    /// A transaction that another shard's thread runs.
    There {
        origin: ShardId,
        exchange: ExchangeId,
    },
}

#[derive(Default)]
struct Question {
    answer: Option<Answer>,
    waker: Option<Waker>,
}

/// Counters of one thread, for INFO.
#[derive(Default)]
pub(crate) struct LoopCounters {
    pub(crate) commands: Cell<u64>,
    pub(crate) input_bytes: Cell<u64>,
    pub(crate) output_bytes: Cell<u64>,
    /// Times that sockets gave, and took, bytes.
    pub(crate) reads: Cell<u64>,
    pub(crate) writes: Cell<u64>,
    /// Turns of the loop in which something was to be done.
    pub(crate) turns: Cell<u64>,
    /// Spent on removing keys whose time had come.
    pub(crate) expire_ns: Cell<u64>,
    pub(crate) rates: Rates,
    pub(crate) hops: Cell<u64>,
    pub(crate) transactions: Cell<u64>,
}

/// Samples that a rate is the mean of, as in Redis.
const RATE_SAMPLES: usize = 16;

/// Commands, input and output bytes, turns at one moment.
#[derive(Clone, Copy)]
struct RateSample {
    at: Instant,
    totals: [u64; 4],
}

/// How fast the totals grew lately.
#[derive(Default)]
pub(crate) struct Rates(RefCell<VecDeque<RateSample>>);

impl Rates {
    fn sample(&self, totals: [u64; 4]) {
        let mut samples = self.0.borrow_mut();
        samples.push_back(RateSample { at: Instant::now(), totals });
        if samples.len() > RATE_SAMPLES {
            samples.pop_front();
        }
    }

    /// Commands, input and output bytes, turns a second.
    pub(crate) fn per_second(&self) -> [f64; 4] {
        let samples = self.0.borrow();
        let (Some(first), Some(last)) = (samples.front(), samples.back()) else { return [0.0; 4] };
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        if seconds <= 0.0 {
            return [0.0; 4];
        }
        std::array::from_fn(|index| (last.totals[index] - first.totals[index]) as f64 / seconds)
    }
}

impl LoopCounters {
    /// All back to zero.
    fn reset(&self) {
        let Self {
            commands,
            input_bytes,
            output_bytes,
            reads,
            writes,
            turns,
            expire_ns,
            rates,
            hops,
            transactions,
        } = self;
        for counter in [
            commands,
            input_bytes,
            output_bytes,
            reads,
            writes,
            turns,
            expire_ns,
            hops,
            transactions,
        ] {
            counter.set(0);
        }
        // The samples hold totals from before.
        rates.0.borrow_mut().clear();
    }

    /// Takes a sample for the rates.
    pub(crate) fn sample(&self) {
        self.rates.sample([
            self.commands.get(),
            self.input_bytes.get(),
            self.output_bytes.get(),
            self.turns.get(),
        ]);
    }

    /// Adds to a counter.
    pub(crate) fn add(counter: &Cell<u64>, count: u64) {
        counter.set(counter.get() + count);
    }
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
pub(crate) struct ShardLoop {
    pub(crate) id: ShardId,
    pub(crate) node: Arc<Node>,
    pub(crate) shard: RefCell<Shard>,
    /// Keys of other shards that are read without asking them.
    pub(crate) copies: RefCell<Copies>,
    pub(crate) turn: Turn,
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
    questions: RefCell<FxHashMap<ExchangeId, Question>>,
    next_exchange: Cell<ExchangeId>,
    lock_waiters: RefCell<FxHashMap<LockId, LockWaiter>>,
    /// Everything up to this batch was handed on.
    flushed: Cell<Ticket>,
    stopped: Cell<bool>,
}

impl ShardLoop {
    pub(crate) fn new(node: Arc<Node>, shard: Shard, databases: Vec<u8>) -> Rc<Self> {
        let config = node.config();
        let shards = node.topology.shards();
        let this = Rc::new(Self {
            id: shard.id(),
            shard: RefCell::new(shard),
            copies: RefCell::new(Copies::new(memory::copies_per_shard(
                node.memory_plan().hot_cache,
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
            questions: RefCell::default(),
            next_exchange: Cell::new(0),
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
        self.node.logs[self.id].ring();
        self.turn.schedule();
        turn::release(self);
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

    /// Runs `run` with the call for a command that shards run. `None`: it is not one.
    pub(crate) fn with_call<T>(
        &self,
        id: CommandId,
        args: Args<'_>,
        (Caller { db, touch }, now_ms): (Caller, u64),
        run: impl FnOnce(&Call<'_>) -> T,
    ) -> Option<T> {
        let entry = self.node.table.entry(id);
        let Run::Shard(handler) = entry.run else { return None };
        let databases = self.databases.borrow();
        let settings = self.settings.borrow();
        let call = Call {
            spec: entry.spec,
            handler,
            args,
            databases: &databases,
            db,
            touch,
            now_ms,
            steady_ms: self.steady_ms.get(),
            settings: &settings,
        };
        Some(run(&call))
    }

    /// Hands what this shard wrote to the kernel, or to the syncer.
    pub(crate) fn flush_log(&self) {
        let mut shard = self.shard.borrow_mut();
        let log = &self.node.logs[self.id];
        let written = shard.written();
        if written > self.flushed.get() {
            let mode = self.node.durability_mode();
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
        self.is_as_durable_as(self.node.durability_mode(), shard, ticket)
    }

    /// Whether batch `ticket` of `shard` is as durable as `mode` promises, or never will be.
    pub(crate) fn is_as_durable_as(&self, mode: Mode, shard: ShardId, ticket: Ticket) -> bool {
        let log = &self.node.logs[shard];
        ticket == 0 || log.has_failed() || log.promised(mode) >= ticket
    }

    /// A new question; its answer is awaited with [`ShardLoop::answer`].
    pub(crate) fn ask(&self) -> ExchangeId {
        let exchange = self.next_exchange.get();
        self.next_exchange.set(exchange + 1);
        self.questions.borrow_mut().insert(exchange, Question::default());
        exchange
    }

    /// The answer to a question.
    pub(crate) fn answer(&self, exchange: ExchangeId) -> impl Future<Output = Answer> + '_ {
        std::future::poll_fn(move |context| {
            let mut questions = self.questions.borrow_mut();
            let question = questions.entry(exchange).or_default();
            match question.answer.take() {
                Some(answer) => {
                    questions.remove(&exchange);
                    Poll::Ready(answer)
                }
                None => {
                    question.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
    }

    /// Nobody waits for the answer any more.
    pub(crate) fn forget(&self, exchange: ExchangeId) {
        self.questions.borrow_mut().remove(&exchange);
    }

    /// An answer has come.
    pub(crate) fn answered(&self, exchange: ExchangeId, answer: Answer) {
        if let Some(question) = self.questions.borrow_mut().get_mut(&exchange) {
            question.answer = Some(answer);
            if let Some(waker) = question.waker.take() {
                waker.wake();
            }
        }
    }

    /// Waits for a lock of this shard, and says whether it was had at once.
    pub(crate) async fn lock(&self, scope: Scope) -> (LockId, bool) {
        let (id, granted) = self.shard.borrow_mut().lock(scope);
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
    pub(crate) fn lock_for(&self, origin: ShardId, exchange: ExchangeId, scope: Scope) {
        let (id, granted) = self.shard.borrow_mut().lock(scope);
        if granted {
            self.turn.post(origin, Message::Answer(exchange, Answer::Locked(id)));
        } else {
            self.lock_waiters.borrow_mut().insert(id, LockWaiter::There { origin, exchange });
        }
    }

    /// Gives a lock of this shard back.
    pub(crate) fn unlock(&self, lock: LockId) {
        let granted = self.shard.borrow_mut().locks.unlock(lock);
        for id in granted {
            match self.lock_waiters.borrow_mut().remove(&id) {
                Some(LockWaiter::Here(Some(waker))) => waker.wake(),
                Some(LockWaiter::There { origin, exchange }) => {
                    self.turn.post(origin, Message::Answer(exchange, Answer::Locked(id)));
                }
                Some(LockWaiter::Here(None)) | None => {}
            }
        }
    }

    /// Runs `work` on a thread that may block.
    pub(crate) async fn off_loop<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let exchange = self.ask();
        let node = self.node.clone();
        let origin = self.id;
        self.node.pool.run(move || {
            // A panic must still lead to an answer.
            let value = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).ok();
            let answer = Answer::Value(Box::new(value));
            node.mailboxes[origin].send(Message::Answer(exchange, answer));
        });
        let Answer::Value(value) = self.answer(exchange).await else { return None };
        value.downcast::<Option<T>>().ok().and_then(|value| *value)
    }

    /// Runs `work` on the thread of `shard`.
    pub(crate) async fn on_shard<T: Send + 'static>(
        self: &Rc<Self>,
        shard: ShardId,
        work: impl FnOnce(&Rc<ShardLoop>) -> T + Send + 'static,
    ) -> Option<T> {
        if shard == self.id {
            return Some(work(self));
        }
        let exchange = self.ask();
        let origin = self.id;
        self.turn.post(
            shard,
            Message::Run(Box::new(move |there| {
                let value: Box<dyn Any + Send> = Box::new(work(there));
                there.turn.post(origin, Message::Answer(exchange, Answer::Value(value)));
            })),
        );
        let Answer::Value(value) = self.answer(exchange).await else { return None };
        value.downcast::<T>().ok().map(|value| *value)
    }

    /// Runs `work` on the thread of every shard, one after the other.
    pub(crate) async fn on_every_shard<T: Send + 'static>(
        self: &Rc<Self>,
        work: impl Fn(&Rc<ShardLoop>) -> T + Clone + Send + 'static,
    ) -> Vec<T> {
        let mut results = Vec::new();
        for shard in 0..self.node.topology.shards() {
            results.extend(self.on_shard(shard, work.clone()).await);
        }
        results
    }
}
