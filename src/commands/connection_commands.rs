//! PING, ECHO, SELECT, QUIT, RESET.

use std::sync::atomic::Ordering;

use basalt_shard::error::text;
use basalt_shard::resp::{Protocol, ReplyBuffer};

use crate::client::{ReplyMode, Session};
use crate::commands::replies::{Failure, answer};
use crate::commands::row::*;
use crate::execute::publish;
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext};
use crate::thread::shard_thread::ShardThread;

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("ping", -1, Now(ping))
        .flags(IN_SUBSCRIBED_MODE | FAST)
        .group(Group::Connection)
        .summary("Answers, to show that the connection works")
        .tips(&["request_policy:all_shards", "response_policy:all_succeeded"])
        .args(&[Arg::string("message").optional()]),
    command("echo", 2, Now(|context| context.reply.bulk(context.args.get(1))))
        .flags(LOADING | STALE | FAST)
        .group(Group::Connection)
        .summary("Answers with its argument")
        .args(&[Arg::string("message")]),
    command("quit", -1, Try(quit, quit_of_subscriber))
        .flags(IN_SUBSCRIBED_MODE | NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .group(Group::Connection)
        .summary("Closes the connection")
        .deprecated("7.2.0", "just closing the connection"),
    command("reset", 1, Try(reset, reset_of_subscriber))
        .flags(IN_SUBSCRIBED_MODE | NOSCRIPT | LOADING | STALE | FAST | NO_AUTH | ALLOW_BUSY)
        .group(Group::Connection)
        .since("6.2.0")
        .summary("Brings the connection back to the state of a new one"),
    command("select", 2, Now(|context| answer(context, select)))
        .flags(LOADING | STALE | FAST)
        .group(Group::Connection)
        .summary("Chooses the database that commands work on")
        .args(&[Arg::integer("index")]),
];

fn ping(context: &mut ProcessContext<'_>) {
    if context.session.is_subscriber() && context.session.protocol.get() == Protocol::Resp2 {
        return ping_of_subscriber(context);
    }
    match context.args.len() {
        1 => context.reply.simple("PONG"),
        2 => context.reply.bulk(context.args.get(1)),
        _ => context.reply.error(b"ERR wrong number of arguments for 'ping' command"),
    }
}

/// In the form of what is pushed, so that a client which reads nothing else can tell it apart.
fn ping_of_subscriber(context: &mut ProcessContext<'_>) {
    if context.args.len() > 2 {
        return context.reply.error(b"ERR wrong number of arguments for 'ping' command");
    }
    context.reply.array(2);
    context.reply.bulk(b"pong");
    context.reply.bulk(context.args.iter_from(1).next().unwrap_or_default());
}

fn select(context: &mut ProcessContext<'_>) -> Result<(), Failure> {
    let index = context.args.int(1)?;
    let databases = context.shard_thread.databases().len();
    match usize::try_from(index) {
        Ok(db) if db < databases => context.session.db.set(db),
        _ => return Err(text::DB_OUT_OF_RANGE.into()),
    }
    context.reply.ok();
    Ok(())
}

/// False: it has subscriptions to take back.
fn quit(context: &mut ProcessContext<'_>) -> bool {
    let is_simple = !context.session.is_subscriber();
    if is_simple {
        context.session.close_after_reply.set(true);
        context.reply.ok();
    }
    is_simple
}

fn quit_of_subscriber(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        publish::unsubscribe_all(&context.shard_thread, &context.session).await;
        context.reply_behind_pushes();
        context.session.close_after_reply.set(true);
        context.reply.ok();
        context.reply
    })
}

/// Makes the connection as new, except for what is known of the client's library. False: it has
/// subscriptions to take back.
fn reset(context: &mut ProcessContext<'_>) -> bool {
    let is_simple = !context.session.is_subscriber();
    if is_simple {
        make_new(context.shard_thread, context.session);
        say_reset(context.reply);
    }
    is_simple
}

fn reset_of_subscriber(mut context: LaterContext) -> LaterReply {
    Box::pin(async move {
        publish::unsubscribe_all(&context.shard_thread, &context.session).await;
        context.reply_behind_pushes();
        make_new(&context.shard_thread, &context.session);
        say_reset(&mut context.reply);
        context.reply
    })
}

fn say_reset(reply: &mut ReplyBuffer) {
    reply.set_protocol(Protocol::Resp2);
    reply.simple("RESET");
}

fn make_new(shard_thread: &ShardThread, session: &Session) {
    if session.monitor.replace(false) {
        shard_thread.node.clients.monitors.fetch_sub(1, Ordering::Relaxed);
    }
    session.db.set(0);
    session.protocol.set(Protocol::Resp2);
    session.authenticated.set(shard_thread.config().requirepass.is_none());
    session.name.borrow_mut().clear();
    session.reply_mode.set(ReplyMode::On);
    session.no_evict.set(false);
    session.no_touch.set(false);
}
