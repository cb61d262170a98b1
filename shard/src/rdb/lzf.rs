//! LZF, the compression of Redis's strings.
//!
//! ```text
//! 000nnnnn …                       n + 1 bytes as they are
//! lllooooo [length] oooooooo       l + 2 bytes again, from o + 1 bytes back; with l = 7 another
//!                                  byte says how many more
//! ```

use super::error::{CUT_OFF, Damage};

const LITERALS_MAX: usize = 32;
const OFFSET_MAX: usize = 1 << 13;
/// A reference stands for so many bytes at least, and at most.
const MATCH_MIN: usize = 3;
const MATCH_MAX: usize = 264;
/// A reference of so many lengths and more has a byte for the rest.
const LENGTH_CODES: usize = 7;
/// Bytes of a reference that stands for [`MATCH_MAX`] of them.
const LONG_MATCH_BYTES: usize = 3;

/// The longest text that `packed_bytes` can stand for.
pub(super) fn unpacked_bytes_max(packed_bytes: usize) -> usize {
    (packed_bytes / LONG_MATCH_BYTES + 1).saturating_mul(MATCH_MAX)
}

/// Replaces `out` with what `packed` stands for, which must be `len` bytes.
pub(super) fn decompress(mut packed: &[u8], len: usize, out: &mut Vec<u8>) -> Result<(), Damage> {
    const WRONG_LENGTH: Damage = Damage("a packed string has another length than it says");
    out.clear();
    while let Some((&control, rest)) = packed.split_first() {
        let control = usize::from(control);
        packed = rest;
        if control < LITERALS_MAX {
            let (literals, rest) = packed.split_at_checked(control + 1).ok_or(CUT_OFF)?;
            packed = rest;
            if literals.len() > len - out.len() {
                return Err(WRONG_LENGTH);
            }
            out.extend_from_slice(literals);
            continue;
        }
        let mut next = || {
            let (&byte, rest) = packed.split_first().ok_or(CUT_OFF)?;
            packed = rest;
            Ok(usize::from(byte))
        };
        let code = control >> 5;
        let more = if code == LENGTH_CODES { next()? } else { 0 };
        let offset = ((control & 0x1f) << 8 | next()?) + 1;
        let count = code + more + 2;
        let start = out.len().checked_sub(offset);
        let start = start.ok_or(Damage("a packed string refers to before its start"))?;
        if count > len - out.len() {
            return Err(WRONG_LENGTH);
        }
        // What it refers to may reach into what it makes: then that repeats.
        let mut copied = 0;
        while copied < count {
            let chunk = (count - copied).min(out.len() - start - copied);
            out.extend_from_within(start + copied..start + copied + chunk);
            copied += chunk;
        }
    }
    if out.len() == len { Ok(()) } else { Err(WRONG_LENGTH) }
}

/// The packed form of `text`; `None` when that would not be shorter than `bytes_max`.
pub(super) fn compress(text: &[u8], bytes_max: usize) -> Option<Vec<u8>> {
    // Where three bytes with such a hash stood last, plus one.
    let bits = text.len().next_power_of_two().trailing_zeros().clamp(6, 14);
    let mut last_seen = vec![0u32; 1 << bits];
    let slot_of = |bytes: &[u8]| {
        let three = u32::from(bytes[0]) << 16 | u32::from(bytes[1]) << 8 | u32::from(bytes[2]);
        (three.wrapping_mul(0x9e37_79b1) >> (32 - bits)) as usize
    };
    let mut out = Vec::new();
    let (mut at, mut literals_from) = (0, 0);
    while at + MATCH_MIN <= text.len() {
        let rest = &text[at..];
        let slot = slot_of(rest);
        let before = (last_seen[slot] as usize).checked_sub(1);
        last_seen[slot] = u32::try_from(at + 1).ok()?;
        let candidate = before.filter(|before| {
            at - before <= OFFSET_MAX && text[*before..][..MATCH_MIN] == rest[..MATCH_MIN]
        });
        let Some(before) = candidate else {
            at += 1;
            if out.len() + (at - literals_from) >= bytes_max {
                return None;
            }
            continue;
        };
        let longest = rest.len().min(MATCH_MAX);
        let pairs = text[before..].iter().zip(&rest[..longest]);
        let count = pairs.take_while(|(old, new)| old == new).count();
        push_literals(&mut out, &text[literals_from..at]);
        push_reference(&mut out, at - before - 1, count - 2);
        // Every second place is enough to find most of what comes again.
        let inside = (at + 1..at + count).step_by(2);
        for place in inside.filter(|place| place + MATCH_MIN <= text.len()) {
            last_seen[slot_of(&text[place..])] = u32::try_from(place + 1).ok()?;
        }
        at += count;
        literals_from = at;
    }
    push_literals(&mut out, &text[literals_from..]);
    (out.len() < bytes_max).then_some(out)
}

fn push_literals(out: &mut Vec<u8>, literals: &[u8]) {
    for run in literals.chunks(LITERALS_MAX) {
        out.push((run.len() - 1) as u8);
        out.extend_from_slice(run);
    }
}

fn push_reference(out: &mut Vec<u8>, offset: usize, length: usize) {
    let code = length.min(LENGTH_CODES);
    out.push((code << 5 | offset >> 8) as u8);
    if code == LENGTH_CODES {
        out.push((length - LENGTH_CODES) as u8);
    }
    out.push(offset as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Random;

    fn unpacked(packed: &[u8], len: usize) -> Result<Vec<u8>, Damage> {
        let mut out = Vec::new();
        decompress(packed, len, &mut out).map(|()| out)
    }

    #[test]
    fn literals_and_references_are_unpacked() {
        assert_eq!(unpacked(b"\x02abc", 3).unwrap(), b"abc");
        assert_eq!(unpacked(b"\x02abc\x20\x02", 6).unwrap(), b"abcabc");
        assert_eq!(unpacked(b"\x00a\xe0\x01\x00", 11).unwrap(), b"aaaaaaaaaaa", "it may overlap");
        assert_eq!(unpacked(b"\x01ab\x60\x01", 7).unwrap(), b"abababa");
        assert_eq!(unpacked(b"", 0).unwrap(), b"");
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for (packed, len) in [
            (&b"\x02ab"[..], 3),
            (b"\x02abc", 2),
            (b"\x02abc", 4),
            (b"\x02abc\x20\x03", 6),
            (b"\x02abc\x20\x02", 5),
            (b"\x02abc\x20", 6),
            (b"\x02abc\xe0", 20),
            (b"\x02abc\xe0\x01", 20),
            (b"\x20\x00", 3),
            (b"", 1),
        ] {
            assert!(unpacked(packed, len).is_err(), "{packed:?} as {len}");
        }
    }

    #[test]
    fn what_was_packed_comes_back() {
        let mut random = Random::new();
        for round in 0..300 {
            let letters = 1 + random.below(if round % 2 == 0 { 4 } else { 256 });
            let mut text: Vec<u8> =
                (0..random.below(20_000)).map(|_| random.below(letters) as u8).collect();
            for _ in 0..random.below(5) {
                let start = random.below(text.len() + 1);
                text.extend_from_within(start..);
                text.truncate(100_000);
            }
            match compress(&text, text.len()) {
                Some(packed) => {
                    assert!(packed.len() < text.len());
                    assert!(text.len() <= unpacked_bytes_max(packed.len()));
                    assert!(unpacked(&packed, text.len()).unwrap() == text);
                }
                None => assert!(letters > 2 || text.len() < 60, "{letters} {}", text.len()),
            }
        }
        let zeros = vec![0; 1 << 20];
        let packed = compress(&zeros, zeros.len()).unwrap();
        assert!(packed.len() < zeros.len() / 80);
        assert!(unpacked(&packed, zeros.len()).unwrap() == zeros);
    }
}
