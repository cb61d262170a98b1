//! What all commands on strings share: opening a key as a string, and the limits of size and work.

use bytes::Bytes;

use crate::error::{CommandError, text};
use crate::keyspace::head::{Body, Head, Kind};
use crate::view::{Key, View};

/// Bytes copied for one unit of work. At 5 GB/s that takes as long as visiting a record.
const COPIED_BYTES_PER_UNIT: usize = 1024;

/// Opens a key that must hold a string, or nothing.
pub(crate) fn open(view: &mut View<'_>, key: &[u8]) -> Result<Key, CommandError> {
    view.open_kind(key, Kind::String)
}

/// The string of an opened key; `None` when there is none, or something else.
pub(crate) fn value(key: &Key) -> Option<&Bytes> {
    match &key.head {
        Some(Head { kind: Kind::String, body: Body::Inline(value), .. }) => Some(value),
        _ => None,
    }
}

/// The string of an opened key; the empty one when there is none, or something else.
pub(crate) fn bytes(key: &Key) -> &[u8] {
    value(key).map(|value| &value[..]).unwrap_or_default()
}

/// Accounts for copying `bytes` from one place to another.
pub(crate) fn charge_copy(view: &mut View<'_>, bytes: usize) -> Result<(), CommandError> {
    view.charge((bytes / COPIED_BYTES_PER_UNIT) as u64)
}

/// Refuses a string of `offset + bytes` bytes when it is longer than a client could send.
pub(crate) fn check_length(
    view: &View<'_>,
    offset: usize,
    bytes: usize,
) -> Result<usize, CommandError> {
    offset
        .checked_add(bytes)
        .filter(|total| *total <= view.settings().proto_max_bulk_len)
        .ok_or_else(|| text::STRING_TOO_LONG.into())
}
