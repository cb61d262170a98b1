//! Head records: the value that stands under a key in the heads family. Format version 1, and 2 of
//! a big string.
//!
//! ```text
//! byte 0      format version (high 4 bits) | kind (low 4 bits)
//! byte 1      flags: 1 has a deadline · 2 string made by appending (OBJECT ENCODING raw)
//!                    4 the elements stand in the elements family; of a big string, the pieces
//!                      of its value (`pieces`), and this is in its place
//!                    8 string that is text though it may look like an integer (embstr, never int)
//! 8 bytes     deadline in ms since 1970, little-endian (only with flag 1)
//! rest        string: the value
//!             anything with flag 4: version (8) | count (8) | bytes of all elements (8), LE
//!             collection without: the elements inline, as the type's own `encoding` says
//! ```
//!
//! Decoding never trusts the bytes: anything unexpected is [`EngineError::Corrupted`].

use bytes::{Buf, Bytes};

use super::pieces::PIECE_BYTES;
use crate::engine::EngineError;

const FORMAT: u8 = 1;
/// Of a string in pieces. In version 1 the pieces were of its record.
const FORMAT_OF_PIECES: u8 = 2;
const HAS_DEADLINE: u8 = 1;
/// Flag of a string that APPEND, SETRANGE, SETBIT … made: Redis calls its encoding raw.
pub const RAW_STRING: u8 = 2;
const LARGE: u8 = 4;
/// Flag of a string that INCRBYFLOAT made: Redis never calls its encoding int.
pub const TEXT_STRING: u8 = 8;
/// What [`Head::flags`] may hold.
const STRING_FLAGS: u8 = RAW_STRING | TEXT_STRING;

/// What kind of value a key holds. The numbers are on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A string, bitmaps and HyperLogLogs included.
    String = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    SortedSet = 3,
    /// A hash.
    Hash = 4,
    /// A stream.
    Stream = 5,
}

impl Kind {
    /// Redis's name of the type, as TYPE answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }

    fn from_bits(bits: u8) -> Option<Kind> {
        Some(match bits {
            0 => Kind::String,
            1 => Kind::List,
            2 => Kind::Set,
            3 => Kind::SortedSet,
            4 => Kind::Hash,
            5 => Kind::Stream,
            _ => return None,
        })
    }
}

/// A collection whose elements have records of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Large {
    /// Names the element records that count; older versions are orphans.
    pub version: u64,
    /// Number of elements, never 0.
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
    /// A large collection.
    Large(Large),
}

fn corrupted(what: &str) -> EngineError {
    EngineError::Corrupted(format!("head record: {what}"))
}

struct Fixed {
    kind: Kind,
    flags: u8,
    deadline_ms: Option<u64>,
    body_start: usize,
}

fn format_of(kind: Kind, flags: u8) -> u8 {
    if kind == Kind::String && flags & LARGE != 0 { FORMAT_OF_PIECES } else { FORMAT }
}

fn decode_fixed(record: &[u8]) -> Result<Fixed, EngineError> {
    let (&[tag, flags], rest) =
        record.split_first_chunk::<2>().ok_or_else(|| corrupted("too short"))?;
    let kind = Kind::from_bits(tag & 15).ok_or_else(|| corrupted("unknown type"))?;
    if tag >> 4 != format_of(kind, flags) {
        return Err(corrupted("unknown format version"));
    }
    if flags & !(HAS_DEADLINE | LARGE | STRING_FLAGS) != 0 {
        return Err(corrupted("unknown flags"));
    }
    if flags & HAS_DEADLINE == 0 {
        return Ok(Fixed { kind, flags, deadline_ms: None, body_start: 2 });
    }
    let (deadline, _) =
        rest.split_first_chunk::<8>().ok_or_else(|| corrupted("deadline cut off"))?;
    Ok(Fixed { kind, flags, deadline_ms: Some(u64::from_le_bytes(*deadline)), body_start: 10 })
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

/// Length of the body of a large collection's record.
const LARGE_BYTES: usize = 24;

fn push_large(record: &mut Vec<u8>, large: &Large) {
    for number in [large.version, large.count, large.bytes] {
        record.extend_from_slice(&number.to_le_bytes());
    }
}

fn decode_large(body: &[u8]) -> Result<Large, EngineError> {
    let bytes: &[u8; LARGE_BYTES] =
        body.try_into().map_err(|_| corrupted("large body of wrong length"))?;
    let number = |at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    Ok(Large { version: number(0), count: number(8), bytes: number(16) })
}

/// The version of the large collection in `record`; `None` when it is not one.
pub fn version_of(record: &[u8]) -> Result<Option<u64>, EngineError> {
    let fixed = decode_fixed(record)?;
    if fixed.flags & LARGE == 0 {
        return Ok(None);
    }
    Ok(Some(decode_large(&record[fixed.body_start..])?.version))
}

/// What stands in the place of a big string's record, and its value, which is to stand in pieces
/// under `version`.
pub fn in_place_of(record: &Bytes, version: u64) -> Result<(Bytes, Bytes), EngineError> {
    let fixed = decode_fixed(record)?;
    let value = record.slice(fixed.body_start..);
    let flags = fixed.flags & STRING_FLAGS | LARGE;
    let mut place = start_record(fixed.kind, flags, fixed.deadline_ms, LARGE_BYTES);
    push_large(&mut place, &Large::pieces(version, value.len()));
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
    decode_large(&record[fixed.body_start..]).map(Some)
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

    /// A large collection.
    pub fn large(kind: Kind, large: Large) -> Head {
        Head { kind, deadline_ms: None, flags: 0, body: Body::Large(large) }
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
        let body_bytes = match &self.body {
            Body::Inline(bytes) => bytes.len(),
            Body::Large(_) => LARGE_BYTES,
        };
        2 + deadline_bytes + body_bytes
    }

    /// Length of a string.
    pub fn string_bytes(&self) -> usize {
        match &self.body {
            Body::Inline(value) => value.len(),
            Body::Large(large) => usize::try_from(large.bytes).unwrap_or(usize::MAX),
        }
    }

    /// Decodes `record`, or what stands in the place of a big string's: that one has no value here,
    /// but a [`Large`] that says where it is.
    pub fn decode_place(record: Bytes) -> Result<Head, EngineError> {
        let Some(large) = elsewhere(&record)? else { return Head::decode(record) };
        let fixed = decode_fixed(&record)?;
        Ok(Head {
            kind: fixed.kind,
            deadline_ms: fixed.deadline_ms,
            flags: fixed.flags & STRING_FLAGS,
            body: Body::Large(large),
        })
    }

    /// Decodes `record` but for a value that it has inline, which is empty here.
    pub fn decode_front(record: &[u8]) -> Result<Head, EngineError> {
        let fixed = decode_fixed(record)?;
        let body = match elsewhere(record)? {
            Some(large) => Body::Large(large),
            None if fixed.flags & LARGE == 0 => Body::Inline(Bytes::new()),
            None => Body::Large(decode_large(&record[fixed.body_start..])?),
        };
        Ok(Head {
            kind: fixed.kind,
            deadline_ms: fixed.deadline_ms,
            flags: fixed.flags & STRING_FLAGS,
            body,
        })
    }

    /// Decodes `record`; the payload is the rest of it, not a copy.
    pub fn decode(mut record: Bytes) -> Result<Head, EngineError> {
        let fixed = decode_fixed(&record)?;
        let body = if fixed.flags & LARGE == 0 {
            record.advance(fixed.body_start);
            Body::Inline(record)
        } else {
            if fixed.kind == Kind::String {
                return Err(corrupted("a string with element records"));
            }
            Body::Large(decode_large(&record[fixed.body_start..])?)
        };
        Ok(Head {
            kind: fixed.kind,
            deadline_ms: fixed.deadline_ms,
            flags: fixed.flags & STRING_FLAGS,
            body,
        })
    }

    /// The record of this head.
    pub fn encode(&self) -> Bytes {
        let (large_flag, body_bytes) = match &self.body {
            Body::Inline(bytes) => (0, bytes.len()),
            Body::Large(_) => (LARGE, LARGE_BYTES),
        };
        let flags = self.flags | large_flag;
        let mut record = start_record(self.kind, flags, self.deadline_ms, body_bytes);
        match &self.body {
            Body::Inline(bytes) => record.extend_from_slice(bytes),
            Body::Large(large) => {
                push_large(&mut record, large);
            }
        }
        Bytes::from(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_keep_their_bytes() {
        let string = Head::string(Bytes::from_static(b"hi"));
        assert_eq!(&string.encode()[..], b"\x10\x00hi");
        let expiring = string.clone().raw().with_deadline(Some(0x0102_0304));
        assert_eq!(&expiring.encode()[..], b"\x10\x03\x04\x03\x02\x01\0\0\0\0hi");
        let text = Head { flags: TEXT_STRING, ..string.clone() };
        assert_eq!(&text.encode()[..], b"\x10\x08hi");
        let large = Head::large(Kind::Hash, Large { version: 5, count: 6, bytes: 7 });
        assert_eq!(
            &large.encode()[..],
            b"\x14\x04\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0"
        );
        for head in [string, expiring, text, large] {
            assert_eq!(Head::decode(head.encode()).unwrap(), head);
            assert_eq!(head.encode().len(), head.encoded_bytes());
        }
    }

    #[test]
    fn a_record_elsewhere_is_told_from_a_string() {
        let string = Head::string(Bytes::from_static(b"long")).raw().with_deadline(Some(9));
        let (place, value) = in_place_of(&string.encode(), 5).unwrap();
        assert_eq!(&value[..], b"long");
        assert_eq!(&place[..3], b"\x20\x07\x09");
        let large = Large { version: 5, count: 1, bytes: 4 };
        assert_eq!(elsewhere(&place), Ok(Some(large)));
        assert_eq!([start_whole(&place).unwrap(), value.to_vec()].concat(), string.encode());
        assert_eq!(version_of(&place), Ok(Some(5)));
        assert_eq!(peek(&place), Ok((Kind::String, Some(9))));
        assert_eq!(elsewhere(&string.encode()), Ok(None));
        assert_eq!(live_string(&place, 0), None);
        let hash = Head::large(Kind::Hash, Large { version: 5, count: 6, bytes: 7 });
        assert_eq!(elsewhere(&hash.encode()), Ok(None));
        for cut in 0..place.len() {
            assert!(elsewhere(&place[..cut]).is_err(), "cut at {cut}");
        }
        assert!(Head::decode(place.clone()).is_err(), "it is no value");
        let head = Head::decode_place(place.clone()).unwrap();
        assert_eq!((head.kind, head.deadline_ms, head.flags), (Kind::String, Some(9), RAW_STRING));
        assert_eq!(head.body, Body::Large(large));
        assert_eq!(head.encode(), place);
        // As it was before the pieces were of the value alone.
        assert!(elsewhere(&[b"\x10", &place[1..]].concat()).is_err());
        assert_eq!(Head::decode_place(string.encode()).unwrap(), string);
    }

    #[test]
    fn damaged_records_are_refused() {
        let large = Head::large(Kind::Hash, Large { version: 5, count: 6, bytes: 7 })
            .with_deadline(Some(9))
            .encode();
        for cut in 0..large.len() {
            assert!(Head::decode(large.slice(..cut)).is_err(), "cut at {cut}");
        }
        for damaged in [&b"\x20\x00hi"[..], b"\x1f\x00hi", b"\x10\x80hi", b"\x10\x04hi"] {
            assert!(Head::decode(Bytes::copy_from_slice(damaged)).is_err());
        }
    }
}
