//! Removing members, by name and by range.

use super::bounds::{Bounds, MemberRange, ScoreRange};
use super::store::SortedSet;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::CommandResult;
use crate::resp::ReplyBuffer;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const RANGE_COST: &str = "O(log(N)+M) with N being the number of elements in the sorted set and M \
                          the number of elements removed by the operation.";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("zrem", -3, zrem)
        .flags(WRITE | FAST)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Removes members of a sorted set, which goes with the last one")
        .complexity(
            "O(M*log(N)) with N being the number of elements in the sorted set and M the number \
             of elements to be removed.",
        )
        .history(&[("2.4.0", "Removes several members at once.")])
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, Arg::string("member").multiple()]),
    command("zremrangebyrank", 4, zremrangebyrank)
        .flags(WRITE)
        .group(Group::SortedSet)
        .since("2.0.0")
        .summary("Removes the members in a range of ranks")
        .complexity(RANGE_COST)
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, Arg::integer("start"), Arg::integer("stop")]),
    command("zremrangebyscore", 4, zremrangebyscore)
        .flags(WRITE)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Removes the members whose scores are in a range")
        .complexity(RANGE_COST)
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, Arg::double("min"), Arg::double("max")]),
    command("zremrangebylex", 4, zremrangebylex)
        .flags(WRITE)
        .group(Group::SortedSet)
        .since("2.8.9")
        .summary("Removes the members in a range of members, if all have the same score")
        .complexity(RANGE_COST)
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, Arg::string("min"), Arg::string("max")]),
];

/// ZREM key member [member …]
pub(super) fn zrem(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut removed = 0;
    if let Some(mut set) = SortedSet::open(view, args.get(1))? {
        for member in args.iter_from(2) {
            removed += usize::from(set.remove(view, member)?.is_some());
            if set.is_empty() {
                break;
            }
        }
        if removed > 0 {
            set.save(view, Event::ZREM)?;
            view.count_changes(removed);
        }
    }
    reply.integer(removed as i64);
    Ok(())
}

/// ZREMRANGEBYRANK key start stop
pub(super) fn zremrangebyrank(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let bounds = Bounds::Ranks(args.integer(2)?, args.integer(3)?);
    remove_range(view, args, (&bounds, Event::ZREMRANGEBYRANK), reply)
}

/// ZREMRANGEBYSCORE key min max
pub(super) fn zremrangebyscore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let range = ScoreRange::parse(args.get(2), args.get(3))?;
    let bounds = Bounds::Scores(range);
    remove_range(view, args, (&bounds, Event::ZREMRANGEBYSCORE), reply)
}

/// ZREMRANGEBYLEX key min max
pub(super) fn zremrangebylex(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let range = MemberRange::parse(args.get(2), args.get(3))?;
    let bounds = Bounds::Members(range);
    remove_range(view, args, (&bounds, Event::ZREMRANGEBYLEX), reply)
}

fn remove_range(
    view: &mut View<'_>,
    args: Args<'_>,
    (bounds, event): (&Bounds<'_>, Event),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut removed = 0;
    if let Some(mut set) = SortedSet::open(view, args.get(1))? {
        let span = set.whole_span(view, bounds)?;
        removed = span.end - span.start;
        if removed > 0 {
            set.remove_ranks(view, span)?;
            set.save(view, event)?;
            view.count_changes(usize::try_from(removed).unwrap_or(usize::MAX));
        }
    }
    reply.integer(removed.cast_signed());
    Ok(())
}
