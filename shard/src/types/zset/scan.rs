//! ZSCAN.
//!
//! A small set comes whole, whatever the cursor says, as Redis's listpacks do. A large one comes in
//! pages of whole groups of members by their positions (`keyspace::cursor`), so a member that is
//! there from the first call to the last is returned exactly once, whatever becomes of its score.

use std::ops::ControlFlow;

use super::store::{Form, SortedSet};
use crate::command::Args;
use crate::command::row::*;
use crate::command::scan_options::{ScanOptions, Scanned, parse_cursor};
use crate::error::{CommandError, CommandResult};
use crate::keyspace::cursor::{self, Page};
use crate::number;
use crate::resp::ReplyBuffer;
use crate::tree::Side;
use crate::view::View;

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("zscan", -3, zscan)
    .flags(READONLY)
    .group(Group::SortedSet)
    .since("2.8.0")
    .summary("Returns the members of a sorted set bit by bit")
    .complexity(
        "O(1) for every call. O(N) for a complete iteration, including enough command calls for \
         the cursor to return back to 0. N is the number of elements inside the collection..",
    )
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[
        Arg::key("key", 0),
        Arg::integer("cursor"),
        Arg::pattern("pattern").after("MATCH").optional(),
        Arg::integer("count").after("COUNT").optional(),
    ])];

/// ZSCAN key cursor [MATCH pattern] [COUNT count]
pub(super) fn zscan(view: &mut View<'_>, args: Args<'_>, reply: &mut ReplyBuffer) -> CommandResult {
    let cursor = parse_cursor(args.get(2))?;
    let Some(set) = SortedSet::open(view, args.get(1))? else {
        // Without a set nobody looks at the options.
        reply.array(2);
        reply.bulk(b"0");
        reply.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::Members)?;
    let page = reply.deferred_page();
    let mut found = Found { options, reply, len: 0 };
    let next = match &set.form {
        Form::Small(_) => {
            let len = set.len(view)?;
            set.charge_walk(view, len)?;
            set.walk(view, 0..len, Side::Back, |member, score| {
                found.add(member, number::format_f64(score).as_bytes())
            })?;
            0
        }
        Form::Large(version, _) => scan_large(view, &set, (*version, cursor), &mut found)?,
    };
    let len = found.len;
    reply.finish_page(page, next, len);
    Ok(())
}

/// Visits as many members as COUNT says, and the rest of the group of the last; the next cursor.
fn scan_large(
    view: &mut View<'_>,
    set: &SortedSet,
    (version, cursor): (u64, u64),
    found: &mut Found<'_, '_>,
) -> Result<u64, CommandError> {
    let Some(first) = cursor::first_position(cursor) else { return Ok(0) };
    set.charge_walk(view, found.options.count)?;
    let mut page = Page::new(found.options.count);
    let mut next = 0;
    set.walk_positions(view, version, first, |position, member, score| {
        if let Some(cursor) = page.ends_before(position) {
            next = cursor;
            return ControlFlow::Break(());
        }
        // Redis prints the scores of large sets with all their digits here.
        found.add(member, number::general_f64(score).as_bytes())
    })?;
    Ok(next)
}

/// The members that are returned.
struct Found<'a, 'b> {
    options: ScanOptions<'a>,
    reply: &'b mut ReplyBuffer,
    /// Number of replies.
    len: usize,
}

impl Found<'_, '_> {
    /// Breaks when the reply has become too long.
    fn add(&mut self, member: &[u8], score: &[u8]) -> ControlFlow<()> {
        if self.options.matches(member) {
            self.reply.bulk(member);
            self.reply.bulk(score);
            self.len += 2;
        }
        self.reply.goes_on()
    }
}
