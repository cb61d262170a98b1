//! Reading and setting fields.

use super::store::Hash;
use crate::command::Args;
use crate::error::{CommandError, CommandResult, wrong_arity};
use crate::resp::ReplyBuffer;
use crate::view::View;

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
    hash.save(view);
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
        hash.save(view);
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
            hash.save(view);
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
