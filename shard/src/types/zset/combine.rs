//! The union, the intersection and the difference of sorted sets, and of sets among them.

use std::collections::HashMap;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::answer::Answer;
use super::draft;
use super::source::Source;
use crate::command::Args;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::view::View;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operation {
    Union,
    Intersection,
    Difference,
}

/// What becomes of the scores of one member in several sets.
#[derive(Clone, Copy)]
enum Aggregate {
    Sum,
    Min,
    Max,
}

impl Aggregate {
    fn parse(args: Args<'_>, index: usize) -> Result<Self, CommandError> {
        const NAMES: [(&str, Aggregate); 3] =
            [("sum", Aggregate::Sum), ("min", Aggregate::Min), ("max", Aggregate::Max)];
        let known = NAMES.iter().find(|(name, _)| args.is(index, name));
        known.map(|(_, aggregate)| *aggregate).ok_or_else(|| text::SYNTAX.into())
    }

    /// What is not a number, of infinities, counts as nothing.
    fn of(self, score: f64, other: f64) -> f64 {
        match self {
            Aggregate::Sum if (score + other).is_nan() => 0.0,
            Aggregate::Sum => score + other,
            Aggregate::Min => {
                if other < score {
                    other
                } else {
                    score
                }
            }
            Aggregate::Max => {
                if other > score {
                    other
                } else {
                    score
                }
            }
        }
    }
}

fn weighted(score: f64, weight: f64) -> f64 {
    let product = score * weight;
    if product.is_nan() { 0.0 } else { product }
}

/// What a command is asked for.
struct Query {
    sources: Vec<Source>,
    aggregate: Aggregate,
    with_scores: bool,
}

impl Query {
    /// Reads `numkeys key [key …]` from argument `index` on, opens the sets, and reads the options.
    fn parse(
        view: &mut View<'_>,
        args: Args<'_>,
        (command, index): (&str, usize),
        (operation, is_store): (Operation, bool),
    ) -> Result<Self, CommandError> {
        let (sources, mut index) = open_sources(view, args, command, index)?;
        let has_scores = operation != Operation::Difference;
        let mut query = Query { sources, aggregate: Aggregate::Sum, with_scores: false };
        while index < args.len() {
            let rest = args.len() - index - 1;
            if has_scores && rest >= query.sources.len() && args.is(index, "weights") {
                for source in &mut query.sources {
                    index += 1;
                    let weight = number::parse_f64(args.get(index));
                    source.weight = weight.ok_or("ERR weight value is not a float")?;
                }
            } else if has_scores && rest >= 1 && args.is(index, "aggregate") {
                index += 1;
                query.aggregate = Aggregate::parse(args, index)?;
            } else if !is_store && args.is(index, "withscores") {
                query.with_scores = true;
            } else {
                return Err(text::SYNTAX.into());
            }
            index += 1;
        }
        Ok(query)
    }

    /// The members of the result with their scores, in order.
    fn run(
        mut self,
        view: &mut View<'_>,
        operation: Operation,
    ) -> Result<Vec<(f64, Bytes)>, CommandError> {
        if operation != Operation::Difference {
            // The smallest first: sums of doubles depend on the order.
            self.sources.sort_by_key(|source| source.len);
        }
        let of_result = match operation {
            Operation::Union => &self.sources[..],
            _ => self.sources.get(..1).unwrap_or_default(),
        };
        let sum = |of: fn(&Source) -> u64| of_result.iter().map(of).fold(0, u64::saturating_add);
        draft::expect(view, sum(|source| source.len), sum(|source| source.bytes))?;
        let mut members = match operation {
            Operation::Union => self.union(view)?,
            Operation::Intersection => {
                let mut members = Vec::new();
                intersection(view, &self.sources, self.aggregate, |member, score| {
                    members.push((score, member.clone()));
                    ControlFlow::Continue(())
                })?;
                members
            }
            Operation::Difference => difference(view, &self.sources)?,
        };
        draft::sort(&mut members);
        Ok(members)
    }

    fn union(&self, view: &mut View<'_>) -> Result<Vec<(f64, Bytes)>, CommandError> {
        let mut scores: HashMap<Bytes, f64> = HashMap::new();
        for source in &self.sources {
            source.for_each(view, |member, score| {
                let score = weighted(score, source.weight);
                match scores.get_mut(member) {
                    Some(known) => *known = self.aggregate.of(*known, score),
                    None => {
                        scores.insert(Bytes::copy_from_slice(member), score);
                    }
                }
            })?;
        }
        Ok(scores.into_iter().map(|(member, score)| (score, member)).collect())
    }
}

/// Visits the members that are in all of the sets, of which the first is the smallest, until
/// `visit` breaks.
fn intersection(
    view: &mut View<'_>,
    sources: &[Source],
    aggregate: Aggregate,
    mut visit: impl FnMut(&Bytes, f64) -> ControlFlow<()>,
) -> CommandResult {
    let Some((first, others)) = sources.split_first() else { return Ok(()) };
    first.for_each_looked_for(view, others.len(), |view, member, score| {
        let mut total = weighted(score, first.weight);
        for other in others {
            let Some(score) = other.score(view, member)? else {
                return Ok(ControlFlow::Continue(()));
            };
            total = aggregate.of(total, score * other.weight);
        }
        Ok(visit(member, total))
    })
}

/// The members of the first set that are in none of the others.
fn difference(view: &mut View<'_>, sources: &[Source]) -> Result<Vec<(f64, Bytes)>, CommandError> {
    let mut members = Vec::new();
    let Some((first, others)) = sources.split_first() else { return Ok(members) };
    // The more members a set has, the more likely it has this one.
    let mut others: Vec<&Source> = others.iter().filter(|other| other.len > 0).collect();
    others.sort_by_key(|other| std::cmp::Reverse(other.len));
    first.for_each_looked_for(view, others.len(), |view, member, score| {
        for other in &others {
            if other.score(view, member)?.is_some() {
                return Ok(ControlFlow::Continue(()));
            }
        }
        members.push((score, member.clone()));
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(members)
}

/// Opens the sets of `numkeys key [key …]` from argument `index` on; where the options begin.
fn open_sources(
    view: &mut View<'_>,
    args: Args<'_>,
    command: &str,
    index: usize,
) -> Result<(Vec<Source>, usize), CommandError> {
    let number = args.integer(index)?;
    if number < 1 {
        let error = format!("ERR at least 1 input key is needed for '{command}' command");
        return Err(CommandError::reply(error));
    }
    let end = usize::try_from(number).ok().and_then(|number| number.checked_add(index + 1));
    let end = end.filter(|end| *end <= args.len()).ok_or(text::SYNTAX)?;
    view.count_lookups(true);
    let sources = (index + 1..end).map(|index| Source::open(view, args.get(index)));
    let sources = sources.collect::<Result<Vec<_>, _>>()?;
    view.count_lookups(false);
    Ok((sources, end))
}

/// ZUNION numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(super) fn zunion(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    show(view, args, ("zunion", Operation::Union), reply)
}

/// ZINTER numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX] [WITHSCORES]
pub(super) fn zinter(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    show(view, args, ("zinter", Operation::Intersection), reply)
}

/// ZDIFF numkeys key [key …] [WITHSCORES]
pub(super) fn zdiff(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    show(view, args, ("zdiff", Operation::Difference), reply)
}

/// ZUNIONSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX]
pub(super) fn zunionstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    store(view, args, ("zunionstore", Operation::Union), reply)
}

/// ZINTERSTORE destination numkeys key [key …] [WEIGHTS weight …] [AGGREGATE SUM | MIN | MAX]
pub(super) fn zinterstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    store(view, args, ("zinterstore", Operation::Intersection), reply)
}

/// ZDIFFSTORE destination numkeys key [key …]
pub(super) fn zdiffstore(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    store(view, args, ("zdiffstore", Operation::Difference), reply)
}

fn show(
    view: &mut View<'_>,
    args: Args<'_>,
    (command, operation): (&str, Operation),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let query = Query::parse(view, args, (command, 1), (operation, false))?;
    let with_scores = query.with_scores;
    let members = query.run(view, operation)?;
    let mut answer = Answer::open(reply, members.len() as u64, with_scores);
    for (score, member) in &members {
        if answer.add(member, *score).is_break() {
            break;
        }
    }
    Ok(())
}

fn store(
    view: &mut View<'_>,
    args: Args<'_>,
    (command, operation): (&str, Operation),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let query = Query::parse(view, args, (command, 2), (operation, true))?;
    let members = query.run(view, operation)?;
    reply.integer(members.len() as i64);
    let event = match operation {
        Operation::Union => Event::ZUNIONSTORE,
        Operation::Intersection => Event::ZINTERSTORE,
        Operation::Difference => Event::ZDIFFSTORE,
    };
    draft::put(view, args.get(1), &members, event)
}

/// ZINTERCARD numkeys key [key …] [LIMIT limit]
pub(super) fn zintercard(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let (mut sources, mut index) = open_sources(view, args, "zintercard", 1)?;
    let mut limit = 0;
    while index < args.len() {
        if !args.is(index, "limit") || index + 1 == args.len() {
            return Err(text::SYNTAX.into());
        }
        let given = number::parse_i64(args.get(index + 1)).and_then(|it| u64::try_from(it).ok());
        limit = given.ok_or("ERR LIMIT can't be negative")?;
        index += 2;
    }
    sources.sort_by_key(|source| source.len);
    let mut count = 0u64;
    intersection(view, &sources, Aggregate::Sum, |_, _| {
        count += 1;
        if count == limit { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    reply.integer(count.cast_signed());
    Ok(())
}
