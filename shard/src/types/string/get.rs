//! Reading whole strings, and doing something to the key on the way.

use super::expiry::Expiry;
use super::options::parse_getex;
use super::value;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::CommandResult;
use crate::keyspace::draft::StringDraft;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("get", 2, get)
        .flags(READONLY | FAST)
        .group(Group::String)
        .summary("Returns the string at a key")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[Arg::key("key", 0)]),
    command("getdel", 2, getdel)
        .flags(WRITE | FAST)
        .group(Group::String)
        .since("6.2.0")
        .summary("Returns the string at a key and deletes the key")
        .keys(&[KeySpec::one(1).change().access().delete()])
        .args(&[Arg::key("key", 0)]),
    command("getex", -2, getex)
        .flags(WRITE | FAST)
        .group(Group::String)
        .since("6.2.0")
        .summary("Returns the string at a key and changes when the key expires")
        .keys(&[KeySpec::one(1)
            .change()
            .access()
            .update()
            .note("RW and UPDATE because it changes the TTL")])
        .args(&[
            Arg::key("key", 0),
            Arg::one_of(
                "expiration",
                &[
                    Arg::integer("seconds").after("EX"),
                    Arg::integer("milliseconds").after("PX"),
                    Arg::unix_time("unix-time-seconds").after("EXAT"),
                    Arg::unix_time("unix-time-milliseconds").after("PXAT"),
                    Arg::word("persist", "PERSIST"),
                ],
            )
            .optional(),
        ]),
    command("strlen", 2, strlen)
        .flags(READONLY | FAST)
        .group(Group::String)
        .since("2.2.0")
        .summary("Returns the length of the string at a key")
        .keys(&[KeySpec::one(1).read()])
        .args(&[Arg::key("key", 0)]),
];

const INVALID_EXPIRE_GETEX: &str = "ERR invalid expire time in 'getex' command";

/// GET key
pub(super) fn get(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    if let Some(current) = view.hot_string(args.get(1)) {
        reply.bulk(current);
        return Ok(());
    }
    let key = value::open(view, args.get(1))?;
    match value::value(&key) {
        Some(current) => {
            value::charge_copy(view, current.len())?;
            reply.bulk(current);
        }
        None => reply.null(),
    }
    Ok(())
}

/// STRLEN key
pub(super) fn strlen(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let key = value::open_parts(view, args.get(1))?;
    reply.integer(i64::try_from(value::length(&key)).unwrap_or(i64::MAX));
    Ok(())
}

/// GETDEL key
pub(super) fn getdel(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    view.count_lookups(true);
    let key = value::open(view, args.get(1))?;
    match value::value(&key) {
        Some(current) => {
            value::charge_copy(view, current.len())?;
            reply.bulk(current);
            view.remove(&key);
            view.tell(Event::DEL, &key);
        }
        None => reply.null(),
    }
    Ok(())
}

/// GETEX key [EX seconds | PX milliseconds | EXAT time | PXAT time | PERSIST]
pub(super) fn getex(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let expiry = parse_getex(args)?;
    view.count_lookups(true);
    let key = value::open(view, args.get(1))?;
    let (Some(head), Some(current)) = (&key.head, value::value(&key)) else {
        reply.null();
        return Ok(());
    };
    let stated = expiry.deadline(view.now_ms(), INVALID_EXPIRE_GETEX)?;
    value::charge_copy(view, current.len())?;
    reply.bulk(current);
    if stated.is_some_and(|deadline| deadline <= view.now_ms()) {
        view.remove(&key);
        view.tell(Event::DEL, &key);
    } else if stated.is_some() || (expiry == Expiry::Persist && head.deadline_ms.is_some()) {
        let mut draft = StringDraft::new(stated, head.flags, current.len());
        draft.push(current);
        view.put_string(&key, draft);
        view.tell(if stated.is_some() { Event::EXPIRE } else { Event::PERSIST }, &key);
    }
    Ok(())
}
