//! COMMAND and its subcommands: the command table, told to clients. Reads nothing but the table.

mod docs;
mod flag_names;
mod info;
mod keys;
mod list;

use basalt_shard::command::Args;
use basalt_shard::resp::ReplyBuffer;

use crate::commands::row::*;
use crate::thread::process_command::{ProcessContext, Table};

/// The rows of this file.
pub(crate) const ROWS: &[Command] =
    &[command("command", -1, Now(|context| run(context, info::all)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("2.8.13")
        .summary("Describes the commands")
        .complexity("O(N) for N commands")
        .tips(&["nondeterministic_output_order"])
        .subcommands(SUBCOMMANDS)];

const SUBCOMMANDS: &[Command] = &[
    command("count", 2, Now(|context| run(context, list::count)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("2.8.13")
        .summary("Counts the commands"),
    command("docs", -2, Now(|context| run(context, docs::docs)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("7.0.0")
        .summary("Explains commands")
        .complexity("O(N) for N commands")
        .tips(&["nondeterministic_output_order"])
        .args(&[Arg::string("command-name").optional().multiple()]),
    command("getkeys", -3, Now(|context| run(context, keys::keys)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("2.8.13")
        .summary("Finds the keys in a command")
        .complexity("O(N) for N arguments")
        .args(&[Arg::string("command"), Arg::string("arg").optional().multiple()]),
    command("getkeysandflags", -3, Now(|context| run(context, keys::keys_and_flags)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("7.0.0")
        .summary("Finds the keys in a command and what becomes of them")
        .complexity("O(N) for N arguments")
        .args(&[Arg::string("command"), Arg::string("arg").optional().multiple()]),
    command("help", 2, Now(|context| run(context, list::help)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("5.0.0")
        .summary("Lists the subcommands"),
    command("info", -2, Now(|context| run(context, info::info)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("2.8.13")
        .summary("Describes commands")
        .complexity("O(N) for N commands")
        .tips(&["nondeterministic_output_order"])
        .args(&[Arg::string("command-name").optional().multiple()]),
    command("list", -2, Now(|context| run(context, list::list)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .categories(category::CONNECTION)
        .since("7.0.0")
        .summary("Lists the names of commands")
        .complexity("O(N) for N commands")
        .tips(&["nondeterministic_output_order"])
        .args(&[Arg::one_of(
            "filterby",
            &[
                Arg::string("module-name").after("MODULE"),
                Arg::string("category").after("ACLCAT"),
                Arg::pattern("pattern").after("PATTERN"),
            ],
        )
        .after("FILTERBY")
        .optional()]),
];

type TableFunction = fn(&Table, Args<'_>, &mut ReplyBuffer);

fn run(context: &mut ProcessContext<'_>, function: TableFunction) {
    function(&context.shard_thread.node.table, context.args, context.reply);
}

#[cfg(test)]
mod tests;
