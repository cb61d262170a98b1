//! SRANDMEMBER: every member equally likely, and with a positive count every set of so many.

use super::store::Set;
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::types::drawing;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("srandmember", -2, srandmember)
    .flags(READONLY)
    .group(Group::Set)
    .summary("Returns members of a set at random")
    .complexity(
        "Without the count argument O(1), otherwise O(N) where N is the absolute \
             value of the passed count.",
    )
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[Arg::key("key", 0), Arg::integer("count").since("2.6.0").optional()])
    .history(&[("2.6.0", "Returns several members at once.")])];

/// SRANDMEMBER key [count]
pub(super) fn srandmember(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    match args.len() {
        2 => match Set::open(view, args.get(1))? {
            Some(set) => reply.bulk(&set.draw(view)?),
            None => reply.null(),
        },
        3 => {
            let count = drawing::parse_count(args, 2)?;
            match Set::open(view, args.get(1))? {
                Some(set) if count != 0 => {
                    let urn = set.urn(view)?;
                    drawing::reply_many(view, &urn, (count, false), reply)?;
                }
                _ => reply.array(0),
            }
        }
        _ => return Err(text::SYNTAX.into()),
    }
    Ok(())
}
