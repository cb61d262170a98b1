//! What a connection does when there is no memory for its request or its replies.

use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_shard::room::Place;

use crate::clock::steady_ms;
use crate::connection::Connection;
use crate::execute::eviction;
use crate::execute::eviction::{Lack, Needed};
use crate::execute::waiting::wait_in_line;
use crate::shared::client_memory::{COUNTED_FROM, ClientMemory, TOO_MUCH_INPUT, Work};
use crate::thread::node::Node;

/// How long it is waited for others to go before a client goes itself that does not read, and whose
/// requests have no room. Longer than it takes to see who does nothing.
const ROOM_PATIENCE: Duration = Duration::from_millis(1000);

/// A place in the line whose request is read although there is no room for it.
pub(super) struct Ahead {
    node: Arc<Node>,
    place: Place,
    /// What the request comes to; 0: it still waits.
    bytes: usize,
}

impl Ahead {
    /// Whether it may be read on when it comes to so many bytes.
    fn may_come_to(&self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        more == 0 || self.node.clients.memory.goes_ahead(more, self.place.is_first())
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.node.clients.memory.has_gone_ahead(self.bytes);
    }
}

impl Connection {
    /// The input and the backlog take so much of the memory.
    pub(super) fn count_input(&mut self, input_held_bytes: usize) {
        self.input_held_bytes = input_held_bytes;
        let held = input_held_bytes + self.backlog.held_bytes();
        let memory = &self.shard_thread.node.clients.memory;
        memory.count_requests(&self.session.input_bytes, held);
    }

    /// The same, when so many bytes have come.
    pub(super) fn note_input(&mut self, received: usize) {
        let held = self.input.held_bytes();
        if held >= COUNTED_FROM {
            let was_short = self.session.input_bytes.get() < COUNTED_FROM;
            let progress = &self.session.progress;
            if was_short { progress.begin() } else { progress.note(received) }
        }
        self.count_input(held);
    }

    /// Waits until there is memory for reading on. False: there will be none, and the client has
    /// been told so.
    pub(super) async fn has_memory(&mut self) -> bool {
        let more = self.input.growth();
        if more == 0 || self.session.no_evict.get() {
            return true;
        }
        let held = self.input.held_bytes() + self.backlog.held_bytes();
        let memory = &self.shard_thread.node.clients.memory;
        let arguments = self.parser.announced_arguments(&self.spans);
        let whole = self.input.announced().max(held + more);
        let mut is_there =
            memory.can_take(whole.saturating_add(ClientMemory::work_bytes(arguments)));
        if is_there && !self.has_room(whole, more) {
            is_there = Box::pin(self.wait_for_memory((whole, held), more)).await;
        }
        if is_there {
            if held + more >= COUNTED_FROM && self.session.input_bytes.get() < COUNTED_FROM {
                self.session.progress.begin();
            }
            // Now, not when it has come: others look meanwhile.
            self.count_input(self.input.held_bytes() + more);
        } else {
            self.refuse_request(self.input.announced(), ClientMemory::work_bytes(arguments));
        }
        is_there
    }

    /// Waits until there is memory for running a command that takes so much, and has it counted.
    /// `None`: as for [`Connection::has_memory`].
    pub(super) async fn memory_for_work<'a>(
        &mut self,
        node: &'a Node,
        work_bytes: usize,
    ) -> Option<Work<'a>> {
        let memory = &node.clients.memory;
        if !self.session.no_evict.get() {
            let held = self.session.input_bytes.get();
            let whole = held + work_bytes;
            let mut is_there = memory.can_take(work_bytes);
            if is_there && !self.has_room(whole, work_bytes) {
                // It may take a while: what came before shall not wait, nor keep its memory.
                self.flush_segment().await;
                if !self.deliver(false).await {
                    // Its replies are gone: an error would be taken for one of them.
                    self.session.killed.set(true);
                    return None;
                }
                is_there = Box::pin(self.wait_for_memory((whole, held), work_bytes)).await;
            }
            if !is_there {
                self.flush_segment().await;
                self.refuse_request(held, work_bytes);
                return None;
            }
        }
        Some(memory.work(work_bytes))
    }

    fn refuse_request(&mut self, bytes: usize, work_bytes: usize) {
        if self.session.killed.get() {
            return;
        }
        let client = self.session.id;
        tracing::warn!(client, bytes, work_bytes, "closed: no memory for its request");
        eviction::count(&self.shard_thread);
        self.out.error(TOO_MUCH_INPUT);
        self.session.close_after_reply.set(true);
    }

    /// Whether a request that comes to `whole` bytes may have `more` of them.
    fn has_room(&mut self, whole: usize, more: usize) -> bool {
        match &mut self.ahead {
            None => self.shard_thread.node.clients.memory.has_room(whole, more),
            Some(ahead) if ahead.may_come_to(whole) => {
                ahead.bytes = ahead.bytes.max(whole);
                true
            }
            Some(_) => false,
        }
    }

    /// Waits in the line until a request that comes to `whole` bytes and holds `held` has room for
    /// so much more, or goes ahead: then it keeps its place until it is there. False: as many wait
    /// as may, or the connection is to be closed.
    async fn wait_for_memory(&mut self, (whole, held): (usize, usize), more: usize) -> bool {
        let node = self.shard_thread.node.clone();
        let memory = &node.clients.memory;
        let mut ahead = match self.ahead.take() {
            Some(ahead) => ahead,
            None => {
                let Some(place) = memory.join_line(whole) else { return false };
                Ahead { node: node.clone(), place, bytes: 0 }
            }
        };
        // What it comes to when it goes ahead.
        let may_go = || match memory.has_room(whole, more) {
            true => Some(ahead.bytes),
            false => ahead.may_come_to(whole).then(|| whole.max(ahead.bytes)),
        };
        let lack = || Lack {
            bytes: memory.lack(more),
            needed: Needed::Any,
            own_bytes: (held + more) as u64,
            is_urgent: false,
        };
        let session = self.session.clone();
        let (place, how) = (&ahead.place, (may_go, lack));
        let gone = wait_in_line(&self.shard_thread, place, how, Some(&session), None).await;
        self.session.last_interaction_ms.set(steady_ms());
        self.session.progress.begin();
        let Some(bytes) = gone else { return false };
        ahead.bytes = bytes;
        self.ahead = (bytes > 0).then_some(ahead);
        // There may be room for one more to go ahead.
        memory.wake_next();
        !self.session.killed.get()
    }

    /// Its request is there: another may be the next.
    pub(super) fn leave_line(&mut self) {
        self.ahead = None;
    }

    /// Whether requests may be read on while replies wait.
    pub(super) fn has_room_for_backlog(&self) -> bool {
        let limit = self.shard_thread.hot_settings.get().client_query_buffer_limit;
        let held = self.session.input_bytes.get() + self.session.output_bytes.get();
        let more = self.backlog.growth();
        (self.backlog.bytes() as u64) < limit
            && (more == 0
                || self.session.no_evict.get()
                || self.shard_thread.node.clients.memory.has_room(held + more, more))
    }

    /// Sees to it that it goes on, although the client reads nothing, and there is no memory for
    /// more of its requests, nor for running them. False: the connection is to be closed.
    pub(super) async fn make_room_for_backlog(&mut self) -> bool {
        let node = self.shard_thread.node.clone();
        let memory = &node.clients.memory;
        let more = self.backlog.growth();
        if let Some(place) = memory.join_line(more) {
            let goes_on = || self.has_room_for_backlog() || self.may_run_ahead();
            let own_bytes = self.session.input_bytes.get() + self.session.output_bytes.get();
            let lack = || Lack {
                bytes: memory.lack(more),
                needed: Needed::Any,
                own_bytes: own_bytes as u64,
                is_urgent: false,
            };
            let how = (|| goes_on().then_some(()), lack);
            let given_up = Some(Instant::now() + ROOM_PATIENCE);
            let session = Some(&*self.session);
            let waiting = wait_in_line(&self.shard_thread, &place, how, session, given_up);
            if Box::pin(waiting).await.is_some() {
                return true;
            }
        }
        let (client, bytes) = (self.session.id, self.session.input_bytes.get());
        tracing::warn!(client, bytes, "closed: no memory for its requests, and it does not read");
        false
    }

    /// Whether so many bytes of replies may stay in memory until they are sent. When there are far
    /// too many it is those who hold most of them that do not go on, this one or others.
    pub(super) async fn may_keep_replies(&mut self, own_bytes: usize) -> bool {
        let node = self.shard_thread.node.clone();
        let memory = &node.clients.memory;
        let excess = memory.excess_of_replies();
        if own_bytes < COUNTED_FROM || excess == 0 || self.session.no_evict.get() {
            return true;
        }
        let lack = Lack {
            bytes: excess,
            needed: Needed::OfReplies,
            own_bytes: own_bytes as u64,
            is_urgent: true,
        };
        let made = Box::pin(eviction::make_room(&self.shard_thread, lack)).await;
        let is_kept = made.is_enough || memory.is_little(own_bytes);
        if !is_kept {
            let client = self.session.id;
            tracing::warn!(client, bytes = own_bytes, "closed: clients hold too much memory");
            eviction::count(&self.shard_thread);
        }
        is_kept
    }
}
