//! The loop of one connection: read, parse, run, wait until the replies may leave, write.
//!
//! A command whose keys are this shard's runs at once, out of the read buffer. As soon as one has
//! to go elsewhere, it and those behind it gather in a *segment*, which goes out together: to one
//! shard, as reads to several, in order to two (`execute::ordered`), or as a transaction
//! (`execute::transaction`). A segment is done before anything after it begins, so commands take
//! effect in the order sent.

pub(crate) mod arrival;
mod dispatch;
pub(crate) mod listener;
mod pause;
mod replies;
mod request_memory;
mod segment;
pub(crate) mod unix_socket;

use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use basalt_shard::command::Args;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::resp::{Parsed, ReplyBuffer, RequestLimits, RequestParser, Span};
use basalt_shard::topology::ShardId;

use crate::client::Session;
use crate::clock::steady_ms_at;
use crate::execute::gate::Refusal;
use crate::io::input;
use crate::io::input::{BIG_FRAME_BYTES, Backlog, Input};
use crate::runtime;
use crate::shared::client_memory::{COUNTED_ARGUMENTS_FROM, COUNTED_FROM};
use crate::thread::loop_counters::LoopCounters;
use crate::thread::message::AnswerWhen;
use crate::thread::shard_thread::ShardThread;

use replies::{Held, Outbox};
use request_memory::Ahead;
use segment::Segment;

/// Commands that gather before they go to other shards. Locks of a transaction are held this long.
const SEGMENT_COMMANDS_MAX: usize = 128;
/// Bytes of them.
const SEGMENT_BYTES_MAX: usize = 64 << 10;
/// Replies that gather before they are written.
const OUTPUT_BYTES_MAX: usize = 256 << 10;
/// A buffer for replies that grew beyond this is not kept.
const OUTPUT_KEPT_BYTES: usize = 64 << 10;
/// A list of arguments that grew beyond this is not kept.
const SPANS_KEPT: usize = 64;
/// Commands that one connection runs before others have their turn, and for how long.
const COMMANDS_PER_TURN: usize = 256;
const TIME_PER_TURN: Duration = Duration::from_millis(2);

/// Serves a client until it goes away.
pub(crate) async fn serve(shard_thread: Rc<ShardThread>, session: Rc<Session>) {
    let protocol = session.protocol.get();
    let mut connection = Connection {
        shard_thread,
        session,
        input: Input::default(),
        input_was_full: false,
        parser: RequestParser::default(),
        spans: Vec::new(),
        moment: Instant::now(),
        out: ReplyBuffer::new(protocol),
        tickets: Vec::new(),
        held: Vec::new(),
        outbox: Outbox::default(),
        backlog: Backlog::default(),
        input_held_bytes: 0,
        input_has_ended: false,
        consumed_bytes: 0,
        replies_are_short: false,
        segment: Segment::default(),
        ahead: None,
    };
    connection.run().await;
}

struct Connection {
    shard_thread: Rc<ShardThread>,
    session: Rc<Session>,
    input: Input,
    /// The last read took all the room there was: more may wait in the socket.
    input_was_full: bool,
    parser: RequestParser,
    /// Of the request that the parser is at; it may come in pieces.
    spans: Vec<Span>,
    /// Now, as of the last look at the clock.
    moment: Instant,
    out: ReplyBuffer,
    /// What the replies in `out` have to wait for: the newest batch of each shard.
    tickets: Vec<(ShardId, Ticket)>,
    /// Which reply waits for what, in order.
    held: Vec<Held>,
    /// Replies before those in `out`, which could not be sent at once.
    outbox: Outbox,
    /// What was received while replies waited: behind what is in `input`.
    backlog: Backlog,
    /// What `input` takes of the memory, also while it is worked off.
    input_held_bytes: usize,
    /// The client has ended its sending while replies waited.
    input_has_ended: bool,
    /// Bytes of requests that were run since replies were last delivered.
    consumed_bytes: usize,
    /// The latest replies were shorter than their requests.
    replies_are_short: bool,
    segment: Segment,
    /// While its request is read although there is no room for it: it is the first in the line.
    ahead: Option<Ahead>,
}

enum Event {
    Input,
    Push,
    Closed,
}

impl Connection {
    async fn run(&mut self) {
        loop {
            match self.wait().await {
                Event::Closed => return,
                Event::Push => {}
                Event::Input => {
                    self.moment = Instant::now();
                    let now = steady_ms_at(self.moment);
                    self.session.last_interaction_ms.set(now);
                    self.process().await;
                    // A long pipeline: what has come in the meantime shares the wait for the disk.
                    while self.input_may_go_on() && self.read_more().await {
                        self.process().await;
                    }
                    // What was held back or took long has ended only now.
                    self.session.last_interaction_ms.set(steady_ms_at(self.moment));
                }
            }
            if !self.deliver(false).await {
                self.session.stream.close();
                return;
            }
            if self.session.close_after_reply.get() {
                // The client shall see what was sent before the end.
                return self.close().await;
            }
        }
    }

    /// Waits for input, for something to push, or for the end. What was received while replies
    /// waited comes first.
    async fn wait(&mut self) -> Event {
        if !self.has_memory().await {
            return if self.session.killed.get() { Event::Closed } else { Event::Push };
        }
        if let Some((buffer, announced)) = self.input.take_to_grow() {
            let grown = self.shard_thread.off_loop(move || input::reserve(buffer, announced)).await;
            let Some(grown) = grown else { return Event::Closed };
            self.input.grown(grown);
        }
        if self.take_backlog_over() {
            return Event::Input;
        }
        let Self { session, input, shard_thread, input_was_full, .. } = self;
        session.awaits_input.set(true);
        let mut received = 0;
        let event = std::future::poll_fn(|context| {
            if session.killed.get() {
                return Poll::Ready(Event::Closed);
            }
            session.set_waker(context.waker());
            if session.has_pushes() {
                return Poll::Ready(Event::Push);
            }
            let room = input.room(&shard_thread.buffers);
            let room_bytes = room.len();
            match session.stream.poll_read(context, room) {
                Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Event::Closed),
                Poll::Ready(Ok(count)) => {
                    *input_was_full = count == room_bytes;
                    input.received(count);
                    received = count;
                    LoopCounters::add(&shard_thread.counters.input_bytes, count as u64);
                    LoopCounters::add(&shard_thread.counters.reads, 1);
                    Poll::Ready(Event::Input)
                }
                Poll::Pending => {
                    shard_thread.turn.schedule();
                    input.release(&shard_thread.buffers);
                    Poll::Pending
                }
            }
        })
        .await;
        self.session.awaits_input.set(false);
        self.note_input(received);
        event
    }

    /// Puts some of what was received while replies waited behind the input.
    fn take_backlog_over(&mut self) -> bool {
        if self.backlog.is_empty() {
            return false;
        }
        self.input.take_over(&mut self.backlog, &self.shard_thread.buffers);
        // There may be more, in the backlog or in the socket.
        self.input_was_full = true;
        self.note_input(0);
        true
    }

    /// Whether there may be more input at once, and room for its replies.
    fn input_may_go_on(&self) -> bool {
        self.input_was_full
            && self.input.bytes().len() < BIG_FRAME_BYTES
            && self.out.len() < OUTPUT_BYTES_MAX
            && !self.session.close_after_reply.get()
            && !self.session.killed.get()
    }

    /// Reads what is there already, without waiting for more.
    async fn read_more(&mut self) -> bool {
        if self.input.growth() >= COUNTED_FROM {
            return false;
        }
        if self.take_backlog_over() {
            return true;
        }
        let Self { session, input, shard_thread, input_was_full, .. } = self;
        std::future::poll_fn(|context| {
            let room = input.room(&shard_thread.buffers);
            let room_bytes = room.len();
            let Poll::Ready(Ok(count @ 1..)) = session.stream.poll_read(context, room) else {
                input.release(&shard_thread.buffers);
                return Poll::Ready(false);
            };
            *input_was_full = count == room_bytes;
            input.received(count);
            LoopCounters::add(&shard_thread.counters.input_bytes, count as u64);
            LoopCounters::add(&shard_thread.counters.reads, 1);
            Poll::Ready(true)
        })
        .await
    }

    fn limits(&self) -> RequestLimits {
        RequestLimits {
            bulk_bytes_max: self.shard_thread.hot_settings.get().proto_max_bulk_len,
            authenticated: self.session.authenticated.get(),
            ..RequestLimits::default()
        }
    }

    /// Works off all whole requests of the input.
    async fn process(&mut self) {
        // Taken out so that the arguments can be borrowed from it.
        let mut input = std::mem::take(&mut self.input);
        let mut spans = std::mem::take(&mut self.spans);
        let mut inline = Vec::new();
        let mut limits = self.limits();
        let mut run = 0usize;
        let mut turn_began = self.moment;
        while !self.session.close_after_reply.get() && !self.session.killed.get() {
            let bytes = input.bytes();
            if bytes.is_empty() {
                break;
            }
            let consumed = match self.parser.next(bytes, &limits, &mut spans, &mut inline) {
                Ok(Parsed::Incomplete { frame_bytes_min }) => {
                    let limit = self.shard_thread.hot_settings.get().client_query_buffer_limit;
                    let limit = if limits.authenticated { limit } else { limit.min(1 << 20) };
                    if bytes.len() as u64 > limit {
                        tracing::warn!(client = self.session.id, "query buffer limit reached");
                        self.session.killed.set(true);
                    }
                    input.announce(frame_bytes_min);
                    break;
                }
                Ok(Parsed::Multibulk { consumed }) if consumed >= BIG_FRAME_BYTES => {
                    self.consumed_bytes += consumed;
                    let frame = input.take_front(consumed);
                    self.big_command(Args::of_shared(&frame, &spans)).await;
                    0
                }
                Ok(Parsed::Multibulk { consumed }) if spans.len() < COUNTED_ARGUMENTS_FROM => {
                    self.command(Args::new(bytes, &spans)).await;
                    consumed
                }
                Ok(Parsed::Multibulk { consumed }) => {
                    self.big_command(Args::new(bytes, &spans)).await;
                    consumed
                }
                Ok(Parsed::Inline { consumed }) => {
                    self.big_command(Args::new(&inline, &spans)).await;
                    consumed
                }
                Err(error) => {
                    let text = error.message().into();
                    self.reject(Refusal { command: None, text }).await;
                    self.session.close_after_reply.set(true);
                    break;
                }
            };
            input.consume(consumed);
            self.consumed_bytes += consumed;
            self.leave_line();
            limits.authenticated = self.session.authenticated.get();
            run += 1;
            let took = self.moment.saturating_duration_since(turn_began);
            if run.is_multiple_of(COMMANDS_PER_TURN) || took > TIME_PER_TURN {
                self.flush_segment().await;
                runtime::yield_now().await;
                self.moment = Instant::now();
                turn_began = self.moment;
            }
            if self.out.len() > OUTPUT_BYTES_MAX {
                self.flush_segment().await;
                if !self.deliver(true).await {
                    self.session.killed.set(true);
                }
            }
        }
        // Nothing is left to be run, as far as is known: replies are of use when they may leave.
        let when = if self.input_was_full { AnswerWhen::Run } else { AnswerWhen::Settled };
        self.flush_segment_for(when).await;
        input.release(&self.shard_thread.buffers);
        if spans.capacity() <= SPANS_KEPT || !input.bytes().is_empty() {
            self.spans = spans;
        }
        self.input = input;
        self.count_input(self.input.held_bytes());
    }
}
