//! XACK and XPENDING.

use bytes::Bytes;

use super::add::parse_ids;
use super::consumer::{self, Consumer};
use super::deliver::PAGE_ENTRIES;
use super::group::Group;
use super::id::{StreamId, parse_end, parse_start};
use super::read::no_group;
use super::store::Stream;
use crate::command::Args;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

/// XACK key group id …
pub(super) fn xack(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut count = 0;
    if let Some((mut stream, mut group)) = open(view, args.get(1), args.get(2))? {
        for id in parse_ids(args.skip(3))? {
            if let Some(pending) = group.pending(view, &stream, id)? {
                group.remove_pending(view, &stream, id, &pending)?;
                count += 1;
            }
        }
        if count > 0 {
            group.save(view, &mut stream);
            stream.save(view, &[])?;
            view.count_changes(count);
        }
    }
    reply.integer(count as i64);
    Ok(())
}

/// The stream at a key and a group of it, if there are both. Its lookup counts as one of a read.
pub(super) fn open(
    view: &mut View<'_>,
    key: &[u8],
    group: &[u8],
) -> Result<Option<(Stream, Group)>, CommandError> {
    view.count_lookups(true);
    let Some(stream) = Stream::open(view, key)? else { return Ok(None) };
    let group = Group::open(view, &stream, group)?;
    Ok(group.map(|group| (stream, group)))
}

/// Which pending entries XPENDING is to list.
struct Query<'a> {
    min_idle_ms: i64,
    ids: (StreamId, StreamId),
    count: u64,
    consumer: Option<&'a [u8]>,
}

impl<'a> Query<'a> {
    /// `None`: it asks for an overview.
    fn parse(args: Args<'a>) -> Result<Option<Self>, CommandError> {
        if args.len() == 3 {
            return Ok(None);
        }
        if !(6..=9).contains(&args.len()) {
            return Err(text::SYNTAX.into());
        }
        let (mut start, mut min_idle_ms) = (3, 0);
        if args.is(3, "idle") {
            min_idle_ms = args.integer(4)?;
            if args.len() < 8 {
                return Err(text::SYNTAX.into());
            }
            start = 5;
        }
        let count = u64::try_from(args.integer(start + 2)?).unwrap_or(0);
        let ids = (parse_start(args.get(start))?, parse_end(args.get(start + 1))?);
        let consumer = (start + 3 < args.len()).then(|| args.get(start + 3));
        Ok(Some(Self { min_idle_ms, ids, count, consumer }))
    }
}

/// XPENDING key group [[IDLE min-idle-time] start end count [consumer]]
pub(super) fn xpending(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let query = Query::parse(args)?;
    let Some((stream, group)) = open(view, args.get(1), args.get(2))? else {
        return Err(no_group(args.get(1), args.get(2), ""));
    };
    match query {
        None => overview(view, &stream, &group, reply),
        Some(query) => list(view, &stream, &group, &query, reply),
    }
}

fn overview(
    view: &mut View<'_>,
    stream: &Stream,
    group: &Group,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    reply.array(4);
    reply.integer(group.pending_len().cast_signed());
    let edges = (group.edge(view, stream, Side::Front)?, group.edge(view, stream, Side::Back)?);
    let (Some(first), Some(last)) = edges else {
        reply.null();
        reply.null();
        reply.null_array();
        return Ok(());
    };
    reply.bulk(&first.text());
    reply.bulk(&last.text());
    let header = reply.deferred_array();
    let mut len = 0;
    for consumer in consumer::consumers(view, stream, group)? {
        let count = group.owned_len(view, stream, consumer.number)?;
        if count > 0 {
            reply.array(2);
            reply.bulk(&consumer.name);
            reply.bulk(number::format_u64(count).as_bytes());
            len += 1;
        }
    }
    reply.finish_array(header, len);
    Ok(())
}

fn list(
    view: &mut View<'_>,
    stream: &Stream,
    group: &Group,
    query: &Query<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut owner = None;
    if let Some(name) = query.consumer {
        match Consumer::open(view, stream, group, name)? {
            Some(consumer) => owner = Some(consumer.number),
            None => {
                reply.array(0);
                return Ok(());
            }
        }
    }
    let header = reply.deferred_array();
    let mut names = Names::default();
    let (mut len, mut from) = (0, Some(query.ids.0));
    while let Some(first) = from
        && len < query.count
        && !reply.is_over()
    {
        let page = group.page(view, stream, owner, (first, PAGE_ENTRIES))?;
        from = page.last().and_then(|(id, _)| id.next());
        for (id, pending) in page {
            if id > query.ids.1 || len == query.count {
                from = None;
                break;
            }
            let now_ms = view.now_ms();
            let elapsed = now_ms.cast_signed().wrapping_sub(pending.delivered_ms.cast_signed());
            if query.min_idle_ms != 0 && elapsed < query.min_idle_ms {
                continue;
            }
            reply.array(4);
            reply.bulk(&id.text());
            reply.bulk(&names.get(view, stream, pending.consumer)?);
            reply.integer(pending.idle_ms(now_ms).cast_signed());
            reply.integer(pending.deliveries.cast_signed());
            len += 1;
        }
    }
    reply.finish_array(header, len as usize);
    Ok(())
}

/// Names of consumers, of which the one that was asked for last is remembered.
#[derive(Default)]
pub(super) struct Names(Option<(u64, Bytes)>);

impl Names {
    pub(super) fn get(
        &mut self,
        view: &mut View<'_>,
        stream: &Stream,
        number: u64,
    ) -> Result<Bytes, CommandError> {
        match &self.0 {
            Some((known, name)) if *known == number => Ok(name.clone()),
            _ => {
                let name = consumer::name_of(view, stream, number)?;
                self.0 = Some((number, name.clone()));
                Ok(name)
            }
        }
    }
}
