//! COMMAND and COMMAND INFO: what routing clients need to know of commands.

use basalt_shard::command::{Args, BeginSearch, FindKeys, KeySpec, category, flag, key_flag, keys};
use basalt_shard::resp::ReplyBuffer;

use crate::commands::command::flag_names::flag_names;
use crate::thread::process_command::{Entry, Table};

/// COMMAND without arguments: every command.
pub(super) fn all(table: &Table, _: Args<'_>, reply: &mut ReplyBuffer) {
    reply.array(table.top_level().count());
    for entry in table.top_level() {
        describe(table, entry, reply);
    }
}

/// COMMAND INFO: the commands that are asked for, a null for each that is not known.
pub(super) fn info(table: &Table, args: Args<'_>, reply: &mut ReplyBuffer) {
    if args.len() == 2 {
        return all(table, args, reply);
    }
    reply.array(args.skip(2).len());
    for name in args.iter_from(2) {
        match table.by_full_name(name) {
            Some(entry) => describe(table, entry, reply),
            None => reply.null(),
        }
    }
}

fn describe(table: &Table, entry: &Entry, reply: &mut ReplyBuffer) {
    let spec = entry.spec;
    let (first_key, last_key, step) = keys::legacy_range(spec);
    reply.array(10);
    reply.bulk(entry.full_name.as_bytes());
    reply.integer(i64::from(spec.arity));
    flag_names(spec.flags, flag::NAMES, "", reply);
    reply.integer(first_key);
    reply.integer(last_key);
    reply.integer(step);
    flag_names(spec.categories(), category::NAMES, "@", reply);
    reply.set(spec.tips.len());
    for tip in spec.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(spec.keys.len());
    for key in spec.keys {
        describe_keys(key, reply);
    }
    reply.set(table.subcommands(entry).count());
    for subcommand in table.subcommands(entry) {
        describe(table, subcommand, reply);
    }
}

fn describe_keys(spec: &KeySpec, reply: &mut ReplyBuffer) {
    reply.map(if spec.notes.is_empty() { 3 } else { 4 });
    if !spec.notes.is_empty() {
        reply.bulk(b"notes");
        reply.bulk(spec.notes.as_bytes());
    }
    reply.bulk(b"flags");
    flag_names(spec.flags, key_flag::NAMES, "", reply);
    reply.bulk(b"begin_search");
    match spec.begin {
        BeginSearch::Index(index) => {
            search(b"index", 1, reply);
            number(b"index", i64::try_from(index).unwrap_or(i64::MAX), reply);
        }
        BeginSearch::Keyword(word, from) => {
            search(b"keyword", 2, reply);
            reply.bulk(b"keyword");
            reply.bulk(word.as_bytes());
            number(b"startfrom", i64::from(from), reply);
        }
    }
    reply.bulk(b"find_keys");
    match spec.find {
        FindKeys::Range { last, step, limit } => {
            search(b"range", 3, reply);
            number(b"lastkey", i64::from(last), reply);
            number(b"keystep", i64::try_from(step).unwrap_or(i64::MAX), reply);
            number(b"limit", i64::from(limit), reply);
        }
        FindKeys::KeyNumber { index, first, step } => {
            search(b"keynum", 3, reply);
            number(b"keynumidx", i64::try_from(index).unwrap_or(i64::MAX), reply);
            number(b"firstkey", i64::try_from(first).unwrap_or(i64::MAX), reply);
            number(b"keystep", i64::try_from(step).unwrap_or(i64::MAX), reply);
        }
    }
}

/// Opens the description of a way to search, with the `pairs` that follow.
fn search(kind: &[u8], pairs: usize, reply: &mut ReplyBuffer) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind);
    reply.bulk(b"spec");
    reply.map(pairs);
}

fn number(name: &[u8], value: i64, reply: &mut ReplyBuffer) {
    reply.bulk(name);
    reply.integer(value);
}
