//! SUBSCRIBE and its relatives, PUBLISH and SPUBLISH, PUBSUB.

use basalt_shard::glob::glob_match;
use basalt_shard::resp::ReplyBuffer;
use bytes::Bytes;

use crate::client::subscriptions::Kind;
use crate::client::{ReplyMode, Session};
use crate::commands::replies::{Failure, help};
use crate::commands::row::*;
use crate::execute::publish;
use crate::pubsub::{Publication, World};
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext};

const ALWAYS: Flags = PUBSUB | LOADING | STALE;
const SUBSCRIBER: Flags = ALWAYS | NOSCRIPT | IN_SUBSCRIBED_MODE;

/// Shard channels are hashed as keys are, but are none.
const SHARD_CHANNEL: &[KeySpec] = &[KeySpec::one(1).not_key()];
const SHARD_CHANNELS: &[KeySpec] = &[KeySpec::range(1, -1, 1).not_key()];

const CHANNEL: Arg = Arg::string("channel");
const SHARD_CHANNEL_ARG: Arg = Arg::string("shardchannel");
const PATTERN: Arg = Arg::pattern("pattern");
const MESSAGE: Arg = Arg::string("message");

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    command("subscribe", -2, Report(|context| subscribe(context, Kind::Channel)))
        .flags(SUBSCRIBER)
        .group(Group::Pubsub)
        .since("2.0.0")
        .summary("Listens for messages published on channels")
        .complexity("O(N) where N is the number of channels to subscribe to.")
        .args(&[CHANNEL.multiple()]),
    command("unsubscribe", -1, Report(|context| unsubscribe(context, Kind::Channel)))
        .flags(SUBSCRIBER)
        .group(Group::Pubsub)
        .since("2.0.0")
        .summary("Stops listening for messages published on channels")
        .complexity("O(N) where N is the number of channels to unsubscribe.")
        .args(&[CHANNEL.optional().multiple()]),
    command("psubscribe", -2, Report(|context| subscribe(context, Kind::Pattern)))
        .flags(SUBSCRIBER)
        .group(Group::Pubsub)
        .since("2.0.0")
        .summary("Listens for messages published on channels whose names match")
        .complexity("O(N) where N is the number of patterns to subscribe to.")
        .args(&[Arg::block("pattern", &[PATTERN]).multiple()]),
    command("punsubscribe", -1, Report(|context| unsubscribe(context, Kind::Pattern)))
        .flags(SUBSCRIBER)
        .group(Group::Pubsub)
        .since("2.0.0")
        .summary("Stops listening for messages published on channels whose names match")
        .complexity("O(N) where N is the number of patterns to unsubscribe.")
        .args(&[PATTERN.optional().multiple()]),
    command("ssubscribe", -2, Report(|context| subscribe(context, Kind::ShardChannel)))
        .flags(SUBSCRIBER)
        .group(Group::Pubsub)
        .since("7.0.0")
        .summary("Listens for messages published on shard channels")
        .complexity("O(N) where N is the number of shard channels to subscribe to.")
        .keys(SHARD_CHANNELS)
        .args(&[SHARD_CHANNEL_ARG.multiple()]),
    command("sunsubscribe", -1, Report(|context| unsubscribe(context, Kind::ShardChannel)))
        .flags(SUBSCRIBER)
        .group(Group::Pubsub)
        .since("7.0.0")
        .summary("Stops listening for messages published on shard channels")
        .complexity("O(N) where N is the number of shard channels to unsubscribe.")
        .keys(SHARD_CHANNELS)
        .args(&[SHARD_CHANNEL_ARG.optional().multiple()]),
    command("publish", 3, Try(|context| publish(context, World::All), publish_later))
        .flags(ALWAYS | FAST | MAY_REPLICATE)
        .group(Group::Pubsub)
        .since("2.0.0")
        .summary("Publishes a message on a channel")
        .complexity(
            "O(N+M) where N is the number of clients subscribed to the receiving \
             channel and M is the total number of subscribed patterns (by any client).",
        )
        .args(&[CHANNEL, MESSAGE]),
    command("spublish", 3, Try(|context| publish(context, World::Shard), spublish_later))
        .flags(ALWAYS | FAST | MAY_REPLICATE)
        .group(Group::Pubsub)
        .since("7.0.0")
        .summary("Publishes a message on a shard channel")
        .complexity(
            "O(N) where N is the number of clients subscribed to the receiving shard \
             channel.",
        )
        .keys(SHARD_CHANNEL)
        .args(&[SHARD_CHANNEL_ARG, MESSAGE]),
    container("pubsub", SUBCOMMANDS)
        .group(Group::Pubsub)
        .since("2.8.0")
        .summary("Tells about channels"),
];

const SUBCOMMANDS: &[Command] = &[
    command("channels", -2, Report(|context| channels(context, World::All)))
        .flags(ALWAYS)
        .group(Group::Pubsub)
        .since("2.8.0")
        .summary("Lists the channels that have subscribers")
        .complexity("O(N) where N is the number of active channels.")
        .args(&[PATTERN.optional()]),
    command("help", 2, Now(|context| help(context.reply, "PUBSUB", HELP)))
        .flags(LOADING | STALE)
        .group(Group::Pubsub)
        .since("6.2.0")
        .summary("Describes the subcommands"),
    command("numpat", 2, Now(numpat))
        .flags(ALWAYS)
        .group(Group::Pubsub)
        .since("2.8.0")
        .summary("Counts the patterns that clients have subscribed to"),
    command("numsub", -2, Report(|context| numsub(context, World::All)))
        .flags(ALWAYS)
        .group(Group::Pubsub)
        .since("2.8.0")
        .summary("Counts the subscribers of channels")
        .complexity("O(N) where N is the number of requested channels.")
        .args(&[CHANNEL.optional().multiple()]),
    command("shardchannels", -2, Report(|context| channels(context, World::Shard)))
        .flags(ALWAYS)
        .group(Group::Pubsub)
        .since("7.0.0")
        .summary("Lists the shard channels that have subscribers")
        .complexity("O(N) where N is the number of active shard channels.")
        .args(&[PATTERN.optional()]),
    command("shardnumsub", -2, Report(|context| numsub(context, World::Shard)))
        .flags(ALWAYS)
        .group(Group::Pubsub)
        .since("7.0.0")
        .summary("Counts the subscribers of shard channels")
        .complexity("O(N) where N is the number of requested shard channels.")
        .args(&[SHARD_CHANNEL_ARG.optional().multiple()]),
];

const HELP: &[&str] = &[
    "CHANNELS [<pattern>]",
    "    List the channels that have subscribers, all or those that match.",
    "NUMPAT",
    "    Count the different patterns that clients have subscribed to.",
    "NUMSUB [<channel> ...]",
    "    Count the subscribers of channels, those of patterns not included.",
    "SHARDCHANNELS [<pattern>]",
    "    List the shard channels that have subscribers, all or those that match.",
    "SHARDNUMSUB [<shardchannel> ...]",
    "    Count the subscribers of shard channels.",
];

/// The first word of confirmations.
fn word(kind: Kind, is_there: bool) -> &'static [u8] {
    match (kind, is_there) {
        (Kind::Channel, true) => b"subscribe",
        (Kind::Pattern, true) => b"psubscribe",
        (Kind::ShardChannel, true) => b"ssubscribe",
        (Kind::Channel, false) => b"unsubscribe",
        (Kind::Pattern, false) => b"punsubscribe",
        (Kind::ShardChannel, false) => b"sunsubscribe",
    }
}

fn confirm(reply: &mut ReplyBuffer, word: &[u8], name: Option<&[u8]>, count: usize) {
    reply.push(3);
    reply.bulk(word);
    match name {
        Some(name) => reply.bulk(name),
        None => reply.null(),
    }
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}

fn subscribe(mut context: LaterContext, kind: Kind) -> LaterReply {
    Box::pin(async move {
        let empty = ReplyBuffer::new(context.reply.protocol());
        let mut reply = std::mem::replace(&mut context.reply, empty);
        let names: Vec<Bytes> = context.args().iter_from(1).map(Bytes::copy_from_slice).collect();
        let (shard_thread, session) = (&context.shard_thread, &context.session);
        publish::subscribe(shard_thread, session, kind, names.into_iter(), |name, count| {
            confirm(&mut reply, word(kind, true), Some(name), count);
        })
        .await;
        if has_no_replies(session) {
            let published = session.take_pushes();
            push(&context, &reply.take());
            push(&context, &published);
        }
        reply
    })
}

fn unsubscribe(mut context: LaterContext, kind: Kind) -> LaterReply {
    Box::pin(async move {
        let (shard_thread, session) = (&context.shard_thread, &context.session);
        let names: Vec<Bytes> = if context.args().len() > 1 {
            context.args().iter_from(1).map(Bytes::copy_from_slice).collect()
        } else {
            session.subscriptions.borrow().of(kind).iter().cloned().collect()
        };
        let mut confirmations = ReplyBuffer::new(context.reply.protocol());
        if names.is_empty() {
            let count = session.subscriptions.borrow().count_like(kind);
            confirm(&mut confirmations, word(kind, false), None, count);
        }
        publish::unsubscribe(shard_thread, session, kind, names.into_iter(), |name, count| {
            confirm(&mut confirmations, word(kind, false), Some(name), count);
        })
        .await;
        if has_no_replies(session) {
            push(&context, confirmations.as_bytes());
            return context.reply;
        }
        context.reply_behind_pushes();
        context.reply.append_raw(confirmations.as_bytes());
        context.reply
    })
}

/// Whether the client has its replies held back (CLIENT REPLY). Confirmations are none, as messages
/// are none: they are pushed.
fn has_no_replies(session: &Session) -> bool {
    session.reply_mode.get() != ReplyMode::On
}

fn push(context: &LaterContext, bytes: &[u8]) {
    let waiting = context.session.push(bytes);
    let memory = &context.shard_thread.node.clients.memory;
    memory.count_replies(&context.session.pushed_bytes, waiting);
}

/// Publishes on a channel whose home is this shard. False: it has another.
fn publish(context: &mut ProcessContext<'_>, world: World) -> bool {
    let shard_thread = context.shard_thread;
    let (channel, payload) = (context.args.get(1), context.args.get(2));
    if shard_thread.node.topology.shard_of(channel) != shard_thread.id {
        return false;
    }
    let count = publish::publish_here(shard_thread, publication(world, channel, payload).into());
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    true
}

fn publication(world: World, channel: &[u8], payload: &[u8]) -> Publication {
    let (channel, payload) = (Bytes::copy_from_slice(channel), Bytes::copy_from_slice(payload));
    Publication { world, channel, payload }
}

fn publish_later(context: LaterContext) -> LaterReply {
    Box::pin(publish_there(context, World::All))
}

fn spublish_later(context: LaterContext) -> LaterReply {
    Box::pin(publish_there(context, World::Shard))
}

async fn publish_there(mut context: LaterContext, world: World) -> ReplyBuffer {
    let args = context.args();
    let home = context.shard_thread.node.topology.shard_of(args.get(1));
    let publication = publication(world, args.get(1), args.get(2));
    let count = publish::publish_there(&context.shard_thread, home, publication).await;
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    context.reply
}

fn channels(mut context: LaterContext, world: World) -> LaterReply {
    Box::pin(async move {
        if context.args().len() > 3 {
            let text =
                "ERR unknown subcommand or wrong number of arguments for '%'. Try PUBSUB HELP.";
            let failure = Failure::quoting(text, context.args().get(1));
            context.reply.error(&failure.0);
            return context.reply;
        }
        let pattern = context.args().iter_from(2).next().map(Bytes::copy_from_slice);
        let names = context
            .shard_thread
            .on_every_shard(move |there| {
                let home = there.home.borrow();
                let channels = publish::channels_at_home(there, &home, world);
                let is_asked =
                    |name: &&Bytes| pattern.as_ref().is_none_or(|it| glob_match(it, name, false));
                channels.filter(is_asked).cloned().collect::<Vec<_>>()
            })
            .await;
        context.reply.array(names.iter().map(Vec::len).sum());
        names.iter().flatten().for_each(|name| context.reply.bulk(name));
        context.reply
    })
}

fn numsub(mut context: LaterContext, world: World) -> LaterReply {
    Box::pin(async move {
        let names: Vec<Bytes> = context.args().iter_from(2).map(Bytes::copy_from_slice).collect();
        let shard_thread = context.shard_thread.clone();
        context.reply.array(names.len() * 2);
        for name in names {
            let home = shard_thread.node.topology.shard_of(&name);
            let asked = name.clone();
            let count = shard_thread
                .on_shard(home, move |there| there.home.borrow().subscribers(world, &asked))
                .await;
            context.reply.bulk(&name);
            context
                .reply
                .integer(count.map_or(0, |count| i64::try_from(count).unwrap_or(i64::MAX)));
        }
        context.reply
    })
}

fn numpat(context: &mut ProcessContext<'_>) {
    let count = context.shard_thread.home.borrow().pattern_count();
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}
