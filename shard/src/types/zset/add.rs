//! Adding members and changing their scores.

use super::store::SortedSet;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const NX: Arg = Arg::word("nx", "NX");
const XX: Arg = Arg::word("xx", "XX");
const SCORE: Arg = Arg::double("score");
const MEMBER: Arg = Arg::string("member");

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("zadd", -4, zadd)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Adds members to a sorted set, or changes their scores")
        .complexity(
            "O(log(N)) for each item added, where N is the number of elements in the sorted set.",
        )
        .history(&[
            ("2.4.0", "Adds several members at once."),
            ("3.0.2", "Has the options `XX`, `NX`, `CH` and `INCR`."),
            ("6.2.0", "Has the options `GT` and `LT`."),
        ])
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[
            KEY,
            Arg::one_of("condition", &[NX, XX]).optional().since("3.0.2"),
            Arg::one_of("comparison", &[Arg::word("gt", "GT"), Arg::word("lt", "LT")])
                .optional()
                .since("6.2.0"),
            Arg::word("change", "CH").optional().since("3.0.2"),
            Arg::word("increment", "INCR").optional().since("3.0.2"),
            Arg::block("data", &[SCORE, MEMBER]).multiple(),
        ]),
    command("zincrby", 4, zincrby)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::SortedSet)
        .since("1.2.0")
        .summary("Adds to the score of a member")
        .complexity("O(log(N)) where N is the number of elements in the sorted set.")
        .keys(&[KeySpec::one(1).change().access().update()])
        .args(&[KEY, Arg::integer("increment"), MEMBER]),
];

const NOT_A_NUMBER: &str = "ERR resulting score is not a number (NaN)";

/// What ZADD is to do with each member.
#[derive(Clone, Copy, Default)]
pub struct Options {
    /// NX: members that are there are left as they are.
    pub only_new: bool,
    /// XX: nothing is added.
    pub only_there: bool,
    /// CH: the reply counts changes, too.
    pub counts_changes: bool,
    /// INCR: scores are added to those that there are.
    is_increment: bool,
    /// GT, LT: scores that are there only grow, or only shrink.
    only_greater: bool,
    only_less: bool,
}

impl Options {
    /// Reads the words from argument `index` on; where the first score stands.
    fn parse(args: Args<'_>, mut index: usize, is_increment: bool) -> (Self, usize) {
        let mut options = Self { is_increment, ..Self::default() };
        while index < args.len() {
            let option = if args.is(index, "nx") {
                &mut options.only_new
            } else if args.is(index, "xx") {
                &mut options.only_there
            } else if args.is(index, "ch") {
                &mut options.counts_changes
            } else if args.is(index, "incr") {
                &mut options.is_increment
            } else if args.is(index, "gt") {
                &mut options.only_greater
            } else if args.is(index, "lt") {
                &mut options.only_less
            } else {
                break;
            };
            *option = true;
            index += 1;
        }
        (options, index)
    }

    /// Refuses what makes no sense together.
    fn check(&self, pairs: usize) -> CommandResult {
        if self.only_new && self.only_there {
            return Err("ERR XX and NX options at the same time are not compatible".into());
        }
        let comparisons = [self.only_new, self.only_greater, self.only_less];
        if comparisons.iter().filter(|is_set| **is_set).count() > 1 {
            let error = "ERR GT, LT, and/or NX options at the same time are not compatible";
            return Err(error.into());
        }
        if self.is_increment && pairs > 1 {
            return Err("ERR INCR option supports a single increment-element pair".into());
        }
        Ok(())
    }

    /// The score that a member gets which has this one; `None`: it is left as it is.
    fn new_score(&self, old: f64, given: f64) -> Result<Option<f64>, CommandError> {
        if self.only_new {
            return Ok(None);
        }
        let new = if self.is_increment { old + given } else { given };
        if new.is_nan() {
            return Err(NOT_A_NUMBER.into());
        }
        let is_left = self.only_less && new >= old || self.only_greater && new <= old;
        Ok((!is_left).then_some(new))
    }
}

/// What became of members.
#[derive(Default)]
struct Outcome {
    added: usize,
    changed: usize,
    /// The newest score of the last one, if it was not passed over.
    score: Option<f64>,
}

/// ZADD key [NX | XX] [GT | LT] [CH] [INCR] score member [score member …]
pub(super) fn zadd(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    add(view, args, false, reply)
}

/// ZINCRBY key increment member
pub(super) fn zincrby(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    add(view, args, true, reply)
}

fn add(
    view: &mut View<'_>,
    args: Args<'_>,
    is_increment: bool,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (options, first) = Options::parse(args, 2, is_increment);
    let pairs = (args.len() - first) / 2;
    if pairs == 0 || !(args.len() - first).is_multiple_of(2) {
        return Err(text::SYNTAX.into());
    }
    options.check(pairs)?;
    let mut members = Vec::with_capacity(pairs);
    for index in (first..args.len()).step_by(2) {
        members.push((args.float(index)?, args.get(index + 1)));
    }
    add_members(view, args.get(1), &options, &members, reply)
}

/// Adds members with these scores to the set at a key, and replies.
pub fn add_members(
    view: &mut View<'_>,
    name: &[u8],
    options: &Options,
    members: &[(f64, &[u8])],
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let mut set = SortedSet::open_or_create(view, name)?;
    let mut outcome = Outcome::default();
    if set.existed() || !options.only_there {
        let first = members.first().map_or(&b""[..], |(_, member)| member);
        set.expect(view, first, members.len())?;
        for (given, member) in members {
            add_member(view, &mut set, (member, *given), options, &mut outcome)?;
        }
        let changes = outcome.added + outcome.changed;
        if changes > 0 {
            let event = if options.is_increment { Event::ZINCR } else { Event::ZADD };
            set.save(view, event)?;
            view.count_changes(changes);
        }
    }
    match (options.is_increment, outcome.score) {
        (true, Some(score)) => reply.double(score),
        (true, None) => reply.null(),
        (false, _) => {
            let changed = if options.counts_changes { outcome.changed } else { 0 };
            reply.integer((outcome.added + changed) as i64);
        }
    }
    Ok(())
}

fn add_member(
    view: &mut View<'_>,
    set: &mut SortedSet,
    (member, given): (&[u8], f64),
    options: &Options,
    outcome: &mut Outcome,
) -> CommandResult {
    match set.score(view, member)? {
        Some(old) => {
            let Some(new) = options.new_score(old, given)? else { return Ok(()) };
            outcome.score = Some(new);
            if new != old {
                set.change(view, member, (old, new))?;
                outcome.changed += 1;
            }
        }
        None if options.only_there => {}
        None => {
            set.insert(view, member, given)?;
            outcome.added += 1;
            outcome.score = Some(given);
        }
    }
    Ok(())
}
