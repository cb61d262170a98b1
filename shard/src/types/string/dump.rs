//! Strings in DUMP and RESTORE.

use super::value;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::draft::StringDraft;
use crate::rdb::{Encoded, Encoder, Item, Thresholds, Type};
use crate::types::restored::Restored;
use crate::view::{Key, View};

/// Bytes that are packed in one unit of work.
const PACKED_BYTES_PER_UNIT: u64 = 64;

/// The string at an open key, in Redis's format.
pub fn dump(
    view: &mut View<'_>,
    key: &Key,
    thresholds: &Thresholds,
) -> Result<Encoded, CommandError> {
    let string = value::bytes(key);
    view.charge(string.len() as u64 / PACKED_BYTES_PER_UNIT)?;
    // As a payload and in the reply.
    view.expect_work(2 * string.len() as u64)?;
    let mut encoder = Encoder::new(Type::String, 1, thresholds);
    encoder.put(Item::String(string));
    encoder.finish().map_err(|_| text::BAD_PAYLOAD.into())
}

/// Puts the string in the place of what is at `key`.
pub fn restore(view: &mut View<'_>, key: &Key, value: &Restored<'_>) -> CommandResult {
    value.items(view, |view, item| match item {
        Item::String(string) => {
            value::charge_copy(view, string.len())?;
            view.expect_value(string.len())?;
            view.put_string(key, StringDraft::of(string, value.deadline_ms()));
            view.tell(Event::RESTORE, key);
            Ok(true)
        }
        _ => Err(text::BAD_PAYLOAD.into()),
    })
}
