//! The body of a large value's head: what counts and measures the elements, and what the type keeps
//! there beside that.
//!
//! ```text
//! version (8) | count (8) | bytes of all elements (8)     all there is in formats 1 and 2
//! length (2) | version of the extension (1) | extension   format 3; the length is that of the two
//!                                                         behind it, 0: there is no extension
//! ```
//!
//! Numbers are little-endian. Decoding never trusts the bytes.

use std::ops::Range;

use bytes::Bytes;

use crate::engine::error::EngineError;
use crate::keyspace::pieces::PIECE_BYTES;

/// An extension, its version included, is not longer: it is read and written with the head.
pub const EXTENSION_BYTES_MAX: usize = 1024;

/// Length of what every large value has.
const NUMBERS_BYTES: usize = 24;
const LENGTH_BYTES: usize = 2;

/// A value whose elements have records of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Large {
    /// Names the element records that count; older versions are orphans.
    pub version: u64,
    /// Number of elements; 0 is that of a stream alone.
    pub count: u64,
    /// Sum of the elements' bytes, for MEMORY USAGE.
    pub bytes: u64,
}

impl Large {
    /// A string of so many bytes in pieces.
    pub fn pieces(version: u64, bytes: usize) -> Self {
        let count = bytes.div_ceil(PIECE_BYTES) as u64;
        Self { version, count, bytes: bytes as u64 }
    }
}

/// What a type keeps in the head of a large value of its own: where a tree begins, the newest id,
/// the next deadline of an element. Only the type reads it; everybody else hands it on as it is. It
/// begins with the version of what the type has written there, so that the type can change that,
/// and refuse what it does not know. In a box, as few heads have one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extension(Option<Box<Bytes>>);

impl Extension {
    /// Nothing, which is all that most types need.
    pub const NONE: Self = Self(None);

    /// What a type encoded, in this version of its encoding. `None`: it is longer than
    /// [`EXTENSION_BYTES_MAX`], and belongs into an element.
    pub fn new(version: u8, encoded: &[u8]) -> Option<Self> {
        let bytes: Vec<u8> = std::iter::once(version).chain(encoded.iter().copied()).collect();
        (bytes.len() <= EXTENSION_BYTES_MAX).then(|| Self::of(Bytes::from(bytes)))
    }

    /// The version and what the type encoded, if there is anything.
    pub fn get(&self) -> Option<(u8, &[u8])> {
        let (version, encoded) = self.0.as_ref()?.split_first()?;
        Some((*version, encoded))
    }

    /// Whether there is nothing.
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    fn of(bytes: Bytes) -> Self {
        Self((!bytes.is_empty()).then(|| Box::new(bytes)))
    }

    /// A copy of one in a record, which may be empty.
    pub(super) fn copied(bytes: &[u8]) -> Self {
        Self::of(Bytes::copy_from_slice(bytes))
    }

    /// The part of a record that holds one, which may be empty.
    fn within(record: &Bytes, place: Range<usize>) -> Self {
        if place.is_empty() { Self::NONE } else { Self::of(record.slice(place)) }
    }

    fn bytes(&self) -> &[u8] {
        self.0.as_deref().map_or(&[], |bytes| bytes)
    }
}

/// Whether a body has a place for an extension: its record's format says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    ForNumbers,
    ForExtension,
}

impl Room {
    /// Length of a body.
    pub(super) fn body_bytes(self, extension: &Extension) -> usize {
        match self {
            Room::ForNumbers => NUMBERS_BYTES,
            Room::ForExtension => NUMBERS_BYTES + LENGTH_BYTES + extension.bytes().len(),
        }
    }

    /// Appends a body.
    pub(super) fn encode(self, large: &Large, extension: &Extension, record: &mut Vec<u8>) {
        for number in [large.version, large.count, large.bytes] {
            record.extend_from_slice(&number.to_le_bytes());
        }
        if self == Room::ForExtension {
            let bytes = extension.bytes();
            // It fits: an extension is not longer than `EXTENSION_BYTES_MAX`.
            record.extend_from_slice(&(bytes.len() as u16).to_le_bytes());
            record.extend_from_slice(bytes);
        }
    }

    /// The numbers of a body, and its extension.
    pub(super) fn split(self, body: &[u8]) -> Result<(Large, &[u8]), EngineError> {
        let Some((numbers, rest)) = body.split_first_chunk::<NUMBERS_BYTES>() else {
            return Err(corrupted("large body cut off"));
        };
        let number = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&numbers[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let large = Large { version: number(0), count: number(8), bytes: number(16) };
        let (length, extension) = match self {
            Room::ForNumbers => (0, rest),
            Room::ForExtension => match rest.split_first_chunk::<LENGTH_BYTES>() {
                Some((length, extension)) => (u16::from_le_bytes(*length), extension),
                None => return Err(corrupted("length of the extension cut off")),
            },
        };
        if extension.len() != usize::from(length) || extension.len() > EXTENSION_BYTES_MAX {
            return Err(corrupted("extension of wrong length"));
        }
        Ok((large, extension))
    }

    /// The same, of the body that begins at `start` of a record.
    pub(super) fn decode(
        self,
        record: &Bytes,
        start: usize,
    ) -> Result<(Large, Extension), EngineError> {
        let (large, extension) = self.split(&record[start..])?;
        Ok((large, Extension::within(record, record.len() - extension.len()..record.len())))
    }
}

pub(super) fn corrupted(what: &str) -> EngineError {
    EngineError::Corrupted(format!("head record: {what}"))
}
