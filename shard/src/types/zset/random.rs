//! ZRANDMEMBER: every member equally likely, by its rank.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::answer::Answer;
use super::store::SortedSet;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text};
use crate::random::Random;
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("zrandmember", -2, zrandmember)
    .flags(READONLY)
    .group(Group::SortedSet)
    .since("6.2.0")
    .summary("Returns members of a sorted set at random")
    .complexity("O(N) where N is the number of elements returned")
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[
        Arg::key("key", 0),
        Arg::block(
            "options",
            &[Arg::integer("count"), Arg::word("withscores", "WITHSCORES").optional()],
        )
        .optional(),
    ])];

/// Members that a walk passes in the time of finding one by its rank.
const WALKED_PER_RANK: u64 = 32;

/// What a rank takes that was drawn.
const RANK_BYTES: u64 = 32;

const TOO_LONG: &str = "ERR the reply would be longer than proto-max-bulk-len";

/// ZRANDMEMBER key [count [WITHSCORES]]
pub(super) fn zrandmember(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    if args.len() == 2 {
        return one(view, args.get(1), reply);
    }
    let count = args.integer(2)?;
    if count == i64::MIN {
        let limit = i64::MAX;
        return Err(CommandError::reply(format!(
            "ERR value is out of range, value must between -{limit} and {limit}"
        )));
    }
    let with_scores = args.is(3, "withscores");
    if args.len() > 4 || (args.len() == 4 && !with_scores) {
        return Err(text::SYNTAX.into());
    }
    let number = count.unsigned_abs();
    if with_scores && number > i64::MAX as u64 / 2 {
        return Err(text::OUT_OF_RANGE.into());
    }
    let (Some(set), 1..) = (SortedSet::open(view, args.get(1))?, number) else {
        reply.array(0);
        return Ok(());
    };
    let len = set.len(view)?;
    if count < 0 {
        independent(view, &set, (number, len), with_scores, reply)
    } else {
        distinct(view, &set, (number.min(len), len), with_scores, reply)
    }
}

/// A generator of its own for a command that needs its view at the same time.
fn fork(view: &mut View<'_>) -> Random {
    Random::new(view.random().next_u64())
}

/// One member, without an array around it.
fn one(view: &mut View<'_>, name: &[u8], reply: &mut ReplyBuffer) -> CommandResult {
    let Some(set) = SortedSet::open(view, name)? else {
        reply.null();
        return Ok(());
    };
    let len = set.len(view)?;
    let rank = view.random().below(len);
    let (_, member) = set.at(view, rank)?;
    reply.bulk(&member);
    Ok(())
}

/// `count` members, each drawn from all.
fn independent(
    view: &mut View<'_>,
    set: &SortedSet,
    (count, len): (u64, u64),
    with_scores: bool,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    // The shortest member takes more than one byte; a count may ask for any number.
    let bytes_max = view.settings().proto_max_bulk_len;
    if count > bytes_max as u64 {
        return Err(TOO_LONG.into());
    }
    view.charge(count)?;
    let mut random = fork(view);
    let start = reply.len();
    let mut answer = Answer::open(reply, count, with_scores);
    for _ in 0..count {
        let (score, member) = set.at(view, random.below(len))?;
        let flow = answer.add(&member, score);
        if flow.is_break() {
            return Err(text::REPLY_TOO_LONG.into());
        }
        if answer.len_bytes() - start > bytes_max {
            return Err(TOO_LONG.into());
        }
    }
    Ok(())
}

/// `count` different members, at most as many as there are.
fn distinct(
    view: &mut View<'_>,
    set: &SortedSet,
    (count, len): (u64, u64),
    with_scores: bool,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut random = fork(view);
    if count < len / WALKED_PER_RANK {
        view.charge(count)?;
        view.expect_work(count.saturating_mul(RANK_BYTES))?;
        let mut answer = Answer::open(reply, count, with_scores);
        let mut drawn = HashSet::new();
        while (drawn.len() as u64) < count {
            let rank = random.below(len);
            if drawn.insert(rank) {
                let (score, member) = set.at(view, rank)?;
                if answer.add(&member, score).is_break() {
                    break;
                }
            }
        }
        return Ok(());
    }
    // Selection sampling (Knuth, TAOCP 2, algorithm S): each member that passes is taken with the
    // probability that makes the rest work out.
    set.charge_walk(view, len)?;
    let mut answer = Answer::open(reply, count, with_scores);
    let (mut wanted, mut unseen) = (count, len);
    set.walk(view, 0..len, Side::Front, |member, score| {
        let takes = random.below(unseen) < wanted;
        unseen = unseen.saturating_sub(1);
        if !takes {
            return ControlFlow::Continue(());
        }
        wanted -= 1;
        answer.add(member, score)
    })
}
