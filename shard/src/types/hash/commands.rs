//! Reading and setting fields.

use super::store::Hash;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, wrong_arity};
use crate::resp::ReplyBuffer;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const FIELD: Arg = Arg::string("field");
const VALUE: Arg = Arg::string("value");
const PAIRS: Arg = Arg::block("field_value", &[FIELD, VALUE]).multiple();

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("hset", -4, hset)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Sets fields of a hash, which is made if it is not there")
        .complexity(
            "O(1) for each field/value pair added, so O(N) to add N field/value pairs \
             when the command is called with multiple field/value pairs.",
        )
        .history(&[("4.0.0", "Sets several fields at once.")])
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[KEY, PAIRS]),
    command("hmset", -4, hmset)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Sets fields of a hash")
        .complexity("O(N) where N is the number of fields being set.")
        .deprecated("4.0.0", "`HSET` with multiple field-value pairs")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[KEY, PAIRS]),
    command("hsetnx", 4, hsetnx)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Sets a field of a hash unless it is there")
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[KEY, FIELD, VALUE]),
    command("hdel", -3, hdel)
        .flags(WRITE | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Removes fields of a hash, which goes with the last one")
        .complexity("O(N) where N is the number of fields to be removed.")
        .history(&[("2.4.0", "Removes several fields at once.")])
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, FIELD.multiple()]),
    command("hget", 3, hget)
        .flags(READONLY | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Returns the value of a field")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, FIELD]),
    command("hmget", -3, hmget)
        .flags(READONLY | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Returns the values of several fields")
        .complexity("O(N) where N is the number of fields being requested.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, FIELD.multiple()]),
    command("hexists", 3, hexists)
        .flags(READONLY | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Says whether a hash has a field")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY, FIELD]),
    command("hstrlen", 3, hstrlen)
        .flags(READONLY | FAST)
        .group(Group::Hash)
        .since("3.2.0")
        .summary("Returns the length of a field's value")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY, FIELD]),
    command("hlen", 2, hlen)
        .flags(READONLY | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Returns the number of fields")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY]),
    command("hgetall", 2, hgetall)
        .flags(READONLY)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Returns all fields with their values")
        .complexity("O(N) where N is the size of the hash.")
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY]),
    command("hkeys", 2, hkeys)
        .flags(READONLY)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Returns all fields")
        .complexity("O(N) where N is the size of the hash.")
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY]),
    command("hvals", 2, hvals)
        .flags(READONLY)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Returns all values")
        .complexity("O(N) where N is the size of the hash.")
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY]),
];

pub(super) fn hset(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let added = set_pairs(view, args, "hset")?;
    reply.integer(added);
    Ok(())
}

pub(super) fn hmset(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    set_pairs(view, args, "hmset")?;
    reply.ok();
    Ok(())
}

/// Sets the fields that follow the key; how many of them are new.
fn set_pairs(view: &mut View<'_>, args: Args<'_>, command: &str) -> Result<i64, CommandError> {
    if !args.len().is_multiple_of(2) {
        return Err(wrong_arity(command));
    }
    let mut hash = Hash::open_or_create(view, args.get(1))?;
    let mut added = 0;
    for index in (2..args.len()).step_by(2) {
        let is_new = hash.set(view, args.get(index), args.get(index + 1))?;
        added += i64::from(is_new);
    }
    hash.save(view, Event::HSET);
    view.count_changes(args.len() / 2 - 1);
    Ok(added)
}

pub(super) fn hsetnx(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut hash = Hash::open_or_create(view, args.get(1))?;
    let field = args.get(2);
    let is_new = hash.get(view, field)?.is_none();
    if is_new {
        hash.set(view, field, args.get(3))?;
        hash.save(view, Event::HSET);
    }
    reply.integer(i64::from(is_new));
    Ok(())
}

pub(super) fn hdel(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut removed = 0;
    if let Some(mut hash) = Hash::open(view, args.get(1))? {
        for field in args.iter_from(2) {
            removed += usize::from(hash.remove(view, field)?);
        }
        if removed > 0 {
            hash.save(view, Event::HDEL);
            view.count_changes(removed);
        }
    }
    reply.integer(removed as i64);
    Ok(())
}

pub(super) fn hget(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    match value(view, args)? {
        Some(value) => reply.bulk(&value),
        None => reply.null(),
    }
    Ok(())
}

pub(super) fn hexists(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let found = value(view, args)?.is_some();
    reply.integer(i64::from(found));
    Ok(())
}

pub(super) fn hstrlen(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let length = value(view, args)?.map_or(0, |value| value.len());
    reply.integer(length as i64);
    Ok(())
}

/// The value of the one field that a command asks for.
fn value(view: &mut View<'_>, args: Args<'_>) -> Result<Option<bytes::Bytes>, CommandError> {
    match Hash::open(view, args.get(1))? {
        Some(hash) => hash.get(view, args.get(2)),
        None => Ok(None),
    }
}

pub(super) fn hmget(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let hash = Hash::open_or_create(view, args.get(1))?;
    reply.array(args.len().saturating_sub(2));
    for field in args.iter_from(2) {
        match hash.get(view, field)? {
            Some(value) => reply.bulk(&value),
            None => reply.null(),
        }
        if reply.is_over() {
            break;
        }
    }
    Ok(())
}

pub(super) fn hlen(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let count = Hash::open_or_create(view, args.get(1))?.len(view)?;
    reply.integer(count.cast_signed());
    Ok(())
}

pub(super) fn hgetall(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let hash = Hash::open_or_create(view, args.get(1))?;
    reply.map(hash.len(view)? as usize);
    hash.for_each(view, |field, value| {
        reply.bulk(field);
        reply.bulk(value);
        reply.goes_on()
    })
}

pub(super) fn hkeys(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let hash = Hash::open_or_create(view, args.get(1))?;
    reply.array(hash.len(view)? as usize);
    hash.for_each(view, |field, _| {
        reply.bulk(field);
        reply.goes_on()
    })
}

pub(super) fn hvals(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let hash = Hash::open_or_create(view, args.get(1))?;
    reply.array(hash.len(view)? as usize);
    hash.for_each(view, |_, value| {
        reply.bulk(value);
        reply.goes_on()
    })
}
