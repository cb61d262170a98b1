//! From one list to another, and from the first of several that has anything.

use super::ends::{not_negative, pop_several, popped_at, pushed_at};
use super::store::List;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

const SIDES: &[Arg] = &[Arg::word("left", "LEFT"), Arg::word("right", "RIGHT")];
const SOURCE: Arg = Arg::key("source", 0);
const DESTINATION: Arg = Arg::key("destination", 1);

const TAKEN_AND_GIVEN: &[KeySpec] =
    &[KeySpec::one(1).change().access().delete(), KeySpec::one(2).change().insert()];

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("lmove", 5, lmove)
        .flags(WRITE | DENYOOM)
        .group(Group::List)
        .since("6.2.0")
        .summary("Takes an element from an end of a list, and puts it at an end of another")
        .keys(TAKEN_AND_GIVEN)
        .args(&[
            SOURCE,
            DESTINATION,
            Arg::one_of("wherefrom", SIDES),
            Arg::one_of("whereto", SIDES),
        ]),
    command("rpoplpush", 3, rpoplpush)
        .flags(WRITE | DENYOOM)
        .group(Group::List)
        .since("1.2.0")
        .summary("Takes the last element of a list, and puts it in front of another")
        .deprecated("6.2.0", "`LMOVE` with the `RIGHT` and `LEFT` arguments")
        .keys(TAKEN_AND_GIVEN)
        .args(&[SOURCE, DESTINATION]),
    command("lmpop", -4, lmpop)
        .flags(WRITE | MOVABLEKEYS)
        .group(Group::List)
        .since("7.0.0")
        .summary("Takes elements out of the first list that is there")
        .complexity(
            "O(N+M) where N is the number of provided keys and M is the number of elements \
             returned.",
        )
        .keys(&[KeySpec::numbered(1).change().access().delete()])
        .args(&[
            Arg::integer("numkeys"),
            Arg::key("key", 0).multiple(),
            Arg::one_of("where", SIDES),
            Arg::integer("count").after("COUNT").optional(),
        ]),
];

const NO_KEYS: &str = "ERR numkeys should be greater than 0";
const NO_COUNT: &str = "ERR count should be greater than 0";

fn side(args: Args<'_>, index: usize) -> Result<Side, CommandError> {
    if args.is(index, "left") {
        Ok(Side::Front)
    } else if args.is(index, "right") {
        Ok(Side::Back)
    } else {
        Err(text::SYNTAX.into())
    }
}

fn lmove(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let sides = (side(args, 3)?, side(args, 4)?);
    move_element(view, args, sides, reply)
}

fn rpoplpush(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    move_element(view, args, (Side::Back, Side::Front), reply)
}

/// From one end of the first list to an end of the second, which may be the same.
fn move_element(
    view: &mut View<'_>,
    args: Args<'_>,
    (from, to): (Side, Side),
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let Some(mut source) = List::open(view, args.get(1))? else {
        reply.null();
        return Ok(());
    };
    if args.get(1) == args.get(2) {
        let element = source.pop(view, from)?.unwrap_or_default();
        source.push(view, to, &element)?;
        let key = source.save(view, pushed_at(to))?;
        view.tell(popped_at(from), &key);
        reply.bulk(&element);
        return Ok(());
    }
    let mut target = List::open_or_create(view, args.get(2))?;
    let element = source.pop(view, from)?.unwrap_or_default();
    target.expect(view, 1, element.len())?;
    target.push(view, to, &element)?;
    view.moves_to(source.key(), target.key());
    target.save(view, pushed_at(to))?;
    source.save(view, popped_at(from))?;
    view.count_changes(1);
    reply.bulk(&element);
    Ok(())
}

fn lmpop(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let positive = |index, error: &'static str| {
        not_negative(args, index, error).and_then(|number| match number {
            0 => Err(error.into()),
            number => Ok(number),
        })
    };
    let keys = usize::try_from(positive(1, NO_KEYS)?).unwrap_or(usize::MAX);
    let behind = keys.checked_add(2).filter(|behind| *behind < args.len()).ok_or(text::SYNTAX)?;
    let from = side(args, behind)?;
    let count = match args.len() - behind {
        1 => 1,
        3 if args.is(behind + 1, "count") => positive(behind + 2, NO_COUNT)?,
        // What comes before it is looked at first.
        4.. if args.is(behind + 1, "count") => {
            positive(behind + 2, NO_COUNT)?;
            return Err(text::SYNTAX.into());
        }
        _ => return Err(text::SYNTAX.into()),
    };
    for index in 2..behind {
        let name = args.get(index);
        if let Some(list) = List::open(view, name)? {
            reply.array(2);
            reply.bulk(name);
            return pop_several(view, list, (from, count), reply);
        }
    }
    reply.null_array();
    Ok(())
}
