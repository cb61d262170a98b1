//! XREAD and XREADGROUP: what several streams have behind an id. Nobody waits here: where there is
//! nothing, a call with BLOCK is answered as if its time were over.

use std::borrow::Cow;

use super::deliver::{Delivery, Reader};
use super::group::Group;
use super::id::StreamId;
use super::range;
use super::store::Stream;
use crate::command::Args;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::{DeferredLength, Protocol, ReplyBuffer};
use crate::tree::Side;
use crate::view::View;

const UNBALANCED: &str = "ERR Unbalanced XREAD list of streams: for each stream key an ID or '$' \
                          must be specified.";
const GROUP_IN_XREAD: &str = "ERR The GROUP option is only supported by XREADGROUP. You called \
                              XREAD instead.";
const NOACK_IN_XREAD: &str = "ERR The NOACK option is only supported by XREADGROUP. You called \
                              XREAD instead.";
const LAST_IN_XREADGROUP: &str = "ERR The $ ID is meaningless in the context of XREADGROUP: you \
                                  want to read the history of this consumer by specifying a \
                                  proper ID, or use the > ID to get new messages. The $ ID would \
                                  just return an empty result set.";
const NEW_IN_XREAD: &str = "ERR The > ID can be specified only when calling XREADGROUP using the \
                            GROUP <group> <consumer> option.";

/// What a call says.
struct Request<'a> {
    reader: Option<Reader<'a>>,
    count: u64,
    keys: Args<'a>,
    ids: Args<'a>,
}

impl<'a> Request<'a> {
    fn parse(args: Args<'a>, is_of_group: bool) -> Result<Self, CommandError> {
        let (mut count, mut group, mut no_ack, mut streams) = (0, None, false, None);
        let mut index = 1;
        while index < args.len() && streams.is_none() {
            let more = args.len() - index - 1;
            if more >= 1 && args.is(index, "block") {
                check_timeout(args.get(index + 1))?;
                index += 1;
            } else if more >= 1 && args.is(index, "count") {
                count = u64::try_from(args.integer(index + 1)?).unwrap_or(0);
                index += 1;
            } else if more >= 1 && args.is(index, "streams") {
                if !more.is_multiple_of(2) {
                    return Err(UNBALANCED.into());
                }
                streams = Some((args.skip(index + 1), more / 2));
            } else if more >= 2 && args.is(index, "group") {
                if !is_of_group {
                    return Err(GROUP_IN_XREAD.into());
                }
                group = Some((args.get(index + 1), args.get(index + 2)));
                index += 2;
            } else if args.is(index, "noack") {
                if !is_of_group {
                    return Err(NOACK_IN_XREAD.into());
                }
                no_ack = true;
            } else {
                return Err(text::SYNTAX.into());
            }
            index += 1;
        }
        let (rest, len) = streams.ok_or(text::SYNTAX)?;
        if is_of_group && group.is_none() {
            return Err("ERR Missing GROUP option for XREADGROUP".into());
        }
        Ok(Self {
            reader: group.map(|(group, consumer)| Reader { group, consumer, no_ack }),
            count: if count == 0 { u64::MAX } else { count },
            keys: rest.first(len),
            ids: rest.skip(len),
        })
    }

    /// The ids behind which to read; the greatest one with a group: what is new to it.
    fn starts(&self, view: &mut View<'_>) -> Result<Vec<StreamId>, CommandError> {
        let mut starts = Vec::with_capacity(self.keys.len());
        for (key, id) in self.keys.iter_from(0).zip(self.ids.iter_from(0)) {
            let stream = Stream::open(view, key)?;
            if let Some(reader) = self.reader {
                let group = match &stream {
                    Some(stream) => Group::open(view, stream, reader.group)?,
                    None => None,
                };
                if group.is_none() {
                    let place = " in XREADGROUP with GROUP option";
                    return Err(no_group(key, reader.group, place));
                }
            }
            starts.push(match (id, self.reader) {
                (b"$", Some(_)) => return Err(LAST_IN_XREADGROUP.into()),
                (b"$", None) => stream.map_or(StreamId::ZERO, |stream| stream.state.last_id),
                (b">", Some(_)) => StreamId::MAX,
                (b">", None) => return Err(NEW_IN_XREAD.into()),
                (id, _) => StreamId::parse(id, 0)?,
            });
        }
        Ok(starts)
    }
}

/// A name as Redis has it in these errors: up to its first zero byte.
pub(super) fn quoted(name: &[u8]) -> Cow<'_, str> {
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
    String::from_utf8_lossy(&name[..end])
}

/// The error where a key has no group of a name, or there is no key.
pub(super) fn no_group(key: &[u8], group: &[u8], place: &str) -> CommandError {
    let (key, group) = (quoted(key), quoted(group));
    CommandError::reply(format!("NOGROUP No such key '{key}' or consumer group '{group}'{place}"))
}

fn check_timeout(timeout: &[u8]) -> CommandResult {
    match number::parse_i64(timeout) {
        None => Err("ERR timeout is not an integer or out of range".into()),
        Some(..0) => Err("ERR timeout is negative".into()),
        Some(_) => Ok(()),
    }
}

/// XREAD [COUNT count] [BLOCK milliseconds] STREAMS key … id …
pub(super) fn xread(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let request = Request::parse(args, false)?;
    let starts = request.starts(view)?;
    let mut answer = Answer::default();
    for (key, start) in request.keys.iter_from(0).zip(starts) {
        let Some(stream) = Stream::open(view, key)? else { continue };
        let last = stream.last_entry_id(view)?;
        let (Some(first), Some(_)) = (start.next(), last.filter(|last| *last > start)) else {
            continue;
        };
        answer.open(key, reply);
        let header = reply.deferred_array();
        let ids = (first, StreamId::MAX);
        let len = range::write(view, &stream, ids, Side::Back, request.count, reply)?;
        reply.finish_array(header, len);
    }
    answer.finish(reply);
    Ok(())
}

/// XREADGROUP GROUP group consumer [COUNT count] [BLOCK milliseconds] [NOACK] STREAMS key … id …
pub(super) fn xreadgroup(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let request = Request::parse(args, true)?;
    view.count_lookups(true);
    let starts = request.starts(view)?;
    let (mut answer, mut changes) = (Answer::default(), 0);
    for (key, start) in request.keys.iter_from(0).zip(starts) {
        let (Some(stream), Some(reader)) = (Stream::open(view, key)?, request.reader) else {
            continue;
        };
        let mut delivery = Delivery::open(view, stream, reader)?;
        if delivery.has_any(view, start)? {
            answer.open(key, reply);
            delivery.write(view, (start, request.count), reply)?;
        }
        changes += delivery.save(view)?;
    }
    view.count_changes(changes);
    answer.finish(reply);
    Ok(())
}

/// A reply of streams with their entries: pairs in RESP2, a map in RESP3. Null without any.
#[derive(Default)]
struct Answer {
    header: Option<DeferredLength>,
    len: usize,
}

impl Answer {
    /// The entries of a stream follow.
    fn open(&mut self, key: &[u8], reply: &mut ReplyBuffer) {
        self.header.get_or_insert_with(|| reply.deferred_map());
        self.len += 1;
        if reply.protocol() == Protocol::Resp2 {
            reply.array(2);
        }
        reply.bulk(key);
    }

    fn finish(self, reply: &mut ReplyBuffer) {
        match self.header {
            None => reply.null_array(),
            Some(header) if reply.protocol() == Protocol::Resp2 => {
                reply.finish_array(header, self.len);
            }
            Some(header) => reply.finish_map(header, self.len),
        }
    }
}
