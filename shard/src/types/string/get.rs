//! Reading whole strings, and doing something to the key on the way.

use super::expiry::Expiry;
use super::options::parse_getex;
use super::value;
use crate::command::Args;
use crate::error::CommandResult;
use crate::keyspace::draft::StringDraft;
use crate::resp::ReplyBuffer;
use crate::view::View;

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
    } else if stated.is_some() || (expiry == Expiry::Persist && head.deadline_ms.is_some()) {
        let mut draft = StringDraft::new(stated, head.flags, current.len());
        draft.push(current);
        view.put_string(&key, draft);
    }
    Ok(())
}
