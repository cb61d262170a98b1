//! Counting in fields.

use super::store::Hash;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandResult, text};
use crate::number::{self, Extended};
use crate::resp::ReplyBuffer;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const FIELD: Arg = Arg::string("field");

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("hincrby", 4, hincrby)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Hash)
        .since("2.0.0")
        .summary("Adds to the integer in a field")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[KEY, FIELD, Arg::integer("increment")]),
    command("hincrbyfloat", 4, hincrbyfloat)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Hash)
        .since("2.6.0")
        .summary("Adds to the number in a field")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[KEY, FIELD, Arg::double("increment")]),
];

pub(super) fn hincrby(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let increment = args.integer(3)?;
    let mut hash = Hash::open_or_create(view, args.get(1))?;
    let field = args.get(2);
    let old = match hash.get(view, field)? {
        Some(value) => number::parse_i64(&value).ok_or("ERR hash value is not an integer")?,
        None => 0,
    };
    let new = old.checked_add(increment).ok_or(text::INCREMENT_OVERFLOW)?;
    hash.set(view, field, number::format_i64(new).as_bytes())?;
    hash.save(view, Event::HINCRBY);
    reply.integer(new);
    Ok(())
}

pub(super) fn hincrbyfloat(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let increment = Extended::parse(args.get(3)).ok_or(text::NOT_A_FLOAT)?;
    if increment.is_nan() || increment.is_infinite() {
        return Err("ERR value is NaN or Infinity".into());
    }
    let mut hash = Hash::open_or_create(view, args.get(1))?;
    let field = args.get(2);
    let old = match hash.get(view, field)? {
        Some(value) => Extended::parse(&value).ok_or("ERR hash value is not a float")?,
        None => Extended::from_f64(0.0),
    };
    let new = old + increment;
    if new.is_nan() || new.is_infinite() {
        return Err(text::INCREMENT_NAN.into());
    }
    let new = new.to_human();
    hash.set(view, field, new.as_bytes())?;
    hash.save(view, Event::HINCRBYFLOAT);
    reply.bulk(new.as_bytes());
    Ok(())
}
