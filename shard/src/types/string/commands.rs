//! Reading and setting whole strings.

use bytes::Bytes;

use crate::command::Args;
use crate::error::CommandResult;
use crate::keyspace::head::{Body, Head, Kind};
use crate::resp::ReplyBuffer;
use crate::view::View;

pub(super) fn get(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    match view.open_kind(args.get(1), Kind::String)?.head {
        Some(Head { body: Body::Inline(value), .. }) => reply.bulk(&value),
        _ => reply.null(),
    }
    Ok(())
}

pub(super) fn set(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let key = view.open(args.get(1))?;
    view.put(&key, &Head::string(Bytes::copy_from_slice(args.get(2))));
    reply.ok();
    Ok(())
}
