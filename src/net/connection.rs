//! The loop of one connection: read, parse, run, wait until the replies may leave, write.
//!
//! A command whose keys are this shard's runs at once, out of the read buffer. As soon as one has
//! to go elsewhere, it and those behind it gather in a *segment*, which goes out together: to one
//! shard, as reads to several, in order to two (`router::ordered`), or as a transaction
//! (`router::transaction`). A segment is done
//! before anything after it begins, so commands take effect in the order sent.

mod memory;
mod segment;

use std::ops::Range;
use std::rc::Rc;
use std::task::Poll;
use std::time::{Duration, Instant};

use basalt_shard::command::spec::{BeginSearch, FindKeys, Run, flag};
use basalt_shard::command::table::{Entry, LookupError};
use basalt_shard::command::{Args, keys};
use basalt_shard::error::refuse_if_over;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::keyspace::layout;
use basalt_shard::resp::{Parsed, ReplyBuffer, RequestLimits, RequestParser, Span};
use basalt_shard::room::Claim;
use basalt_shard::shard::Attempt;
use basalt_shard::topology::ShardId;

use crate::net::input::{self, BIG_FRAME_BYTES, Input};
use crate::node::client_memory::{COUNTED_ARGUMENTS_FROM, COUNTED_FROM, ClientMemory};
use crate::node::{disk, steady_ms, steady_ms_at};
use crate::router::message::AnswerWhen;
use crate::router::shard_loop::{LoopCounters, ShardLoop};
use crate::router::{execute, turn};
use crate::runtime;
use crate::session::process_command::{LaterContext, ProcessContext, ProcessRun};
use crate::session::slowness::{self, Slow};
use crate::session::{ReplyMode, Session};

use segment::{Home, Segment};

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
/// How long a paused client sleeps before it looks again.
const PAUSE_STEP: Duration = Duration::from_millis(5);

/// Serves a client until it goes away.
pub(crate) async fn serve(shard_loop: Rc<ShardLoop>, session: Rc<Session>) {
    let protocol = session.protocol.get();
    let mut connection = Connection {
        shard_loop,
        session,
        input: Input::default(),
        input_was_full: false,
        parser: RequestParser::default(),
        spans: Vec::new(),
        moment: Instant::now(),
        out: ReplyBuffer::new(protocol),
        tickets: Vec::new(),
        held: Vec::new(),
        segment: Segment::default(),
        claim: None,
    };
    connection.run().await;
}

struct Connection {
    shard_loop: Rc<ShardLoop>,
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
    segment: Segment,
    /// While its request is read although there is no room for it: it was the next.
    claim: Option<Claim>,
}

/// A reply that waits for a batch.
struct Held {
    /// Where in the output it is.
    range: Range<usize>,
    shard: ShardId,
    ticket: Ticket,
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
                }
            }
            if !self.deliver().await || self.session.close_after_reply.get() {
                // The client shall see what was sent before the end.
                self.session.stream.close();
                return;
            }
        }
    }

    /// Waits for input, for something to push, or for the end.
    async fn wait(&mut self) -> Event {
        if !self.has_memory().await {
            return if self.session.killed.get() { Event::Closed } else { Event::Push };
        }
        if let Some((buffer, announced)) = self.input.take_to_grow() {
            let grown = self.shard_loop.off_loop(move || input::grow(buffer, announced)).await;
            let Some(grown) = grown else { return Event::Closed };
            self.input.grown(grown);
        }
        let Self { session, input, shard_loop, input_was_full, .. } = self;
        session.awaits_input.set(true);
        let event = std::future::poll_fn(|context| {
            if session.killed.get() {
                return Poll::Ready(Event::Closed);
            }
            session.set_waker(context.waker());
            if session.has_pushes() {
                return Poll::Ready(Event::Push);
            }
            let room = input.room(&shard_loop.buffers);
            let room_bytes = room.len();
            match session.stream.poll_read(context, room) {
                Poll::Ready(Ok(0) | Err(_)) => Poll::Ready(Event::Closed),
                Poll::Ready(Ok(count)) => {
                    *input_was_full = count == room_bytes;
                    input.received(count);
                    LoopCounters::add(&shard_loop.counters.input_bytes, count as u64);
                    LoopCounters::add(&shard_loop.counters.reads, 1);
                    Poll::Ready(Event::Input)
                }
                Poll::Pending => {
                    shard_loop.turn.schedule();
                    input.release(&shard_loop.buffers);
                    Poll::Pending
                }
            }
        })
        .await;
        self.session.awaits_input.set(false);
        let total = self.shard_loop.node.client_memory.requests();
        self.session.input_bytes.set(self.input.held_bytes(), total);
        event
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
        let Self { session, input, shard_loop, input_was_full, .. } = self;
        if input.growth() >= COUNTED_FROM {
            return false;
        }
        std::future::poll_fn(|context| {
            let room = input.room(&shard_loop.buffers);
            let room_bytes = room.len();
            let Poll::Ready(Ok(count @ 1..)) = session.stream.poll_read(context, room) else {
                input.release(&shard_loop.buffers);
                return Poll::Ready(false);
            };
            *input_was_full = count == room_bytes;
            input.received(count);
            LoopCounters::add(&shard_loop.counters.input_bytes, count as u64);
            LoopCounters::add(&shard_loop.counters.reads, 1);
            Poll::Ready(true)
        })
        .await
    }

    fn limits(&self) -> RequestLimits {
        RequestLimits {
            bulk_bytes_max: self.shard_loop.hot_settings.get().proto_max_bulk_len,
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
                    let limit = self.shard_loop.hot_settings.get().client_query_buffer_limit;
                    let limit = if limits.authenticated { limit } else { limit.min(1 << 20) };
                    if bytes.len() as u64 > limit {
                        tracing::warn!(client = self.session.id, "query buffer limit reached");
                        self.session.killed.set(true);
                    }
                    input.announce(frame_bytes_min);
                    break;
                }
                Ok(Parsed::Multibulk { consumed }) if consumed >= BIG_FRAME_BYTES => {
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
                    self.reject(None, &error.message()).await;
                    self.session.close_after_reply.set(true);
                    break;
                }
            };
            input.consume(consumed);
            self.give_claim_up();
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
                if !self.deliver().await {
                    self.session.killed.set(true);
                }
            }
        }
        // Nothing is left to be run, as far as is known: replies are of use when they may leave.
        let when = if self.input_was_full { AnswerWhen::Run } else { AnswerWhen::Settled };
        self.flush_segment_for(when).await;
        input.release(&self.shard_loop.buffers);
        if spans.capacity() <= SPANS_KEPT || !input.bytes().is_empty() {
            self.spans = spans;
        }
        let total = self.shard_loop.node.client_memory.requests();
        self.session.input_bytes.set(input.held_bytes(), total);
        self.input = input;
    }

    /// Runs a command that may have many arguments, when there is memory for what that takes.
    async fn big_command(&mut self, args: Args<'_>) {
        let work_bytes = ClientMemory::work_bytes(args.len());
        if work_bytes == 0 {
            return self.command(args).await;
        }
        let node = self.shard_loop.node.clone();
        if let Some(_work) = self.memory_for_work(&node, work_bytes).await {
            self.command(args).await;
            self.flush_segment().await;
        }
    }

    async fn command(&mut self, args: Args<'_>) {
        if args.is_empty() {
            return;
        }
        if self.session.reply_mode.get() == ReplyMode::On {
            return self.dispatch(args).await;
        }
        // Replies are held back: one command at a time.
        if self.session.reply_mode.get() == ReplyMode::SkipNext {
            self.session.reply_mode.set(ReplyMode::Skip);
        }
        let start = self.out.len();
        self.dispatch(args).await;
        self.flush_segment().await;
        match self.session.reply_mode.get() {
            ReplyMode::On => {}
            ReplyMode::Off | ReplyMode::SkipNext => self.drop_replies(start),
            ReplyMode::Skip => {
                self.drop_replies(start);
                self.session.reply_mode.set(ReplyMode::On);
            }
        }
    }

    /// Drops the replies from `start` on; what they had to wait for is still waited for.
    fn drop_replies(&mut self, start: usize) {
        self.out.truncate(start);
        self.held.retain(|held| held.range.end <= start);
    }

    async fn dispatch(&mut self, args: Args<'_>) {
        // The thread's own count of references; the process's would bounce between the cores.
        let shard_loop = self.shard_loop.clone();
        let node = &shard_loop.node;
        let entry = match node.table.lookup(args) {
            Ok(entry) => entry,
            Err(error) => return self.unknown(args, error).await,
        };
        self.session.last_command.set(Some(entry.id));
        if !entry.spec.accepts(args.len()) || matches!(entry.spec.run, Run::Container) {
            let text = format!("ERR wrong number of arguments for '{}' command", entry.full_name);
            return self.reject(Some(entry), text.as_bytes()).await;
        }
        if !self.session.authenticated.get() && !entry.spec.has(flag::NO_AUTH) {
            return self.reject(Some(entry), b"NOAUTH Authentication required.").await;
        }
        self.session.commands.set(self.session.commands.get() + 1);
        if node.paused_until_ms.load(std::sync::atomic::Ordering::Relaxed) != 0 {
            self.wait_while_paused(entry).await;
        }
        if node.disk_full.load(std::sync::atomic::Ordering::Relaxed)
            && entry.spec.has(flag::DENYOOM)
        {
            return self.reject(Some(entry), disk::FULL).await;
        }
        let shown = !entry.spec.has(flag::SKIP_MONITOR | flag::ADMIN);
        match entry.spec.run {
            Run::Shard(_) => {
                if shown && node.is_monitored() {
                    self.flush_segment().await;
                    crate::admin::monitor::feed(&self.shard_loop, &self.session, args);
                }
                self.shard_command(entry, args).await;
            }
            Run::Process => {
                self.process_command(entry, args).await;
                // Afterwards, as in Redis: SELECT shows with its new database, RESET no more to
                // the one who sent it.
                if shown && node.is_monitored() {
                    crate::admin::monitor::feed(&self.shard_loop, &self.session, args);
                }
            }
            Run::Container => {}
        }
    }

    async fn unknown(&mut self, args: Args<'_>, error: LookupError) {
        self.session.last_command.set(None);
        // As Redis prints them: a NUL ends an argument.
        let shorten = |argument: &[u8], bytes_max: usize| -> Vec<u8> {
            argument.iter().copied().take(bytes_max).take_while(|byte| *byte != 0).collect()
        };
        let name = args.get(0);
        if name.eq_ignore_ascii_case(b"host:") || name.eq_ignore_ascii_case(b"post") {
            tracing::warn!(
                client = %self.session.peer,
                "Possible SECURITY ATTACK detected. It looks like somebody is sending POST or \
                 Host: commands to Basalt. This is likely due to an attacker attempting to use \
                 Cross Protocol Scripting to compromise your Basalt instance. Connection aborted."
            );
            self.session.killed.set(true);
            return;
        }
        let text = match error {
            LookupError::UnknownCommand => {
                let mut text = b"ERR unknown command '".to_vec();
                text.extend(shorten(name, 128));
                text.extend(b"', with args beginning with: ");
                let mut shown = 0;
                for argument in args.iter_from(1) {
                    if shown >= 128 {
                        break;
                    }
                    let quoted = [b"'".as_slice(), &shorten(argument, 128 - shown), b"' "].concat();
                    shown += quoted.len();
                    text.extend(quoted);
                }
                text
            }
            LookupError::UnknownSubcommand => {
                let mut text = b"ERR unknown subcommand '".to_vec();
                text.extend(shorten(args.get(1), 128));
                text.extend(b"'. Try ");
                text.extend(name.to_ascii_uppercase());
                text.extend(b" HELP.");
                text
            }
        };
        self.reject(None, &text).await;
    }

    /// Answers with an error instead of running the command.
    async fn reject(&mut self, entry: Option<&Entry>, text: &[u8]) {
        self.flush_segment().await;
        let start = self.out.len();
        self.out.error(text);
        let reply = &self.out.as_bytes()[start..];
        self.shard_loop.statistics.borrow_mut().reject(entry.map(|entry| entry.id), reply);
    }

    async fn wait_while_paused(&mut self, entry: &Entry) {
        use std::sync::atomic::Ordering;
        self.flush_segment().await;
        let node = self.shard_loop.node.clone();
        loop {
            let until = node.paused_until_ms.load(Ordering::Relaxed);
            let held = !node.paused_writes_only.load(Ordering::Relaxed)
                || entry.spec.has(flag::WRITE | flag::MAY_REPLICATE);
            let goes_on = !held || until < steady_ms() as i64 || self.session.killed.get();
            self.session.is_paused.set(!goes_on);
            if goes_on {
                return;
            }
            runtime::sleep(PAUSE_STEP).await;
        }
    }

    async fn shard_command(&mut self, entry: &Entry, args: Args<'_>) {
        let home = self.home(entry, args);
        let (id, caller) = (entry.id, self.session.caller());
        if entry.spec.has(flag::TELLS_USES) {
            self.gather_uses(entry, args).await;
        }
        if self.segment.batch.is_empty() && home == Home::One(self.shard_loop.id) {
            let mut start = self.out.len();
            let when = (caller, &mut self.moment);
            let (ticket, duration_us) =
                match execute::attempt(&self.shard_loop, id, args, when, &mut self.out) {
                    Attempt::Done(ticket) => (ticket, self.last_duration_us()),
                    why => {
                        let shard_loop = self.shard_loop.clone();
                        let mut reply = ReplyBuffer::new(self.out.protocol());
                        let how = (caller, why);
                        let waited =
                            execute::run_waiting(&shard_loop, id, args, how, &mut reply).await;
                        start = self.take_replies(reply.take()).await;
                        self.moment = Instant::now();
                        (waited.ticket, waited.duration_us)
                    }
                };
            self.hold_for(start, self.shard_loop.id, ticket);
            self.note_slowness(entry, args, duration_us);
            return;
        }
        if self.segment.batch.is_empty() && home != Home::Several && entry.spec.has(flag::READONLY)
        {
            let when = (caller, &mut self.moment);
            if execute::attempt_copy(&self.shard_loop, id, args, when, &mut self.out) {
                self.note_slowness(entry, args, self.last_duration_us());
                return;
            }
        }
        if self.segment.batch.is_empty() {
            self.segment.only_reads = true;
            self.segment.batch.caller = caller;
            self.segment.batch.protocol = Some(self.out.protocol());
        }
        self.segment.only_reads &= entry.spec.has(flag::READONLY);
        self.segment.homes.push(home);
        self.segment.batch.push(id, args);
        if self.segment.batch.len() >= SEGMENT_COMMANDS_MAX
            || self.segment.batch.arguments() >= COUNTED_ARGUMENTS_FROM
            || self.segment.batch.bytes() >= SEGMENT_BYTES_MAX
        {
            self.flush_segment().await;
        }
    }

    /// How long the command took that has just ended.
    fn last_duration_us(&self) -> u64 {
        self.shard_loop.statistics.borrow().last_duration_ns / 1000
    }

    /// Has the owner of a key told of its uses on all threads, out of copies, before somebody asks.
    async fn gather_uses(&mut self, entry: &Entry, args: Args<'_>) {
        let shard_loop = self.shard_loop.clone();
        let databases = shard_loop.databases();
        let physical = databases.get(self.session.db.get());
        let (Home::One(owner), Some(physical)) = (self.home(entry, args), physical) else { return };
        self.flush_segment().await;
        // OBJECT's subcommands have the key behind their name.
        let key = layout::head_key(*physical, args.get(2));
        for shard in (0..shard_loop.node.topology.shards()).filter(|shard| *shard != owner) {
            let asked = key.clone();
            let take = move |there: &Rc<ShardLoop>| there.copies.borrow().take_uses(&asked);
            if let Some(Some(uses)) = shard_loop.on_shard(shard, take).await {
                let key = key.clone();
                let note = move |there: &Rc<ShardLoop>| {
                    there.shard.borrow_mut().cache().note_uses(&key, uses);
                };
                shard_loop.on_shard(owner, note).await;
            }
        }
    }

    /// Where the keys of a command live.
    fn home(&self, entry: &Entry, args: Args<'_>) -> Home {
        let topology = &self.shard_loop.node.topology;
        if topology.shards() == 1 {
            return Home::One(self.shard_loop.id);
        }
        if let [key] = entry.spec.keys
            && let (BeginSearch::Index(index), FindKeys::Range { last: 0, .. }) =
                (key.begin, key.find)
        {
            return Home::One(topology.shard_of(args.get(index)));
        }
        let mut found = Vec::new();
        if keys::extract(entry.spec, args, &mut found).is_err() {
            // The handler answers with an error, anywhere.
            return Home::One(self.shard_loop.id);
        }
        let mut shards = found.iter().map(|key| topology.shard_of(args.get(key.index)));
        let Some(first) = shards.next() else { return Home::One(self.shard_loop.id) };
        if shards.all(|shard| shard == first) { Home::One(first) } else { Home::Several }
    }

    /// The reply from `start` on has to wait until this batch is durable enough.
    fn hold_for(&mut self, start: usize, shard: ShardId, ticket: Ticket) {
        self.hold_range(start..self.out.len(), shard, ticket);
    }

    /// The same for some of the replies.
    fn hold_range(&mut self, range: Range<usize>, shard: ShardId, ticket: Ticket) {
        if ticket == 0 {
            return;
        }
        self.held.push(Held { range, shard, ticket });
        match self.tickets.iter_mut().find(|(other, _)| *other == shard) {
            Some((_, newest)) => *newest = ticket.max(*newest),
            None => self.tickets.push((shard, ticket)),
        }
    }

    /// Puts replies behind those that are there; where they begin. Long ones are not copied: the
    /// others leave first.
    async fn take_replies(&mut self, replies: Vec<u8>) -> usize {
        let is_held_back = self.session.reply_mode.get() != ReplyMode::On;
        let is_long = replies.len() > OUTPUT_BYTES_MAX;
        if is_long && !self.out.is_empty() && !is_held_back && !self.deliver().await {
            self.session.killed.set(true);
        }
        let start = self.out.len();
        self.out.adopt(replies);
        start
    }

    async fn process_command(&mut self, entry: &Entry, args: Args<'_>) {
        self.flush_segment().await;
        if self.session.killed.get() {
            // What came before may not have been run.
            return;
        }
        let Some(run) = self.shard_loop.node.process_table.get(entry.id) else { return };
        let mut start = self.out.len();
        let timer = Instant::now();
        let bytes_max = self.shard_loop.hot_settings.get().reply_bytes_max;
        match run {
            ProcessRun::Now(run) => {
                self.out.limit(start.saturating_add(bytes_max));
                let (shard_loop, session) = (self.shard_loop.clone(), self.session.clone());
                run(&mut ProcessContext {
                    shard_loop: &shard_loop,
                    session: &session,
                    args,
                    reply: &mut self.out,
                });
                refuse_if_over(&mut self.out, start);
                self.out.limit(usize::MAX);
            }
            ProcessRun::Later(answer) | ProcessRun::Report(answer) => {
                let mut reply = ReplyBuffer::new(self.out.protocol());
                reply.limit(bytes_max);
                let (shard_loop, session) = (self.shard_loop.clone(), self.session.clone());
                let context = LaterContext::new(shard_loop, session, (entry.id, args), reply);
                let mut reply = answer(context).await;
                refuse_if_over(&mut reply, 0);
                runtime::note_command(entry.id, 0);
                start = self.take_replies(reply.take()).await;
                if matches!(run, ProcessRun::Later(_)) {
                    self.hold_for_everything(start);
                }
            }
        }
        self.out.set_protocol(self.session.protocol.get());
        let mut statistics = self.shard_loop.statistics.borrow_mut();
        self.moment = statistics.finish(entry.id, timer, &self.out.as_bytes()[start..]);
        LoopCounters::add(&self.shard_loop.counters.commands, 1);
        let duration_ns = statistics.last_duration_ns;
        drop(statistics);
        if matches!(run, ProcessRun::Now(_)) {
            runtime::note_command(entry.id, duration_ns);
        }
        self.note_slowness(entry, args, duration_ns / 1000);
    }

    /// The reply from `start` on may show, or have changed, anything on any shard.
    fn hold_for_everything(&mut self, start: usize) {
        // The engine's number, not the loop's: a long batch may have been written elsewhere.
        for shard in 0..self.shard_loop.node.topology.shards() {
            let written = self.shard_loop.node.topology.engine(shard).written();
            self.hold_for(start, shard, written);
        }
    }

    /// Puts a command into the slow log and the latency monitor, if it took long.
    fn note_slowness(&self, entry: &Entry, args: Args<'_>, duration_us: u64) {
        let slow = slowness::check(&self.shard_loop, entry.id, args, duration_us);
        self.note_all(slow);
    }

    fn note_all(&self, slow: impl IntoIterator<Item = Slow>) {
        for slow in slow {
            slowness::note(&self.shard_loop, &self.session, slow);
        }
    }

    /// Waits until the replies may leave, and writes them. False: the client is gone.
    async fn deliver(&mut self) -> bool {
        let shard_loop = self.shard_loop.clone();
        let mut is_lost = false;
        for (shard, ticket) in self.tickets.drain(..) {
            is_lost |= turn::settled(&shard_loop, shard, ticket).await.is_err();
        }
        if is_lost {
            self.replace_lost_replies();
        }
        self.held.clear();
        if self.session.has_pushes() {
            let pushes = self.session.take_pushes();
            self.out.append_raw(&pushes);
        }
        if self.out.is_empty() {
            return true;
        }
        let limit = shard_loop.hot_settings.get().output_hard_bytes;
        if limit > 0 && self.out.len() as u64 > limit {
            tracing::warn!(client = self.session.id, "closed: output buffer limit reached");
            return false;
        }
        let total = shard_loop.node.client_memory.replies();
        // The memory that is held, not what is left to send: that is what the limits are about.
        self.session.output_bytes.set(self.out.len(), total);
        let written = self.may_keep_replies() && self.write_all().await;
        LoopCounters::add(&shard_loop.counters.output_bytes, self.out.len() as u64);
        if self.out.len() > OUTPUT_KEPT_BYTES {
            self.out.take();
        } else {
            self.out.clear();
        }
        self.session.output_bytes.set(0, total);
        written
    }

    /// What some replies say could still be lost: these must not leave, an error does instead.
    fn replace_lost_replies(&mut self) {
        let replies = self.out.take();
        let mut copied = 0;
        for Held { range, shard, ticket } in self.held.drain(..) {
            // A reply that waits for several shards is replaced once.
            if range.start < copied {
                continue;
            }
            if let Some(error) = self.shard_loop.node.logs[shard].loss_of(ticket) {
                self.out.append_raw(&replies[copied..range.start]);
                self.out.error(error.as_bytes());
                copied = range.end;
            }
        }
        self.out.append_raw(&replies[copied..]);
    }

    async fn write_all(&self) -> bool {
        let bytes = self.out.as_bytes();
        let is_big = bytes.len() >= COUNTED_FROM;
        if is_big {
            self.session.output_taken_ms.set(steady_ms());
            self.session.output_since_ms.set(steady_ms());
        }
        let mut sent = 0;
        while sent < bytes.len() {
            let result = std::future::poll_fn(|context| {
                if self.session.killed.get() {
                    return Poll::Ready(Ok(0));
                }
                self.session.set_waker(context.waker());
                let end = bytes.len().min(sent + OUTPUT_BYTES_MAX);
                self.session.stream.poll_write(context, &bytes[sent..end])
            })
            .await;
            match result {
                Ok(0) | Err(_) => return false,
                Ok(count) => {
                    sent += count;
                    if is_big {
                        self.session.output_taken_ms.set(steady_ms());
                    }
                    if sent < bytes.len() {
                        // A fast reader on this host could take all of it in one go.
                        runtime::yield_now().await;
                    }
                    LoopCounters::add(&self.shard_loop.counters.writes, 1);
                }
            }
        }
        true
    }
}
