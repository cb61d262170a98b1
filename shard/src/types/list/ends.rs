//! Pushing and popping at the ends of a list.

use super::store::List;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text, wrong_arity};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const ELEMENTS: Arg = Arg::string("element").multiple();
const COUNT: Arg = Arg::integer("count").since("6.2.0").optional();

const PUSH_TIME: &str = "O(1) for each element added, so O(N) to add N elements when the command \
                         is called with multiple arguments.";
const POP_TIME: &str = "O(N) where N is the number of elements returned";

const SEVERAL: &str = "Accepts multiple `element` arguments.";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("lpush", -3, lpush)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::List)
        .since("1.0.0")
        .summary("Puts elements in front of a list, which is made if it is not there")
        .complexity(PUSH_TIME)
        .history(&[("2.4.0", SEVERAL)])
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[KEY, ELEMENTS]),
    command("rpush", -3, rpush)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::List)
        .since("1.0.0")
        .summary("Puts elements behind a list, which is made if it is not there")
        .complexity(PUSH_TIME)
        .history(&[("2.4.0", SEVERAL)])
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[KEY, ELEMENTS]),
    command("lpushx", -3, lpushx)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::List)
        .since("2.2.0")
        .summary("Puts elements in front of a list that is there")
        .complexity(PUSH_TIME)
        .history(&[("4.0.0", SEVERAL)])
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[KEY, ELEMENTS]),
    command("rpushx", -3, rpushx)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::List)
        .since("2.2.0")
        .summary("Puts elements behind a list that is there")
        .complexity(PUSH_TIME)
        .history(&[("4.0.0", SEVERAL)])
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[KEY, ELEMENTS]),
    command("lpop", -2, lpop)
        .flags(WRITE | FAST)
        .group(Group::List)
        .since("1.0.0")
        .summary("Takes the first elements out of a list, which goes with the last one")
        .complexity(POP_TIME)
        .history(&[("6.2.0", "Added the `count` argument.")])
        .keys(&[KeySpec::one(1).change().access().delete()])
        .args(&[KEY, COUNT]),
    command("rpop", -2, rpop)
        .flags(WRITE | FAST)
        .group(Group::List)
        .since("1.0.0")
        .summary("Takes the last elements out of a list, which goes with the first one")
        .complexity(POP_TIME)
        .history(&[("6.2.0", "Added the `count` argument.")])
        .keys(&[KeySpec::one(1).change().access().delete()])
        .args(&[KEY, COUNT]),
];

fn lpush(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let list = List::open_or_create(view, args.get(1))?;
    push(view, args, reply, (list, Side::Front))
}

fn rpush(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let list = List::open_or_create(view, args.get(1))?;
    push(view, args, reply, (list, Side::Back))
}

fn lpushx(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    push_to_existing(view, args, reply, Side::Front)
}

fn rpushx(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    push_to_existing(view, args, reply, Side::Back)
}

fn push_to_existing(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
    side: Side,
) -> CommandResult {
    match List::open(view, args.get(1))? {
        Some(list) => push(view, args, reply, (list, side)),
        None => {
            reply.integer(0);
            Ok(())
        }
    }
}

fn push(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
    (mut list, side): (List, Side),
) -> CommandResult {
    let elements = args.skip(2);
    list.expect(view, elements.len(), elements.bytes_total())?;
    for element in elements.iter_from(0) {
        list.push(view, side, element)?;
    }
    reply.integer(list.len() as i64);
    list.save(view, pushed_at(side))?;
    view.count_changes(elements.len());
    Ok(())
}

fn lpop(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    pop(view, args, reply, ("lpop", Side::Front))
}

fn rpop(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    pop(view, args, reply, ("rpop", Side::Back))
}

fn pop(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
    (command, side): (&str, Side),
) -> CommandResult {
    if args.len() > 3 {
        return Err(wrong_arity(command));
    }
    let count = (args.len() == 3).then(|| not_negative(args, 2, text::NOT_POSITIVE)).transpose()?;
    let list = List::open(view, args.get(1))?;
    match (list, count) {
        (None, None) => reply.null(),
        (None, Some(_)) => reply.null_array(),
        (Some(_), Some(0)) => reply.array(0),
        (Some(list), Some(count)) => pop_several(view, list, (side, count), reply)?,
        (Some(mut list), None) => {
            match list.pop(view, side)? {
                Some(element) => reply.bulk(&element),
                None => reply.null(),
            }
            list.save(view, popped_at(side))?;
        }
    }
    Ok(())
}

/// Takes up to `count` elements, one at least, out of a list and answers with them, the one at the
/// end first.
pub(super) fn pop_several(
    view: &mut View<'_>,
    mut list: List,
    (side, count): (Side, u64),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let len = list.len();
    let count = count.min(len);
    view.charge(list.work_of(count))?;
    reply.array(count as usize);
    let (popped, kept, toward) = match side {
        Side::Front => (0..count, count..len, Side::Back),
        Side::Back => (len - count..len, 0..len - count, Side::Front),
    };
    list.walk(view, popped, toward, |view, item| {
        reply.bulk(&item.read(view)?);
        Ok(reply.goes_on())
    })?;
    list.keep(view, kept)?;
    list.save(view, popped_at(side))?;
    view.count_changes(count as usize);
    Ok(())
}

/// What happens to a list that elements are put into.
pub(super) fn pushed_at(side: Side) -> Event {
    match side {
        Side::Front => Event::LPUSH,
        Side::Back => Event::RPUSH,
    }
}

/// What happens to a list that elements are taken out of.
pub(super) fn popped_at(side: Side) -> Event {
    match side {
        Side::Front => Event::LPOP,
        Side::Back => Event::RPOP,
    }
}

/// Argument `index` as a number that is not negative; `error`, if it is not one.
pub(super) fn not_negative(
    args: Args<'_>,
    index: usize,
    error: &'static str,
) -> Result<u64, CommandError> {
    let number = args.integer(index).ok().and_then(|number| u64::try_from(number).ok());
    number.ok_or_else(|| error.into())
}
