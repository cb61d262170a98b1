//! What a connection does when there is no memory for its request or its replies.

use std::time::{Duration, Instant};

use super::Connection;
use crate::node::client_memory::{ClientMemory, TOO_MUCH_INPUT, Work};
use crate::node::{Node, steady_ms};
use crate::runtime;

/// How long a request that does not fit beside others waits, and how often it looks.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(5);

impl Connection {
    /// Waits until there is memory for reading on. False: there will be none, and the client has
    /// been told so.
    pub(super) async fn has_memory(&mut self) -> bool {
        let more = self.input.growth();
        if more == 0 || self.session.no_evict.get() {
            return true;
        }
        let held = self.input.held_bytes();
        let memory = &self.shard_loop.node.client_memory;
        let arguments = self.parser.announced_arguments(&self.spans);
        let bytes = self.input.announced().max(held + 1);
        let mut is_there =
            memory.can_take(bytes.saturating_add(ClientMemory::work_bytes(arguments)));
        if is_there && self.claim.is_none() && !memory.has_room(held, more) {
            is_there = self.wait_for_memory(held, more).await;
        }
        if is_there {
            // Now, not when it has come: others look meanwhile.
            let total = self.shard_loop.node.client_memory.requests();
            self.session.input_bytes.set(held + more, total);
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
        let memory = &node.client_memory;
        if !self.session.no_evict.get() {
            let held = self.session.input_bytes.get();
            let mut is_there = memory.can_take(work_bytes);
            if is_there && self.claim.is_none() && !memory.has_room(held, work_bytes) {
                // It may take a while: what came before shall not wait, nor keep its memory.
                self.flush_segment().await;
                if !self.deliver().await {
                    // Its replies are gone: an error would be taken for one of them.
                    self.session.killed.set(true);
                    return None;
                }
                is_there = self.wait_for_memory(held, work_bytes).await;
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
        self.count_evicted();
        self.out.error(TOO_MUCH_INPUT);
        self.session.close_after_reply.set(true);
    }

    fn count_evicted(&self) {
        let evicted = &self.shard_loop.node.counters.clients_evicted;
        evicted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    async fn wait_for_memory(&mut self, held: usize, more: usize) -> bool {
        let given_up = Instant::now() + PATIENCE;
        let node = self.shard_loop.node.clone();
        let is_there = loop {
            self.claim = node.client_memory.claim();
            if self.claim.is_some() {
                self.session.claims_memory_since_ms.set(Some(steady_ms()));
                break true;
            }
            if node.client_memory.has_room(held, more) {
                break true;
            }
            if self.session.killed.get() || Instant::now() >= given_up {
                break false;
            }
            runtime::sleep(PAUSE).await;
        };
        self.session.last_interaction_ms.set(steady_ms());
        is_there
    }

    /// Its request is there: another may be the next.
    pub(super) fn give_claim_up(&mut self) {
        if self.claim.take().is_some() {
            self.session.claims_memory_since_ms.set(None);
        }
    }

    /// Whether the replies that are to be sent may stay in memory until they are.
    pub(super) fn may_keep_replies(&self) -> bool {
        let bytes = self.out.len();
        let is_refused =
            self.shard_loop.node.client_memory.refuses(bytes) && !self.session.no_evict.get();
        if is_refused {
            tracing::warn!(client = self.session.id, bytes, "closed: clients hold too much memory");
            self.count_evicted();
        }
        !is_refused
    }
}
