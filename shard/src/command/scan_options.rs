//! The cursor and the options that SCAN, HSCAN, SSCAN and ZSCAN share. Parsing alone: what a
//! cursor means and what is visited is the business of the command.

use crate::command::Args;
use crate::error::{CommandError, text};
use crate::glob::glob_match;

/// Elements that a call visits unless COUNT says otherwise.
const COUNT_DEFAULT: u64 = 10;

/// What a scan walks over: it decides which options there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// The keys of a database: TYPE is an option.
    Keys,
    /// The fields of a hash: NOVALUES is an option.
    Fields,
    /// The members of a set or sorted set.
    Members,
}

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanOptions<'a> {
    /// MATCH; `None` when everything matches.
    pub pattern: Option<&'a [u8]>,
    /// COUNT: elements to visit, at least 1.
    pub count: u64,
    /// TYPE, as given.
    pub type_name: Option<&'a [u8]>,
    /// NOVALUES.
    pub no_values: bool,
}

impl<'a> ScanOptions<'a> {
    /// Reads the options from argument `from` on. Of an option given twice the last counts.
    pub fn parse(args: Args<'a>, from: usize, scanned: Scanned) -> Result<Self, CommandError> {
        let mut options =
            Self { pattern: None, count: COUNT_DEFAULT, type_name: None, no_values: false };
        let mut index = from;
        while index < args.len() {
            let has_value = index + 1 < args.len();
            if args.is(index, "count") && has_value {
                // Zero and below are a matter of syntax to Redis, not of range.
                options.count = u64::try_from(args.integer(index + 1)?)
                    .ok()
                    .filter(|count| *count > 0)
                    .ok_or(text::SYNTAX)?;
                index += 2;
            } else if args.is(index, "match") && has_value {
                // `*` alone matches the empty name too, which as a pattern it would not.
                let pattern = args.get(index + 1);
                options.pattern = (pattern != b"*").then_some(pattern);
                index += 2;
            } else if args.is(index, "type") && has_value && scanned == Scanned::Keys {
                options.type_name = Some(args.get(index + 1));
                index += 2;
            } else if args.is(index, "novalues") {
                if scanned != Scanned::Fields {
                    return Err("ERR NOVALUES option can only be used in HSCAN".into());
                }
                options.no_values = true;
                index += 1;
            } else {
                return Err(text::SYNTAX.into());
            }
        }
        Ok(options)
    }

    /// Whether a name passes MATCH.
    pub fn matches(&self, name: &[u8]) -> bool {
        self.pattern.is_none_or(|pattern| glob_match(pattern, name, false))
    }
}

/// Reads a cursor as Redis's `strtoul` does: a sign and leading zeros are allowed (a negative
/// number wraps around), nothing is 0, and a NUL ends the text.
pub fn parse_cursor(argument: &[u8]) -> Result<u64, CommandError> {
    let text = argument.split(|byte| *byte == 0).next().unwrap_or_default();
    let (is_negative, digits) = match text {
        [] => return Ok(0),
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    };
    if digits.is_empty() {
        return Err(text::INVALID_CURSOR.into());
    }
    let mut magnitude = 0u64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        magnitude = Some(digit)
            .filter(|digit| *digit < 10)
            .and_then(|digit| magnitude.checked_mul(10)?.checked_add(u64::from(digit)))
            .ok_or(text::INVALID_CURSOR)?;
    }
    Ok(if is_negative { magnitude.wrapping_neg() } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Span;

    fn parse(words: &str, scanned: Scanned) -> Result<(Option<String>, u64, bool), CommandError> {
        let mut spans = Vec::new();
        let mut start = 0;
        for word in words.split(' ') {
            spans.push(Span { start, len: word.len() as u32 });
            start += word.len() as u32 + 1;
        }
        let options = ScanOptions::parse(Args::new(words.as_bytes(), &spans), 1, scanned)?;
        let pattern = options.pattern.map(|pattern| String::from_utf8_lossy(pattern).into_owned());
        Ok((pattern, options.count, options.no_values))
    }

    #[test]
    fn options_come_in_any_order_and_case() {
        let given = parse("0 cOunt 3 MATCH a* novalues", Scanned::Fields);
        assert_eq!(given, Ok((Some("a*".to_owned()), 3, true)));
        assert_eq!(parse("0", Scanned::Members), Ok((None, 10, false)));
        assert_eq!(parse("0 match b match *", Scanned::Members), Ok((None, 10, false)));
        assert_eq!(parse("0 type hash", Scanned::Keys), Ok((None, 10, false)));
    }

    #[test]
    fn wrong_options_are_refused_as_redis_does() {
        let syntax = Err(text::SYNTAX.into());
        for words in ["0 count 0", "0 count -1", "0 count", "0 match", "0 type hash", "0 x 1"] {
            assert_eq!(parse(words, Scanned::Members), syntax, "{words}");
        }
        assert_eq!(parse("0 count x", Scanned::Members), Err(text::NOT_AN_INTEGER.into()));
        let misplaced = Err("ERR NOVALUES option can only be used in HSCAN".into());
        assert_eq!(parse("0 novalues", Scanned::Keys), misplaced);
    }

    #[test]
    fn cursors_are_read_as_strtoul_does() {
        for (text, cursor) in [
            (&b""[..], 0),
            (b"0", 0),
            (b"+005", 5),
            (b"5\0x", 5),
            (b"18446744073709551615", u64::MAX),
            (b"-1", u64::MAX),
        ] {
            assert_eq!(parse_cursor(text), Ok(cursor), "{text:?}");
        }
        for text in [&b"x"[..], b" 1", b"1 ", b"-", b"+", b"+-1", b"18446744073709551616", b"\xff"]
        {
            assert_eq!(parse_cursor(text), Err(text::INVALID_CURSOR.into()), "{text:?}");
        }
    }
}
