//! The line syntax of redis.conf: splitting a line into words and quoting a word.
//!
//! Promise: for every byte string `w`, `split_words(&quote(w))` is `[w]` again. Both work on bytes,
//! because a password may be any bytes. Nothing here knows what a directive is.

/// Splits a line into words.
///
/// Words are separated by blanks. In `"..."` the escapes `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` have
/// their usual meaning and any other escaped byte stands for itself; in `'...'` only `\'` is an
/// escape. A closing quote must end its word. `None` means the quotes do not balance.
pub(crate) fn split_words(line: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_ascii_start();
        // `trim_ascii_start` leaves the vertical tab, which C's isspace counts as a blank.
        if let [0x0b, tail @ ..] = rest {
            rest = tail;
            continue;
        }
        if rest.is_empty() {
            return Some(words);
        }
        let (word, tail) = next_word(rest)?;
        words.push(word);
        rest = tail;
    }
}

/// The word at the start of `rest` (which starts with no blank) and what follows it.
fn next_word(mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut word = Vec::new();
    loop {
        match rest {
            [] => return Some((word, rest)),
            [b' ' | b'\n' | b'\r' | b'\t', ..] => return Some((word, rest)),
            [b'"', tail @ ..] => return double_quoted(word, tail),
            [b'\'', tail @ ..] => return single_quoted(word, tail),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

fn double_quoted(mut word: Vec<u8>, mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    loop {
        match rest {
            [] => return None,
            [b'"', tail @ ..] => return ends_word(tail).then_some((word, tail)),
            [b'\\', b'x', high, low, tail @ ..]
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                word.push(hex_value(*high) << 4 | hex_value(*low));
                rest = tail;
            }
            [b'\\', escaped, tail @ ..] => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                rest = tail;
            }
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

fn single_quoted(mut word: Vec<u8>, mut rest: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    loop {
        match rest {
            [] => return None,
            [b'\\', b'\'', tail @ ..] => {
                word.push(b'\'');
                rest = tail;
            }
            [b'\'', tail @ ..] => return ends_word(tail).then_some((word, tail)),
            [byte, tail @ ..] => {
                word.push(*byte);
                rest = tail;
            }
        }
    }
}

fn ends_word(tail: &[u8]) -> bool {
    tail.first().is_none_or(|byte| byte.is_ascii_whitespace() || *byte == 0x0b)
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'f' => digit - b'a' + 10,
        b'A'..=b'F' => digit - b'A' + 10,
        _ => 0,
    }
}

/// The word in double quotes, on one line and in printable ASCII.
pub(crate) fn quote(word: &[u8]) -> Vec<u8> {
    let mut quoted = Vec::with_capacity(word.len() + 2);
    quoted.push(b'"');
    for &byte in word {
        match byte {
            b'"' | b'\\' => quoted.extend([b'\\', byte]),
            b'\n' => quoted.extend(*b"\\n"),
            b'\r' => quoted.extend(*b"\\r"),
            b'\t' => quoted.extend(*b"\\t"),
            0x08 => quoted.extend(*b"\\b"),
            0x07 => quoted.extend(*b"\\a"),
            b' '..=b'~' => quoted.push(byte),
            _ => quoted.extend(format!("\\x{byte:02x}").into_bytes()),
        }
    }
    quoted.push(b'"');
    quoted
}

/// The word as it is when it needs no quotes, else quoted.
pub(crate) fn quote_if_needed(word: &[u8]) -> Vec<u8> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:@%+,=*$".contains(byte);
    if !word.is_empty() && word.iter().all(plain) { word.to_vec() } else { quote(word) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Option<&[&str]>) {
        let expected =
            expected.map(|words| words.iter().map(|w| w.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_eq!(split_words(line.as_bytes()), expected, "line: {line:?}");
    }

    #[test]
    fn words_and_quotes() {
        check("", Some(&[]));
        check(" \t\r\n\u{b} ", Some(&[]));
        check("port 6379", Some(&["port", "6379"]));
        check("  save\t900   1 ", Some(&["save", "900", "1"]));
        check(r#"a "b c" 'd e'"#, Some(&["a", "b c", "d e"]));
        check(r#""\x41\n\r\t\b\a\"\\\q""#, Some(&["A\n\r\t\u{8}\u{7}\"\\q"]));
        check(r#""\xZZ""#, Some(&["xZZ"]));
        check(r"'\x41\n\''", Some(&[r"\x41\n'"]));
        check(r#"requirepass """#, Some(&["requirepass", ""]));
        check(r#"pre"fix""#, Some(&["prefix"]));
        check(r"pre'fix'", Some(&["prefix"]));
    }

    #[test]
    fn unbalanced_quotes() {
        for line in [r#"a "b"#, r#"a "b"c"#, "a 'b", "'a'b", r#""a\""#, "\"", "'", "\"\\"] {
            check(line, None);
        }
    }

    #[test]
    fn quoting_every_byte_reads_back() {
        let every: Vec<u8> = (0..=255).collect();
        for word in [&every[..], b"", b"plain", b"two words", b"#x", b"'", b"\""] {
            assert_eq!(split_words(&quote(word)), Some(vec![word.to_vec()]));
            assert_eq!(split_words(&quote_if_needed(word)), Some(vec![word.to_vec()]));
        }
        assert_eq!(quote_if_needed(b"/var/lib/basalt"), b"/var/lib/basalt");
    }
}
