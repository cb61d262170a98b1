//! Drawing elements of a collection at random: every one equally likely, and of the sets of so
//! many different ones each equally likely.
//!
//! From a large collection a few elements are drawn one by one (`keyspace::sample`); when they are
//! many compared to its size, one walk over it picks them all.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::hashed::{Elements, copy_units, corrupted};
use crate::command::Args;
use crate::error::{CommandError, CommandResult, text};
use crate::random::Random;
use crate::resp::{Protocol, ReplyBuffer};
use crate::view::View;

/// Elements that a walk passes in the time of one draw, which tries some 16 to 32 windows.
const WALKED_PER_DRAW: u64 = 64;

/// Elements that are picked in one walk, at least: their number decides about the memory it takes.
const PICKS_PER_WALK_MIN: u64 = 1 << 16;

/// What a pick takes while it waits for its turn: its rank, its place, and copies of what is
/// there.
const PICK_BYTES: u64 = 192;

const TOO_LONG: &str = "ERR the reply would be longer than proto-max-bulk-len";

/// What is drawn from: names and their values.
pub enum Urn<'a> {
    /// All there is, inline in the head.
    Small(Vec<(Cow<'a, [u8]>, &'a [u8])>),
    /// In element records.
    Large(Elements<'a>),
}

impl Urn<'_> {
    fn count(&self) -> u64 {
        match self {
            Urn::Small(pairs) => pairs.len() as u64,
            Urn::Large(elements) => elements.large.count,
        }
    }
}

/// What becomes of what is drawn.
pub trait Taker {
    /// Whether it wants to know values, which have to be read.
    fn wants_values(&self) -> bool;

    /// Takes one element.
    fn take(&mut self, name: &[u8], value: &[u8]) -> CommandResult;
}

/// A generator of its own for a command that needs its view at the same time.
pub fn fork(view: &mut View<'_>) -> Random {
    Random::new(view.random().next_u64())
}

/// The count of HRANDFIELD and SRANDMEMBER: negative ones may give an element more than once.
pub fn parse_count(args: Args<'_>, index: usize) -> Result<i64, CommandError> {
    let count = args.integer(index)?;
    if count == i64::MIN {
        let limit = i64::MAX;
        return Err(CommandError::reply(format!(
            "ERR value is out of range, value must between -{limit} and {limit}"
        )));
    }
    Ok(count)
}

/// The name of one element.
pub fn one(view: &mut View<'_>, urn: &Urn<'_>) -> Result<Bytes, CommandError> {
    let mut random = fork(view);
    match urn {
        Urn::Small(pairs) => {
            let (name, _) = any(pairs, &mut random)?;
            Ok(Bytes::copy_from_slice(name))
        }
        Urn::Large(elements) => elements.draw(view, &mut random),
    }
}

fn any<'p, T>(pairs: &'p [T], random: &mut Random) -> Result<&'p T, CommandError> {
    let index = random.below(pairs.len() as u64) as usize;
    pairs.get(index).ok_or_else(missing)
}

/// Replies with as many elements as `count` says: a negative one may give an element more than
/// once.
pub fn reply_many(
    view: &mut View<'_>,
    urn: &Urn<'_>,
    (count, with_values): (i64, bool),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let bytes_max = view.settings().proto_max_bulk_len;
    let mut answer = Answer { start: reply.len(), reply, with_values, bytes_max };
    let number = count.unsigned_abs();
    if count < 0 {
        answer.open(number)?;
        independent(view, urn, number, &mut answer)
    } else {
        let number = number.min(urn.count());
        answer.open(number)?;
        distinct(view, urn, number, &mut answer)
    }
}

/// `count` elements, each drawn from all.
fn independent(
    view: &mut View<'_>,
    urn: &Urn<'_>,
    count: u64,
    taker: &mut impl Taker,
) -> CommandResult {
    let mut random = fork(view);
    let elements = match urn {
        Urn::Small(pairs) => {
            view.charge(count)?;
            for _ in 0..count {
                let (name, value) = any(pairs, &mut random)?;
                taker.take(name, value)?;
            }
            return Ok(());
        }
        Urn::Large(elements) => *elements,
    };
    if count < elements.large.count / WALKED_PER_DRAW {
        for _ in 0..count {
            let name = elements.draw(view, &mut random)?;
            hand_over(view, elements, &name, taker)?;
        }
        return Ok(());
    }
    let fit = (view.settings().reply_bytes_max as u64 / PICK_BYTES).max(1);
    let per_walk = PICKS_PER_WALK_MIN.max(elements.large.count / 8).min(fit);
    view.expect_work(count.min(per_walk) * PICK_BYTES)?;
    let mut left = count;
    while left > 0 {
        let now = left.min(per_walk);
        elements.charge_all(view)?;
        for (name, value) in pick_ranks(view, elements, now, &mut random)? {
            taker.take(&name, &value)?;
        }
        left -= now;
    }
    Ok(())
}

/// `count` different elements, of as many at least.
pub fn distinct(
    view: &mut View<'_>,
    urn: &Urn<'_>,
    count: u64,
    taker: &mut impl Taker,
) -> CommandResult {
    let mut random = fork(view);
    if let Urn::Large(elements) = urn
        && count < elements.large.count / WALKED_PER_DRAW
    {
        let mut drawn = HashSet::new();
        while (drawn.len() as u64) < count {
            let name = elements.draw(view, &mut random)?;
            if drawn.insert(name.clone()) {
                hand_over(view, *elements, &name, taker)?;
            }
        }
        return Ok(());
    }
    let mut selection = Selection { wanted: count, unseen: urn.count() };
    match urn {
        Urn::Small(pairs) => {
            view.charge(copy_units(pairs.len() as u64))?;
            for (name, value) in pairs {
                if selection.takes(&mut random) {
                    taker.take(name, value)?;
                }
            }
            Ok(())
        }
        Urn::Large(elements) => {
            let mut result = Ok(());
            elements.for_each(view, |name, value| {
                if selection.takes(&mut random) {
                    result = taker.take(name, value);
                }
                if result.is_ok() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
            })?;
            result
        }
    }
}

/// Selection sampling (Knuth, TAOCP 2, algorithm S): each element that passes is taken with the
/// probability that makes the rest work out.
pub struct Selection {
    /// How many are to be taken.
    pub wanted: u64,
    /// How many are to pass, of which as many are taken.
    pub unseen: u64,
}

impl Selection {
    /// Whether to take the element that passes now.
    pub fn takes(&mut self, random: &mut Random) -> bool {
        let takes = random.below(self.unseen) < self.wanted;
        self.wanted -= u64::from(takes);
        self.unseen = self.unseen.saturating_sub(1);
        takes
    }
}

/// The elements at `count` ranks drawn at random, in the order of drawing.
fn pick_ranks(
    view: &mut View<'_>,
    elements: Elements<'_>,
    count: u64,
    random: &mut Random,
) -> Result<Vec<(Bytes, Bytes)>, CommandError> {
    let mut picked = vec![(Bytes::new(), Bytes::new()); count as usize];
    // Rank, and which draw it was.
    let mut ranks: Vec<(u64, usize)> =
        (0..picked.len()).map(|index| (random.below(elements.large.count), index)).collect();
    ranks.sort_unstable();
    let mut ranks = ranks.into_iter().peekable();
    let mut rank = 0;
    elements.walk(view, (0, u64::MAX), |_, name, value| {
        let mut pair = None;
        while let Some((_, index)) = ranks.next_if(|(wanted, _)| *wanted == rank) {
            let pair = pair.get_or_insert_with(|| {
                (Bytes::copy_from_slice(name), Bytes::copy_from_slice(value))
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

/// Gives a taker what was drawn by its name.
fn hand_over(
    view: &mut View<'_>,
    elements: Elements<'_>,
    name: &[u8],
    taker: &mut impl Taker,
) -> CommandResult {
    let value = if taker.wants_values() {
        elements.get(view, name)?.ok_or_else(missing)?
    } else {
        Bytes::new()
    };
    taker.take(name, &value)
}

fn missing() -> CommandError {
    corrupted("elements are missing")
}

/// The reply, in the form that the protocol and WITHVALUES ask for.
struct Answer<'a> {
    reply: &'a mut ReplyBuffer,
    start: usize,
    with_values: bool,
    /// A count may ask for any number of elements: what they take together has to stop somewhere.
    bytes_max: usize,
}

impl Answer<'_> {
    fn open(&mut self, count: u64) -> CommandResult {
        // The shortest element takes more than one byte.
        let count = usize::try_from(count).ok().filter(|count| *count < self.bytes_max);
        let count = count.ok_or(TOO_LONG)?;
        let is_flat = self.with_values && self.reply.protocol() == Protocol::Resp2;
        self.reply.array(if is_flat { count.saturating_mul(2) } else { count });
        Ok(())
    }
}

impl Taker for Answer<'_> {
    fn wants_values(&self) -> bool {
        self.with_values
    }

    fn take(&mut self, name: &[u8], value: &[u8]) -> CommandResult {
        if self.with_values && self.reply.protocol() == Protocol::Resp3 {
            self.reply.array(2);
        }
        self.reply.bulk(name);
        if self.with_values {
            self.reply.bulk(value);
        }
        if self.reply.is_over() {
            return Err(text::REPLY_TOO_LONG.into());
        }
        if self.reply.len() - self.start > self.bytes_max { Err(TOO_LONG.into()) } else { Ok(()) }
    }
}
