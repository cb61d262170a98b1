//! Everything that one shard's thread may say to another: a closed list, so that one sees what can
//! wake a core.

use std::any::Any;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use basalt_shard::command::Args;
use basalt_shard::engine::EngineError;
use basalt_shard::keyspace::copies::Copy;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::locks::{LockId, Scope};
use basalt_shard::resp::{Protocol, ReplyBuffer, Span};
use basalt_shard::table::CommandId;
use basalt_shard::topology::ShardId;
use basalt_shard::view::{Changes, Use};
use bytes::Bytes;

use crate::client::subscriptions::Kind;
use crate::client::{Caller, NewConnection};
use crate::pubsub::Publication;
use crate::telemetry::slowness::Slow;
use crate::thread::shard_loop::ShardLoop;

/// Names a question of one thread until its answer comes.
pub(crate) type ExchangeId = u64;

/// Commands of one connection that run one after the other.
#[derive(Default)]
pub(crate) struct Batch {
    /// The bytes of the arguments of all commands but those that have a frame of their own.
    frame: Vec<u8>,
    spans: Vec<Span>,
    commands: Vec<(CommandId, Range<usize>, Option<Bytes>)>,
    pub(crate) caller: Caller,
    /// How to encode the replies.
    pub(crate) protocol: Option<Protocol>,
}

impl Batch {
    /// An empty batch for such a connection.
    pub(crate) fn new(caller: Caller, protocol: Protocol) -> Self {
        Self { caller, protocol: Some(protocol), ..Self::default() }
    }

    /// Appends a copy of a command; a frame that can be shared is.
    pub(crate) fn push(&mut self, id: CommandId, args: Args<'_>) {
        let first = self.spans.len();
        if let Some((frame, spans)) = args.shared() {
            self.spans.extend_from_slice(spans);
            self.commands.push((id, first..self.spans.len(), Some(frame.clone())));
            return;
        }
        for argument in args.iter_from(0) {
            let start = self.frame.len() as u32;
            self.frame.extend_from_slice(argument);
            self.spans.push(Span { start, len: argument.len() as u32 });
        }
        self.commands.push((id, first..self.spans.len(), None));
    }

    /// Number of commands.
    pub(crate) fn len(&self) -> usize {
        self.commands.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Number of arguments of all of them, with the names.
    pub(crate) fn arguments(&self) -> usize {
        self.spans.len()
    }

    /// Bytes of all arguments.
    pub(crate) fn bytes(&self) -> usize {
        let shared = self.commands.iter().filter_map(|(_, _, shared)| shared.as_ref());
        self.frame.len() + shared.map(Bytes::len).sum::<usize>()
    }

    /// The commands from `first` on, if there are any.
    pub(crate) fn rest(&self, first: usize) -> Option<Box<Batch>> {
        let protocol = self.protocol.unwrap_or(Protocol::Resp2);
        let mut rest = Box::new(Self::new(self.caller, protocol));
        for index in first..self.len() {
            let (id, args) = self.command(index);
            rest.push(id, args);
        }
        (!rest.is_empty()).then_some(rest)
    }

    /// Command number `index`.
    pub(crate) fn command(&self, index: usize) -> (CommandId, Args<'_>) {
        let (id, spans, shared) = &self.commands[index];
        let spans = &self.spans[spans.clone()];
        let args = match shared {
            Some(frame) => Args::of_shared(frame, spans),
            None => Args::new(&self.frame, spans),
        };
        (*id, args)
    }
}

/// The replies to a batch.
#[derive(Default)]
pub(crate) struct Executed {
    /// All replies, one behind the other.
    pub(crate) replies: Vec<u8>,
    /// Where each ends, and the batch of the executing shard that must be durable enough before it
    /// may leave.
    pub(crate) ends: Vec<(usize, Ticket)>,
    /// Commands of the batch that took long.
    pub(crate) slow: Vec<Slow>,
    /// What was read, for the asking thread to keep.
    pub(crate) copies: Vec<Copy>,
    /// The commands that were not run, as the replies of those before them have become long: these
    /// are to leave first.
    pub(crate) rest: Option<Box<Batch>>,
}

/// The reply to a command that panicked in the server.
pub(crate) const FAILED: &[u8] =
    b"ERR the command failed in the server; this is a bug, please report it";

impl Executed {
    /// An error reply to every command of a batch.
    pub(crate) fn failed(batch: &Batch) -> Self {
        Self::all_with(batch, FAILED)
    }

    /// The same error reply to every command of a batch.
    pub(crate) fn all_with(batch: &Batch, text: &[u8]) -> Self {
        let mut reply = ReplyBuffer::new(batch.protocol.unwrap_or(Protocol::Resp2));
        let mut executed = Self::default();
        for _ in 0..batch.len() {
            reply.error(text);
            executed.ends.push((reply.len(), 0));
        }
        executed.replies = reply.take();
        executed
    }

    /// The newest batch that a reply waits for.
    pub(crate) fn newest_ticket(&self) -> Ticket {
        self.ends.iter().map(|(_, ticket)| *ticket).max().unwrap_or(0)
    }

    /// Reply number `index`.
    pub(crate) fn reply(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1].0 };
        &self.replies[start..self.ends[index].0]
    }
}

/// When the replies to a batch are to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerWhen {
    /// At once: more commands of the connection wait to be run.
    Run,
    /// When they may leave: nobody would do anything with them before. Saves waking the asking
    /// shard twice.
    Settled,
}

/// What comes back for a question.
pub(crate) enum Answer {
    Executed(Box<Executed>),
    /// It cannot be done at once, and nothing was done.
    NotAtOnce,
    Locked(LockId),
    Committed(Result<Ticket, EngineError>),
    /// Subscriptions are known.
    Subscribed,
    /// So many subscriptions meet what was published.
    Receivers(u64),
    /// Of [`Message::Run`] and of the blocking threads: whatever was asked for.
    Value(Box<dyn Any + Send>),
}

/// How many more clients of a thread have subscribed to a name; a negative number: fewer.
pub(crate) struct SubscriptionChange {
    pub(crate) kind: Kind,
    pub(crate) name: Bytes,
    pub(crate) change: i32,
}

/// A piece of work for another shard's thread.
pub(crate) type Job = Box<dyn FnOnce(&Rc<ShardLoop>) + Send>;

/// See the module.
pub(crate) enum Message {
    /// A new connection for this shard.
    Connection(Box<NewConnection>),
    /// Run these commands, all of whose keys are yours.
    Execute { origin: ShardId, exchange: ExchangeId, batch: Box<Batch>, answer_when: AnswerWhen },
    /// Run these commands, all of whose keys are yours, at once and as one, or not at all.
    ExecuteAtOnce { origin: ShardId, exchange: ExchangeId, batch: Box<Batch> },
    /// Lock this for a transaction.
    Lock { origin: ShardId, exchange: ExchangeId, scope: Scope },
    /// Commit your part of a transaction and give this lock back.
    Commit { origin: ShardId, exchange: ExchangeId, lock: Option<LockId>, changes: Box<Changes> },
    /// Give a lock back.
    Unlock(LockId),
    /// These keys of yours were used.
    Used(Vec<Use>),
    /// Here is what you asked for.
    Answer(ExchangeId, Answer),
    /// Some shard's log has become durable further than before.
    Durable,
    /// Clients of this thread have subscribed to channels whose home you are, or no longer.
    Subscriptions {
        origin: ShardId,
        /// Answer this, if anything.
        exchange: Option<ExchangeId>,
        changes: Vec<SubscriptionChange>,
    },
    /// Publish this on a channel whose home you are.
    Publish { origin: ShardId, exchange: ExchangeId, publication: Arc<Publication> },
    /// Push this to your subscribers.
    Published(Arc<Publication>),
    /// Run this (administration; not for the hot path).
    Run(Job),
}
