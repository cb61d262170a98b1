//! COMMAND COUNT, LIST and HELP.

use basalt_shard::command::{Args, category};
use basalt_shard::error::text;
use basalt_shard::glob::glob_match;
use basalt_shard::resp::ReplyBuffer;

use crate::thread::process_command::{Entry, Table};

const HELP: &[&str] = &[
    "COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "(no subcommand)",
    "    Describe all commands.",
    "COUNT",
    "    Count the commands.",
    "DOCS [<command-name> ...]",
    "    Explain commands: those named, or all.",
    "GETKEYS <full-command>",
    "    List the keys in a command.",
    "GETKEYSANDFLAGS <full-command>",
    "    List the keys in a command and what it does to each.",
    "INFO [<command-name> ...]",
    "    Describe commands: those named, or all.",
    "LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
    "    List the names of all commands, or of some.",
    "HELP",
    "    Print this help.",
];

pub(super) fn count(table: &Table, _: Args<'_>, reply: &mut ReplyBuffer) {
    reply.integer(i64::try_from(table.top_level().count()).unwrap_or(i64::MAX));
}

pub(super) fn help(_: &Table, _: Args<'_>, reply: &mut ReplyBuffer) {
    reply.array(HELP.len());
    for line in HELP {
        reply.simple(line);
    }
}

pub(super) fn list(table: &Table, args: Args<'_>, reply: &mut ReplyBuffer) {
    let filter = args.get(4);
    let is_listed: Box<dyn Fn(&Entry) -> bool + '_> = if args.len() == 2 {
        Box::new(|_| true)
    } else if args.len() != 5 || !args.is(2, "filterby") {
        return reply.error(text::SYNTAX.as_bytes());
    } else if args.is(3, "module") {
        // There are no modules.
        Box::new(|_| false)
    } else if args.is(3, "aclcat") {
        let category = category_named(filter);
        Box::new(move |entry| entry.spec.categories() & category != 0)
    } else if args.is(3, "pattern") {
        Box::new(|entry| glob_match(filter, entry.full_name.as_bytes(), true))
    } else {
        return reply.error(text::SYNTAX.as_bytes());
    };
    let listed: Vec<&Entry> = table.entries().filter(|entry| is_listed(entry)).collect();
    reply.array(listed.len());
    for entry in listed {
        reply.bulk(entry.full_name.as_bytes());
    }
}

/// 0 when there is no such category: no command has it.
fn category_named(name: &[u8]) -> u32 {
    let named =
        category::NAMES.iter().find(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes()));
    named.map_or(0, |(category, _)| *category)
}
