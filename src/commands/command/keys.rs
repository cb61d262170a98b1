//! COMMAND GETKEYS and GETKEYSANDFLAGS: the keys of a command that a client shows, not runs.

use basalt_shard::command::keys::{KeyAt, extract_in_use};
use basalt_shard::command::{Args, key_flag};
use basalt_shard::resp::ReplyBuffer;

use crate::commands::command::flag_names::flag_names;
use crate::thread::process_command::Table;

/// The keys of the command in `shown`, or the error to answer.
fn find(table: &Table, shown: Args<'_>) -> Result<Vec<KeyAt>, &'static str> {
    let entry = table.lookup(shown).map_err(|_| "ERR Invalid command specified")?;
    let mut found = Vec::new();
    if entry.spec.keys.is_empty() {
        return Err("ERR The command has no key arguments");
    }
    if !entry.spec.accepts(shown.len()) {
        return Err("ERR Invalid number of arguments specified for command");
    }
    match extract_in_use(entry.spec, shown, &mut found) {
        Ok(()) if !found.is_empty() => Ok(found),
        _ => Err("ERR Invalid arguments specified for command"),
    }
}

pub(super) fn keys(table: &Table, args: Args<'_>, reply: &mut ReplyBuffer) {
    let shown = args.skip(2);
    match find(table, shown) {
        Err(error) => reply.error(error.as_bytes()),
        Ok(found) => {
            reply.array(found.len());
            for key in found {
                reply.bulk(shown.get(key.index));
            }
        }
    }
}

pub(super) fn keys_and_flags(table: &Table, args: Args<'_>, reply: &mut ReplyBuffer) {
    let shown = args.skip(2);
    match find(table, shown) {
        Err(error) => reply.error(error.as_bytes()),
        Ok(found) => {
            reply.array(found.len());
            for key in found {
                reply.array(2);
                reply.bulk(shown.get(key.index));
                flag_names(key.flags, key_flag::NAMES, "", reply);
            }
        }
    }
}
