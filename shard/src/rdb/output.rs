//! Writing what everything in the format is made of: lengths and strings.

use super::lzf;
use crate::number;

/// A shorter string is not worth packing.
const PACKED_BYTES_MIN: usize = 21;
/// Longer texts are no numbers of 32 bits.
const INTEGER_TEXT_BYTES_MAX: usize = 11;
/// Bytes that packing has to save: what stands in front of a packed string.
const PACKED_GAIN_MIN: usize = 4;

const SPECIAL: u8 = 0b1100_0000;
const INT8: u8 = SPECIAL;
const INT16: u8 = SPECIAL | 1;
const INT32: u8 = SPECIAL | 2;
const LZF: u8 = SPECIAL | 3;
const LENGTH_32: u8 = 0x80;
const LENGTH_64: u8 = 0x81;

/// Appends a number in the shortest form of a length.
pub(super) fn push_length(out: &mut Vec<u8>, length: u64) {
    match length {
        0..=0x3f => out.push(length as u8),
        0x40..=0x3fff => out.extend_from_slice(&[0x40 | (length >> 8) as u8, length as u8]),
        _ => match u32::try_from(length) {
            Ok(length) => {
                out.push(LENGTH_32);
                out.extend_from_slice(&length.to_be_bytes());
            }
            Err(_) => {
                out.push(LENGTH_64);
                out.extend_from_slice(&length.to_be_bytes());
            }
        },
    }
}

/// Appends a string: as a number or packed, where that is shorter.
pub(super) fn push_string(out: &mut Vec<u8>, string: &[u8]) {
    if string.len() <= INTEGER_TEXT_BYTES_MAX
        && let Some(value) = number::parse_i64(string)
        && push_integer(out, value)
    {
        return;
    }
    if string.len() >= PACKED_BYTES_MIN
        && let Some(packed) = lzf::compress(string, string.len() - PACKED_GAIN_MIN)
    {
        out.push(LZF);
        push_length(out, packed.len() as u64);
        push_length(out, string.len() as u64);
        out.extend_from_slice(&packed);
        return;
    }
    push_length(out, string.len() as u64);
    out.extend_from_slice(string);
}

/// Whether the number was short enough.
fn push_integer(out: &mut Vec<u8>, value: i64) -> bool {
    if let Ok(value) = i8::try_from(value) {
        out.push(INT8);
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = i16::try_from(value) {
        out.push(INT16);
        out.extend_from_slice(&value.to_le_bytes());
    } else if let Ok(value) = i32::try_from(value) {
        out.push(INT32);
        out.extend_from_slice(&value.to_le_bytes());
    } else {
        return false;
    }
    true
}

/// A length that is not known when what it counts is written.
pub(super) struct LaterLength {
    at: usize,
}

impl LaterLength {
    /// Leaves room for it.
    pub(super) fn reserve(out: &mut Vec<u8>) -> Self {
        let at = out.len();
        out.extend_from_slice(&[LENGTH_32, 0, 0, 0, 0]);
        Self { at }
    }

    /// Says what it is. Values of more parts than 32 bits count do not fit a payload.
    pub(super) fn set(&self, out: &mut [u8], length: u64) {
        let length = u32::try_from(length).unwrap_or(u32::MAX);
        out[self.at + 1..self.at + 5].copy_from_slice(&length.to_be_bytes());
    }
}
