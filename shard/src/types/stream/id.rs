//! Ids of entries: milliseconds and a number within them.
//!
//! ```text
//! text    ms | "-" | seq          in commands and replies
//! key     ms (8) | seq (8)        big-endian: the order of bytes is that of ids
//! ```

use smallvec::SmallVec;

use crate::error::CommandError;
use crate::number;
use crate::types::packed;

/// Bytes of an id as a key.
pub(super) const KEY_BYTES: usize = 16;

/// What is longer is no id, whatever it says.
const TEXT_BYTES_MAX: usize = 127;

const INVALID: &str = "ERR Invalid stream ID specified as stream command argument";

/// The id of an entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct StreamId {
    pub(super) ms: u64,
    pub(super) seq: u64,
}

/// An id as clients read it.
pub(super) type IdText = SmallVec<[u8; 41]>;

impl StreamId {
    /// 0-0, which no entry has.
    pub(super) const ZERO: StreamId = StreamId { ms: 0, seq: 0 };
    /// The greatest one.
    pub(super) const MAX: StreamId = StreamId { ms: u64::MAX, seq: u64::MAX };

    /// The next greater one, if there is any.
    pub(super) fn next(self) -> Option<Self> {
        match self.seq.checked_add(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_add(1)?, seq: 0 }),
        }
    }

    /// The next lesser one, if there is any.
    pub(super) fn previous(self) -> Option<Self> {
        match self.seq.checked_sub(1) {
            Some(seq) => Some(Self { seq, ..self }),
            None => Some(Self { ms: self.ms.checked_sub(1)?, seq: u64::MAX }),
        }
    }

    pub(super) fn key(self) -> [u8; KEY_BYTES] {
        let mut key = [0; KEY_BYTES];
        key[..8].copy_from_slice(&self.ms.to_be_bytes());
        key[8..].copy_from_slice(&self.seq.to_be_bytes());
        key
    }

    /// The id at the beginning of an entry, and what follows it.
    pub(super) fn split(entry: &[u8]) -> Option<(Self, &[u8])> {
        let (ms, rest) = entry.split_first_chunk()?;
        let (seq, rest) = rest.split_first_chunk()?;
        Some((Self { ms: u64::from_be_bytes(*ms), seq: u64::from_be_bytes(*seq) }, rest))
    }

    /// Appends the two numbers as varints.
    pub(super) fn pack(self, out: &mut Vec<u8>) {
        packed::push_number(out, self.ms);
        packed::push_number(out, self.seq);
    }

    pub(super) fn unpack(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (ms, rest) = packed::split_number(bytes)?;
        let (seq, rest) = packed::split_number(rest)?;
        Some((Self { ms, seq }, rest))
    }

    pub(super) fn text(self) -> IdText {
        let mut text = IdText::from_slice(number::format_u64(self.ms).as_bytes());
        text.push(b'-');
        text.extend_from_slice(number::format_u64(self.seq).as_bytes());
        text
    }

    /// Reads an id; a number alone is the milliseconds.
    pub(super) fn parse(text: &[u8], missing_seq: u64) -> Result<Self, CommandError> {
        match split_text(text)? {
            (ms, None) => Ok(Self { ms, seq: missing_seq }),
            (ms, Some(seq)) => Ok(Self { ms, seq: unsigned(seq)? }),
        }
    }

    /// The same, or `-` and `+` for the least and the greatest id.
    pub(super) fn parse_bound(text: &[u8], missing_seq: u64) -> Result<Self, CommandError> {
        match text {
            b"-" => Ok(Self::ZERO),
            b"+" => Ok(Self::MAX),
            text => Self::parse(text, missing_seq),
        }
    }
}

/// The id of an entry to be added, as far as the client says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// `*`
    Any,
    /// `ms-*`
    InMillisecond(u64),
    This(StreamId),
}

impl Wanted {
    pub(super) fn parse(text: &[u8]) -> Result<Self, CommandError> {
        if text == b"*" {
            return Ok(Wanted::Any);
        }
        match split_text(text)? {
            (ms, Some(b"*")) => Ok(Wanted::InMillisecond(ms)),
            _ => Ok(Wanted::This(StreamId::parse(text, 0)?)),
        }
    }

    /// The id that it is, behind `last`; `None`: there is none that is greater.
    pub(super) fn choose(self, last: StreamId, now_ms: u64) -> Option<StreamId> {
        let id = match self {
            Wanted::Any if now_ms > last.ms => StreamId { ms: now_ms, seq: 0 },
            Wanted::Any => last.next()?,
            Wanted::InMillisecond(ms) if ms == last.ms => {
                StreamId { ms, seq: last.seq.checked_add(1)? }
            }
            Wanted::InMillisecond(ms) => StreamId { ms, seq: 0 },
            Wanted::This(id) => id,
        };
        (id > last).then_some(id)
    }
}

/// The first id of a range: `(` in front of it leaves it out.
pub(super) fn parse_start(text: &[u8]) -> Result<StreamId, CommandError> {
    match text {
        [b'(', id @ ..] if !id.is_empty() => StreamId::parse(id, 0)?
            .next()
            .ok_or_else(|| "ERR invalid start ID for the interval".into()),
        text => StreamId::parse_bound(text, 0),
    }
}

/// The last id of a range.
pub(super) fn parse_end(text: &[u8]) -> Result<StreamId, CommandError> {
    match text {
        [b'(', id @ ..] if !id.is_empty() => StreamId::parse(id, u64::MAX)?
            .previous()
            .ok_or_else(|| "ERR invalid end ID for the interval".into()),
        text => StreamId::parse_bound(text, u64::MAX),
    }
}

/// The milliseconds, and what stands behind the first `-`.
fn split_text(text: &[u8]) -> Result<(u64, Option<&[u8]>), CommandError> {
    if text.len() > TEXT_BYTES_MAX {
        return Err(INVALID.into());
    }
    // What is behind a byte of zero does not count.
    let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
    match text.iter().position(|byte| *byte == b'-') {
        Some(dash) => Ok((unsigned(&text[..dash])?, Some(&text[dash + 1..]))),
        None => Ok((unsigned(text)?, None)),
    }
}

/// A number as Redis reads it here: what is not written as numbers are printed may have spaces, a
/// sign and zeros in front, and a negative one of these counts from the end.
fn unsigned(text: &[u8]) -> Result<u64, CommandError> {
    if number::parse_i64(text).is_some_and(|number| number < 0) {
        return Err(INVALID.into());
    }
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = text.iter().position(|byte| !is_space(byte)).unwrap_or(text.len());
    let (is_negative, digits) = match &text[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let add_digit = |number: u64, byte: &u8| {
        let digit = char::from(*byte).to_digit(10)?;
        number.checked_mul(10)?.checked_add(u64::from(digit))
    };
    let number = digits.iter().try_fold(0, add_digit).filter(|_| !digits.is_empty());
    let number = number.ok_or(INVALID)?;
    Ok(if is_negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(ms: u64, seq: u64) -> StreamId {
        StreamId { ms, seq }
    }

    #[test]
    fn ids_keep_their_bytes_and_their_order() {
        let ordered = [id(0, 0), id(0, 1), id(1, 0), id(1, u64::MAX), id(256, 0), StreamId::MAX];
        for pair in ordered.windows(2) {
            assert!(pair[0] < pair[1] && pair[0].key() < pair[1].key());
        }
        assert_eq!(id(258, 3).key(), [0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 3]);
        assert_eq!(StreamId::split(&id(258, 3).key()), Some((id(258, 3), &b""[..])));
        assert_eq!(StreamId::split(&[0; 15]), None);
        assert_eq!(&id(5, 7).text()[..], b"5-7");
        assert_eq!(id(1, u64::MAX).next(), Some(id(2, 0)));
        assert_eq!(id(2, 0).previous(), Some(id(1, u64::MAX)));
        assert_eq!((StreamId::MAX.next(), StreamId::ZERO.previous()), (None, None));
    }

    #[test]
    fn texts_are_read_as_redis_reads_them() {
        for (text, expected) in [
            ("5", Some(id(5, 9))),
            ("5-7", Some(id(5, 7))),
            ("18446744073709551615-18446744073709551615", Some(StreamId::MAX)),
            ("18446744073709551616", None),
            ("007-+08", Some(id(7, 8))),
            (" 7", Some(id(7, 9))),
            ("5--3", None),
            ("5--03", Some(id(5, u64::MAX - 2))),
            ("5-3\0junk", Some(id(5, 3))),
            ("-5", None),
            ("-", None),
            ("+", None),
            ("", None),
            ("5-", None),
            ("5-*", None),
            ("5-7-1", None),
            ("a", None),
        ] {
            assert_eq!(StreamId::parse(text.as_bytes(), 9).ok(), expected, "{text:?}");
        }
        assert!(StreamId::parse(&[b'0'; 127], 0).is_ok());
        assert!(StreamId::parse(&[b'0'; 128], 0).is_err());
        assert_eq!(parse_start(b"(5").ok(), Some(id(5, 1)));
        assert_eq!(parse_end(b"(5").ok(), Some(id(5, u64::MAX - 1)));
        assert_eq!(parse_end(b"(5-0").ok(), Some(id(4, u64::MAX)));
        assert!(parse_end(b"(0-0").is_err() && parse_start(b"(-").is_err());
        assert!(parse_start(b"(18446744073709551615-18446744073709551615").is_err());
    }

    #[test]
    fn an_id_is_chosen_behind_the_last_one() {
        let choose = |text: &[u8], last| Wanted::parse(text).unwrap().choose(last, 100);
        assert_eq!(choose(b"*", id(99, 5)), Some(id(100, 0)));
        assert_eq!(choose(b"*", id(100, 5)), Some(id(100, 6)));
        assert_eq!(choose(b"*", id(200, u64::MAX)), Some(id(201, 0)));
        assert_eq!(choose(b"*", StreamId::MAX), None);
        assert_eq!(choose(b"7-*", id(7, 3)), Some(id(7, 4)));
        assert_eq!(choose(b"8-*", id(7, 3)), Some(id(8, 0)));
        assert_eq!(choose(b"6-*", id(7, 3)), None);
        assert_eq!(choose(b"7-*", id(7, u64::MAX)), None);
        assert_eq!(choose(b"0-*", StreamId::ZERO), Some(id(0, 1)));
        assert_eq!(choose(b"7-4", id(7, 3)), Some(id(7, 4)));
        assert_eq!(choose(b"7-3", id(7, 3)), None);
    }
}
