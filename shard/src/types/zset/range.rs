//! Ranges of members: ZRANGE with all its forms, what was there before it, and ZRANGESTORE.

use std::ops::{ControlFlow, Range};

use bytes::Bytes;

use super::answer::Answer;
use super::bounds::{Bounds, MemberRange, ScoreRange};
use super::draft;
use super::span::Part;
use super::store::{SortedSet, copy_units};
use crate::command::Args;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

/// What a range is said by.
#[derive(Clone, Copy, PartialEq, Eq)]
enum By {
    Rank,
    Score,
    Member,
}

/// What a command's name says already, and its options cannot.
#[derive(Clone, Copy)]
struct Fixed {
    by: Option<By>,
    toward: Option<Side>,
    /// Argument of the key; the range stands behind it.
    key: usize,
    is_store: bool,
}

impl Fixed {
    const fn of(by: By, toward: Side) -> Self {
        Self { by: Some(by), toward: Some(toward), key: 1, is_store: false }
    }
}

/// What a command asks for.
struct Query<'a> {
    bounds: Bounds<'a>,
    toward: Side,
    /// `None`: nothing, as it begins before the beginning.
    part: Option<Part>,
    with_scores: bool,
}

const LIMIT_OF_RANKS: &str = "ERR syntax error, LIMIT is only supported in combination with \
                              either BYSCORE or BYLEX";
const SCORES_OF_MEMBERS: &str =
    "ERR syntax error, WITHSCORES not supported in combination with BYLEX";

impl<'a> Query<'a> {
    fn parse(args: Args<'a>, fixed: Fixed) -> Result<Self, CommandError> {
        let (mut by, mut toward) = (fixed.by, fixed.toward);
        let (mut with_scores, mut offset, mut limit) = (false, 0, -1);
        let mut index = fixed.key + 3;
        while index < args.len() {
            if !fixed.is_store && args.is(index, "withscores") {
                with_scores = true;
            } else if args.is(index, "limit") && index + 2 < args.len() {
                (offset, limit) = (args.integer(index + 1)?, args.integer(index + 2)?);
                index += 2;
            } else if toward.is_none() && args.is(index, "rev") {
                toward = Some(Side::Front);
            } else if by.is_none() && args.is(index, "bylex") {
                by = Some(By::Member);
            } else if by.is_none() && args.is(index, "byscore") {
                by = Some(By::Score);
            } else {
                return Err(text::SYNTAX.into());
            }
            index += 1;
        }
        let (by, toward) = (by.unwrap_or(By::Rank), toward.unwrap_or(Side::Back));
        if by == By::Rank && limit != -1 {
            return Err(LIMIT_OF_RANKS.into());
        }
        if by == By::Member && with_scores {
            return Err(SCORES_OF_MEMBERS.into());
        }
        let (first, second) = (fixed.key + 1, fixed.key + 2);
        let (min, max) = match toward {
            Side::Back => (args.get(first), args.get(second)),
            Side::Front => (args.get(second), args.get(first)),
        };
        let bounds = match by {
            By::Rank => Bounds::Ranks(args.integer(first)?, args.integer(second)?),
            By::Score => Bounds::Scores(ScoreRange::parse(min, max)?),
            By::Member => Bounds::Members(MemberRange::parse(min, max)?),
        };
        let part = match (by, u64::try_from(offset)) {
            (By::Rank, _) => Some(Part::ALL),
            (_, Err(_)) => None,
            (_, Ok(skip)) => Some(Part { skip, take: u64::try_from(limit).unwrap_or(u64::MAX) }),
        };
        Ok(Self { bounds, toward, part, with_scores })
    }

    fn ranks(&self, view: &mut View<'_>, set: &SortedSet) -> Result<Range<u64>, CommandError> {
        match self.part {
            Some(part) => set.span(view, &self.bounds, self.toward, part),
            None => Ok(0..0),
        }
    }
}

/// ZRANGE key start stop [BYSCORE | BYLEX] [REV] [LIMIT offset count] [WITHSCORES]
pub(super) fn zrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let fixed = Fixed { by: None, toward: None, key: 1, is_store: false };
    range(view, args, fixed, reply)
}

/// ZREVRANGE key start stop [WITHSCORES]
pub(super) fn zrevrange(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Fixed::of(By::Rank, Side::Front), reply)
}

/// ZRANGEBYSCORE key min max [WITHSCORES] [LIMIT offset count]
pub(super) fn zrangebyscore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Fixed::of(By::Score, Side::Back), reply)
}

/// ZREVRANGEBYSCORE key max min [WITHSCORES] [LIMIT offset count]
pub(super) fn zrevrangebyscore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Fixed::of(By::Score, Side::Front), reply)
}

/// ZRANGEBYLEX key min max [LIMIT offset count]
pub(super) fn zrangebylex(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Fixed::of(By::Member, Side::Back), reply)
}

/// ZREVRANGEBYLEX key max min [LIMIT offset count]
pub(super) fn zrevrangebylex(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    range(view, args, Fixed::of(By::Member, Side::Front), reply)
}

fn range(
    view: &mut View<'_>,
    args: Args<'_>,
    fixed: Fixed,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let query = Query::parse(args, fixed)?;
    let Some(set) = SortedSet::open(view, args.get(fixed.key))? else {
        reply.array(0);
        return Ok(());
    };
    let ranks = query.ranks(view, &set)?;
    let count = ranks.end - ranks.start;
    set.charge_walk(view, count)?;
    if query.with_scores {
        // Printing a score takes about as long as copying a longer member.
        view.charge(copy_units(count.saturating_mul(32)))?;
    }
    let mut answer = Answer::open(reply, count, query.with_scores);
    set.walk(view, ranks, query.toward, |member, score| answer.add(member, score))
}

/// ZRANGESTORE dst src min max [BYSCORE | BYLEX] [REV] [LIMIT offset count]
pub(super) fn zrangestore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let fixed = Fixed { by: None, toward: None, key: 2, is_store: true };
    let query = Query::parse(args, fixed)?;
    view.count_lookups(true);
    let source = SortedSet::open(view, args.get(fixed.key))?;
    view.count_lookups(false);
    let mut members = Vec::new();
    if let Some(source) = source {
        let ranks = query.ranks(view, &source)?;
        let count = ranks.end - ranks.start;
        source.charge_walk(view, count)?;
        draft::expect(view, count, source.bytes())?;
        source.walk(view, ranks, Side::Back, |member, score| {
            members.push((score, Bytes::copy_from_slice(member)));
            ControlFlow::Continue(())
        })?;
    }
    reply.integer(members.len() as i64);
    draft::put(view, args.get(1), &members, Event::ZRANGESTORE)
}
