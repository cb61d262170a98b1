//! What gathers during a turn of the loop, for its end.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::task::Waker;

use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::topology::ShardId;

/// What gathers during a turn.
pub(crate) struct Turn<M> {
    pub(super) scheduled: Cell<bool>,
    pub(super) waker: RefCell<Option<Waker>>,
    pub(super) outboxes: RefCell<Vec<Vec<M>>>,
    /// What goes out before anything in the outboxes.
    pub(super) first: RefCell<Vec<(ShardId, M)>>,
    /// Who waits for each shard's log, by what for.
    pub(super) waiting: Vec<[RefCell<Line>; 2]>,
    /// Answers for other shards that wait for this shard's log.
    pub(super) deferred: RefCell<Vec<(Ticket, ShardId, M)>>,
}

/// Who waits for a log, in the order of the batches.
pub(super) type Line = VecDeque<(Ticket, Waker)>;

impl<M> Turn<M> {
    pub(crate) fn new(shards: usize) -> Self {
        Self {
            scheduled: Cell::new(false),
            waker: RefCell::new(None),
            outboxes: RefCell::new((0..shards).map(|_| Vec::new()).collect()),
            first: RefCell::default(),
            waiting: (0..shards).map(|_| Default::default()).collect(),
            deferred: RefCell::new(Vec::new()),
        }
    }

    /// Asks for an end of the turn, behind all tasks that are ready to run now.
    pub(crate) fn schedule(&self) {
        if !self.scheduled.replace(true)
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }

    /// Sends a message to another shard before everything that is in outboxes for any shard:
    /// whoever learns of something by a message from here finds that this one has come before.
    pub(crate) fn post_first(&self, shard: ShardId, message: M) {
        self.first.borrow_mut().push((shard, message));
        self.schedule();
    }

    /// Puts a message for another shard into its outbox.
    pub(crate) fn post(&self, shard: ShardId, message: M) {
        self.outboxes.borrow_mut()[shard].push(message);
        self.schedule();
    }
}
