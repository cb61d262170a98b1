//! Inline requests: one line of words, as typed into a terminal.
//!
//! Splits a line by Redis's quoting rules. `"..."` knows `\n \r \t \b \a \xHH` and `\` before any
//! other byte; `'...'` knows only `\'`; a closing quote must be followed by a space or the end.
//! Finding the line in the input is the request parser's part.

use super::span::Span;

/// A quote was not closed, or a closed one runs into more text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UnbalancedQuotes;

/// Appends the words of `line` to `words`, unescaped and one after the other, and where each of
/// them stands to `spans`.
pub(super) fn split_words(
    line: &[u8],
    spans: &mut Vec<Span>,
    words: &mut Vec<u8>,
) -> Result<(), UnbalancedQuotes> {
    let mut rest = line;
    loop {
        while let [blank, after @ ..] = rest
            && is_space(*blank)
        {
            rest = after;
        }
        if rest.is_empty() {
            return Ok(());
        }
        let start = words.len();
        rest = take_word(rest, words)?;
        let len = words.len().saturating_sub(start);
        // The line is bounded by the inline limit, far below 4 GB; words are never longer than it.
        let (Ok(start), Ok(len)) = (u32::try_from(start), u32::try_from(len)) else {
            return Err(UnbalancedQuotes);
        };
        spans.push(Span { start, len });
    }
}

/// Appends the word at the front of `rest` to `words` and returns what follows it.
fn take_word<'a>(mut rest: &'a [u8], words: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        match rest {
            // A vertical tab or a form feed separates words only from the left, as in Redis.
            [] | [b' ' | b'\n' | b'\r' | b'\t', ..] => return Ok(rest),
            [b'"', quoted @ ..] => return take_double_quoted(quoted, words),
            [b'\'', quoted @ ..] => return take_single_quoted(quoted, words),
            [byte, after @ ..] => {
                words.push(*byte);
                rest = after;
            }
        }
    }
}

fn take_double_quoted<'a>(
    mut rest: &'a [u8],
    words: &mut Vec<u8>,
) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        let (byte, after) = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'"', after @ ..] => return end_of_quotes(after),
            [b'\\', b'x', high, low, after @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                (hex_value(*high) << 4 | hex_value(*low), after)
            }
            [b'\\', escaped, after @ ..] => (unescape(*escaped), after),
            [byte, after @ ..] => (*byte, after),
        };
        words.push(byte);
        rest = after;
    }
}

fn take_single_quoted<'a>(
    mut rest: &'a [u8],
    words: &mut Vec<u8>,
) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        let (byte, after) = match rest {
            [] => return Err(UnbalancedQuotes),
            [b'\'', after @ ..] => return end_of_quotes(after),
            [b'\\', b'\'', after @ ..] => (b'\'', after),
            [byte, after @ ..] => (*byte, after),
        };
        words.push(byte);
        rest = after;
    }
}

fn end_of_quotes(after: &[u8]) -> Result<&[u8], UnbalancedQuotes> {
    match after.first() {
        Some(byte) if !is_space(*byte) => Err(UnbalancedQuotes),
        _ => Ok(after),
    }
}

fn unescape(byte: u8) -> u8 {
    match byte {
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 0x08,
        b'a' => 0x07,
        other => other,
    }
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit.wrapping_sub(b'0'),
        _ => (digit | 0x20).wrapping_sub(b'a').wrapping_add(10),
    }
}

/// The C locale's `isspace`.
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Option<Vec<Vec<u8>>> {
        let (mut spans, mut bytes) = (Vec::new(), Vec::new());
        split_words(line.as_bytes(), &mut spans, &mut bytes).ok()?;
        let word = |span: &Span| bytes[span.start as usize..][..span.len as usize].to_vec();
        Some(spans.iter().map(word).collect())
    }

    fn check(line: &str, expected: Option<&[&[u8]]>) {
        let expected = expected.map(|words| words.iter().map(|word| word.to_vec()).collect());
        assert_eq!(words(line), expected, "{line:?}");
    }

    #[test]
    fn splits_at_blanks() {
        check("", Some(&[]));
        check("  \t \r\x0b\x0c ", Some(&[]));
        check("set  key\tvalue ", Some(&[b"set", b"key", b"value"]));
        check("\x0bget a\x0bb", Some(&[b"get", b"a\x0bb"]));
    }

    #[test]
    fn unescapes_quoted_words() {
        check(r#"echo "a b" 'c d'"#, Some(&[b"echo", b"a b", b"c d"]));
        check(r#""\x41\xfF\n\r\t\b\a\"\\\q""#, Some(&[b"A\xff\n\r\t\x08\x07\"\\q"]));
        check(r#""\xg1\x4""#, Some(&[b"xg1x4"]));
        check(r"'\'\n\\x'", Some(&[b"'\\n\\\\x"]));
        check(r#""" ''"#, Some(&[b"", b""]));
        check(r#"pre"fix" x"#, Some(&[b"prefix", b"x"]));
    }

    #[test]
    fn refuses_unbalanced_quotes() {
        for line in [r#"""#, "'", r#"a "b"#, r#""a"b"#, "'a'b", r#""a\""#, r"'a\'", r#""a"'b'"#] {
            check(line, None);
        }
    }
}
