//! Commands that no shard runs: on the connection, the configuration, whole databases.
//!
//! To add one: write its function in the file of its subject, and its row, which names the
//! function, in that file's `ROWS`. A command that can answer at once is a [`ProcessRun::Now`]; one
//! that asks other threads or the disk is a [`ProcessRun::Later`], or a [`ProcessRun::Report`].

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use basalt_shard::command::Args;
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::table;

use crate::client::Session;
use crate::thread::batch::KeptArgs;
use crate::thread::shard_thread::ShardThread;

/// What a command that answers at once works with.
pub(crate) struct ProcessContext<'a> {
    pub(crate) shard_thread: &'a Rc<ShardThread>,
    pub(crate) session: &'a Rc<Session>,
    pub(crate) args: Args<'a>,
    pub(crate) reply: &'a mut ReplyBuffer,
}

/// What a command that has to wait works with; everything is its own.
pub(crate) struct LaterContext {
    pub(crate) shard_thread: Rc<ShardThread>,
    pub(crate) session: Rc<Session>,
    args: KeptArgs,
    /// Goes back with the reply in it.
    pub(crate) reply: ReplyBuffer,
}

impl LaterContext {
    pub(crate) fn new(
        shard_thread: Rc<ShardThread>,
        session: Rc<Session>,
        args: Args<'_>,
        reply: ReplyBuffer,
    ) -> Self {
        Self { shard_thread, session, args: KeptArgs::new(args), reply }
    }

    /// The arguments.
    pub(crate) fn args(&self) -> Args<'_> {
        self.args.args()
    }

    /// Puts what was pushed so far before the reply. It is there already, so no limit of replies
    /// is about it.
    pub(crate) fn reply_behind_pushes(&mut self) {
        let pushes = self.session.take_pushes();
        self.shard_thread.node.clients.memory.count_replies(&self.session.pushed_bytes, 0);
        self.reply.limit(usize::MAX);
        self.reply.adopt(pushes);
    }
}

/// The reply that a command made while waiting.
pub(crate) type LaterReply = Pin<Box<dyn Future<Output = ReplyBuffer>>>;

/// How a command runs.
#[derive(Clone, Copy)]
pub(crate) enum ProcessRun {
    Now(fn(&mut ProcessContext<'_>)),
    Later(fn(LaterContext) -> LaterReply),
    /// At once, or if that answers false as [`ProcessRun::Report`].
    Try(fn(&mut ProcessContext<'_>) -> bool, fn(LaterContext) -> LaterReply),
    /// As `Later`, for what tells how the server is and shows nobody's data: the reply does not
    /// wait until everything is durable, so that it comes also when a log has failed.
    Report(fn(LaterContext) -> LaterReply),
}

/// The table of all commands, with the functions of those that no shard runs.
pub(crate) type Table = table::Table<ProcessRun>;

/// A command in it.
pub(crate) type Entry = table::Entry<ProcessRun>;
