//! DUMP: a value as bytes that RESTORE takes, here and in Redis.

use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::head::Kind;
use crate::rdb::{Encoded, Thresholds};
use crate::resp::ReplyBuffer;
use crate::types;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("dump", 2, dump)
    .flags(READONLY)
    .categories(category::KEYSPACE)
    .since("2.6.0")
    .summary("Takes out the value at a key, in the form that RESTORE puts in")
    .complexity("O(N) for the bytes of the value")
    .keys(&[KeySpec::one(1).read().access()])
    .tips(&["nondeterministic_output"])
    .args(&[Arg::key("key", 0)])];

/// DUMP key
pub(super) fn dump(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let key = view.open(args.get(1))?;
    match key.head.as_ref().map(|head| head.kind) {
        Some(kind) => reply.bulk(&encoded(view, key, kind)?.into_payload()),
        None => reply.null(),
    }
    Ok(())
}

/// The value of an open key in Redis's format: a type takes part here.
fn encoded(view: &mut View<'_>, key: Key, kind: Kind) -> Result<Encoded, CommandError> {
    let settings = view.settings();
    let thresholds = Thresholds {
        hash_max_listpack_entries: settings.hash_max_listpack_entries,
        hash_max_listpack_value: settings.hash_max_listpack_value,
        set_max_intset_entries: settings.set_max_intset_entries,
        zset_max_listpack_entries: settings.zset_max_listpack_entries,
        zset_max_listpack_value: settings.zset_max_listpack_value,
        stream_node_max_entries: settings.stream_node_max_entries as usize,
        stream_node_max_bytes: settings.stream_node_max_bytes as usize,
        ..Thresholds::default()
    };
    match kind {
        Kind::String => types::string::dump(view, &key, &thresholds),
        Kind::Hash => types::hash::dump(view, key, &thresholds),
        Kind::List => types::list::dump(view, key, &thresholds),
        Kind::Set => types::set::dump(view, key, &thresholds),
        Kind::SortedSet => types::zset::dump(view, key, &thresholds),
        Kind::Stream => types::stream::dump(view, key, &thresholds),
    }
}
