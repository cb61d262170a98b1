//! HRANDFIELD: every field equally likely, and with a positive count every set of so many fields.
//!
//! From a large hash a few fields are drawn one by one (`keyspace::sample`); when they are many
//! compared to its size, one walk over it picks them all.

use std::collections::HashSet;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::encoding::{Pair, SmallHash};
use super::store::{Form, Hash, copy_units};
use crate::command::Args;
use crate::command::row::*;
use crate::engine::EngineError;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::head::Large;
use crate::keyspace::sample;
use crate::random::Random;
use crate::resp::{Protocol, ReplyBuffer};
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("hrandfield", -2, hrandfield)
    .flags(READONLY)
    .group(Group::Hash)
    .since("6.2.0")
    .summary("Returns fields of a hash at random")
    .complexity("O(N) where N is the number of fields returned")
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[
        KEY,
        Arg::block(
            "options",
            &[Arg::integer("count"), Arg::word("withvalues", "WITHVALUES").optional()],
        )
        .optional(),
    ])];

/// Fields that a walk passes in the time of one draw, which tries some 16 to 32 windows.
const WALKED_PER_DRAW: u64 = 64;

/// Fields that are picked in one walk, at least: their number decides about the memory it takes.
const PICKS_PER_WALK_MIN: u64 = 1 << 16;

/// What a pick takes while it waits for its turn: its rank, its place, and copies of what is
/// there.
const PICK_BYTES: u64 = 192;

const TOO_LONG: &str = "ERR the reply would be longer than proto-max-bulk-len";

/// A field of a large hash and its value.
type Picked = (Bytes, Bytes);

pub(super) fn hrandfield(
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
    let with_values = args.is(3, "withvalues");
    if args.len() > 4 || (args.len() == 4 && !with_values) {
        return Err(text::SYNTAX.into());
    }
    let number = count.unsigned_abs();
    if with_values && number > i64::MAX as u64 / 2 {
        return Err(text::OUT_OF_RANGE.into());
    }
    let hash = Hash::open(view, args.get(1))?;
    let (Some(hash), 1..) = (hash, number) else {
        reply.array(0);
        return Ok(());
    };
    let bytes_max = view.settings().proto_max_bulk_len;
    let mut answer = Answer { start: reply.len(), reply, with_values, bytes_max };
    if count < 0 {
        answer.open(number)?;
        independent(view, &hash, number, &mut answer)
    } else {
        let number = number.min(hash.len(view)?);
        answer.open(number)?;
        distinct(view, &hash, number, &mut answer)
    }
}

/// One field, without an array around it.
fn one(view: &mut View<'_>, key: &[u8], reply: &mut ReplyBuffer) -> CommandResult {
    let Some(hash) = Hash::open(view, key)? else {
        reply.null();
        return Ok(());
    };
    let mut random = fork(view);
    match &hash.form {
        Form::Small(small) => {
            let pairs = pairs(view, small)?;
            let index = random.below(pairs.len() as u64) as usize;
            reply.bulk(pairs.get(index).ok_or_else(missing)?.field);
        }
        Form::Large(large) => reply.bulk(&draw(view, &hash, *large, &mut random)?),
    }
    Ok(())
}

/// `count` fields, each drawn from all.
fn independent(
    view: &mut View<'_>,
    hash: &Hash,
    count: u64,
    answer: &mut Answer<'_>,
) -> CommandResult {
    let mut random = fork(view);
    let large = match &hash.form {
        Form::Small(small) => {
            view.charge(count)?;
            let pairs = pairs(view, small)?;
            for _ in 0..count {
                let index = random.below(pairs.len() as u64) as usize;
                let pair = pairs.get(index).ok_or_else(missing)?;
                answer.add(pair.field, pair.value)?;
            }
            return Ok(());
        }
        Form::Large(large) => *large,
    };
    if count < large.count / WALKED_PER_DRAW {
        for _ in 0..count {
            let field = draw(view, hash, large, &mut random)?;
            add_drawn(view, hash, &field, answer)?;
        }
        return Ok(());
    }
    let fit = (view.settings().reply_bytes_max as u64 / PICK_BYTES).max(1);
    let per_walk = PICKS_PER_WALK_MIN.max(large.count / 8).min(fit);
    view.expect_work(count.min(per_walk) * PICK_BYTES)?;
    let mut left = count;
    while left > 0 {
        let now = left.min(per_walk);
        view.charge(copy_units(large.bytes).max(large.count))?;
        for (field, value) in pick_ranks(view, hash, large, now, &mut random)? {
            answer.add(&field, &value)?;
        }
        left -= now;
    }
    Ok(())
}

/// `count` different fields, at most as many as there are.
fn distinct(
    view: &mut View<'_>,
    hash: &Hash,
    count: u64,
    answer: &mut Answer<'_>,
) -> CommandResult {
    let mut random = fork(view);
    let total = match &hash.form {
        Form::Large(large) if count < large.count / WALKED_PER_DRAW => {
            let mut drawn = HashSet::new();
            while (drawn.len() as u64) < count {
                let field = draw(view, hash, *large, &mut random)?;
                if drawn.insert(field.clone()) {
                    add_drawn(view, hash, &field, answer)?;
                }
            }
            return Ok(());
        }
        _ => hash.len(view)?,
    };
    // Selection sampling (Knuth, TAOCP 2, algorithm S): each field that passes is taken with the
    // probability that makes the rest work out.
    let (mut wanted, mut unseen) = (count, total);
    let mut result = Ok(());
    hash.for_each(view, |field, value| {
        if random.below(unseen) < wanted {
            result = answer.add(field, value);
            wanted -= 1;
        }
        unseen = unseen.saturating_sub(1);
        if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    result
}

/// The fields (with values) at `count` ranks drawn at random, in the order of drawing.
fn pick_ranks(
    view: &mut View<'_>,
    hash: &Hash,
    large: Large,
    count: u64,
    random: &mut Random,
) -> Result<Vec<Picked>, CommandError> {
    let mut picked = vec![(Bytes::new(), Bytes::new()); count as usize];
    // Rank, and which draw it was.
    let mut ranks: Vec<(u64, usize)> =
        (0..picked.len()).map(|index| (random.below(large.count), index)).collect();
    ranks.sort_unstable();
    let mut ranks = ranks.into_iter().peekable();
    let mut rank = 0;
    hash.walk(view, large, (0, u64::MAX), |_, field, value| {
        let mut pair = None;
        while let Some((_, index)) = ranks.next_if(|(wanted, _)| *wanted == rank) {
            let pair = pair.get_or_insert_with(|| {
                (Bytes::copy_from_slice(field), Bytes::copy_from_slice(value))
            });
            if let Some(slot) = picked.get_mut(index) {
                *slot = pair.clone();
            }
        }
        rank += 1;
        if ranks.peek().is_some() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    if ranks.peek().is_none() { Ok(picked) } else { Err(missing()) }
}

/// A field of a large hash.
fn draw(
    view: &mut View<'_>,
    hash: &Hash,
    large: Large,
    random: &mut Random,
) -> Result<Bytes, CommandError> {
    sample::draw(random, large.count, u64::BITS, |first, last| {
        let mut fields = Vec::new();
        hash.walk(view, large, (first, last), |_, field, _| {
            fields.push(Bytes::copy_from_slice(field));
            ControlFlow::Continue(())
        })?;
        Ok::<_, CommandError>(fields)
    })?
    .ok_or_else(missing)
}

fn add_drawn(
    view: &mut View<'_>,
    hash: &Hash,
    field: &[u8],
    answer: &mut Answer<'_>,
) -> CommandResult {
    let value =
        if answer.with_values { hash.get(view, field)?.ok_or_else(missing)? } else { Bytes::new() };
    answer.add(field, &value)
}

fn pairs<'a>(view: &mut View<'_>, small: &'a SmallHash) -> Result<Vec<Pair<'a>>, CommandError> {
    view.charge(copy_units(small.len_bytes() as u64))?;
    Ok(small.pairs().collect::<Result<_, _>>()?)
}

/// A generator of its own for a command that needs its view at the same time.
fn fork(view: &mut View<'_>) -> Random {
    Random::new(view.random().next_u64())
}

fn missing() -> CommandError {
    EngineError::Corrupted("large hash: fields are missing".into()).into()
}

/// The reply, in the form that the protocol and WITHVALUES ask for.
struct Answer<'a> {
    reply: &'a mut ReplyBuffer,
    start: usize,
    with_values: bool,
    /// A count may ask for any number of fields: what they take together has to stop somewhere.
    bytes_max: usize,
}

impl Answer<'_> {
    fn open(&mut self, count: u64) -> CommandResult {
        // The shortest field takes more than one byte.
        let count = usize::try_from(count).ok().filter(|count| *count < self.bytes_max);
        let count = count.ok_or(TOO_LONG)?;
        let is_flat = self.with_values && self.reply.protocol() == Protocol::Resp2;
        self.reply.array(if is_flat { count.saturating_mul(2) } else { count });
        Ok(())
    }

    fn add(&mut self, field: &[u8], value: &[u8]) -> CommandResult {
        if self.with_values && self.reply.protocol() == Protocol::Resp3 {
            self.reply.array(2);
        }
        self.reply.bulk(field);
        if self.with_values {
            self.reply.bulk(value);
        }
        if self.reply.is_over() {
            return Err(text::REPLY_TOO_LONG.into());
        }
        if self.reply.len() - self.start > self.bytes_max { Err(TOO_LONG.into()) } else { Ok(()) }
    }
}
