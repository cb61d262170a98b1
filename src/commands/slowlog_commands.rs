//! SLOWLOG: shows the log of slow commands that all threads share, and empties it.

use std::sync::{MutexGuard, PoisonError};

use basalt_shard::resp::ReplyBuffer;

use crate::commands::replies::{Failure, answer, help};
use crate::commands::row::*;
use crate::telemetry::slowlog::{SlowCommand, SlowLog};
use crate::thread::node::Node;
use crate::thread::process_command::ProcessContext;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[container("slowlog", SUBCOMMANDS)
    .group(Group::Server)
    .since("2.2.12")
    .summary("Looks at the commands that took long")];

const SUBCOMMANDS: &[Command] = &[
    command("get", -2, Now(|context| answer(context, get)))
        .flags(ADMIN | LOADING | STALE)
        .group(Group::Server)
        .since("2.2.12")
        .summary("Lists the latest slow commands")
        .complexity("O(N) for N entries")
        .tips(&["request_policy:all_nodes", "nondeterministic_output"])
        .args(&[Arg::integer("count").optional()]),
    command("help", 2, Now(|context| help(context.reply, "SLOWLOG", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Server)
        .since("6.2.0")
        .summary("Lists the subcommands"),
    command("len", 2, Now(len))
        .flags(ADMIN | LOADING | STALE)
        .group(Group::Server)
        .since("2.2.12")
        .summary("Counts the entries of the slow log")
        .tips(&["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"]),
    command("reset", 2, Now(reset))
        .flags(ADMIN | LOADING | STALE)
        .group(Group::Server)
        .since("2.2.12")
        .summary("Empties the slow log")
        .complexity("O(N) for N entries")
        .tips(&["request_policy:all_nodes", "response_policy:all_succeeded"]),
];

const HELP: &[&str] = &[
    "GET [<count>]",
    "    List the latest slow commands, at most <count> (default: 10, -1 means all), as:",
    "    number, time in seconds, duration in microseconds, arguments, address and name of the",
    "    client.",
    "LEN",
    "    Count the entries.",
    "RESET",
    "    Remove all entries.",
];

/// Entries that GET shows when it is not told how many.
const SHOWN_BY_DEFAULT: usize = 10;

fn log(node: &Node) -> MutexGuard<'_, SlowLog> {
    node.telemetry.slow_log.lock().unwrap_or_else(PoisonError::into_inner)
}

fn get(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    const OUT_OF_RANGE: &str = "ERR count should be greater than or equal to -1";
    let args = context.args;
    let count = match args.len() {
        2 => SHOWN_BY_DEFAULT,
        3 => match args.integer(2).map_err(|_| OUT_OF_RANGE)? {
            -1 => usize::MAX,
            count => usize::try_from(count).map_err(|_| OUT_OF_RANGE)?,
        },
        _ => return Err(Failure::subcommand(args)),
    };
    // Copied, so that nobody waits for the lock while the reply is written.
    let entries: Vec<SlowCommand> =
        log(&context.shard_thread.node).entries.iter().take(count).cloned().collect();
    context.reply.array(entries.len());
    for entry in &entries {
        show(entry, context.reply);
    }
    Ok(())
}

fn show(entry: &SlowCommand, reply: &mut ReplyBuffer) {
    reply.array(6);
    for number in [entry.id, entry.time_s, entry.duration_us] {
        reply.integer(i64::try_from(number).unwrap_or(i64::MAX));
    }
    reply.array(entry.arguments.len());
    for argument in &entry.arguments {
        reply.bulk(argument);
    }
    reply.bulk(entry.client.as_bytes());
    reply.bulk(&entry.client_name);
}

fn len(context: &mut ProcessContext<'_>) {
    let entries = log(&context.shard_thread.node).entries.len();
    context.reply.integer(i64::try_from(entries).unwrap_or(i64::MAX));
}

/// The numbers go on.
fn reset(context: &mut ProcessContext<'_>) {
    log(&context.shard_thread.node).entries.clear();
    context.reply.ok();
}
