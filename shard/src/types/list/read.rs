//! Reading a list, and finding where an element stands.

use std::ops::{ControlFlow, Range};

use super::ends::not_negative;
use super::store::List;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("lrange", 4, lrange)
        .flags(READONLY)
        .group(Group::List)
        .since("1.0.0")
        .summary("Returns the elements of a part of a list")
        .complexity("O(log(S)+N) where S is the length of the list and N that of the part.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, Arg::integer("start"), Arg::integer("stop")]),
    command("llen", 2, llen)
        .flags(READONLY | FAST)
        .group(Group::List)
        .since("1.0.0")
        .summary("Returns the length of a list")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY]),
    command("lindex", 3, lindex)
        .flags(READONLY)
        .group(Group::List)
        .since("1.0.0")
        .summary("Returns the element at an index")
        .complexity("O(log(N)) where N is the length of the list, O(1) at its ends.")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, Arg::integer("index")]),
    command("lpos", -3, lpos)
        .flags(READONLY)
        .group(Group::List)
        .since("6.0.6")
        .summary("Tells where an element stands in a list")
        .complexity(
            "O(N) where N is the number of elements in the list, for the average case. When \
             searching for elements near the head or the tail of the list, or when the MAXLEN \
             option is provided, the command may run in constant time.",
        )
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[
            KEY,
            Arg::string("element"),
            Arg::integer("rank").after("RANK").optional(),
            Arg::integer("num-matches").after("COUNT").optional(),
            Arg::integer("len").after("MAXLEN").optional(),
        ]),
];

const RANK_IS_ZERO: &str = "ERR RANK can't be zero: use 1 to start from the first match, 2 from \
                            the second ... or use negative to start from the end of the list";
const COUNT_IS_NEGATIVE: &str = "ERR COUNT can't be negative";
const MAXLEN_IS_NEGATIVE: &str = "ERR MAXLEN can't be negative";

/// The ranks of a part of a list of so many elements, both ends included; negative: counted from
/// its end.
pub(super) fn part(len: u64, start: i64, stop: i64) -> Range<u64> {
    let from_front = |index: i64| match u64::try_from(index) {
        Ok(index) => Some(index),
        Err(_) => len.checked_sub(index.unsigned_abs()),
    };
    let start = from_front(start).unwrap_or(0);
    let end = from_front(stop).map_or(0, |stop| stop.saturating_add(1).min(len));
    if start < end { start..end } else { 0..0 }
}

/// The rank of an index, if there is such.
pub(super) fn rank(len: u64, index: i64) -> Option<u64> {
    let rank = match u64::try_from(index) {
        Ok(index) => index,
        Err(_) => len.checked_sub(index.unsigned_abs())?,
    };
    (rank < len).then_some(rank)
}

fn lrange(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    let Some(mut list) = List::open(view, args.get(1))? else {
        reply.array(0);
        return Ok(());
    };
    let ranks = part(list.len(), start, stop);
    let count = ranks.end - ranks.start;
    // Not begun on the loop when it cannot be finished there.
    view.charge(list.work_of(count))?;
    reply.array(count as usize);
    list.walk(view, ranks, Side::Back, |view, item| {
        reply.bulk(&item.read(view)?);
        Ok(reply.goes_on())
    })
}

fn llen(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let list = List::open(view, args.get(1))?;
    reply.integer(list.map_or(0, |list| list.len()) as i64);
    Ok(())
}

fn lindex(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let Some(mut list) = List::open(view, args.get(1))? else {
        // Without a list nobody looks at the index.
        reply.null();
        return Ok(());
    };
    let rank = rank(list.len(), args.integer(2)?);
    let element = rank.map(|rank| list.get(view, rank)).transpose()?.flatten();
    match element {
        Some(element) => reply.bulk(&element),
        None => reply.null(),
    }
    Ok(())
}

/// The options of LPOS.
struct Options {
    /// How many matches are passed over.
    skipped: u64,
    toward: Side,
    /// How many matches are wanted; 0: all. `None`: one, and no array around it.
    count: Option<u64>,
    /// How many elements are looked at; 0: all.
    maxlen: u64,
}

impl Options {
    fn parse(args: Args<'_>) -> Result<Self, CommandError> {
        let mut options = Self { skipped: 0, toward: Side::Back, count: None, maxlen: 0 };
        let mut index = 3;
        while index < args.len() {
            if index + 1 == args.len() {
                return Err(text::SYNTAX.into());
            }
            if args.is(index, "rank") {
                let rank = args.integer(index + 1)?;
                if rank == i64::MIN {
                    let limit = i64::MAX;
                    return Err(CommandError::reply(format!(
                        "ERR value is out of range, value must between -{limit} and {limit}"
                    )));
                }
                let skipped = rank.unsigned_abs().checked_sub(1).ok_or(RANK_IS_ZERO)?;
                let toward = if rank < 0 { Side::Front } else { Side::Back };
                (options.skipped, options.toward) = (skipped, toward);
            } else if args.is(index, "count") {
                options.count = Some(not_negative(args, index + 1, COUNT_IS_NEGATIVE)?);
            } else if args.is(index, "maxlen") {
                options.maxlen = not_negative(args, index + 1, MAXLEN_IS_NEGATIVE)?;
            } else {
                return Err(text::SYNTAX.into());
            }
            index += 2;
        }
        Ok(options)
    }
}

fn lpos(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let options = Options::parse(args)?;
    let list = List::open(view, args.get(1))?;
    let Some(count) = options.count else {
        let mut position = None;
        if let Some(mut list) = list {
            positions(view, &mut list, (&options, args.get(2)), 1, |rank| {
                position = Some(rank);
                ControlFlow::Continue(())
            })?;
        }
        match position {
            Some(rank) => reply.integer(rank as i64),
            None => reply.null(),
        }
        return Ok(());
    };
    let Some(mut list) = list else {
        reply.array(0);
        return Ok(());
    };
    let array = reply.deferred_array();
    let mut len = 0;
    let count = if count == 0 { u64::MAX } else { count };
    positions(view, &mut list, (&options, args.get(2)), count, |rank| {
        reply.integer(rank as i64);
        len += 1;
        reply.goes_on()
    })?;
    reply.finish_array(array, len);
    Ok(())
}

/// Visits the ranks of up to `count` matches.
fn positions(
    view: &mut View<'_>,
    list: &mut List,
    (options, wanted): (&Options, &[u8]),
    count: u64,
    mut visit: impl FnMut(u64) -> ControlFlow<()>,
) -> CommandResult {
    let len = list.len();
    let looked_at = if options.maxlen == 0 { len } else { options.maxlen.min(len) };
    let ranks = match options.toward {
        Side::Back => 0..looked_at,
        Side::Front => len - looked_at..len,
    };
    let (mut skipped, mut left) = (options.skipped, count);
    list.search(view, (ranks, options.toward), wanted, |_, item| {
        if let Some(rest) = skipped.checked_sub(1) {
            skipped = rest;
            return Ok(ControlFlow::Continue(()));
        }
        left -= 1;
        let flow = visit(item.rank);
        Ok(if left == 0 { ControlFlow::Break(()) } else { flow })
    })
}
