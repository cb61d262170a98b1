//! SUBSCRIBE and its relatives, PUBLISH and SPUBLISH, PUBSUB.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{
    Arg, ArgKind, Docs, Flags, Group, KeySpec, Run, category, flag, key_flag,
};
use basalt_shard::resp::ReplyBuffer;
use bytes::Bytes;

use crate::client::subscriptions::Kind;
use crate::commands::replies::{Failure, help};
use crate::execute::publish;
use crate::pubsub::{Publication, World};
use crate::thread::message::Answer;
use crate::thread::process_command::{LaterContext, LaterReply, ProcessContext, ProcessRun};

/// The functions of this file.
pub(crate) const COMMANDS: &[(&str, ProcessRun)] = &[
    ("subscribe", ProcessRun::Report(|context| subscribe(context, Kind::Channel))),
    ("psubscribe", ProcessRun::Report(|context| subscribe(context, Kind::Pattern))),
    ("ssubscribe", ProcessRun::Report(|context| subscribe(context, Kind::ShardChannel))),
    ("unsubscribe", ProcessRun::Now(|context| unsubscribe(context, Kind::Channel))),
    ("punsubscribe", ProcessRun::Now(|context| unsubscribe(context, Kind::Pattern))),
    ("sunsubscribe", ProcessRun::Now(|context| unsubscribe(context, Kind::ShardChannel))),
    ("publish", ProcessRun::Try(|context| publish(context, World::All), publish_later)),
    ("spublish", ProcessRun::Try(|context| publish(context, World::Shard), spublish_later)),
    ("pubsub|channels", ProcessRun::Report(|context| channels(context, World::All))),
    ("pubsub|shardchannels", ProcessRun::Report(|context| channels(context, World::Shard))),
    ("pubsub|numsub", ProcessRun::Report(|context| numsub(context, World::All))),
    ("pubsub|shardnumsub", ProcessRun::Report(|context| numsub(context, World::Shard))),
    ("pubsub|numpat", ProcessRun::Now(numpat)),
    ("pubsub|help", ProcessRun::Now(|context| help(context.reply, "PUBSUB", HELP))),
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
        let (shard_loop, session) = (&context.shard_loop, &context.session);
        publish::subscribe(shard_loop, session, kind, names.into_iter(), |name, count| {
            confirm(&mut reply, word(kind, true), Some(name), count);
        })
        .await;
        reply
    })
}

fn unsubscribe(context: &mut ProcessContext<'_>, kind: Kind) {
    let (shard_loop, session) = (context.shard_loop, context.session);
    // What was published before comes before.
    let pushes = session.take_pushes();
    shard_loop.node.client_memory.count_replies(&session.pushed_bytes, 0);
    context.reply.append_raw(&pushes);
    let names: Vec<Bytes> = if context.args.len() > 1 {
        context.args.iter_from(1).map(Bytes::copy_from_slice).collect()
    } else {
        session.subscriptions.borrow().of(kind).iter().cloned().collect()
    };
    let reply = &mut *context.reply;
    if names.is_empty() {
        let count = session.subscriptions.borrow().count_like(kind);
        confirm(reply, word(kind, false), None, count);
    }
    publish::unsubscribe(shard_loop, session, kind, names.into_iter(), |name, count| {
        confirm(reply, word(kind, false), Some(name), count);
    });
}

/// Publishes on a channel whose home is this shard. False: it has another.
fn publish(context: &mut ProcessContext<'_>, world: World) -> bool {
    let shard_loop = context.shard_loop;
    let (channel, payload) = (context.args.get(1), context.args.get(2));
    if shard_loop.node.topology.shard_of(channel) != shard_loop.id {
        return false;
    }
    let count = publish::publish_here(shard_loop, publication(world, channel, payload).into());
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
    let home = context.shard_loop.node.topology.shard_of(args.get(1));
    let publication = publication(world, args.get(1), args.get(2));
    let exchange = publish::publish_there(&context.shard_loop, home, publication);
    let count = match context.shard_loop.answer(exchange).await {
        Answer::Receivers(count) => count,
        _ => 0,
    };
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
            .shard_loop
            .on_every_shard(move |there| there.home.borrow().channels(world, pattern.as_deref()))
            .await;
        context.reply.array(names.iter().map(Vec::len).sum());
        names.iter().flatten().for_each(|name| context.reply.bulk(name));
        context.reply
    })
}

fn numsub(mut context: LaterContext, world: World) -> LaterReply {
    Box::pin(async move {
        let names: Vec<Bytes> = context.args().iter_from(2).map(Bytes::copy_from_slice).collect();
        let shard_loop = context.shard_loop.clone();
        context.reply.array(names.len() * 2);
        for name in names {
            let home = shard_loop.node.topology.shard_of(&name);
            let asked = name.clone();
            let count = shard_loop
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
    let count = context.shard_loop.home.borrow().pattern_count();
    context.reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
}

const BASE: Flags = flag::PUBSUB | flag::LOADING | flag::STALE;
const SUBSCRIBER: Flags = BASE | flag::NOSCRIPT | flag::IN_SUBSCRIBED_MODE;

/// Shard channels are hashed as keys are, but are none.
const SHARD_CHANNEL: &[KeySpec] = &[KeySpec::one(1, key_flag::NOT_KEY)];
const SHARD_CHANNELS: &[KeySpec] = &[KeySpec::range(1, -1, 1, key_flag::NOT_KEY)];

const CHANNEL: Arg = Arg::new("channel", ArgKind::String);
const SHARD_CHANNEL_ARG: Arg = Arg::new("shardchannel", ArgKind::String);
const PATTERN: Arg = Arg::new("pattern", ArgKind::Pattern);
const MESSAGE: Arg = Arg::new("message", ArgKind::String);

const fn command(name: &'static str, arity: i32, flags: Flags, docs: Docs) -> CommandSpec {
    CommandSpec {
        name,
        arity,
        flags,
        categories: category::PUBSUB,
        run: Run::Process,
        docs,
        ..CommandSpec::EMPTY
    }
}

const fn docs(
    summary: &'static str,
    since: &'static str,
    complexity: &'static str,
    arguments: &'static [Arg],
) -> Docs {
    Docs { summary, since, group: Group::Pubsub, complexity, arguments, ..Docs::EMPTY }
}

/// The commands of this file.
pub(crate) const SPECS: &[CommandSpec] = &[
    command(
        "subscribe",
        -2,
        SUBSCRIBER,
        docs(
            "Listens for messages published on channels",
            "2.0.0",
            "O(N) where N is the number of channels to subscribe to.",
            &[CHANNEL.multiple()],
        ),
    ),
    command(
        "unsubscribe",
        -1,
        SUBSCRIBER,
        docs(
            "Stops listening for messages published on channels",
            "2.0.0",
            "O(N) where N is the number of channels to unsubscribe.",
            &[CHANNEL.optional().multiple()],
        ),
    ),
    command(
        "psubscribe",
        -2,
        SUBSCRIBER,
        docs(
            "Listens for messages published on channels whose names match",
            "2.0.0",
            "O(N) where N is the number of patterns to subscribe to.",
            &[Arg::new("pattern", ArgKind::Block(&[PATTERN])).multiple()],
        ),
    ),
    command(
        "punsubscribe",
        -1,
        SUBSCRIBER,
        docs(
            "Stops listening for messages published on channels whose names match",
            "2.0.0",
            "O(N) where N is the number of patterns to unsubscribe.",
            &[PATTERN.optional().multiple()],
        ),
    ),
    CommandSpec {
        keys: SHARD_CHANNELS,
        ..command(
            "ssubscribe",
            -2,
            SUBSCRIBER,
            docs(
                "Listens for messages published on shard channels",
                "7.0.0",
                "O(N) where N is the number of shard channels to subscribe to.",
                &[SHARD_CHANNEL_ARG.multiple()],
            ),
        )
    },
    CommandSpec {
        keys: SHARD_CHANNELS,
        ..command(
            "sunsubscribe",
            -1,
            SUBSCRIBER,
            docs(
                "Stops listening for messages published on shard channels",
                "7.0.0",
                "O(N) where N is the number of shard channels to unsubscribe.",
                &[SHARD_CHANNEL_ARG.optional().multiple()],
            ),
        )
    },
    command(
        "publish",
        3,
        BASE | flag::FAST,
        docs(
            "Publishes a message on a channel",
            "2.0.0",
            "O(N+M) where N is the number of clients subscribed to the receiving channel and M is \
             the total number of subscribed patterns (by any client).",
            &[CHANNEL, MESSAGE],
        ),
    ),
    CommandSpec {
        keys: SHARD_CHANNEL,
        ..command(
            "spublish",
            3,
            BASE | flag::FAST,
            docs(
                "Publishes a message on a shard channel",
                "7.0.0",
                "O(N) where N is the number of clients subscribed to the receiving shard channel.",
                &[SHARD_CHANNEL_ARG, MESSAGE],
            ),
        )
    },
    CommandSpec {
        name: "pubsub",
        arity: -2,
        run: Run::Container,
        subcommands: SUBCOMMANDS,
        docs: docs("Tells about channels", "2.8.0", "Depends on the subcommand", &[]),
        ..CommandSpec::EMPTY
    },
];

const SUBCOMMANDS: &[CommandSpec] = &[
    command(
        "channels",
        -2,
        BASE,
        docs(
            "Lists the channels that have subscribers",
            "2.8.0",
            "O(N) where N is the number of active channels.",
            &[PATTERN.optional()],
        ),
    ),
    CommandSpec {
        categories: 0,
        flags: flag::LOADING | flag::STALE,
        ..command("help", 2, BASE, docs("Describes the subcommands", "6.2.0", "O(1)", &[]))
    },
    command(
        "numpat",
        2,
        BASE,
        docs("Counts the patterns that clients have subscribed to", "2.8.0", "O(1)", &[]),
    ),
    command(
        "numsub",
        -2,
        BASE,
        docs(
            "Counts the subscribers of channels",
            "2.8.0",
            "O(N) where N is the number of requested channels.",
            &[CHANNEL.optional().multiple()],
        ),
    ),
    command(
        "shardchannels",
        -2,
        BASE,
        docs(
            "Lists the shard channels that have subscribers",
            "7.0.0",
            "O(N) where N is the number of active shard channels.",
            &[PATTERN.optional()],
        ),
    ),
    command(
        "shardnumsub",
        -2,
        BASE,
        docs(
            "Counts the subscribers of shard channels",
            "7.0.0",
            "O(N) where N is the number of requested shard channels.",
            &[SHARD_CHANNEL_ARG.optional().multiple()],
        ),
    ),
];
