//! Replies on their way to the client: what they wait for, and writing them while the client may
//! be slow to read.
//!
//! While replies wait for their reader, requests are read on: a client that sends all it has before
//! it reads would wait for ever otherwise. What takes less memory is kept: requests that are not
//! run, or, where replies are shorter than requests, replies (and so where the limits for requests
//! and replies say so). Either counts as what the client holds of the memory for clients, and where
//! there is none left a client that does not read is closed.

use std::collections::VecDeque;
use std::ops::Range;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::topology::ShardId;

use crate::client::ReplyMode;
use crate::clock::steady_ms;
use crate::connection::{Connection, OUTPUT_BYTES_MAX, OUTPUT_KEPT_BYTES};
use crate::runtime;
use crate::thread::loop_counters::LoopCounters;
use crate::thread::turn;

/// Replies are short that take no more than one part in so many of what their requests take.
const SHORT_SHARE: usize = 2;
/// How long what comes behind the last answer is taken, when nothing more comes and in all.
const LINGER_PAUSE: Duration = Duration::from_millis(200);
const LINGER: Duration = Duration::from_secs(2);

/// A reply that waits for a batch.
pub(super) struct Held {
    /// Where in the output it is.
    range: Range<usize>,
    shard: ShardId,
    ticket: Ticket,
}

/// Replies that could not be sent at once.
#[derive(Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Vec<u8>>,
    /// Bytes of the first piece that are sent.
    sent: usize,
    /// Bytes of all pieces.
    bytes: usize,
}

impl Outbox {
    fn push(&mut self, piece: Vec<u8>) {
        self.bytes += piece.len();
        self.pieces.push_back(piece);
    }

    /// What is to be sent next.
    fn next(&self) -> &[u8] {
        let Some(piece) = self.pieces.front() else { return &[] };
        &piece[self.sent..piece.len().min(self.sent + OUTPUT_BYTES_MAX)]
    }

    /// So many bytes were sent.
    fn advance(&mut self, count: usize) {
        self.sent += count;
        if let Some(piece) = self.pieces.pop_front_if(|piece| piece.len() <= self.sent) {
            self.bytes -= piece.len();
            self.sent = 0;
        }
    }
}

/// What has come of a look at the socket while replies wait.
pub(super) enum Step {
    Sent(usize),
    /// It takes no more for now, and there is something else to do.
    Blocked,
    /// More requests have come.
    Received,
    /// There is no memory for more requests.
    NoRoom,
    /// The client takes nothing, for long.
    Stalled,
    Gone,
}

impl Connection {
    /// Drops the replies from `start` on; what they had to wait for is still waited for.
    pub(super) fn drop_replies(&mut self, start: usize) {
        self.out.truncate(start);
        self.held.retain(|held| held.range.end <= start);
    }

    /// The reply from `start` on has to wait until this batch is durable enough.
    pub(super) fn hold_for(&mut self, start: usize, shard: ShardId, ticket: Ticket) {
        self.hold_range(start..self.out.len(), shard, ticket);
    }

    /// The same for some of the replies.
    pub(super) fn hold_range(&mut self, range: Range<usize>, shard: ShardId, ticket: Ticket) {
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
    pub(super) async fn take_replies(&mut self, replies: Vec<u8>) -> usize {
        let is_held_back = self.session.reply_mode.get() != ReplyMode::On;
        let is_long = replies.len() > OUTPUT_BYTES_MAX;
        if is_long && !self.out.is_empty() && !is_held_back && !self.deliver(true).await {
            self.session.killed.set(true);
        }
        let start = self.out.len();
        self.out.adopt(replies);
        start
    }

    /// The reply from `start` on may show, or have changed, anything on any shard.
    pub(super) fn hold_for_everything(&mut self, start: usize) {
        // The engine's number, not the loop's: a long batch may have been written elsewhere.
        for shard in 0..self.shard_thread.node.topology.shards() {
            let written = self.shard_thread.node.topology.engine(shard).written();
            self.hold_for(start, shard, written);
        }
    }

    /// Waits until the replies may leave, and writes them. Not all of them, if the client is slow
    /// to read, and there are requests that can be run meanwhile: with `more`, or in the backlog.
    /// False: the client is gone.
    pub(super) async fn deliver(&mut self, more: bool) -> bool {
        let shard_thread = self.shard_thread.clone();
        let mut is_lost = false;
        for (shard, ticket) in self.tickets.drain(..) {
            is_lost |= turn::settled(&shard_thread, shard, ticket).await.is_err();
        }
        if is_lost {
            self.replace_lost_replies();
        }
        self.held.clear();
        if self.session.has_pushes() {
            let pushes = self.session.take_pushes();
            shard_thread.node.clients.memory.count_replies(&self.session.pushed_bytes, 0);
            self.out.append_raw(&pushes);
        }
        let bytes = self.out.len();
        if bytes == 0 && self.outbox.bytes == 0 {
            return true;
        }
        self.replies_are_short = bytes <= std::mem::take(&mut self.consumed_bytes) / SHORT_SHARE;
        let waiting = bytes + self.outbox.bytes;
        let settings = shard_thread.hot_settings.get();
        let limit = match self.session.is_subscriber() {
            true => settings.pubsub_output_hard_bytes,
            false => settings.output_hard_bytes,
        };
        if limit > 0 && waiting as u64 > limit {
            tracing::warn!(client = self.session.id, "closed: output buffer limit reached");
            return false;
        }
        LoopCounters::add(&shard_thread.counters.output_bytes, bytes as u64);
        let mut sent = 0;
        if self.outbox.bytes == 0 && bytes <= OUTPUT_BYTES_MAX {
            let Some(count) = self.write_at_once().await else { return false };
            sent = count;
        }
        if sent < bytes {
            self.put_into_outbox(sent);
            if !self.may_keep_replies(waiting).await {
                return false;
            }
        } else if bytes > OUTPUT_KEPT_BYTES {
            self.out.take();
        } else {
            self.out.clear();
        }
        if self.outbox.bytes == 0 {
            return true;
        }
        self.session.awaits_reader.set(true);
        let is_there = self.send(more).await;
        self.session.awaits_reader.set(false);
        is_there
    }

    /// Writes as much of the output as the socket takes. `None`: the client is gone.
    async fn write_at_once(&self) -> Option<usize> {
        if self.session.killed.get() {
            return None;
        }
        LoopCounters::add(&self.shard_thread.counters.writes, 1);
        std::future::poll_fn(|context| {
            Poll::Ready(match self.session.stream.poll_write(context, self.out.as_bytes()) {
                Poll::Ready(Ok(0) | Err(_)) => None,
                Poll::Ready(Ok(count)) => Some(count),
                Poll::Pending => Some(0),
            })
        })
        .await
    }

    /// Puts the output behind the replies that wait, without its first `sent` bytes.
    fn put_into_outbox(&mut self, sent: usize) {
        if self.outbox.bytes == 0 {
            self.outbox.sent = sent;
            self.session.progress.begin();
        }
        self.outbox.push(self.out.take());
        self.count_outbox();
    }

    /// The memory that is held, not what is left to send: that is what the limits are about.
    fn count_outbox(&self) {
        let memory = &self.shard_thread.node.clients.memory;
        memory.count_replies(&self.session.output_bytes, self.outbox.bytes);
    }

    /// Sends what waits, as the client takes it, and reads requests on; as for
    /// [`Connection::deliver`].
    async fn send(&mut self, more: bool) -> bool {
        // Whether requests may be read.
        let mut has_room = true;
        loop {
            let may_leave = (more || !self.backlog.is_empty()) && self.may_run_ahead();
            match self.step(may_leave, has_room).await {
                Step::Gone => return false,
                Step::Blocked => return true,
                Step::Sent(count) => {
                    LoopCounters::add(&self.shard_thread.counters.writes, 1);
                    self.session.progress.note(count);
                    self.session.last_interaction_ms.set(steady_ms());
                    self.outbox.advance(count);
                    self.count_outbox();
                    if self.outbox.bytes == 0 {
                        return true;
                    }
                    has_room = true;
                }
                Step::Received => {}
                // While it takes some of its replies it can be left at that.
                Step::NoRoom => has_room = false,
                Step::Stalled if self.make_room_for_backlog().await => has_room = true,
                Step::Stalled => return false,
            }
            // A client on this host could keep the thread busy with either.
            runtime::yield_now().await;
        }
    }

    /// Waits until some replies are sent, or, if there is room, some requests received; not at all
    /// if there is something else to do.
    async fn step(&mut self, may_leave: bool, has_room: bool) -> Step {
        let stalls_in = Duration::from_millis(self.session.progress.stalls_in_ms());
        let mut stalled = std::pin::pin!(async {
            match has_room {
                true => std::future::pending().await,
                false => runtime::sleep(stalls_in).await,
            }
        });
        std::future::poll_fn(|context| {
            if self.session.killed.get() {
                return Poll::Ready(Step::Gone);
            }
            self.session.set_waker(context.waker());
            match self.session.stream.poll_write(context, self.outbox.next()) {
                Poll::Ready(Ok(0) | Err(_)) => return Poll::Ready(Step::Gone),
                Poll::Ready(Ok(count)) => return Poll::Ready(Step::Sent(count)),
                Poll::Pending => {}
            }
            if may_leave {
                return Poll::Ready(Step::Blocked);
            }
            if !has_room {
                return stalled.as_mut().poll(context).map(|()| Step::Stalled);
            }
            self.poll_read_on(context)
        })
        .await
    }

    /// Reads requests while replies wait.
    pub(super) fn poll_read_on(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        if self.input_has_ended {
            return Poll::Pending;
        }
        if self.session.close_after_reply.get() {
            return self.poll_discard(context);
        }
        if !self.has_room_for_backlog() {
            return Poll::Ready(Step::NoRoom);
        }
        let pool = &self.shard_thread.buffers;
        let received = self.session.stream.poll_read(context, self.backlog.room(pool));
        let count = match received {
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(_)) => return Poll::Ready(Step::Gone),
            Poll::Pending => 0,
        };
        self.backlog.received(count, pool);
        if received.is_pending() {
            return Poll::Pending;
        }
        if count == 0 {
            // Who has sent everything may still read.
            self.input_has_ended = true;
            return Poll::Pending;
        }
        self.count_input(self.input_held_bytes);
        LoopCounters::add(&self.shard_thread.counters.input_bytes, count as u64);
        LoopCounters::add(&self.shard_thread.counters.reads, 1);
        Poll::Ready(Step::Received)
    }

    /// What comes behind the last request that is answered is of no use; but as long as it is not
    /// taken, its client may not read the answers.
    fn poll_discard(&mut self, context: &mut Context<'_>) -> Poll<Step> {
        let pool = &self.shard_thread.buffers;
        let mut buffer = pool.take();
        let received = self.session.stream.poll_read(context, &mut buffer);
        pool.give(buffer);
        match received {
            Poll::Ready(Ok(0)) => {
                self.input_has_ended = true;
                Poll::Pending
            }
            Poll::Ready(Ok(_)) => Poll::Ready(Step::Received),
            Poll::Ready(Err(_)) => Poll::Ready(Step::Gone),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Closes the connection behind the last answer. What its client has sent behind that is taken
    /// and dropped, as long as it comes soon: a socket that is closed over it is reset, and the
    /// last answers may be lost on the way.
    pub(super) async fn close(&mut self) {
        self.session.stream.end_writing();
        let until = Instant::now() + LINGER;
        while Instant::now() < until && !self.input_has_ended && !self.session.killed.get() {
            let mut time = std::pin::pin!(runtime::sleep(LINGER_PAUSE));
            let step = std::future::poll_fn(|context| {
                self.session.set_waker(context.waker());
                if self.session.killed.get() || time.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Step::Gone);
                }
                match self.poll_discard(context) {
                    Poll::Pending if self.input_has_ended => Poll::Ready(Step::Gone),
                    other => other,
                }
            });
            if matches!(step.await, Step::Gone) {
                break;
            }
            runtime::yield_now().await;
        }
        self.session.stream.close();
    }

    /// Whether to run more requests although replies wait.
    pub(super) fn may_run_ahead(&self) -> bool {
        let memory = &self.shard_thread.node.clients.memory;
        let settings = self.shard_thread.hot_settings.get();
        let limit = settings.output_hard_bytes.max(settings.output_soft_bytes);
        !self.session.close_after_reply.get()
            && (!memory.is_over() || self.session.no_evict.get())
            && (self.replies_are_short
                || self.outbox.bytes as u64 <= limit
                || self.backlog.bytes() as u64 >= settings.client_query_buffer_limit)
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
            if let Some(error) = self.shard_thread.node.storage.logs[shard].loss_of(ticket) {
                self.out.append_raw(&replies[copied..range.start]);
                self.out.error(error.as_bytes());
                copied = range.end;
            }
        }
        self.out.append_raw(&replies[copied..]);
    }
}
