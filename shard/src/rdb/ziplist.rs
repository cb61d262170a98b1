//! Ziplists, of Redis before 7: entries one after the other, each with the length of the one
//! before it in front. Read only.
//!
//! ```text
//! bytes of all (4, LE) | start of the last entry (4, LE) | entries (2, LE; 65535: unknown)
//! | entry … | 0xff
//! entry:  bytes of the one before: 1, or 254 and 4 (LE), then
//!         00llllll text …         01llllll l… text …      10000000 + 4 bytes of length (BE)
//!         c0 d0 e0 f0 fe          a number of 2, 4, 8, 3 or 1 bytes (LE)
//!         f1 … fd                 a number from 0 to 12
//! ```

use super::error::{CUT_OFF, Damage};
use super::listpack::{Entry, signed_le};

const HEADER_BYTES: usize = 10;
const COUNT_UNKNOWN: u16 = u16::MAX;
const END: u8 = 0xff;
const LONG_BEFORE: u8 = 0xfe;

/// The entries of a checked ziplist.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    rest: &'a [u8],
}

/// The entries of `ziplist`, all of which have been looked at, and their number.
pub(super) fn open(ziplist: &[u8]) -> Result<(Cursor<'_>, usize), Damage> {
    let (header, rest) = ziplist.split_first_chunk::<HEADER_BYTES>().ok_or(CUT_OFF)?;
    let word = |at: usize| {
        u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]) as usize
    };
    if word(0) != ziplist.len() {
        return Err(Damage("a ziplist of another length than it says"));
    }
    let Some((&END, entries)) = rest.split_last() else {
        return Err(Damage("a ziplist without an end"));
    };
    let (mut count, mut before, mut start_of_last) = (0, 0, 0);
    let mut walk = entries;
    while !walk.is_empty() {
        let decoded = decode(walk)?;
        if decoded.before != before {
            return Err(Damage("an entry of a ziplist with a wrong length before it"));
        }
        start_of_last = entries.len() - walk.len();
        before = decoded.bytes;
        walk = &walk[decoded.bytes..];
        count += 1;
    }
    if word(4) != HEADER_BYTES + start_of_last {
        return Err(Damage("a ziplist that does not know its last entry"));
    }
    let stated = u16::from_le_bytes([header[8], header[9]]);
    if stated != COUNT_UNKNOWN && usize::from(stated) != count {
        return Err(Damage("a ziplist with another number of entries than it says"));
    }
    Ok((Cursor { rest: entries }, count))
}

impl<'a> Iterator for Cursor<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        let decoded = decode(self.rest).ok()?;
        self.rest = self.rest.get(decoded.bytes..)?;
        Some(decoded.entry)
    }
}

struct Decoded<'a> {
    entry: Entry<'a>,
    /// Bytes of the whole entry.
    bytes: usize,
    /// Bytes of the one before, as it says.
    before: usize,
}

fn decode(bytes: &[u8]) -> Result<Decoded<'_>, Damage> {
    let (before, front) = match *bytes {
        [LONG_BEFORE, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, 5),
        [before @ ..LONG_BEFORE, ..] => (usize::from(before), 1),
        _ => return Err(CUT_OFF),
    };
    let &[tag, ref rest @ ..] = &bytes[front..] else { return Err(CUT_OFF) };
    let text = |start: usize, len: usize| {
        let end = start.checked_add(len).ok_or(CUT_OFF)?;
        Ok::<_, Damage>((Entry::Text(rest.get(start..end).ok_or(CUT_OFF)?), end))
    };
    let integer = |count: usize| {
        let number = rest.get(..count).ok_or(CUT_OFF)?;
        Ok::<_, Damage>((Entry::Integer(signed_le(number)), count))
    };
    let (entry, used) = match tag {
        0x00..=0x3f => text(0, usize::from(tag)),
        0x40..=0x7f => {
            let low = rest.first().copied().ok_or(CUT_OFF)?;
            text(1, usize::from(tag & 0x3f) << 8 | usize::from(low))
        }
        0x80 => {
            let len = rest.first_chunk().ok_or(CUT_OFF)?;
            text(4, u32::from_be_bytes(*len) as usize)
        }
        0xc0 => integer(2),
        0xd0 => integer(4),
        0xe0 => integer(8),
        0xf0 => integer(3),
        0xfe => integer(1),
        0xf1..=0xfd => Ok((Entry::Integer(i64::from(tag & 0x0f) - 1), 0)),
        _ => Err(Damage("an entry of a ziplist of unknown form")),
    }?;
    Ok(Decoded { entry, bytes: front + 1 + used, before })
}
