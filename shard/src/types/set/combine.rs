//! The commands on several sets: SUNION, SINTER, SDIFF, what stores their results, and SINTERCARD.

use std::ops::ControlFlow;

use super::algebra::{self, Subtraction};
use super::draft::{Draft, MEMBER_BYTES};
use super::form::Shape;
use super::store::{Form, Set};
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// The keys that a result is made of and does not replace.
const SOURCES: KeySpec = KeySpec::range(2, -1, 1).read().access();

const KEYS: Arg = Arg::key("key", 0).multiple();
const TO: &[Arg] = &[Arg::key("destination", 0), Arg::key("key", 1).multiple()];

const ALL_SETS: &str = "O(N) where N is the total number of elements in all given sets.";
const SMALLEST_SET: &str = "O(N*M) worst case where N is the cardinality of the smallest set and \
                            M is the number of sets.";

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("sinter", -2, sinter)
        .flags(READONLY)
        .group(Group::Set)
        .summary("Returns the members that several sets have in common")
        .complexity(SMALLEST_SET)
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::range(1, -1, 1).read().access()])
        .args(&[KEYS]),
    command("sintercard", -3, sintercard)
        .flags(READONLY | MOVABLEKEYS)
        .group(Group::Set)
        .since("7.0.0")
        .summary("Counts the members that several sets have in common")
        .complexity(SMALLEST_SET)
        .keys(&[KeySpec::numbered(1).read().access()])
        .args(&[Arg::integer("numkeys"), KEYS, Arg::integer("limit").after("LIMIT").optional()]),
    command("sinterstore", -3, sinterstore)
        .flags(WRITE | DENYOOM)
        .group(Group::Set)
        .summary("Makes a set of the members that several sets have in common")
        .complexity(SMALLEST_SET)
        .keys(&[KeySpec::one(1).change().update(), SOURCES])
        .args(TO),
    command("sunion", -2, sunion)
        .flags(READONLY)
        .group(Group::Set)
        .summary("Returns the members that any of several sets has")
        .complexity(ALL_SETS)
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::range(1, -1, 1).read().access()])
        .args(&[KEYS]),
    command("sunionstore", -3, sunionstore)
        .flags(WRITE | DENYOOM)
        .group(Group::Set)
        .summary("Makes a set of the members that any of several sets has")
        .complexity(ALL_SETS)
        .keys(&[KeySpec::one(1).overwrite().update(), SOURCES])
        .args(TO),
    command("sdiff", -2, sdiff)
        .flags(READONLY)
        .group(Group::Set)
        .summary("Returns the members that only the first of several sets has")
        .complexity(ALL_SETS)
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::range(1, -1, 1).read().access()])
        .args(&[KEYS]),
    command("sdiffstore", -3, sdiffstore)
        .flags(WRITE | DENYOOM)
        .group(Group::Set)
        .summary("Makes a set of the members that only the first of several has")
        .complexity(ALL_SETS)
        .keys(&[KeySpec::one(1).overwrite().update(), SOURCES])
        .args(TO),
];

/// The sets of a command; `None` is one that is not there.
struct Sources(Vec<Option<Set>>);

impl Sources {
    /// Opens the sets at these keys, which counts as looking them up.
    fn open<'n>(
        view: &mut View<'_>,
        names: impl Iterator<Item = &'n [u8]>,
    ) -> Result<Self, CommandError> {
        view.count_lookups(true);
        let mut sets = Vec::new();
        for name in names {
            view.charge(1)?;
            sets.push(Set::open(view, name)?);
        }
        view.count_lookups(false);
        Ok(Self(sets))
    }

    /// Those that are there.
    fn there(&self) -> Vec<&Set> {
        self.0.iter().flatten().collect()
    }

    /// All, if none is missing.
    fn all(&self) -> Option<Vec<&Set>> {
        self.0.iter().map(Option::as_ref).collect()
    }

    /// Those that are there, the first one in front, which must be there.
    fn with_first(&self) -> Vec<&Set> {
        match self.0.first() {
            Some(Some(_)) => self.there(),
            _ => Vec::new(),
        }
    }
}

/// SUNION key [key …]
pub(super) fn sunion(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let sources = Sources::open(view, args.iter_from(1))?;
    reply_members(reply, |members| algebra::union(view, &sources.there(), |it| members.add(it)))
}

/// SINTER key [key …]
pub(super) fn sinter(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let sources = Sources::open(view, args.iter_from(1))?;
    reply_members(reply, |members| match sources.all() {
        Some(sets) => algebra::intersection(view, &sets, |it| members.add(it)),
        None => Ok(()),
    })
}

/// SDIFF key [key …]
pub(super) fn sdiff(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let sources = Sources::open(view, args.iter_from(1))?;
    reply_members(reply, |members| {
        algebra::difference(view, &sources.with_first(), |member, is_left| {
            if is_left { members.add(member) } else { ControlFlow::Continue(()) }
        })
    })
}

/// The members that a reply has so far.
struct Members<'r> {
    reply: &'r mut ReplyBuffer,
    count: usize,
}

impl Members<'_> {
    /// Breaks when the reply has become too long.
    fn add(&mut self, member: &[u8]) -> ControlFlow<()> {
        self.reply.bulk(member);
        self.count += 1;
        self.reply.goes_on()
    }
}

fn reply_members(
    reply: &mut ReplyBuffer,
    find: impl FnOnce(&mut Members<'_>) -> CommandResult,
) -> CommandResult {
    let set = reply.deferred_set();
    let mut members = Members { reply, count: 0 };
    find(&mut members)?;
    let count = members.count;
    reply.finish_set(set, count);
    Ok(())
}

/// SINTERCARD numkeys key [key …] [LIMIT limit]
pub(super) fn sintercard(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let number = number::parse_i64(args.get(1)).filter(|number| *number > 0);
    let number = number.ok_or("ERR numkeys should be greater than 0")?;
    let end = usize::try_from(number).ok().and_then(|number| number.checked_add(2));
    let end = end.filter(|end| *end <= args.len());
    let end = end.ok_or("ERR Number of keys can't be greater than number of args")?;
    let mut limit = 0;
    let mut index = end;
    while index < args.len() {
        if !args.is(index, "limit") || index + 1 == args.len() {
            return Err(text::SYNTAX.into());
        }
        let given = number::parse_i64(args.get(index + 1)).and_then(|it| u64::try_from(it).ok());
        limit = given.ok_or("ERR LIMIT can't be negative")?;
        index += 2;
    }
    let sources = Sources::open(view, (2..end).map(|index| args.get(index)))?;
    let mut count = 0;
    if let Some(sets) = sources.all() {
        algebra::intersection(view, &sets, |_| {
            count += 1;
            if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    reply.integer(count.cast_signed());
    Ok(())
}

/// SUNIONSTORE destination key [key …]
pub(super) fn sunionstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let sources = Sources::open(view, args.iter_from(2))?;
    let sets = sources.there();
    expect_members(view, &sets)?;
    let mut draft = Draft::new(view.settings(), Shape::Integers);
    algebra::union(view, &sets, |member| {
        draft.add(member);
        ControlFlow::Continue(())
    })?;
    store(view, args, draft, Event::SUNIONSTORE, reply)
}

/// SINTERSTORE destination key [key …]
pub(super) fn sinterstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let sources = Sources::open(view, args.iter_from(2))?;
    let Some(sets) = sources.all() else {
        let nothing = Draft::new(view.settings(), Shape::Packed);
        return store(view, args, nothing, Event::SINTERSTORE, reply);
    };
    let mut smallest = None;
    for set in &sets {
        let count = set.len(view)?;
        if smallest.is_none_or(|(least, _)| count < least) {
            smallest = Some((count, *set));
        }
    }
    let smallest = smallest.map(|(_, set)| set);
    let is_of_integers = smallest.is_some_and(Set::is_of_integers);
    let begins_as = if is_of_integers { Shape::Integers } else { Shape::Packed };
    expect_members(view, smallest.as_slice())?;
    let mut draft = Draft::new(view.settings(), begins_as);
    algebra::intersection(view, &sets, |member| {
        draft.add(member);
        ControlFlow::Continue(())
    })?;
    draft.prefer_integers();
    store(view, args, draft, Event::SINTERSTORE, reply)
}

/// SDIFFSTORE destination key [key …]
pub(super) fn sdiffstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let sources = Sources::open(view, args.iter_from(2))?;
    let sets = sources.with_first();
    expect_members(view, sets.get(..1).unwrap_or_default())?;
    let is_repeated = args.iter_from(3).any(|name| name == args.get(2));
    let removes = !is_repeated && algebra::subtraction(view, &sources.0)? == Subtraction::Removing;
    let mut draft = Draft::new(view.settings(), Shape::Integers);
    algebra::difference(view, &sets, |member, is_left| {
        if is_left {
            draft.add(member);
        } else if removes {
            draft.pass(member);
        }
        ControlFlow::Continue(())
    })?;
    store(view, args, draft, Event::SDIFFSTORE, reply)
}

/// Reserves room for a set of as many members as these have together.
fn expect_members(view: &mut View<'_>, sets: &[&Set]) -> CommandResult {
    let mut bytes = 0u64;
    for set in sets {
        let own = match &set.form {
            Form::Small(small) => small.len_bytes() as u64,
            Form::Large(large) => large.bytes.saturating_mul(2),
        };
        let members = set.len(view)?.saturating_mul(MEMBER_BYTES);
        bytes = bytes.saturating_add(own).saturating_add(members);
    }
    view.expect_work(bytes)
}

/// Puts a result in the place of whatever is at the destination, the first argument. `event` tells
/// of a result that has members.
fn store(
    view: &mut View<'_>,
    args: Args<'_>,
    draft: Draft<'_>,
    event: Event,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let destination = view.open_head(args.get(1))?;
    let count = draft.len();
    draft.put(view, &destination, None);
    if count > 0 {
        view.tell(event, &destination);
    } else if destination.exists() {
        view.tell(Event::DEL, &destination);
    }
    reply.integer(i64::try_from(count).unwrap_or(i64::MAX));
    Ok(())
}
