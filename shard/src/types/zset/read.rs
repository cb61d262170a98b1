//! Asking for scores, ranks and numbers of members.

use super::bounds::{Bounds, MemberRange, ScoreRange};
use super::store::SortedSet;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text, wrong_arity};
use crate::resp::ReplyBuffer;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const MEMBER: Arg = Arg::string("member");
const WITH_SCORE: Arg = Arg::word("withscore", "WITHSCORE").optional().since("7.2.0");
const RANK_HISTORY: &[(&str, &str)] = &[("7.2.0", "Has the option `WITHSCORE`.")];

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("zcard", 2, zcard)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Returns the number of members")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY]),
    command("zscore", 3, zscore)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Returns the score of a member")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER]),
    command("zmscore", -3, zmscore)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("6.2.0")
        .summary("Returns the scores of several members")
        .complexity("O(N) where N is the number of members being requested.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER.multiple()]),
    command("zrank", -3, zrank)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("2.0.0")
        .summary("Returns how many members have a lower score than a member")
        .complexity("O(log(N))")
        .history(RANK_HISTORY)
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER, WITH_SCORE]),
    command("zrevrank", -3, zrevrank)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("2.0.0")
        .summary("Returns how many members have a higher score than a member")
        .complexity("O(log(N))")
        .history(RANK_HISTORY)
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER, WITH_SCORE]),
    command("zcount", 4, zcount)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("2.0.0")
        .summary("Counts the members whose scores are in a range")
        .complexity("O(log(N)) with N being the number of elements in the sorted set.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, Arg::double("min"), Arg::double("max")]),
    command("zlexcount", 4, zlexcount)
        .flags(READONLY | FAST)
        .group(Group::SortedSet)
        .since("2.8.9")
        .summary("Counts the members in a range of members, if all have the same score")
        .complexity("O(log(N)) with N being the number of elements in the sorted set.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, Arg::string("min"), Arg::string("max")]),
];

/// ZCARD key
pub(super) fn zcard(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let count = SortedSet::open_or_create(view, args.get(1))?.len(view)?;
    reply.integer(count.cast_signed());
    Ok(())
}

/// ZSCORE key member
pub(super) fn zscore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let set = SortedSet::open_or_create(view, args.get(1))?;
    match set.score(view, args.get(2))? {
        Some(score) => reply.double(score),
        None => reply.null(),
    }
    Ok(())
}

/// ZMSCORE key member [member …]
pub(super) fn zmscore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let set = SortedSet::open_or_create(view, args.get(1))?;
    reply.array(args.len().saturating_sub(2));
    for member in args.iter_from(2) {
        match set.score(view, member)? {
            Some(score) => reply.double(score),
            None => reply.null(),
        }
        if reply.is_over() {
            break;
        }
    }
    Ok(())
}

/// ZRANK key member [WITHSCORE]
pub(super) fn zrank(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    rank(view, args, ("zrank", |rank, _| rank), reply)
}

/// ZREVRANK key member [WITHSCORE]
pub(super) fn zrevrank(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    rank(view, args, ("zrevrank", |rank, len| len.saturating_sub(rank.saturating_add(1))), reply)
}

fn rank(
    view: &mut View<'_>,
    args: Args<'_>,
    (command, counted): (&str, fn(u64, u64) -> u64),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    if args.len() > 4 {
        return Err(wrong_arity(command));
    }
    let with_score = args.len() == 4;
    if with_score && !args.is(3, "withscore") {
        return Err(text::SYNTAX.into());
    }
    let set = SortedSet::open_or_create(view, args.get(1))?;
    let Some((rank, score)) = set.rank(view, args.get(2))? else {
        if with_score {
            reply.null_array();
        } else {
            reply.null();
        }
        return Ok(());
    };
    let rank = counted(rank, set.len(view)?).cast_signed();
    if with_score {
        reply.array(2);
    }
    reply.integer(rank);
    if with_score {
        reply.double(score);
    }
    Ok(())
}

/// ZCOUNT key min max
pub(super) fn zcount(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let range = ScoreRange::parse(args.get(2), args.get(3))?;
    count(view, args, &Bounds::Scores(range), reply)
}

/// ZLEXCOUNT key min max
pub(super) fn zlexcount(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let range = MemberRange::parse(args.get(2), args.get(3))?;
    count(view, args, &Bounds::Members(range), reply)
}

fn count(
    view: &mut View<'_>,
    args: Args<'_>,
    bounds: &Bounds<'_>,
    reply: &mut ReplyBuffer,
) -> Result<(), CommandError> {
    let set = SortedSet::open_or_create(view, args.get(1))?;
    let span = set.whole_span(view, bounds)?;
    reply.integer((span.end - span.start).cast_signed());
    Ok(())
}
