//! Listpacks: entries one after the other, each with its length behind it.
//!
//! ```text
//! bytes of all (4, LE) | entries (2, LE; 65535: unknown) | entry … | 0xff
//! entry:  0nnnnnnn                a number of 7 bits      f0 + 4 bytes (LE)    length of a text
//!         10llllll text …                                 f1 … f4              a number of 2, 3,
//!         110nnnnn n…             13 bits, signed                              4 or 8 bytes (LE)
//!         1110llll l… text …      12 bits of length
//!         then the bytes of that, 7 bits a byte, the last one first when read backwards
//! ```

use super::error::{CUT_OFF, Damage};
use crate::number::{self, IntegerText};

const HEADER_BYTES: usize = 6;
const COUNT_UNKNOWN: u16 = u16::MAX;
const END: u8 = 0xff;
/// What an entry takes beside its text, at most.
pub(super) const ENTRY_EXTRA_BYTES: usize = 10;

/// An entry of a listpack or of a ziplist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Text(&'a [u8]),
    Integer(i64),
}

impl<'a> Entry<'a> {
    /// Room for the texts of two numbers, see `text`.
    pub(super) fn room() -> (IntegerText, IntegerText) {
        (number::format_i64(0), number::format_i64(0))
    }

    /// The entry as text; a number's is made in `room`.
    pub(super) fn text<'b>(self, room: &'b mut IntegerText) -> &'b [u8]
    where
        'a: 'b,
    {
        match self {
            Entry::Text(text) => text,
            Entry::Integer(value) => {
                *room = number::format_i64(value);
                room.as_bytes()
            }
        }
    }

    /// The entry as a number, if it is kept as one.
    pub(super) fn integer(self) -> Option<i64> {
        match self {
            Entry::Text(_) => None,
            Entry::Integer(value) => Some(value),
        }
    }

    /// The entry as a score: a number, or infinite.
    pub(super) fn score(self) -> Option<f64> {
        match self {
            Entry::Text(text) => number::parse_f64(text),
            Entry::Integer(value) => Some(value as f64),
        }
    }
}

/// The entries of a checked listpack from some place on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// The entries of `listpack`, all of which have been looked at, and their number.
pub(super) fn open(listpack: &[u8]) -> Result<(Cursor<'_>, usize), Damage> {
    let (header, rest) = listpack.split_first_chunk::<HEADER_BYTES>().ok_or(CUT_OFF)?;
    let bytes = u32::from_le_bytes([header[0], header[1], header[2], header[3]]);
    if bytes as usize != listpack.len() {
        return Err(Damage("a listpack of another length than it says"));
    }
    let stated = u16::from_le_bytes([header[4], header[5]]);
    let Some((&END, entries)) = rest.split_last() else {
        return Err(Damage("a listpack without an end"));
    };
    let mut count = 0;
    let mut walk = entries;
    while !walk.is_empty() {
        let (_, bytes) = decode(walk)?;
        let back_start = &walk[bytes..];
        let (back, back_bytes) = back_length(bytes);
        if back_start.get(..back_bytes) != Some(&back[..back_bytes]) {
            return Err(Damage("an entry of a listpack with a wrong length behind it"));
        }
        walk = &back_start[back_bytes..];
        count += 1;
    }
    if stated != COUNT_UNKNOWN && usize::from(stated) != count {
        return Err(Damage("a listpack with another number of entries than it says"));
    }
    Ok((Cursor { rest: entries }, count))
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let (entry, bytes) = decode(self.rest).ok()?;
        self.rest = self.rest.get(bytes + back_length(bytes).1..)?;
        Some(entry)
    }
}

impl Cursor<'_> {
    /// Bytes that the entries up to `later`, a place further on, take.
    pub(super) fn bytes_to(&self, later: &Self) -> usize {
        self.rest.len().saturating_sub(later.rest.len())
    }
}

/// The entry at the front of `bytes`, and how many of them it takes without the length behind it.
fn decode(bytes: &[u8]) -> Result<(Entry<'_>, usize), Damage> {
    let &[first, ref rest @ ..] = bytes else { return Err(CUT_OFF) };
    let at = |index: usize| rest.get(index).copied().ok_or(CUT_OFF);
    let text = |start: usize, len: usize| {
        let end = start.checked_add(len).ok_or(CUT_OFF)?;
        Ok((Entry::Text(bytes.get(start..end).ok_or(CUT_OFF)?), end))
    };
    let integer = |count: usize| {
        let number = rest.get(..count).ok_or(CUT_OFF)?;
        Ok((Entry::Integer(signed_le(number)), 1 + count))
    };
    match first {
        0x00..=0x7f => Ok((Entry::Integer(i64::from(first)), 1)),
        0x80..=0xbf => text(1, usize::from(first & 0x3f)),
        0xc0..=0xdf => {
            let value = i64::from(first & 0x1f) << 8 | i64::from(at(0)?);
            let signed = if value >= 1 << 12 { value - (1 << 13) } else { value };
            Ok((Entry::Integer(signed), 2))
        }
        0xe0..=0xef => text(2, usize::from(first & 0x0f) << 8 | usize::from(at(0)?)),
        0xf0 => {
            let len = rest.first_chunk().ok_or(CUT_OFF)?;
            text(5, u32::from_le_bytes(*len) as usize)
        }
        0xf1 => integer(2),
        0xf2 => integer(3),
        0xf3 => integer(4),
        0xf4 => integer(8),
        _ => Err(Damage("an entry of a listpack of unknown form")),
    }
}

/// A little-endian number of up to 8 bytes, with the sign that its highest bit says.
pub(super) fn signed_le(bytes: &[u8]) -> i64 {
    let unsigned = bytes.iter().rev().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    let unused_bits = 64 - 8 * bytes.len().clamp(1, 8) as u32;
    ((unsigned << unused_bits) as i64) >> unused_bits
}

/// What stands behind an entry of so many bytes, and how long that is. Redis gives the greatest
/// numbers of 2, 3 and 4 bytes a byte more than they need.
fn back_length(bytes: usize) -> ([u8; 5], usize) {
    let count = match bytes {
        0..=127 => 1,
        128..=16_382 => 2,
        16_383..=2_097_150 => 3,
        2_097_151..=268_435_454 => 4,
        _ => 5,
    };
    let mut back = [0; 5];
    let mut rest = bytes;
    for (index, byte) in back[..count].iter_mut().enumerate().rev() {
        *byte = (rest & 0x7f) as u8 | if index == 0 { 0 } else { 0x80 };
        rest >>= 7;
    }
    (back, count)
}

/// Makes a listpack.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    count: usize,
}

impl Builder {
    pub(super) fn new() -> Self {
        Self { bytes: vec![0; HEADER_BYTES], count: 0 }
    }

    /// Appends a text, as a number if it is one.
    pub(super) fn push(&mut self, text: &[u8]) {
        match number::parse_i64(text) {
            Some(value) => self.push_integer(value),
            None => self.push_text(text),
        }
    }

    pub(super) fn push_integer(&mut self, value: i64) {
        let start = self.bytes.len();
        let le = value.to_le_bytes();
        let fits = |bits: u32| value >= -(1 << (bits - 1)) && value < 1 << (bits - 1);
        match value {
            0..=127 => self.bytes.push(value as u8),
            -4096..=4095 => {
                self.bytes.extend_from_slice(&[0xc0 | (value >> 8 & 0x1f) as u8, value as u8]);
            }
            _ if fits(16) => self.push_number(0xf1, &le[..2]),
            _ if fits(24) => self.push_number(0xf2, &le[..3]),
            _ if fits(32) => self.push_number(0xf3, &le[..4]),
            _ => self.push_number(0xf4, &le),
        }
        self.end_entry(start);
    }

    fn push_number(&mut self, tag: u8, number: &[u8]) {
        self.bytes.push(tag);
        self.bytes.extend_from_slice(number);
    }

    fn push_text(&mut self, text: &[u8]) {
        let start = self.bytes.len();
        let len = text.len();
        match len {
            0..=0x3f => self.bytes.push(0x80 | len as u8),
            0x40..=0xfff => self.bytes.extend_from_slice(&[0xe0 | (len >> 8) as u8, len as u8]),
            _ => self.push_number(0xf0, &(len as u32).to_le_bytes()),
        }
        self.bytes.extend_from_slice(text);
        self.end_entry(start);
    }

    fn end_entry(&mut self, start: usize) {
        let (back, count) = back_length(self.bytes.len() - start);
        self.bytes.extend_from_slice(&back[..count]);
        self.count += 1;
    }

    /// Number of entries.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Length of the listpack if it ended here.
    pub(super) fn len_bytes(&self) -> usize {
        self.bytes.len() + 1
    }

    /// The entries so far.
    pub(super) fn entries(&self) -> Cursor<'_> {
        Cursor { rest: &self.bytes[HEADER_BYTES..] }
    }

    /// Appends the entries of another one.
    pub(super) fn append(&mut self, other: &Self) {
        self.bytes.extend_from_slice(other.entries().rest);
        self.count += other.count;
    }

    /// The whole listpack.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.push(END);
        let bytes = self.bytes.len() as u32;
        let count = u16::try_from(self.count).unwrap_or(COUNT_UNKNOWN);
        self.bytes[..4].copy_from_slice(&bytes.to_le_bytes());
        self.bytes[4..HEADER_BYTES].copy_from_slice(&count.to_le_bytes());
        self.bytes
    }
}
