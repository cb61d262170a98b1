//! HRANDFIELD: every field equally likely, and with a positive count every set of so many fields.

use std::borrow::Cow;

use super::store::{Form, Hash};
use crate::command::Args;
use crate::command::row::*;
use crate::error::{CommandError, CommandResult, text};
use crate::resp::ReplyBuffer;
use crate::types::drawing::{self, Urn};
use crate::types::hashed::copy_units;
use crate::view::View;

const KEY: Arg = Arg::key("key", 0);

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[command("hrandfield", -2, hrandfield)
    .flags(READONLY)
    .group(Group::Hash)
    .since("6.2.0")
    .summary("Returns fields of a hash at random")
    .complexity("O(N) where N is the number of fields returned")
    .tips(&["nondeterministic_output"])
    .keys(&[KeySpec::one(1).read().access()])
    .args(&[
        KEY,
        Arg::block(
            "options",
            &[Arg::integer("count"), Arg::word("withvalues", "WITHVALUES").optional()],
        )
        .optional(),
    ])];

pub(super) fn hrandfield(
    view: &mut View<'_>,
    args: Args<'_>,
    reply: &mut ReplyBuffer,
) -> CommandResult {
    if args.len() == 2 {
        match Hash::open(view, args.get(1))? {
            Some(hash) => {
                let urn = urn(view, &hash)?;
                reply.bulk(&drawing::one(view, &urn)?);
            }
            None => reply.null(),
        }
        return Ok(());
    }
    let count = drawing::parse_count(args, 2)?;
    let with_values = args.is(3, "withvalues");
    if args.len() > 4 || (args.len() == 4 && !with_values) {
        return Err(text::SYNTAX.into());
    }
    if with_values && count.unsigned_abs() > i64::MAX as u64 / 2 {
        return Err(text::OUT_OF_RANGE.into());
    }
    match Hash::open(view, args.get(1))? {
        Some(hash) if count != 0 => {
            let urn = urn(view, &hash)?;
            drawing::reply_many(view, &urn, (count, with_values), reply)
        }
        _ => {
            reply.array(0);
            Ok(())
        }
    }
}

/// The fields to draw from.
fn urn<'h>(view: &mut View<'_>, hash: &'h Hash) -> Result<Urn<'h>, CommandError> {
    match &hash.form {
        Form::Small(small) => {
            view.charge(copy_units(small.len_bytes() as u64))?;
            let pairs = small.pairs().map(|pair| {
                let pair = pair?;
                Ok::<_, CommandError>((Cow::Borrowed(pair.field), pair.value))
            });
            Ok(Urn::Small(pairs.collect::<Result<_, _>>()?))
        }
        Form::Large(large) => Ok(Urn::Large(hash.elements(*large))),
    }
}
