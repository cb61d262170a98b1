//! HSCAN.
//!
//! A small hash comes whole, whatever the cursor says, as Redis's listpacks do. A large one comes
//! in pages of whole groups of fields ([`cursor`]), so a field that is there from the first call
//! to the last is returned exactly once.

use std::ops::ControlFlow;

use super::store::{Form, Hash, copy_units};
use crate::command::Args;
use crate::command::row::*;
use crate::command::scan_options::{ScanOptions, Scanned, parse_cursor};
use crate::error::{CommandError, CommandResult};
use crate::keyspace::cursor::{self, Page};
use crate::keyspace::head::Large;
use crate::resp::ReplyBuffer;
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
        // Without a hash nobody looks at the options.
        reply.array(2);
        reply.bulk(b"0");
        reply.array(0);
        return Ok(());
    };
    let options = ScanOptions::parse(args, 3, Scanned::Fields)?;
    let page = reply.deferred_page();
    let mut found = Found { options, reply, len: 0 };
    let next = match &hash.form {
        Form::Small(_) => {
            hash.for_each(view, |field, value| found.add(field, value))?;
            0
        }
        Form::Large(large) => scan_large(view, &hash, *large, cursor, &mut found)?,
    };
    let len = found.len;
    reply.finish_page(page, next, len);
    Ok(())
}

/// Visits as many fields as COUNT says, and the rest of the group of the last; the next cursor.
fn scan_large(
    view: &mut View<'_>,
    hash: &Hash,
    large: Large,
    cursor: u64,
    found: &mut Found<'_, '_>,
) -> Result<u64, CommandError> {
    let Some(first) = cursor::first_position(cursor) else { return Ok(0) };
    let count = found.options.count;
    let average_bytes = large.bytes / large.count.max(1);
    view.charge(copy_units(average_bytes).saturating_mul(count.min(large.count)))?;
    let mut page = Page::new(count);
    let mut next = 0;
    hash.walk(view, large, (first, u64::MAX), |position, field, value| {
        if let Some(cursor) = page.ends_before(position) {
            next = cursor;
            return ControlFlow::Break(());
        }
        found.add(field, value)
    })?;
    Ok(next)
}

/// The fields that are returned.
struct Found<'a, 'b> {
    options: ScanOptions<'a>,
    reply: &'b mut ReplyBuffer,
    /// Number of replies.
    len: usize,
}

impl Found<'_, '_> {
    /// Breaks when the reply has become too long.
    fn add(&mut self, field: &[u8], value: &[u8]) -> ControlFlow<()> {
        if self.options.matches(field) {
            self.reply.bulk(field);
            self.len += 1;
            if !self.options.no_values {
                self.reply.bulk(value);
                self.len += 1;
            }
        }
        self.reply.goes_on()
    }
}
