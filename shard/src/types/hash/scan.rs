//! HSCAN.

use super::store::{Form, Hash};
use crate::command::Args;
use crate::command::row::*;
use crate::command::scan_options::{ScanOptions, Scanned, parse_cursor};
use crate::error::CommandResult;
use crate::resp::ReplyBuffer;
use crate::types::scanning;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("hscan", -3, hscan)
    .flags(READONLY)
    .group(Group::Hash)
    .since("2.8.0")
    .summary("Returns the fields of a hash bit by bit")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough \
             command calls for the cursor to return back to 0. N is the number of \
             elements inside the collection..",
    )
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[
        KEY,
        Arg::integer("cursor"),
        Arg::pattern("pattern").after("MATCH").optional(),
        Arg::integer("count").after("COUNT").optional(),
        Arg::word("novalues", "NOVALUES").optional(),
    ])];

pub(super) fn hscan(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let cursor = parse_cursor(args.get(2))?;
    let Some(hash) = Hash::open(view, args.get(1))? else {
        scanning::reply_nothing(reply);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::Fields)?;
    let elements = match &hash.form {
        Form::Small(_) => None,
        Form::Large(large) => Some(hash.elements(*large)),
    };
    let how = (cursor, options, !options.no_values);
    scanning::reply_page(view, how, elements, reply, |view, found| {
        hash.for_each(view, |field, value| found.add(field, value))
    })
}
