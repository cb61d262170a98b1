//! Changing a list in the middle.

use std::ops::ControlFlow;

use super::read::{part, rank};
use super::store::List;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const ELEMENT: Arg = Arg::string("element");

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("lset", 4, lset)
        .flags(WRITE | DENYOOM)
        .group(Group::List)
        .since("1.0.0")
        .summary("Puts another element in the place of the one at an index")
        .complexity("O(log(N)) where N is the length of the list, O(1) at its ends.")
        .keys(&[KeySpec::one(1).change().update()])
        .args(&[KEY, Arg::integer("index"), ELEMENT]),
    command("linsert", 5, linsert)
        .flags(WRITE | DENYOOM)
        .group(Group::List)
        .since("2.2.0")
        .summary("Puts an element before or behind another one")
        .complexity("O(N) where N is the number of elements to traverse before seeing the pivot.")
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[
            KEY,
            Arg::one_of("where", &[Arg::word("before", "BEFORE"), Arg::word("after", "AFTER")]),
            Arg::string("pivot"),
            ELEMENT,
        ]),
    command("lrem", 4, lrem)
        .flags(WRITE)
        .group(Group::List)
        .since("1.0.0")
        .summary("Takes elements with a value out of a list, which goes with the last one")
        .complexity(
            "O(N+M) where N is the length of the list and M is the number of elements removed.",
        )
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, Arg::integer("count"), ELEMENT]),
    command("ltrim", 4, ltrim)
        .flags(WRITE)
        .group(Group::List)
        .since("1.0.0")
        .summary("Takes everything but a part out of a list")
        .complexity("O(N) where N is the number of elements to be removed by the operation.")
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, Arg::integer("start"), Arg::integer("stop")]),
];

fn lset(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let Some(mut list) = List::open(view, args.get(1))? else {
        // Without a list nobody looks at the index.
        return Err(text::NO_SUCH_KEY.into());
    };
    let rank = rank(list.len(), args.integer(2)?).ok_or(text::INDEX_OUT_OF_RANGE)?;
    let element = args.get(3);
    list.expect(view, 1, element.len())?;
    list.replace(view, rank, element)?;
    list.save(view, Event::LSET)?;
    reply.ok();
    Ok(())
}

fn linsert(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let behind = match (args.is(2, "after"), args.is(2, "before")) {
        (true, _) => 1,
        (_, true) => 0,
        _ => return Err(text::SYNTAX.into()),
    };
    let Some(mut list) = List::open(view, args.get(1))? else {
        reply.integer(0);
        return Ok(());
    };
    let (mut pivot, ranks) = (None, 0..list.len());
    list.search(view, (ranks, Side::Back), args.get(3), |_, item| {
        pivot = Some(item.rank);
        Ok(ControlFlow::Break(()))
    })?;
    let Some(pivot) = pivot else {
        reply.integer(-1);
        return Ok(());
    };
    let element = args.get(4);
    list.expect(view, 1, element.len())?;
    list.insert(view, pivot + behind, element)?;
    reply.integer(list.len() as i64);
    list.save(view, Event::LINSERT)?;
    Ok(())
}

fn lrem(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let (count, toward) = match args.integer(2)? {
        0 => (u64::MAX, Side::Back),
        count @ ..0 => (count.unsigned_abs(), Side::Front),
        count => (count.unsigned_abs(), Side::Back),
    };
    let mut removed = 0;
    if let Some(mut list) = List::open(view, args.get(1))? {
        removed = list.remove(view, args.get(3), count, toward)?;
        if removed > 0 {
            list.save(view, Event::LREM)?;
            view.count_changes(removed as usize);
        }
    }
    reply.integer(removed as i64);
    Ok(())
}

fn ltrim(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let (start, stop) = (args.integer(2)?, args.integer(3)?);
    if let Some(mut list) = List::open(view, args.get(1))? {
        let len = list.len();
        let kept = part(len, start, stop);
        let removed = len - (kept.end - kept.start);
        if removed > 0 {
            list.keep(view, kept)?;
            list.save(view, Event::LTRIM)?;
            view.count_changes(removed as usize);
        } else {
            view.tell(Event::LTRIM, list.key());
        }
    }
    reply.ok();
    Ok(())
}
