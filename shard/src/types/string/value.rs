//! What all commands on strings share: opening a key as a string, and the limits of size and work.

use bytes::Bytes;

use crate::error::{CommandError, text};
use crate::keyspace::head::{Body, Head, Kind, Large};
use crate::view::{Key, View};

/// Bytes copied for one unit of work. At 5 GB/s that takes as long as visiting a record.
const COPIED_BYTES_PER_UNIT: usize = 1024;

/// Opens a key that must hold a string, or nothing.
pub(crate) fn open(view: &mut View<'_>, key: &[u8]) -> Result<Key, CommandError> {
    view.open_kind(key, Kind::String)
}

/// Opens a key that must hold a string, or nothing, to read parts of it.
pub(crate) fn open_parts(view: &mut View<'_>, key: &[u8]) -> Result<Key, CommandError> {
    a_string(view.open_parts(key)?)
}

/// Opens a key that must hold a string, or nothing, to change parts of it.
pub(crate) fn open_place(view: &mut View<'_>, key: &[u8]) -> Result<Key, CommandError> {
    a_string(view.open_place(key)?)
}

fn a_string(key: Key) -> Result<Key, CommandError> {
    match &key.head {
        Some(head) if head.kind != Kind::String => Err(text::WRONG_TYPE.into()),
        _ => Ok(key),
    }
}

/// Where the string of a key stands that was opened for parts, if it stands in pieces.
pub(crate) fn in_pieces(key: &Key) -> Option<Large> {
    match &key.head {
        Some(Head { kind: Kind::String, body: Body::Large(large, _), .. }) => Some(*large),
        _ => None,
    }
}

/// Length of the string of a key that was opened for parts.
pub(crate) fn length(key: &Key) -> usize {
    key.head.as_ref().map_or(0, Head::string_bytes)
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
