//! RENAME, RENAMENX, COPY and MOVE: a value under another key.
//!
//! A small value stands in the key's record and goes with it. The elements of a large collection
//! have records whose keys contain the name of the collection, so every one is written anew, under
//! a version of its own; those of a source that goes away become orphans like all others. The
//! costs of that are known in advance, so that a run on the loop never begins what it cannot
//! finish.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::engine::Direction;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::head::{Body, Head, Large};
use crate::resp::ReplyBuffer;
use crate::view::{Key, View};

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("rename", 3, rename)
        .flags(WRITE)
        .categories(category::KEYSPACE)
        .summary("Gives a key another name, replacing what was there")
        .complexity("O(1), or O(N) for N elements with records of their own")
        .keys(&[KeySpec::one(1).change().access().delete(), KeySpec::one(2).overwrite().update()])
        .args(&[Arg::key("key", 0), Arg::key("newkey", 1)]),
    command("renamenx", 3, renamenx)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .summary("Gives a key another name unless that one is taken")
        .complexity("O(1), or O(N) for N elements with records of their own")
        .keys(&[KeySpec::one(1).change().access().delete(), KeySpec::one(2).overwrite().insert()])
        .args(&[Arg::key("key", 0), Arg::key("newkey", 1)]),
    command("copy", -3, copy)
        .flags(WRITE | DENYOOM)
        .categories(category::KEYSPACE)
        .since("6.2.0")
        .summary("Copies the value of a key to another key")
        .complexity("O(N) for a collection of N elements, O(1) for a string")
        .keys(&[KeySpec::one(1).read().access(), KeySpec::one(2).overwrite().update()])
        .args(&[
            Arg::key("source", 0),
            Arg::key("destination", 1),
            Arg::integer("destination-db").after("DB").optional(),
            Arg::word("replace", "REPLACE").optional(),
        ]),
    command("move", 3, move_key)
        .flags(WRITE | FAST)
        .categories(category::KEYSPACE)
        .summary("Moves a key to another database")
        .complexity("O(1), or O(N) for N elements with records of their own")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0), Arg::integer("db")]),
];

/// Bytes that one unit of [`View::charge`] stands for.
const BYTES_PER_UNIT: u64 = 64;

/// Accounts for writing the record of `head` again.
pub(super) fn charge_record(view: &mut View<'_>, head: &Head) -> Result<(), CommandError> {
    match &head.body {
        Body::Inline(value) => view.charge(value.len() as u64 / BYTES_PER_UNIT),
        Body::Large(..) => Ok(()),
    }
}

/// Sets `target` to the value `head` of `source`, deadline included. What was at `target` is gone,
/// and `source` stays as it is.
fn copy_value(view: &mut View<'_>, source: &Key, head: &Head, target: &Key) -> CommandResult {
    charge_record(view, head)?;
    let body = match &head.body {
        Body::Inline(value) => Body::Inline(value.clone()),
        Body::Large(large, extension) => {
            Body::Large(copy_elements(view, source, *large, target)?, extension.clone())
        }
    };
    if target.exists() {
        // As in Redis, where what was there is gone before.
        view.tell(Event::NEW, target);
    }
    view.put(target, &Head { body, ..head.clone() });
    Ok(())
}

fn copy_elements(
    view: &mut View<'_>,
    source: &Key,
    large: Large,
    target: &Key,
) -> Result<Large, CommandError> {
    view.charge(large.count.saturating_add(large.bytes / BYTES_PER_UNIT))?;
    let mut elements: Vec<(Box<[u8]>, Bytes)> = Vec::new();
    let everything = (&b""[..], &b""[..]);
    view.elements(source, large.version, everything, Direction::Forward, |element, value| {
        elements.push((element.into(), Bytes::copy_from_slice(value)));
        ControlFlow::Continue(())
    })?;
    let version = view.new_version();
    for (element, value) in elements {
        view.put_element(target, version, &element, value);
    }
    Ok(Large { version, ..large })
}

/// Returns whether the key has the new name now, which it does not when the name is taken and
/// `only_if_free`.
fn rename_key(
    view: &mut View<'_>,
    args: Args<'_>,
    only_if_free: bool,
) -> Result<bool, CommandError> {
    let (old_name, new_name) = (args.get(1), args.get(2));
    let source = view.open(old_name)?;
    let Some(head) = &source.head else { return Err(text::NO_SUCH_KEY.into()) };
    if old_name == new_name {
        return Ok(!only_if_free);
    }
    let target = view.open_head(new_name)?;
    if only_if_free && target.exists() {
        return Ok(false);
    }
    copy_value(view, &source, head, &target)?;
    view.remove_moved(&source, &target);
    view.count_changes(1);
    view.tell(Event::RENAME_FROM, &source);
    view.tell(Event::RENAME_TO, &target);
    Ok(true)
}

pub(super) fn rename(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    rename_key(view, args, false)?;
    reply.ok();
    Ok(())
}

pub(super) fn renamenx(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let renamed = rename_key(view, args, true)?;
    reply.integer(i64::from(renamed));
    Ok(())
}

/// Argument `index` as the number of a database.
fn database(view: &View<'_>, args: Args<'_>, index: usize) -> Result<usize, CommandError> {
    let number = usize::try_from(args.int(index)?).ok();
    number.filter(|db| *db < view.databases()).ok_or_else(|| text::DB_OUT_OF_RANGE.into())
}

pub(super) fn copy(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut target_db = view.db();
    let mut replace = false;
    let mut index = 3;
    while index < args.len() {
        if args.is(index, "replace") {
            replace = true;
        } else if args.is(index, "db") && index + 1 < args.len() {
            index += 1;
            target_db = database(view, args, index)?;
        } else {
            return Err(text::SYNTAX.into());
        }
        index += 1;
    }
    if target_db == view.db() && args.get(1) == args.get(2) {
        return Err(text::SAME_OBJECT.into());
    }
    view.count_lookups(true);
    let source = view.open(args.get(1))?;
    view.count_lookups(false);
    let target = view.open_head_in(target_db, args.get(2))?;
    let copied = match &source.head {
        Some(head) if replace || !target.exists() => {
            copy_value(view, &source, head, &target)?;
            view.tell(Event::COPY_TO, &target);
            true
        }
        _ => false,
    };
    reply.integer(i64::from(copied));
    Ok(())
}

pub(super) fn move_key(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let target_db = database(view, args, 2)?;
    if target_db == view.db() {
        return Err(text::SAME_OBJECT.into());
    }
    let source = view.open(args.get(1))?;
    let target = view.open_head_in(target_db, args.get(1))?;
    let moved = match &source.head {
        Some(head) if !target.exists() => {
            copy_value(view, &source, head, &target)?;
            view.remove_moved(&source, &target);
            view.count_changes(1);
            view.tell(Event::MOVE_FROM, &source);
            view.tell(Event::MOVE_TO, &target);
            true
        }
        _ => false,
    };
    reply.integer(i64::from(moved));
    Ok(())
}

#[cfg(test)]
mod tests;
