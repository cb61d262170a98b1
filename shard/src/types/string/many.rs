//! Commands over many strings at once. That they are isolated and atomic also when their keys
//! belong to several shards is the business of who runs them.

use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::keyspace::draft::StringDraft;
use crate::resp::ReplyBuffer;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("mget", -2, mget)
        .flags(READONLY | FAST)
        .group(Group::String)
        .summary("Returns the strings at several keys")
        .complexity("O(N) where N is the number of keys")
        .tips(&["request_policy:multi_shard"])
        .keys(&[KeySpec::range(1, -1, 1).read().access()])
        .args(&[Arg::key("key", 0).multiple()]),
    command("mset", -3, mset)
        .flags(WRITE | DENYOOM)
        .group(Group::String)
        .since("1.0.1")
        .summary("Sets the strings at several keys")
        .complexity("O(N) where N is the number of keys")
        .tips(&["request_policy:multi_shard", "response_policy:all_succeeded"])
        .keys(&[KeySpec::range(1, -1, 2).overwrite().update()])
        .args(&[Arg::block("data", &[Arg::key("key", 0), Arg::string("value")]).multiple()]),
    command("msetnx", -3, msetnx)
        .flags(WRITE | DENYOOM)
        .group(Group::String)
        .since("1.0.1")
        .summary("Sets the strings at several keys if none of the keys exists yet")
        .complexity("O(N) where N is the number of keys")
        .keys(&[KeySpec::range(1, -1, 2).overwrite().insert()])
        .args(&[Arg::block("data", &[Arg::key("key", 0), Arg::string("value")]).multiple()]),
];

const MSET_ARITY: &str = "ERR wrong number of arguments for 'mset' command";
const MSETNX_ARITY: &str = "ERR wrong number of arguments for 'msetnx' command";

/// MGET key [key …]
pub(super) fn mget(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let keys = args.len() - 1;
    view.charge(keys as u64)?;
    reply.array(keys);
    for name in args.iter_from(1) {
        let key = view.open(name)?;
        match value::value(&key) {
            Some(current) => {
                value::charge_copy(view, current.len())?;
                reply.bulk(current);
            }
            None => reply.null(),
        }
        if reply.is_over() {
            break;
        }
    }
    Ok(())
}

/// MSET key value [key value …]
pub(super) fn mset(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    check_pairs(view, args, MSET_ARITY)?;
    for index in (1..args.len()).step_by(2) {
        let key = view.open_head(args.get(index))?;
        view.put_string(&key, StringDraft::of(args.get(index + 1), None));
        view.tell(Event::SET, &key);
    }
    view.count_changes(args.len() / 2);
    reply.ok();
    Ok(())
}

/// MSETNX key value [key value …]
pub(super) fn msetnx(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    check_pairs(view, args, MSETNX_ARITY)?;
    let mut keys: Vec<Key> = Vec::new();
    for index in (1..args.len()).step_by(2) {
        let key = view.open_head(args.get(index))?;
        if key.exists() {
            reply.integer(0);
            return Ok(());
        }
        keys.push(key);
    }
    for (pair, key) in keys.iter().enumerate() {
        view.put_string(key, StringDraft::of(args.get(2 * pair + 2), None));
        view.tell(Event::SET, key);
    }
    view.count_changes(keys.len());
    reply.integer(1);
    Ok(())
}

/// Refuses a key without a value, and accounts for setting all of them.
fn check_pairs(
    view: &mut View<'_>,
    args: Args<'_>,
    wrong_arity: &'static str,
) -> Result<(), CommandError> {
    if args.len().is_multiple_of(2) {
        return Err(wrong_arity.into());
    }
    view.charge((args.len() / 2) as u64)?;
    value::charge_copy(view, args.bytes_total())
}
