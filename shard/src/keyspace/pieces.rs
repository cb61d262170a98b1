//! Big strings in pieces: its size is known before one is read, who wants a part reads or writes
//! that part, and nothing that goes over records (a compaction over many files, say) has to hold
//! many big ones.

use bytes::Bytes;

use crate::keyspace::layout::{self, RecordKey};

/// A string whose record has so many bytes stands in pieces among the elements. To read it, room
/// has to be reserved ([`crate::room`]).
pub const BIG_BYTES: usize = 256 << 10;

/// Length of the pieces, but for the last one.
pub const PIECE_BYTES: usize = 128 << 10;

/// Where a piece stands among the elements.
pub fn key(record_key: &RecordKey, version: u64, number: u32) -> RecordKey {
    let mut key = layout::element_prefix(record_key, version);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The pieces of a value, with their places.
pub fn of(
    record_key: &RecordKey,
    version: u64,
    value: &Bytes,
) -> impl Iterator<Item = (RecordKey, Bytes)> {
    (0..value.len()).step_by(PIECE_BYTES).zip(0..).map(move |(from, number)| {
        let to = value.len().min(from + PIECE_BYTES);
        (key(record_key, version, number), value.slice(from..to))
    })
}
