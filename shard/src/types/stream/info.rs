//! XINFO: what there is to know of a stream, its groups and their consumers.

use super::consumer::{Consumer, consumers, groups};
use super::deliver::PAGE_ENTRIES;
use super::group::Group;
use super::id::StreamId;
use super::lag;
use super::pending::Names;
use super::range;
use super::store::Stream;
use super::xgroup::{no_such_group, wrong_form};
use crate::command::Args;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

const HELP: &[&str] = &[
    "XINFO <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CONSUMERS <key> <groupname>",
    "    List the consumers of a group.",
    "GROUPS <key>",
    "    List the groups of a stream.",
    "STREAM <key> [FULL [COUNT <count>]",
    "    Tell all about a stream.",
    "HELP",
    "    Print this help.",
];

/// Entries of every kind that FULL lists, if nothing is said.
const COUNT: u64 = 10;

const ALL: (StreamId, StreamId) = (StreamId::ZERO, StreamId::MAX);

fn open(view: &mut View<'_>, args: Args<'_>) -> Result<Stream, CommandError> {
    Stream::open(view, args.get(2))?.ok_or_else(|| text::NO_SUCH_KEY.into())
}

/// XINFO STREAM key [FULL [COUNT count]]
pub(super) fn stream(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let stream = open(view, args)?;
    let full = match args.len() {
        3 => None,
        4 if args.is(3, "full") => Some(COUNT),
        6 if args.is(3, "full") && args.is(4, "count") => {
            Some(u64::try_from(args.integer(5)?).unwrap_or(COUNT))
        }
        _ => return Err(wrong_form(args, "XINFO")),
    };
    reply.map(if full.is_some() { 9 } else { 10 });
    head(view, &stream, reply);
    match full {
        None => short(view, &stream, reply),
        // 0: all there are.
        Some(0) => whole(view, &stream, u64::MAX, reply),
        Some(count) => whole(view, &stream, count, reply),
    }
}

fn head(view: &View<'_>, stream: &Stream, reply: &mut ReplyBuffer) {
    let state = &stream.state;
    let nodes = stream.nodes_at_least(view.settings()).cast_signed();
    number(reply, "length", stream.len().cast_signed());
    number(reply, "radix-tree-keys", nodes);
    // As many as there are at least above so many keys.
    number(reply, "radix-tree-nodes", nodes + 1);
    id(reply, "last-generated-id", state.last_id);
    id(reply, "max-deleted-entry-id", state.max_deleted_id);
    number(reply, "entries-added", state.entries_added.cast_signed());
    id(reply, "recorded-first-entry-id", state.first_id);
}

fn short(view: &mut View<'_>, stream: &Stream, reply: &mut ReplyBuffer) -> CommandResult {
    number(reply, "groups", stream.state.groups.cast_signed());
    for (name, toward) in [("first-entry", Side::Back), ("last-entry", Side::Front)] {
        reply.bulk(name.as_bytes());
        if range::write(view, stream, ALL, toward, 1, reply)? == 0 {
            reply.null();
        }
    }
    Ok(())
}

fn whole(
    view: &mut View<'_>,
    stream: &Stream,
    count: u64,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    reply.bulk(b"entries");
    let header = reply.deferred_array();
    let len = range::write(view, stream, ALL, Side::Back, count, reply)?;
    reply.finish_array(header, len);
    reply.bulk(b"groups");
    let groups = groups(view, stream)?;
    reply.array(groups.len());
    for group in &groups {
        reply.map(7);
        bulk(reply, "name", &group.name);
        progress(stream, group, reply);
        number(reply, "pel-count", group.pending_len().cast_signed());
        let of = Listed { stream, group, owner: None, count };
        of.write(view, reply)?;
        reply.bulk(b"consumers");
        let consumers = consumers(view, stream, group)?;
        reply.array(consumers.len());
        for consumer in &consumers {
            whole_consumer(view, (stream, group, consumer), count, reply)?;
        }
    }
    Ok(())
}

fn whole_consumer(
    view: &mut View<'_>,
    (stream, group, consumer): (&Stream, &Group, &Consumer),
    count: u64,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let owned = group.owned_len(view, stream, consumer.number)?;
    reply.map(5);
    bulk(reply, "name", &consumer.name);
    number(reply, "seen-time", consumer.seen_ms.cast_signed());
    number(reply, "active-time", consumer.active_ms.map_or(-1, u64::cast_signed));
    number(reply, "pel-count", owned.cast_signed());
    Listed { stream, group, owner: Some(consumer.number), count }.write(view, reply)
}

/// Pending entries that are listed: of a group, or of one consumer.
struct Listed<'a> {
    stream: &'a Stream,
    group: &'a Group,
    owner: Option<u64>,
    count: u64,
}

impl Listed<'_> {
    fn write(&self, view: &mut View<'_>, reply: &mut ReplyBuffer) -> CommandResult {
        reply.bulk(b"pending");
        let header = reply.deferred_array();
        let mut names = Names::default();
        let (mut len, mut from) = (0, Some(StreamId::ZERO));
        while let Some(first) = from
            && len < self.count
            && !reply.is_over()
        {
            let wanted = PAGE_ENTRIES.min(self.count - len);
            let page = self.group.page(view, self.stream, self.owner, (first, wanted))?;
            from = page.last().and_then(|(id, _)| id.next());
            len += page.len() as u64;
            for (id, pending) in page {
                reply.array(if self.owner.is_none() { 4 } else { 3 });
                reply.bulk(&id.text());
                if self.owner.is_none() {
                    reply.bulk(&names.get(view, self.stream, pending.consumer)?);
                }
                reply.integer(pending.delivered_ms.cast_signed());
                reply.integer(pending.deliveries.cast_signed());
            }
        }
        reply.finish_array(header, len as usize);
        Ok(())
    }
}

/// How far a group is.
fn progress(stream: &Stream, group: &Group, reply: &mut ReplyBuffer) {
    id(reply, "last-delivered-id", group.last_id);
    for (name, value) in [("entries-read", group.entries_read), ("lag", lag::of(stream, group))] {
        reply.bulk(name.as_bytes());
        match value {
            Some(value) => reply.integer(value),
            None => reply.null(),
        }
    }
}

/// XINFO GROUPS key
pub(super) fn list_groups(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let stream = open(view, args)?;
    let groups = groups(view, &stream)?;
    reply.array(groups.len());
    for group in &groups {
        reply.map(6);
        bulk(reply, "name", &group.name);
        number(reply, "consumers", group.consumers.cast_signed());
        number(reply, "pending", group.pending_len().cast_signed());
        progress(&stream, group, reply);
    }
    Ok(())
}

/// XINFO CONSUMERS key group
pub(super) fn list_consumers(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let stream = open(view, args)?;
    let group = Group::open(view, &stream, args.get(3))?;
    let group = group.ok_or_else(|| no_such_group(args))?;
    let consumers = consumers(view, &stream, &group)?;
    let since = |now_ms: u64, then_ms: u64| now_ms.saturating_sub(then_ms).cast_signed();
    reply.array(consumers.len());
    for consumer in &consumers {
        let owned = group.owned_len(view, &stream, consumer.number)?;
        let now_ms = view.now_ms();
        reply.map(4);
        bulk(reply, "name", &consumer.name);
        number(reply, "pending", owned.cast_signed());
        number(reply, "idle", since(now_ms, consumer.seen_ms));
        let inactive = consumer.active_ms.map_or(-1, |active_ms| since(now_ms, active_ms));
        number(reply, "inactive", inactive);
    }
    Ok(())
}

/// XINFO HELP
pub(super) fn help(_: &mut View<'_>, _: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    reply.array(HELP.len());
    for line in HELP {
        reply.simple(line);
    }
    Ok(())
}

fn number(reply: &mut ReplyBuffer, name: &str, value: i64) {
    reply.bulk(name.as_bytes());
    reply.integer(value);
}

fn bulk(reply: &mut ReplyBuffer, name: &str, value: &[u8]) {
    reply.bulk(name.as_bytes());
    reply.bulk(value);
}

fn id(reply: &mut ReplyBuffer, name: &str, value: StreamId) {
    bulk(reply, name, &value.text());
}
