//! Setting whole strings: SET and the older commands that are special cases of it.

use super::expiry::Expiry;
use super::options::{Condition, SetOptions};
use super::value;
use crate::command::Args;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::Kind;
use crate::resp::ReplyBuffer;
use crate::view::{Key, View};

const INVALID_EXPIRE_SET: &str = "ERR invalid expire time in 'set' command";
const INVALID_EXPIRE_SETEX: &str = "ERR invalid expire time in 'setex' command";
const INVALID_EXPIRE_PSETEX: &str = "ERR invalid expire time in 'psetex' command";

/// SET key value [NX | XX | IFEQ value | IFNE value | IFDEQ digest | IFDNE digest] [GET]
/// [EX seconds | PX milliseconds | EXAT time | PXAT time | KEEPTTL]
pub(super) fn set(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let options = SetOptions::parse(args)?;
    let stated = options.expiry.deadline(view.now_ms(), INVALID_EXPIRE_SET)?;
    let new = args.get(2);
    value::charge_copy(view, new.len())?;
    let key = view.open(args.get(1))?;
    if options.get {
        reply_old(view, &key, reply)?;
    }
    if holds(view, options.condition, &key)? {
        let deadline = if options.expiry == Expiry::Keep { key.deadline_ms() } else { stated };
        view.put_string(&key, StringDraft::of(new, deadline));
        if !options.get {
            reply.ok();
        }
    } else if !options.get {
        reply.null();
    }
    Ok(())
}

/// Whether SET may set.
fn holds(view: &mut View<'_>, condition: Condition<'_>, key: &Key) -> Result<bool, CommandError> {
    let comparison = match condition {
        Condition::Always => return Ok(true),
        Condition::Absent => return Ok(!key.exists()),
        Condition::Present => return Ok(key.exists()),
        Condition::Compares(comparison) => comparison,
    };
    if !key.exists() {
        return Ok(comparison.holds_for_nothing());
    }
    let current = value::value(key).ok_or(text::WRONG_TYPE)?;
    comparison.holds(view, current)
}

/// Writes the value before the change as the reply. What is no string is an error.
fn reply_old(view: &mut View<'_>, key: &Key, reply: &mut ReplyBuffer) -> CommandResult {
    match &key.head {
        None => reply.null(),
        Some(head) if head.kind != Kind::String => return Err(text::WRONG_TYPE.into()),
        Some(_) => {
            let old = value::bytes(key);
            value::charge_copy(view, old.len())?;
            reply.bulk(old);
        }
    }
    Ok(())
}

/// SETNX key value
pub(super) fn setnx(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let new = args.get(2);
    value::charge_copy(view, new.len())?;
    let key = view.open(args.get(1))?;
    if key.exists() {
        reply.integer(0);
    } else {
        view.put_string(&key, StringDraft::of(new, None));
        reply.integer(1);
    }
    Ok(())
}

/// SETEX key seconds value
pub(super) fn setex(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let expiry = Expiry::InSeconds(args.get(2));
    set_expiring(view, args, expiry, INVALID_EXPIRE_SETEX, reply)
}

/// PSETEX key milliseconds value
pub(super) fn psetex(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let expiry = Expiry::InMillis(args.get(2));
    set_expiring(view, args, expiry, INVALID_EXPIRE_PSETEX, reply)
}

fn set_expiring(
    view: &mut View<'_>,
    args: Args<'_>,
    expiry: Expiry<'_>,
    invalid: &'static str,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let deadline = expiry.deadline(view.now_ms(), invalid)?;
    let new = args.get(3);
    value::charge_copy(view, new.len())?;
    let key = view.open(args.get(1))?;
    view.put_string(&key, StringDraft::of(new, deadline));
    reply.ok();
    Ok(())
}

/// GETSET key value
pub(super) fn getset(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let new = args.get(2);
    value::charge_copy(view, new.len())?;
    let key = value::open(view, args.get(1))?;
    reply_old(view, &key, reply)?;
    view.put_string(&key, StringDraft::of(new, None));
    Ok(())
}
