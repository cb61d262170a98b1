//! A command that shards run, with its handler: whoever has one has nothing else to ask for, and
//! what no shard runs cannot be taken for one.

use basalt_shard::command::{Args, CommandSpec, Handler, Run};
use basalt_shard::settings::Settings;
use basalt_shard::shard::Call;
use basalt_shard::table::{CommandId, Entry};

use crate::client::Caller;

/// See the module.
#[derive(Clone, Copy)]
pub(crate) struct ShardCommand {
    id: CommandId,
    spec: &'static CommandSpec,
    handler: Handler,
}

/// What a run of a command depends on beside the command, its arguments and its caller.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'a> {
    /// Which physical database stands for each logical one.
    pub(crate) databases: &'a [u8],
    pub(crate) settings: &'a Settings,
    pub(crate) now_ms: u64,
    pub(crate) steady_ms: u64,
}

impl ShardCommand {
    /// `None`: no shard runs it.
    pub(crate) fn of<P: Copy>(entry: &Entry<P>) -> Option<Self> {
        let Run::Shard(handler) = entry.run else { return None };
        Some(Self { id: entry.id, spec: entry.spec, handler })
    }

    /// Its number in the table.
    pub(crate) fn id(&self) -> CommandId {
        self.id
    }

    /// Its description.
    pub(crate) fn spec(&self) -> &'static CommandSpec {
        self.spec
    }

    /// What a shard is given to run it.
    pub(crate) fn call<'a>(
        &self,
        args: Args<'a>,
        Caller { db, touch }: Caller,
        Setting { databases, settings, now_ms, steady_ms }: Setting<'a>,
    ) -> Call<'a> {
        let Self { spec, handler, .. } = *self;
        Call { spec, handler, args, databases, db, touch, now_ms, steady_ms, settings }
    }
}
