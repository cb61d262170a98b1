//! Commands of one connection on their way to where they run, and their replies on the way back.

use std::ops::Range;

use basalt_shard::command::Args;
use basalt_shard::keyspace::copies::Copy;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::resp::{Protocol, ReplyBuffer, Span};
use bytes::Bytes;

use crate::client::Caller;
use crate::telemetry::slowness::Slow;
use crate::thread::shard_command::ShardCommand;

/// Arguments of one command, kept.
pub(crate) struct KeptArgs {
    frame: Bytes,
    spans: Vec<Span>,
}

impl KeptArgs {
    /// A copy; a frame that can be shared is.
    pub(crate) fn new(args: Args<'_>) -> Self {
        if let Some((frame, spans)) = args.shared() {
            return Self { frame: frame.clone(), spans: spans.to_vec() };
        }
        let (mut frame, mut spans) = (Vec::new(), Vec::with_capacity(args.len()));
        copy(args, &mut frame, &mut spans);
        Self { frame: frame.into(), spans }
    }

    /// The arguments.
    pub(crate) fn args(&self) -> Args<'_> {
        Args::of_shared(&self.frame, &self.spans)
    }
}

/// Puts a copy of arguments behind those in `frame`.
fn copy(args: Args<'_>, frame: &mut Vec<u8>, spans: &mut Vec<Span>) {
    for argument in args.iter_from(0) {
        let start = frame.len() as u32;
        frame.extend_from_slice(argument);
        spans.push(Span { start, len: argument.len() as u32 });
    }
}

/// Commands of one connection that run one after the other.
pub(crate) struct Batch {
    /// The bytes of the arguments of all commands but those that have a frame of their own.
    frame: Vec<u8>,
    spans: Vec<Span>,
    commands: Vec<(ShardCommand, Range<usize>, Option<Bytes>)>,
    pub(crate) caller: Caller,
    /// How to encode the replies.
    pub(crate) protocol: Protocol,
}

impl Default for Batch {
    fn default() -> Self {
        Self::new(Caller::default(), Protocol::Resp2)
    }
}

impl Batch {
    /// An empty batch for such a connection.
    pub(crate) fn new(caller: Caller, protocol: Protocol) -> Self {
        Self { frame: Vec::new(), spans: Vec::new(), commands: Vec::new(), caller, protocol }
    }

    /// Appends a copy of a command; a frame that can be shared is.
    pub(crate) fn push(&mut self, command: ShardCommand, args: Args<'_>) {
        let first = self.spans.len();
        if let Some((frame, spans)) = args.shared() {
            self.spans.extend_from_slice(spans);
            self.commands.push((command, first..self.spans.len(), Some(frame.clone())));
            return;
        }
        copy(args, &mut self.frame, &mut self.spans);
        self.commands.push((command, first..self.spans.len(), None));
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
        if first >= self.len() {
            return None;
        }
        let mut rest = Box::new(Self::new(self.caller, self.protocol));
        for index in first..self.len() {
            let (command, args) = self.command(index);
            rest.push(command, args);
        }
        Some(rest)
    }

    /// Command number `index`.
    pub(crate) fn command(&self, index: usize) -> (ShardCommand, Args<'_>) {
        let (command, spans, shared) = &self.commands[index];
        let spans = &self.spans[spans.clone()];
        let args = match shared {
            Some(frame) => Args::of_shared(frame, spans),
            None => Args::new(&self.frame, spans),
        };
        (*command, args)
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
        let mut reply = ReplyBuffer::new(batch.protocol);
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
