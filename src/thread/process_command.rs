//! Commands that no shard runs: on the connection, the configuration, whole databases.
//!
//! To add one: describe it in a `SPECS` table with `Run::Process`, write its function in the file
//! of its subject, and name both in that file's `COMMANDS` list. A command that can answer at once
//! is a [`ProcessRun::Now`]; one that asks other threads or the disk is a [`ProcessRun::Later`],
//! or a [`ProcessRun::Report`].

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

use basalt_shard::command::Args;
use basalt_shard::command::spec::Run;
use basalt_shard::command::table::{CommandId, Table};
use basalt_shard::resp::ReplyBuffer;

use crate::client::Session;
use crate::thread::message::Batch;
use crate::thread::shard_loop::ShardLoop;

/// What a command that answers at once works with.
pub(crate) struct ProcessContext<'a> {
    pub(crate) shard_loop: &'a Rc<ShardLoop>,
    pub(crate) session: &'a Rc<Session>,
    pub(crate) args: Args<'a>,
    pub(crate) reply: &'a mut ReplyBuffer,
}

/// What a command that has to wait works with; everything is its own.
pub(crate) struct LaterContext {
    pub(crate) shard_loop: Rc<ShardLoop>,
    pub(crate) session: Rc<Session>,
    batch: Batch,
    /// Goes back with the reply in it.
    pub(crate) reply: ReplyBuffer,
}

impl LaterContext {
    pub(crate) fn new(
        shard_loop: Rc<ShardLoop>,
        session: Rc<Session>,
        (id, args): (CommandId, Args<'_>),
        reply: ReplyBuffer,
    ) -> Self {
        let mut batch = Batch::default();
        batch.push(id, args);
        Self { shard_loop, session, batch, reply }
    }

    /// The arguments.
    pub(crate) fn args(&self) -> Args<'_> {
        self.batch.command(0).1
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

/// The functions by command id.
pub(crate) struct ProcessTable(Vec<Option<ProcessRun>>);

impl ProcessTable {
    /// The functions for `table`; the error names a command that has none.
    pub(crate) fn new(
        table: &Table,
        commands: impl IntoIterator<Item = (&'static str, ProcessRun)>,
    ) -> Result<Self, String> {
        let by_name: HashMap<&str, ProcessRun> = commands.into_iter().collect();
        let mut functions = Vec::with_capacity(table.len());
        for entry in table.entries() {
            let function = by_name.get(entry.full_name.as_str()).copied();
            if function.is_none() && matches!(entry.spec.run, Run::Process) {
                return Err(format!("the command '{}' has no function", entry.full_name));
            }
            functions.push(function);
        }
        Ok(Self(functions))
    }

    /// The function of a command.
    pub(crate) fn get(&self, id: CommandId) -> Option<ProcessRun> {
        self.0.get(id).copied().flatten()
    }
}
