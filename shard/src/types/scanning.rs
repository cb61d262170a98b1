//! What HSCAN and SSCAN answer with: a cursor and a page of elements.
//!
//! A small collection comes whole, whatever the cursor says, as Redis's listpacks do. A large one
//! comes in pages of whole groups ([`Elements::scan`]).

use std::ops::ControlFlow;

use super::hashed::Elements;
use crate::command::scan_options::ScanOptions;
use crate::error::CommandResult;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// The elements that are returned.
pub struct Found<'a, 'b> {
    options: ScanOptions<'a>,
    reply: &'b mut ReplyBuffer,
    with_values: bool,
    /// Number of replies.
    len: usize,
}

impl Found<'_, '_> {
    /// Takes an element, if it matches. Breaks when the reply has become too long.
    pub fn add(&mut self, name: &[u8], value: &[u8]) -> ControlFlow<()> {
        if self.options.matches(name) {
            self.reply.bulk(name);
            self.len += 1;
            if self.with_values {
                self.reply.bulk(value);
                self.len += 1;
            }
        }
        self.reply.goes_on()
    }
}

/// The reply when there is no collection. Nobody looks at the options then.
pub fn reply_nothing(reply: &mut ReplyBuffer) {
    reply.array(2);
    reply.bulk(b"0");
    reply.array(0);
}

/// Replies with a page of a large collection, or with all that `small` adds.
pub fn reply_page(
    view: &mut View<'_>,
    (cursor, options, with_values): (u64, ScanOptions<'_>, bool),
    elements: Option<Elements<'_>>,
    reply: &mut ReplyBuffer,
    small: impl FnOnce(&mut View<'_>, &mut Found<'_, '_>) -> CommandResult,
) -> CommandResult {
    let page = reply.deferred_page();
    let mut found = Found { options, reply, with_values, len: 0 };
    let next = match elements {
        Some(elements) => {
            let from = (cursor, options.count);
            elements.scan(view, from, |name, value| found.add(name, value))?
        }
        None => {
            small(view, &mut found)?;
            0
        }
    };
    let len = found.len;
    reply.finish_page(page, next, len);
    Ok(())
}
