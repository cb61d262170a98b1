//! Head records: the value that stands under a key in the heads family.
//!
//! ```text
//! byte 0      format (high 4 bits) | kind (low 4 bits)
//! byte 1      flags: 1 has a deadline · 2 string made by appending (OBJECT ENCODING raw)
//!                    4 the elements stand in the elements family; of a big string, the pieces
//!                      of its value (`pieces`), and this is in its place
//!                    8 string that is text though it may look like an integer (embstr, never int)
//! 8 bytes     deadline in ms since 1970, little-endian (only with flag 1)
//! rest        string: the value
//!             anything with flag 4: where the elements are (`large`)
//!             collection without: the elements inline, as the type's own `encoding` says
//!
//! format 1    everything without flag 4; read only: a large collection without an extension
//!        2    a string in pieces
//!        3    a large collection, with a place for what its type keeps there
//! ```
//!
//! Decoding never trusts the bytes: anything unexpected is [`EngineError::Corrupted`].

mod kind;
mod large;

use bytes::{Buf, Bytes};

use crate::engine::error::EngineError;
use large::{Room, corrupted};

pub use kind::Kind;
pub use large::{EXTENSION_BYTES_MAX, Extension, Large};

const FORMAT: u8 = 1;
/// Of a string in pieces. In format 1 the pieces were of its record.
const FORMAT_OF_PIECES: u8 = 2;
/// Of a large collection. In format 1 it had no extension.
const FORMAT_OF_LARGE: u8 = 3;
const HAS_DEADLINE: u8 = 1;
/// Flag of a string that APPEND, SETRANGE, SETBIT … made: Redis calls its encoding raw.
pub const RAW_STRING: u8 = 2;
const LARGE: u8 = 4;
/// Flag of a string that INCRBYFLOAT made: Redis never calls its encoding int.
pub const TEXT_STRING: u8 = 8;
/// What [`Head::flags`] may hold.
const STRING_FLAGS: u8 = RAW_STRING | TEXT_STRING;

/// A decoded head. Cheap to clone: the payload is a shared slice of the record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The type of the value.
    pub kind: Kind,
    /// When the key vanishes, in ms since 1970.
    pub deadline_ms: Option<u64>,
    /// Out of [`RAW_STRING`] and [`TEXT_STRING`].
    pub flags: u8,
    /// The value.
    pub body: Body,
}

/// The value in a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A string, or a small collection in its type's encoding.
    Inline(Bytes),
    /// A large collection, or a string in pieces.
    Large(Large, Extension),
}

struct Fixed {
    format: u8,
    kind: Kind,
    flags: u8,
    deadline_ms: Option<u64>,
    body_start: usize,
}

impl Fixed {
    /// What the body has room for, if it says where elements are.
    fn large_room(&self) -> Option<Room> {
        (self.flags & LARGE != 0).then(|| room_of(self.format))
    }

    fn head(&self, body: Body) -> Head {
        let flags = self.flags & STRING_FLAGS;
        Head { kind: self.kind, deadline_ms: self.deadline_ms, flags, body }
    }
}

/// The format of a record that is written.
fn format_of(kind: Kind, flags: u8) -> u8 {
    match (flags & LARGE != 0, kind) {
        (false, _) => FORMAT,
        (true, Kind::String) => FORMAT_OF_PIECES,
        (true, _) => FORMAT_OF_LARGE,
    }
}

fn room_of(format: u8) -> Room {
    if format == FORMAT_OF_LARGE { Room::ForExtension } else { Room::ForNumbers }
}

fn decode_fixed(record: &[u8]) -> Result<Fixed, EngineError> {
    let (&[tag, flags], rest) =
        record.split_first_chunk::<2>().ok_or_else(|| corrupted("too short"))?;
    let kind = Kind::from_bits(tag & 15).ok_or_else(|| corrupted("unknown type"))?;
    let format = tag >> 4;
    let is_old_large = || format == FORMAT && flags & LARGE != 0 && kind != Kind::String;
    if format != format_of(kind, flags) && !is_old_large() {
        return Err(corrupted("unknown format"));
    }
    if flags & !(HAS_DEADLINE | LARGE | STRING_FLAGS) != 0 {
        return Err(corrupted("unknown flags"));
    }
    if flags & HAS_DEADLINE == 0 {
        return Ok(Fixed { format, kind, flags, deadline_ms: None, body_start: 2 });
    }
    let (deadline, _) =
        rest.split_first_chunk::<8>().ok_or_else(|| corrupted("deadline cut off"))?;
    let deadline_ms = Some(u64::from_le_bytes(*deadline));
    Ok(Fixed { format, kind, flags, deadline_ms, body_start: 10 })
}

/// The part of a record before the body, with room for the body and not more: a vector without
/// spare room becomes `Bytes` without another allocation.
pub(super) fn start_record(
    kind: Kind,
    flags: u8,
    deadline_ms: Option<u64>,
    body_bytes: usize,
) -> Vec<u8> {
    let deadline_bytes = if deadline_ms.is_some() { 8 } else { 0 };
    let mut record = Vec::with_capacity(2 + deadline_bytes + body_bytes);
    record.push((format_of(kind, flags) << 4) | kind as u8);
    record.push(flags | if deadline_ms.is_some() { HAS_DEADLINE } else { 0 });
    if let Some(deadline) = deadline_ms {
        record.extend_from_slice(&deadline.to_le_bytes());
    }
    record
}

/// The version of the large collection in `record`; `None` when it is not one.
pub fn version_of(record: &[u8]) -> Result<Option<u64>, EngineError> {
    let fixed = decode_fixed(record)?;
    let Some(room) = fixed.large_room() else { return Ok(None) };
    let (large, _) = room.split(&record[fixed.body_start..])?;
    Ok(Some(large.version))
}

/// What stands in the place of a big string's record, and its value, which is to stand in pieces
/// under `version`.
pub fn in_place_of(record: &Bytes, version: u64) -> Result<(Bytes, Bytes), EngineError> {
    let fixed = decode_fixed(record)?;
    let value = record.slice(fixed.body_start..);
    let flags = fixed.flags & STRING_FLAGS | LARGE;
    let room = Room::ForNumbers;
    let body_bytes = room.body_bytes(&Extension::NONE);
    let mut place = start_record(fixed.kind, flags, fixed.deadline_ms, body_bytes);
    room.encode(&Large::pieces(version, value.len()), &Extension::NONE, &mut place);
    Ok((Bytes::from(place), value))
}

/// The beginning of the record in whose place `place` stands; its value is to be appended.
pub fn start_whole(place: &[u8]) -> Result<Vec<u8>, EngineError> {
    let fixed = decode_fixed(place)?;
    Ok(start_record(fixed.kind, fixed.flags & STRING_FLAGS, fixed.deadline_ms, 0))
}

/// Where the value is, if `record` only stands in its place.
pub fn elsewhere(record: &[u8]) -> Result<Option<Large>, EngineError> {
    let fixed = decode_fixed(record)?;
    if fixed.kind != Kind::String || fixed.flags & LARGE == 0 {
        return Ok(None);
    }
    let (large, _) = room_of(fixed.format).split(&record[fixed.body_start..])?;
    Ok(Some(large))
}

/// The value in the record of a string that is there at `now_ms`; `None` for everything else.
pub fn live_string(record: &[u8], now_ms: u64) -> Option<&[u8]> {
    let fixed = decode_fixed(record).ok()?;
    let live = fixed.deadline_ms.is_none_or(|deadline| deadline > now_ms);
    if fixed.kind != Kind::String || fixed.flags & LARGE != 0 || !live {
        return None;
    }
    record.get(fixed.body_start..)
}

/// Kind and deadline alone, without looking at the value.
pub fn peek(record: &[u8]) -> Result<(Kind, Option<u64>), EngineError> {
    decode_fixed(record).map(|fixed| (fixed.kind, fixed.deadline_ms))
}

impl Head {
    /// A string.
    pub fn string(value: Bytes) -> Head {
        Head { kind: Kind::String, deadline_ms: None, flags: 0, body: Body::Inline(value) }
    }

    /// A small collection in its type's encoding.
    pub fn inline(kind: Kind, elements: Bytes) -> Head {
        Head { kind, deadline_ms: None, flags: 0, body: Body::Inline(elements) }
    }

    /// A large collection of a type that keeps nothing else in the head.
    pub fn large(kind: Kind, large: Large) -> Head {
        Head::extended(kind, large, Extension::NONE)
    }

    /// A large collection, and what its type keeps in the head.
    pub fn extended(kind: Kind, large: Large, extension: Extension) -> Head {
        Head { kind, deadline_ms: None, flags: 0, body: Body::Large(large, extension) }
    }

    /// The same with a deadline (or without).
    #[must_use]
    pub fn with_deadline(mut self, deadline_ms: Option<u64>) -> Head {
        self.deadline_ms = deadline_ms;
        self
    }

    /// The same, marked as [`RAW_STRING`].
    #[must_use]
    pub fn raw(mut self) -> Head {
        self.flags |= RAW_STRING;
        self
    }

    /// Whether the key is gone at `now_ms`.
    pub fn is_expired(&self, now_ms: u64) -> bool {
        self.deadline_ms.is_some_and(|deadline| deadline <= now_ms)
    }

    /// Length of the record of this head.
    pub fn encoded_bytes(&self) -> usize {
        let deadline_bytes = if self.deadline_ms.is_some() { 8 } else { 0 };
        2 + deadline_bytes + self.body_bytes()
    }

    fn body_bytes(&self) -> usize {
        match &self.body {
            Body::Inline(bytes) => bytes.len(),
            Body::Large(_, extension) => room_of(format_of(self.kind, LARGE)).body_bytes(extension),
        }
    }

    /// Length of a string.
    pub fn string_bytes(&self) -> usize {
        match &self.body {
            Body::Inline(value) => value.len(),
            Body::Large(large, _) => usize::try_from(large.bytes).unwrap_or(usize::MAX),
        }
    }

    /// Decodes `record`, or what stands in the place of a big string's: that one has no value here,
    /// but a [`Large`] that says where it is.
    pub fn decode_place(record: Bytes) -> Result<Head, EngineError> {
        let Some(large) = elsewhere(&record)? else { return Head::decode(record) };
        Ok(decode_fixed(&record)?.head(Body::Large(large, Extension::NONE)))
    }

    /// Decodes `record` but for a value that it has inline, which is empty here.
    pub fn decode_front(record: &[u8]) -> Result<Head, EngineError> {
        let fixed = decode_fixed(record)?;
        let body = match fixed.large_room() {
            None => Body::Inline(Bytes::new()),
            Some(room) => {
                let (large, extension) = room.split(&record[fixed.body_start..])?;
                Body::Large(large, Extension::copied(extension))
            }
        };
        Ok(fixed.head(body))
    }

    /// Decodes `record`; the payload is the rest of it, not a copy.
    pub fn decode(mut record: Bytes) -> Result<Head, EngineError> {
        let fixed = decode_fixed(&record)?;
        let body = match fixed.large_room() {
            None => {
                record.advance(fixed.body_start);
                Body::Inline(record)
            }
            Some(_) if fixed.kind == Kind::String => {
                return Err(corrupted("a string with element records"));
            }
            Some(room) => {
                let (large, extension) = room.decode(&record, fixed.body_start)?;
                Body::Large(large, extension)
            }
        };
        Ok(fixed.head(body))
    }

    /// The record of this head.
    pub fn encode(&self) -> Bytes {
        let large_flag = if matches!(self.body, Body::Large(..)) { LARGE } else { 0 };
        let flags = self.flags | large_flag;
        let mut record = start_record(self.kind, flags, self.deadline_ms, self.body_bytes());
        match &self.body {
            Body::Inline(bytes) => record.extend_from_slice(bytes),
            Body::Large(large, extension) => {
                room_of(format_of(self.kind, flags)).encode(large, extension, &mut record);
            }
        }
        Bytes::from(record)
    }
}

#[cfg(test)]
mod tests;
