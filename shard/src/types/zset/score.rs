//! Scores and entries as bytes that compare as they do.
//!
//! ```text
//! score    the bits of the double, big-endian: all of them turned over if it is negative, else
//!          only the sign; so bytes are in the order of numbers, from -inf to inf
//! entry    score (8) | member …
//! ```
//!
//! Negative zero becomes zero.

use smallvec::SmallVec;

use crate::tree::Damaged;

/// Bytes of a score.
pub(super) const SCORE_BYTES: usize = 8;

const SIGN: u64 = 1 << 63;

/// An entry in its encoding.
pub(super) type Entry = SmallVec<[u8; 64]>;

/// A score as a number of the same order.
pub(super) fn ordinal(score: f64) -> u64 {
    let bits = (score + 0.0).to_bits();
    if bits & SIGN == 0 { bits | SIGN } else { !bits }
}

/// A score as bytes of the same order.
pub(super) fn encode(score: f64) -> [u8; SCORE_BYTES] {
    ordinal(score).to_be_bytes()
}

/// The score that was encoded.
pub(super) fn decode(bytes: [u8; SCORE_BYTES]) -> Result<f64, Damaged> {
    let ordinal = u64::from_be_bytes(bytes);
    let score = f64::from_bits(if ordinal & SIGN != 0 { ordinal & !SIGN } else { !ordinal });
    if score.is_nan() { Err(Damaged("a score is not a number")) } else { Ok(score) }
}

/// The entry of a member.
pub(super) fn entry(score: f64, member: &[u8]) -> Entry {
    let mut entry = Entry::with_capacity(SCORE_BYTES + member.len());
    entry.extend_from_slice(&encode(score));
    entry.extend_from_slice(member);
    entry
}

/// The score and the member of an entry.
#[inline]
pub(super) fn split(entry: &[u8]) -> Result<(f64, &[u8]), Damaged> {
    let (score, member) = entry.split_first_chunk().ok_or(Damaged("a score is cut off"))?;
    Ok((decode(*score)?, member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_keep_their_bytes_and_compare_by_them() {
        for (score, golden) in [
            (f64::NEG_INFINITY, [0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (-1.5, [0x40, 0x07, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
            (0.0, [0x80, 0, 0, 0, 0, 0, 0, 0]),
            (1.5, [0xbf, 0xf8, 0, 0, 0, 0, 0, 0]),
            (f64::INFINITY, [0xff, 0xf0, 0, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(encode(score), golden, "{score}");
            assert_eq!(decode(golden), Ok(score));
        }
        let ordered = [
            f64::NEG_INFINITY,
            f64::MIN,
            -2.0,
            -1.0,
            -f64::MIN_POSITIVE,
            -5e-324,
            0.0,
            5e-324,
            1.0,
            1.0 + f64::EPSILON,
            f64::MAX,
            f64::INFINITY,
        ];
        for pair in ordered.windows(2) {
            assert!(encode(pair[0]) < encode(pair[1]), "{pair:?}");
        }
        assert_eq!(encode(-0.0), encode(0.0));
    }

    #[test]
    fn what_is_no_score_is_refused() {
        assert!(decode([0xff; 8]).is_err() && decode([0; 8]).is_err());
        assert!(split(&[0x80, 0, 0, 0, 0, 0, 0]).is_err());
        assert_eq!(split(&entry(2.0, b"m")), Ok((2.0, &b"m"[..])));
        assert_eq!(split(&entry(2.0, b"")), Ok((2.0, &b""[..])));
    }
}
