//! Taking the members with the lowest or the highest scores.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::store::SortedSet;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::{Protocol, ReplyBuffer};
use crate::tree::Side;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const POP_COST: &str = "O(log(N)*M) with N being the number of elements in the sorted set, and M \
                        being the number of elements popped.";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("zpopmin", -2, zpopmin)
        .flags(WRITE | FAST)
        .group(Group::SortedSet)
        .since("5.0.0")
        .summary("Takes the members with the lowest scores out of a sorted set")
        .complexity(POP_COST)
        .keys(&[KeySpec::one(1).change().access().delete()])
        .args(&[KEY, Arg::integer("count").optional()]),
    command("zpopmax", -2, zpopmax)
        .flags(WRITE | FAST)
        .group(Group::SortedSet)
        .since("5.0.0")
        .summary("Takes the members with the highest scores out of a sorted set")
        .complexity(POP_COST)
        .keys(&[KeySpec::one(1).change().access().delete()])
        .args(&[KEY, Arg::integer("count").optional()]),
    command("zmpop", -4, zmpop)
        .flags(WRITE)
        .group(Group::SortedSet)
        .since("7.0.0")
        .summary("Takes members from one end of the first sorted set that is there")
        .complexity(
            "O(K) + O(M*log(N)) where K is the number of provided keys, N being the number of \
             elements in the sorted set, and M being the number of elements popped.",
        )
        .keys(&[KeySpec::numbered(1).change().access().delete()])
        .args(&[
            Arg::integer("numkeys"),
            KEY.multiple(),
            Arg::one_of("where", &[Arg::word("min", "MIN"), Arg::word("max", "MAX")]),
            Arg::integer("count").after("COUNT").optional(),
        ]),
];

const NOT_A_COUNT: &str = "ERR value is out of range, must be positive";

/// ZPOPMIN key [count]
pub(super) fn zpopmin(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    pop(view, args, Side::Front, reply)
}

/// ZPOPMAX key [count]
pub(super) fn zpopmax(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    pop(view, args, Side::Back, reply)
}

fn pop(view: &mut View<'_>, args: Args<'_>, side: Side, reply: &mut ReplyBuffer) -> CommandResult {
    if args.len() > 3 {
        return Err(text::SYNTAX.into());
    }
    let count = match args.len() {
        3 => Some(non_negative(args.get(2)).ok_or(NOT_A_COUNT)?),
        _ => None,
    };
    let (Some(set), 1..) = (SortedSet::open(view, args.get(1))?, count.unwrap_or(1)) else {
        reply.array(0);
        return Ok(());
    };
    // Without a count it is flat in RESP3, too.
    if let (Some(count), Protocol::Resp3) = (count, reply.protocol()) {
        return reply_pairs(view, set, (side, count), reply);
    }
    let taken = take(view, set, side, count.unwrap_or(1))?;
    reply.array(taken.len().saturating_mul(2));
    for (score, member) in taken {
        reply.bulk(&member);
        reply.double(score);
    }
    check_reply(reply)
}

/// ZMPOP numkeys key [key …] MIN | MAX [COUNT count]
pub(super) fn zmpop(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let number = positive(args.get(1)).ok_or("ERR numkeys should be greater than 0")?;
    let place = usize::try_from(number).ok().and_then(|number| number.checked_add(2));
    let place = place.filter(|place| *place < args.len()).ok_or(text::SYNTAX)?;
    let side = if args.is(place, "min") {
        Side::Front
    } else if args.is(place, "max") {
        Side::Back
    } else {
        return Err(text::SYNTAX.into());
    };
    let mut count = None;
    let mut index = place + 1;
    while index < args.len() {
        if count.is_some() || !args.is(index, "count") || index + 1 == args.len() {
            return Err(text::SYNTAX.into());
        }
        let given = positive(args.get(index + 1)).ok_or("ERR count should be greater than 0")?;
        count = Some(given);
        index += 2;
    }
    for name in (2..place).map(|index| args.get(index)) {
        view.charge(1)?;
        if let Some(set) = SortedSet::open(view, name)? {
            reply.array(2);
            reply.bulk(name);
            return reply_pairs(view, set, (side, count.unwrap_or(1)), reply);
        }
    }
    reply.null_array();
    Ok(())
}

fn non_negative(text: &[u8]) -> Option<u64> {
    number::parse_i64(text).and_then(|number| u64::try_from(number).ok())
}

fn positive(text: &[u8]) -> Option<u64> {
    non_negative(text).filter(|number| *number > 0)
}

/// Takes members, and replies with pairs.
fn reply_pairs(
    view: &mut View<'_>,
    set: SortedSet,
    (side, count): (Side, u64),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let taken = take(view, set, side, count)?;
    reply.array(taken.len());
    for (score, member) in taken {
        reply.array(2);
        reply.bulk(&member);
        reply.double(score);
    }
    check_reply(reply)
}

/// What cannot be shown is not taken.
fn check_reply(reply: &ReplyBuffer) -> CommandResult {
    if reply.is_over() { Err(text::REPLY_TOO_LONG.into()) } else { Ok(()) }
}

/// Takes members from one end, the outermost first.
fn take(
    view: &mut View<'_>,
    mut set: SortedSet,
    side: Side,
    count: u64,
) -> Result<Vec<(f64, Bytes)>, CommandError> {
    let len = set.len(view)?;
    let count = count.min(len);
    let (ranks, toward, event) = match side {
        Side::Front => (0..count, Side::Back, Event::ZPOPMIN),
        Side::Back => (len - count..len, Side::Front, Event::ZPOPMAX),
    };
    set.charge_walk(view, count)?;
    view.expect_work(set.bytes() / len.max(1) * count)?;
    let mut taken = Vec::new();
    set.walk(view, ranks.clone(), toward, |member, score| {
        taken.push((score, Bytes::copy_from_slice(member)));
        ControlFlow::Continue(())
    })?;
    set.remove_page(view, ranks, &taken)?;
    set.save(view, event)?;
    view.count_changes(taken.len());
    Ok(taken)
}
