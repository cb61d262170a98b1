//! PING, ECHO, SELECT, QUIT, RESET.

use std::sync::atomic::Ordering;

use basalt_shard::error::text;
use basalt_shard::number;
use basalt_shard::resp::Protocol;

use crate::session::ReplyMode;
use crate::session::process_command::{ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("ping", ProcessRun::Now(ping)),
    ("echo", ProcessRun::Now(|context| context.reply.bulk(context.args.get(1)))),
    ("select", ProcessRun::Now(select)),
    ("quit", ProcessRun::Now(quit)),
    ("reset", ProcessRun::Now(reset)),
];

fn ping(context: &mut ProcessContext<'_>) {
    match context.args.len() {
        1 => context.reply.simple("PONG"),
        2 => context.reply.bulk(context.args.get(1)),
        _ => context.reply.error(b"ERR wrong number of arguments for 'ping' command"),
    }
}

fn select(context: &mut ProcessContext<'_>) {
    let Some(index) = number::parse_i64(context.args.get(1)) else {
        return context.reply.error(text::NOT_AN_INTEGER.as_bytes());
    };
    let databases = context.shard_loop.databases().len();
    match usize::try_from(index).ok().filter(|index| *index < databases) {
        Some(index) => {
            context.session.db.set(index);
            context.reply.ok();
        }
        None => context.reply.error(text::DB_OUT_OF_RANGE.as_bytes()),
    }
}

fn quit(context: &mut ProcessContext<'_>) {
    context.reply.ok();
    context.session.close_after_reply.set(true);
}

/// Makes the connection as new.
fn reset(context: &mut ProcessContext<'_>) {
    let session = context.session;
    if session.monitor.replace(false) {
        context.shard_loop.node.monitors.fetch_sub(1, Ordering::Relaxed);
    }
    session.db.set(0);
    session.protocol.set(Protocol::Resp2);
    session.reply_mode.set(ReplyMode::On);
    session.no_evict.set(false);
    session.no_touch.set(false);
    session.name.borrow_mut().clear();
    session.authenticated.set(context.shard_loop.config().requirepass.is_none());
    context.reply.set_protocol(Protocol::Resp2);
    context.reply.simple("RESET");
}
