//! COMMAND and its subcommands: the command table, told to clients. Reads nothing but the table.

mod docs;
mod info;
mod keys;
mod list;

use basalt_shard::command::Args;
use basalt_shard::command::table::Table;
use basalt_shard::resp::ReplyBuffer;

use crate::thread::process_command::{ProcessContext, ProcessRun};

/// The functions of this folder.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("command", ProcessRun::Now(|context| run(context, info::all))),
    ("command|count", ProcessRun::Now(|context| run(context, list::count))),
    ("command|docs", ProcessRun::Now(|context| run(context, docs::docs))),
    ("command|getkeys", ProcessRun::Now(|context| run(context, keys::keys))),
    ("command|getkeysandflags", ProcessRun::Now(|context| run(context, keys::keys_and_flags))),
    ("command|help", ProcessRun::Now(|context| run(context, list::help))),
    ("command|info", ProcessRun::Now(|context| run(context, info::info))),
    ("command|list", ProcessRun::Now(|context| run(context, list::list))),
];

type TableFunction = fn(&Table, Args<'_>, &mut ReplyBuffer);

fn run(context: &mut ProcessContext<'_>, function: TableFunction) {
    function(&context.shard_loop.node.table, context.args, context.reply);
}

/// The names out of a list of flags, as a set of statuses.
fn flag_names(flags: u32, names: &[(u32, &str)], prefix: &str, reply: &mut ReplyBuffer) {
    let chosen = || names.iter().filter(|(flag, _)| flags & flag != 0);
    reply.set(chosen().count());
    for (_, name) in chosen() {
        reply.simple(&format!("{prefix}{name}"));
    }
}

#[cfg(test)]
mod tests;
