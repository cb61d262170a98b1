//! Everything that one shard's thread may say to another: a closed list, so that one sees what can
//! wake a core.

use std::rc::Rc;
use std::sync::Arc;

use basalt_shard::engine::EngineError;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::locks::{LockId, Scope};
use basalt_shard::topology::ShardId;
use basalt_shard::view::{Changes, Use};
use bytes::Bytes;

use crate::client::NewConnection;
use crate::client::subscriptions::Kind;
use crate::pubsub::Publication;
use crate::thread::batch::{Batch, Executed};
use crate::thread::questions::{Answer, ReplyTo};
use crate::thread::shard_thread::ShardThread;

/// When the replies to a batch are to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerWhen {
    /// At once: more commands of the connection wait to be run.
    Run,
    /// When they may leave: nobody would do anything with them before. Saves waking the asking
    /// shard twice.
    Settled,
}

/// How many more clients of a thread have subscribed to a name; a negative number: fewer.
pub(crate) struct SubscriptionChange {
    pub(crate) kind: Kind,
    pub(crate) name: Bytes,
    pub(crate) change: i32,
}

/// A piece of work for another shard's thread.
pub(crate) type Job = Box<dyn FnOnce(&Rc<ShardThread>) + Send>;

/// See the module.
pub(crate) enum Message {
    /// A new connection for this shard.
    Connection(Box<NewConnection>),
    /// Run these commands, all of whose keys are yours.
    Execute { batch: Box<Batch>, reply_to: ReplyTo<Executed>, answer_when: AnswerWhen },
    /// Run these commands, all of whose keys are yours, at once and as one, or not at all.
    ExecuteAtOnce { batch: Box<Batch>, reply_to: ReplyTo<Option<Executed>> },
    /// Lock this for a transaction.
    Lock { scope: Scope, reply_to: ReplyTo<LockId> },
    /// Commit your part of a transaction and give this lock back.
    Commit { lock: Option<LockId>, changes: Box<Changes>, reply_to: ReplyTo<Committed> },
    /// Give a lock back.
    Unlock(LockId),
    /// These keys of yours were used.
    Used(Vec<Use>),
    /// Here is what you asked for.
    Answer(Answer),
    /// Some shard's log has become durable further than before.
    Durable,
    /// Clients of this thread have subscribed to channels whose home you are, or no longer.
    Subscriptions {
        origin: ShardId,
        changes: Vec<SubscriptionChange>,
        /// Say that it is known, if anybody waits for that.
        reply_to: Option<ReplyTo<()>>,
    },
    /// Publish this on a channel whose home you are, and say how many subscriptions it meets.
    Publish { publication: Arc<Publication>, reply_to: ReplyTo<u64> },
    /// Push this to your subscribers.
    Published(Arc<Publication>),
    /// Run this (administration; not for the hot path).
    Run(Job),
}

/// The batch of a part of a transaction.
pub(crate) type Committed = Result<Ticket, EngineError>;
