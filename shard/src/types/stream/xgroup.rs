//! XGROUP: groups and consumers come and go.

use super::consumer::{self, Consumer};
use super::deliver::PAGE_ENTRIES;
use super::group::Group;
use super::id::StreamId;
use super::read::quoted;
use super::store::Stream;
use crate::command::Args;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::view::View;

const NO_KEY: &str = "ERR The XGROUP subcommand requires the key to exist. Note that for CREATE \
                      you may want to use the MKSTREAM option to create an empty stream \
                      automatically.";

const HELP: &[&str] = &[
    "XGROUP <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "CREATE <key> <groupname> <id|$> [option]",
    "    Add a group to a stream. Options are:",
    "    * MKSTREAM",
    "      Make an empty stream if there is none.",
    "    * ENTRIESREAD entries_read",
    "      Say how many entries the group has read.",
    "CREATECONSUMER <key> <groupname> <consumer>",
    "    Add a consumer to a group.",
    "DELCONSUMER <key> <groupname> <consumer>",
    "    Remove a consumer.",
    "DESTROY <key> <groupname>",
    "    Remove a group.",
    "SETID <key> <groupname> <id|$> [ENTRIESREAD entries_read]",
    "    Say what the group has read last, and how many entries.",
    "HELP",
    "    Print this help.",
];

/// Options may not be repeated.
const CREATE_ARGS_MAX: usize = 8;
const SETID_ARGS_MAX: usize = 7;

/// The error for a form that a subcommand does not have.
pub(super) fn wrong_form(args: Args<'_>, command: &str) -> CommandError {
    let given = args.get(1);
    let given = String::from_utf8_lossy(&given[..given.len().min(128)]);
    CommandError::reply(format!(
        "ERR unknown subcommand or wrong number of arguments for '{given}'. Try {command} HELP."
    ))
}

pub(super) fn no_such_group(args: Args<'_>) -> CommandError {
    let [key, group] = [args.get(2), args.get(3)].map(quoted);
    CommandError::reply(format!("NOGROUP No such consumer group '{group}' for key name '{key}'"))
}

/// Options behind the id: whether a stream may be made, and how much was read.
fn options(args: Args<'_>, may_make: bool) -> Result<(bool, Option<i64>), CommandError> {
    let (mut makes, mut read) = (false, None);
    let mut index = 5;
    while index < args.len() {
        if may_make && args.is(index, "mkstream") {
            makes = true;
        } else if args.is(index, "entriesread") && index + 1 < args.len() {
            read = match args.integer(index + 1)? {
                -1 => None,
                ..0 => return Err("ERR value for ENTRIESREAD must be positive or -1".into()),
                given => Some(given),
            };
            index += 1;
        } else {
            return Err(wrong_form(args, "XGROUP"));
        }
        index += 1;
    }
    Ok((makes, read))
}

/// The stream and the group that there must be.
fn open(view: &mut View<'_>, args: Args<'_>) -> Result<(Stream, Group), CommandError> {
    let stream = Stream::open(view, args.get(2))?.ok_or(NO_KEY)?;
    let group = Group::open(view, &stream, args.get(3))?;
    let group = group.ok_or_else(|| no_such_group(args))?;
    Ok((stream, group))
}

/// XGROUP CREATE key group <id | $> [MKSTREAM] [ENTRIESREAD entries-read]
pub(super) fn create(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (makes, read) = options(args, true)?;
    let stream = Stream::open_or_create(view, args.get(2), makes)?;
    let mut stream = stream.ok_or(NO_KEY)?;
    if args.len() > CREATE_ARGS_MAX {
        return Err(wrong_form(args, "XGROUP"));
    }
    let id = match args.get(4) {
        b"$" => stream.state.last_id,
        id => StreamId::parse(id, 0)?,
    };
    if Group::open(view, &stream, args.get(3))?.is_some() {
        return Err("BUSYGROUP Consumer Group name already exists".into());
    }
    let mut group = Group::create(&mut stream, args.get(3), id);
    group.entries_read = read;
    group.save(view, &mut stream);
    stream.save(view, &[Event::XGROUP_CREATE])?;
    reply.ok();
    Ok(())
}

/// XGROUP SETID key group <id | $> [ENTRIESREAD entries-read]
pub(super) fn setid(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let (_, read) = options(args, false)?;
    let (mut stream, mut group) = open(view, args)?;
    if args.len() > SETID_ARGS_MAX {
        return Err(wrong_form(args, "XGROUP"));
    }
    group.last_id = match args.get(4) {
        b"$" => stream.state.last_id,
        id => StreamId::parse_bound(id, 0)?,
    };
    group.entries_read = read;
    group.save(view, &mut stream);
    stream.save(view, &[Event::XGROUP_SETID])?;
    reply.ok();
    Ok(())
}

/// XGROUP DESTROY key group
pub(super) fn destroy(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut stream = Stream::open(view, args.get(2))?.ok_or(NO_KEY)?;
    let Some(mut group) = Group::open(view, &stream, args.get(3))? else {
        reply.integer(0);
        return Ok(());
    };
    for consumer in consumer::consumers(view, &stream, &group)? {
        consumer.remove(view, &mut stream, &mut group);
    }
    group.remove(view, &mut stream)?;
    stream.save(view, &[Event::XGROUP_DESTROY])?;
    reply.integer(1);
    Ok(())
}

/// XGROUP CREATECONSUMER key group consumer
pub(super) fn createconsumer(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (mut stream, mut group) = open(view, args)?;
    let opened = Consumer::open_or_create(view, &mut stream, &mut group, args.get(4))?;
    let (consumer, is_new) = opened;
    if is_new {
        consumer.save(view, &stream, &group);
        group.save(view, &mut stream);
        stream.save(view, &[Event::XGROUP_CREATECONSUMER])?;
    }
    reply.integer(i64::from(is_new));
    Ok(())
}

/// XGROUP DELCONSUMER key group consumer
pub(super) fn delconsumer(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (mut stream, mut group) = open(view, args)?;
    let mut count = 0;
    if let Some(consumer) = Consumer::open(view, &stream, &group, args.get(4))? {
        loop {
            let owner = Some(consumer.number);
            let page = group.page(view, &stream, owner, (StreamId::ZERO, PAGE_ENTRIES))?;
            if page.is_empty() {
                break;
            }
            for (id, pending) in page {
                group.remove_pending(view, &stream, id, &pending)?;
                count += 1;
            }
        }
        consumer.remove(view, &mut stream, &mut group);
        group.save(view, &mut stream);
        stream.save(view, &[Event::XGROUP_DELCONSUMER])?;
    }
    reply.integer(count);
    Ok(())
}

/// XGROUP HELP
pub(super) fn help(_: &mut View<'_>, _: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    reply.array(HELP.len());
    for line in HELP {
        reply.simple(line);
    }
    Ok(())
}
