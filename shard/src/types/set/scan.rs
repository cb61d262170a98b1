//! SSCAN.

use super::store::{Form, Set};
use crate::command::Args;
use crate::command::row::*;
use crate::command::scan_options::{ScanOptions, Scanned, parse_cursor};
use crate::error::CommandResult;
use crate::resp::ReplyBuffer;
use crate::types::scanning;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("sscan", -3, sscan)
    .flags(READONLY)
    .group(Group::Set)
    .since("2.8.0")
    .summary("Returns the members of a set bit by bit")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough \
             command calls for the cursor to return back to 0. N is the number of \
             elements inside the collection..",
    )
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("cursor"),
        Arg::pattern("pattern").after("MATCH").optional(),
        Arg::integer("count").after("COUNT").optional(),
    ])];

/// SSCAN key cursor [MATCH pattern] [COUNT count]
pub(super) fn sscan(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let cursor = parse_cursor(args.get(2))?;
    let Some(set) = Set::open(view, args.get(1))? else {
        scanning::reply_nothing(reply);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::Members)?;
    let elements = match &set.form {
        Form::Small(_) => None,
        Form::Large(large) => Some(set.elements(*large)),
    };
    scanning::reply_page(view, (cursor, options, false), elements, reply, |view, found| {
        set.for_each(view, |member| found.add(member, b""))
    })
}
