//! SPOP: takes members at random, every set of so many equally likely.

use std::collections::HashSet;

use bytes::Bytes;

use super::draft::Draft;
use super::form::Shape;
use super::store::{Form, Set};
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::types::drawing::{self, Selection, Taker};
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("spop", -2, spop)
    .flags(WRITE | FAST)
    .group(Group::Set)
    .summary("Takes members of a set at random, which goes with the last one")
    .complexity(
        "Without the count argument O(1), otherwise O(N) where N is the value of the passed count.",
    )
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).change().access().delete()])
    .args(&[Arg::key("key", 0), Arg::integer("count").since("3.2.0").optional()])
    .history(&[("3.2.0", "Takes several members at once.")])];

const NOT_A_COUNT: &str = "ERR value is out of range, must be positive";

/// When so many times what is left would go, what is left is made into a new set.
const GONE_PER_LEFT: u64 = 5;

/// What a member takes while it is gathered, beside its own bytes.
const GATHERED_BYTES: u64 = 96;

/// SPOP key [count]
pub(super) fn spop(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    match args.len() {
        2 => pop_one(view, args.get(1), reply),
        3 => {
            let count = args.integer(2).ok().and_then(|count| u64::try_from(count).ok());
            let count = count.ok_or(NOT_A_COUNT)?;
            match Set::open(view, args.get(1))? {
                Some(set) if count > 0 => pop_many(view, set, count, reply),
                _ => {
                    reply.set(0);
                    Ok(())
                }
            }
        }
        _ => Err(text::SYNTAX.into()),
    }
}

fn pop_one(view: &mut View<'_>, name: &[u8], reply: &mut ReplyBuffer) -> CommandResult {
    let Some(mut set) = Set::open(view, name)? else {
        reply.null();
        return Ok(());
    };
    let member = set.draw(view)?;
    set.remove_member(view, &member)?;
    set.save(view, Event::SPOP);
    reply.bulk(&member);
    Ok(())
}

fn pop_many(
    view: &mut View<'_>,
    mut set: Set,
    count: u64,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let total = set.len(view)?;
    let taken = count.min(total);
    reply.set(usize::try_from(taken).unwrap_or(usize::MAX));
    let left = total - taken;
    if left == 0 {
        set.for_each(view, |member| {
            reply.bulk(member);
            reply.goes_on()
        })?;
        view.remove(set.key());
        view.tell(Event::SPOP, set.key());
        view.tell(Event::DEL, set.key());
    } else if let Form::Small(small) = &mut set.form {
        view.charge(total)?;
        let mut random = drawing::fork(view);
        let mut selection = Selection { wanted: taken, unseen: total };
        small.retain(|member| {
            let takes = selection.takes(&mut random);
            if takes {
                reply.bulk(member);
            }
            !takes
        })?;
        set.save(view, Event::SPOP);
    } else if left.saturating_mul(GONE_PER_LEFT) > taken {
        for member in gather(view, &set, taken)? {
            set.remove_member(view, &member)?;
            reply.bulk(&member);
        }
        set.save(view, Event::SPOP);
    } else {
        keep(view, &set, left, reply)?;
    }
    if reply.is_over() {
        return Err(text::REPLY_TOO_LONG.into());
    }
    view.count_changes(usize::try_from(taken).unwrap_or(usize::MAX));
    Ok(())
}

/// Replies with all of a large set but `left` members drawn at random, of which a new set is made.
fn keep(view: &mut View<'_>, set: &Set, left: u64, reply: &mut ReplyBuffer) -> CommandResult {
    let kept: HashSet<Bytes> = gather(view, set, left)?.into_iter().collect();
    let mut draft = Draft::new(view.settings(), Shape::Packed);
    set.for_each(view, |member| {
        if kept.contains(member) {
            draft.add(member);
        } else {
            reply.bulk(member);
        }
        reply.goes_on()
    })?;
    draft.put(view, set.key(), set.key().deadline_ms());
    view.tell(Event::SPOP, set.key());
    Ok(())
}

/// `count` different members of a set, drawn at random.
fn gather(view: &mut View<'_>, set: &Set, count: u64) -> Result<Vec<Bytes>, CommandError> {
    let bytes = match &set.form {
        Form::Large(large) => large.bytes / large.count.max(1) * count,
        Form::Small(small) => small.len_bytes() as u64,
    };
    view.expect_work(count.saturating_mul(GATHERED_BYTES).saturating_add(bytes))?;
    let urn = set.urn(view)?;
    let mut gathered = Gathered(Vec::new());
    drawing::distinct(view, &urn, count, &mut gathered)?;
    Ok(gathered.0)
}

struct Gathered(Vec<Bytes>);

impl Taker for Gathered {
    fn wants_values(&self) -> bool {
        false
    }

    fn take(&mut self, name: &[u8], _: &[u8]) -> CommandResult {
        self.0.push(Bytes::copy_from_slice(name));
        Ok(())
    }
}
