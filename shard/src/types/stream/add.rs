//! XADD, XDEL, XTRIM and XSETID.

use smallvec::SmallVec;

use super::entry::Pair;
use super::id::{StreamId, Wanted};
use super::store::Stream;
use super::trim::{Options, Trim};
use crate::command::Args;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text, wrong_arity};
use crate::resp::ReplyBuffer;
use crate::view::View;

/// Bytes of an entry's fields and values together.
const ENTRY_BYTES_MAX: usize = 1 << 30;

const NOT_GREATER: &str =
    "ERR The ID specified in XADD is equal or smaller than the target stream top item";
const ID_OF_ZERO: &str = "ERR The ID specified in XADD must be greater than 0-0";
const NO_IDS_LEFT: &str =
    "ERR The stream has exhausted the last possible ID, unable to add more items";

/// XADD key [NOMKSTREAM] [<MAXLEN | MINID> [= | ~] threshold [LIMIT count]] <* | id> field value …
pub(super) fn xadd(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let (mut options, mut may_create, mut wanted) = (Options::default(), true, None);
    let mut index = 2;
    while index < args.len() && wanted.is_none() {
        match options.read(args, index)? {
            0 if args.is(index, "nomkstream") => {
                may_create = false;
                index += 1;
            }
            0 => {
                wanted = Some(Wanted::parse(args.get(index))?);
                index += 1;
            }
            taken => index += taken,
        }
    }
    let trim = options.finish(view.settings())?;
    let items = args.skip(index);
    let wanted = wanted.filter(|_| items.len() >= 2 && items.len().is_multiple_of(2));
    let wanted = wanted.ok_or_else(|| wrong_arity("xadd"))?;
    if wanted == Wanted::This(StreamId::ZERO) {
        return Err(ID_OF_ZERO.into());
    }
    let Some(mut stream) = Stream::open_or_create(view, args.get(1), may_create)? else {
        reply.null();
        return Ok(());
    };
    let last_id = stream.state.last_id;
    if last_id == StreamId::MAX {
        return Err(NO_IDS_LEFT.into());
    }
    let id = wanted.choose(last_id, view.now_ms()).ok_or(NOT_GREATER)?;
    if items.bytes_total() > ENTRY_BYTES_MAX {
        return Err("ERR Elements are too large to be stored".into());
    }
    let pair = |at: usize| (items.get(at), items.get(at + 1));
    let pairs: SmallVec<[Pair<'_>; 8]> = (0..items.len()).step_by(2).map(pair).collect();
    stream.append(view, id, &pairs)?;
    let trimmed = match trim {
        Some(trim) => trim.apply(view, &mut stream)?,
        None => 0,
    };
    let events = [Event::XADD, Event::XTRIM];
    stream.save(view, &events[..1 + usize::from(trimmed > 0)])?;
    reply.bulk(&id.text());
    Ok(())
}

/// XTRIM key <MAXLEN | MINID> [= | ~] threshold [LIMIT count]
pub(super) fn xtrim(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let trim = Trim::parse(args, 2, view.settings())?;
    let mut count = 0;
    if let Some(mut stream) = Stream::open(view, args.get(1))? {
        count = trim.apply(view, &mut stream)?;
        if count > 0 {
            stream.save(view, &[Event::XTRIM])?;
            view.count_changes(count as usize);
        }
    }
    reply.integer(count as i64);
    Ok(())
}

/// XDEL key id …
pub(super) fn xdel(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut count = 0;
    if let Some(mut stream) = Stream::open(view, args.get(1))? {
        for id in parse_ids(args.skip(2))? {
            count += usize::from(stream.delete(view, id)?);
        }
        if count > 0 {
            stream.save(view, &[Event::XDEL])?;
            view.count_changes(count);
        }
    }
    reply.integer(count as i64);
    Ok(())
}

/// All arguments as ids.
pub(super) fn parse_ids(args: Args<'_>) -> Result<Vec<StreamId>, CommandError> {
    args.iter_from(0).map(|id| StreamId::parse(id, 0)).collect()
}

/// XSETID key last-id [ENTRIESADDED entries-added] [MAXDELETEDID max-deleted-id]
pub(super) fn xsetid(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let id = StreamId::parse(args.get(2), 0)?;
    let (mut entries_added, mut max_deleted_id) = (None, StreamId::ZERO);
    for index in (3..args.len()).step_by(2) {
        let has_value = index + 1 < args.len();
        if has_value && args.is(index, "entriesadded") {
            let given = u64::try_from(args.integer(index + 1)?);
            entries_added = Some(given.map_err(|_| "ERR entries_added must be positive")?);
        } else if has_value && args.is(index, "maxdeletedid") {
            max_deleted_id = StreamId::parse(args.get(index + 1), 0)?;
            if id < max_deleted_id {
                return Err("ERR The ID specified in XSETID is smaller than the provided \
                            max_deleted_entry_id"
                    .into());
            }
        } else {
            return Err(text::SYNTAX.into());
        }
    }
    let stream = Stream::open(view, args.get(1))?;
    let mut stream = stream.ok_or(text::NO_SUCH_KEY)?;
    if stream.last_entry_id(view)?.is_some_and(|last| id < last) {
        return Err(
            "ERR The ID specified in XSETID is smaller than the target stream top item".into()
        );
    }
    if entries_added.is_some_and(|added| added < stream.len()) {
        return Err("ERR The entries_added specified in XSETID is smaller than the target stream \
                    length"
            .into());
    }
    let state = &mut stream.state;
    state.last_id = id;
    state.entries_added = entries_added.unwrap_or(state.entries_added);
    if max_deleted_id != StreamId::ZERO {
        state.max_deleted_id = max_deleted_id;
    }
    stream.save(view, &[Event::XSETID])?;
    reply.ok();
    Ok(())
}
