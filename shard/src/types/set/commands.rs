//! Adding, removing, moving and looking for members.

use super::store::Set;
use crate::command::Args;
use crate::command::row::*;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult};
use crate::resp::ReplyBuffer;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);
const MEMBER: Arg = Arg::string("member");

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("sadd", -3, sadd)
        .flags(WRITE | DENYOOM | FAST)
        .group(Group::Set)
        .summary("Adds members to a set, which is made if it is not there")
        .complexity(
            "O(1) for each element added, so O(N) to add N elements when the command \
             is called with multiple arguments.",
        )
        .keys(&[KeySpec::one(1).change().insert()])
        .args(&[KEY, MEMBER.multiple()])
        .history(&[("2.4.0", "Adds several members at once.")]),
    command("srem", -3, srem)
        .flags(WRITE | FAST)
        .group(Group::Set)
        .summary("Removes members of a set, which goes with the last one")
        .complexity("O(N) where N is the number of members to be removed.")
        .keys(&[KeySpec::one(1).change().delete()])
        .args(&[KEY, MEMBER.multiple()])
        .history(&[("2.4.0", "Removes several members at once.")]),
    command("smove", 4, smove)
        .flags(WRITE | FAST)
        .group(Group::Set)
        .summary("Moves a member from one set to another")
        .keys(&[KeySpec::one(1).change().access().delete(), KeySpec::one(2).change().insert()])
        .args(&[Arg::key("source", 0), Arg::key("destination", 1), MEMBER]),
    command("scard", 2, scard)
        .flags(READONLY | FAST)
        .group(Group::Set)
        .summary("Returns the number of members")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY]),
    command("sismember", 3, sismember)
        .flags(READONLY | FAST)
        .group(Group::Set)
        .summary("Says whether a set has a member")
        .keys(&[KeySpec::one(1).read()])
        .args(&[KEY, MEMBER]),
    command("smismember", -3, smismember)
        .flags(READONLY | FAST)
        .group(Group::Set)
        .since("6.2.0")
        .summary("Says which of several members a set has")
        .complexity("O(N) where N is the number of elements being checked for membership")
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY, MEMBER.multiple()]),
    command("smembers", 2, smembers)
        .flags(READONLY)
        .group(Group::Set)
        .summary("Returns all members")
        .complexity("O(N) where N is the set cardinality.")
        .tips(&["nondeterministic_output_order"])
        .keys(&[KeySpec::one(1).read().access()])
        .args(&[KEY]),
];

/// SADD key member [member …]
pub(super) fn sadd(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut set = Set::open_or_create(view, args.get(1))?;
    // A set may change its form without a new member.
    let is_reshaped = set.expect(view, args.get(2), args.len().saturating_sub(2))?;
    let mut added = 0;
    for member in args.iter_from(2) {
        added += usize::from(set.add(view, member)?);
    }
    if added > 0 {
        set.save(view, Event::SADD);
        view.count_changes(added);
    } else if is_reshaped {
        let deadline_ms = set.key().deadline_ms();
        set.put(view, deadline_ms);
        view.count_changes(0);
    }
    reply.integer(added as i64);
    Ok(())
}

/// SREM key member [member …]
pub(super) fn srem(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let mut removed = 0;
    if let Some(mut set) = Set::open(view, args.get(1))? {
        for member in args.iter_from(2) {
            removed += usize::from(set.remove(view, member)?);
        }
        if removed > 0 {
            set.save(view, Event::SREM);
            view.count_changes(removed);
        }
    }
    reply.integer(removed as i64);
    Ok(())
}

/// SMOVE source destination member
pub(super) fn smove(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let (source_name, target_name, member) = (args.get(1), args.get(2), args.get(3));
    let moved = match Set::open(view, source_name)? {
        Some(source) if source_name == target_name => source.contains(view, member)?,
        Some(source) => move_member(view, source, target_name, member)?,
        None => {
            // Redis looks it up, whatever it is.
            view.open_head(target_name)?;
            false
        }
    };
    reply.integer(i64::from(moved));
    Ok(())
}

/// Whether the source had the member.
fn move_member(
    view: &mut View<'_>,
    mut source: Set,
    target_name: &[u8],
    member: &[u8],
) -> Result<bool, CommandError> {
    let mut target = Set::open_or_create(view, target_name)?;
    if !source.remove(view, member)? {
        return Ok(false);
    }
    if target.is_empty() {
        target.expect(view, member, 1)?;
    }
    let is_new = target.add(view, member)?;
    if is_new {
        view.moves_to(source.key(), target.key());
    }
    source.save(view, Event::SREM);
    if is_new {
        target.save(view, Event::SADD);
    }
    view.count_changes(1 + usize::from(is_new));
    Ok(true)
}

/// SCARD key
pub(super) fn scard(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let count = Set::open_or_create(view, args.get(1))?.len(view)?;
    reply.integer(count.cast_signed());
    Ok(())
}

/// SISMEMBER key member
pub(super) fn sismember(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let is_member = match Set::open(view, args.get(1))? {
        Some(set) => set.contains(view, args.get(2))?,
        None => false,
    };
    reply.integer(i64::from(is_member));
    Ok(())
}

/// SMISMEMBER key member [member …]
pub(super) fn smismember(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let set = Set::open(view, args.get(1))?;
    reply.array(args.len().saturating_sub(2));
    for member in args.iter_from(2) {
        let is_member = match &set {
            Some(set) => set.contains(view, member)?,
            None => false,
        };
        reply.integer(i64::from(is_member));
    }
    Ok(())
}

/// SMEMBERS key
pub(super) fn smembers(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    let set = Set::open_or_create(view, args.get(1))?;
    reply.set(set.len(view)? as usize);
    set.for_each(view, |member| {
        reply.bulk(member);
        reply.goes_on()
    })
}
