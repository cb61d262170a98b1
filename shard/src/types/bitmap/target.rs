//! Where bits are: offsets as arguments, and the string that a command writes bits into.

use crate::error::CommandError;
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::RAW_STRING;
use crate::number;
use crate::types::string;
use crate::view::{Key, View};

const NOT_AN_OFFSET: &str = "ERR bit offset is not an integer or out of range";

/// The bit offset that an argument says: a number within the longest string allowed. With
/// `field_bits` a leading `#` counts in fields of so many bits.
pub(super) fn parse_offset(
    view: &View<'_>,
    argument: &[u8],
    field_bits: Option<u32>,
) -> Result<u64, CommandError> {
    let (number, unit) = match (argument, field_bits) {
        ([b'#', number @ ..], Some(bits)) => (number, u64::from(bits)),
        _ => (argument, 1),
    };
    number::parse_i64(number)
        .and_then(|offset| u64::try_from(offset).ok())
        .and_then(|offset| offset.checked_mul(unit))
        .filter(|offset| offset / 8 < view.settings().proto_max_bulk_len as u64)
        .ok_or_else(|| NOT_AN_OFFSET.into())
}

/// A copy of the string under a key, filled up with zeros to have at least `bytes` bytes.
pub(super) fn draft(
    view: &mut View<'_>,
    key: &Key,
    bytes: usize,
) -> Result<StringDraft, CommandError> {
    let current = string::bytes(key);
    let total = bytes.max(current.len());
    string::charge_copy(view, total)?;
    view.expect_value(total)?;
    let mut draft = StringDraft::new(key.deadline_ms(), RAW_STRING, total);
    draft.push(current);
    draft.grow(total);
    Ok(draft)
}

/// Whether there was less, or nothing, under a key before this copy.
pub(super) fn is_longer(key: &Key, draft: &StringDraft) -> bool {
    !key.exists() || draft.value().len() > string::bytes(key).len()
}

/// Puts a changed copy of the string under a key, unless it is the same in every respect.
pub(super) fn put(view: &mut View<'_>, key: &Key, draft: StringDraft) {
    let unchanged = key.head.as_ref().is_some_and(|head| head.flags & RAW_STRING != 0)
        && string::value(key).is_some_and(|value| value[..] == *draft.value());
    if !unchanged {
        view.put_string(key, draft);
    }
}
