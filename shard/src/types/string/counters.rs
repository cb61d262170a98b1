//! Strings as numbers. The deadline of the key stays.

use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::TEXT_STRING;
use crate::number::{self, Extended};
use crate::resp::ReplyBuffer;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("incr", 2, incr)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .summary("Adds one to the integer at a key")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0)]),
    command("decr", 2, decr)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .summary("Subtracts one from the integer at a key")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0)]),
    command("incrby", 3, incrby)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .summary("Adds a number to the integer at a key")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0), Arg::integer("increment")]),
    command("decrby", 3, decrby)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .summary("Subtracts a number from the integer at a key")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0), Arg::integer("decrement")]),
    command("incrbyfloat", 3, incrbyfloat)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::String)
        .since("2.6.0")
        .summary("Adds a number to the floating-point number at a key")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[Arg::key("key", 0), Arg::double("increment")]),
];

const DECREMENT_OVERFLOW: &str = "ERR decrement would overflow";

/// INCR key
pub(super) fn incr(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    add(view, args.get(1), 1, reply)
}

/// DECR key
pub(super) fn decr(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    add(view, args.get(1), -1, reply)
}

/// INCRBY key increment
pub(super) fn incrby(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let increment = args.integer(2)?;
    add(view, args.get(1), increment, reply)
}

/// DECRBY key decrement
pub(super) fn decrby(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let increment = args.integer(2)?.checked_neg().ok_or(DECREMENT_OVERFLOW)?;
    add(view, args.get(1), increment, reply)
}

fn add(view: &mut View<'_>, name: &[u8], increment: i64, reply: &mut ReplyBuffer) -> CommandResult {
    let key = value::open(view, name)?;
    let old = match value::value(&key) {
        Some(current) => number::parse_i64(current).ok_or(text::NOT_AN_INTEGER)?,
        None => 0,
    };
    let new = old.checked_add(increment).ok_or(text::INCREMENT_OVERFLOW)?;
    let digits = number::format_i64(new);
    view.put_string(&key, StringDraft::of(digits.as_bytes(), key.deadline_ms()));
    view.tell(Event::INCRBY, &key);
    reply.integer(new);
    Ok(())
}

/// INCRBYFLOAT key increment
pub(super) fn incrbyfloat(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let key = value::open(view, args.get(1))?;
    let old = match value::value(&key) {
        Some(current) => Extended::parse(current).ok_or(text::NOT_A_FLOAT)?,
        None => Extended::from_f64(0.0),
    };
    let increment = Extended::parse(args.get(2)).ok_or(text::NOT_A_FLOAT)?;
    let new = old + increment;
    if new.is_nan() || new.is_infinite() {
        return Err(text::INCREMENT_NAN.into());
    }
    let digits = new.to_human();
    let mut draft = StringDraft::new(key.deadline_ms(), TEXT_STRING, digits.len());
    draft.push(digits.as_bytes());
    view.put_string(&key, draft);
    view.tell(Event::INCRBYFLOAT, &key);
    reply.bulk(digits.as_bytes());
    Ok(())
}
