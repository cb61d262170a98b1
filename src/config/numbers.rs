//! Numbers as configuration files write them.

/// A decimal integer written the one way it is printed: no plus, no leading zero, no blanks.
pub(super) fn parse_integer(word: &[u8]) -> Option<i64> {
    let text = str::from_utf8(word).ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = text == "0" || !(digits.is_empty() || digits.starts_with(['0', '+', '-']));
    canonical.then(|| text.parse().ok()).flatten()
}

/// A number of bytes: digits and a unit. `k`, `m`, `g` are powers of 1000; `kb`, `mb`, `gb` are
/// powers of 1024.
///
/// Redis takes no digits for zero and lets a product wrap around; here both are errors.
pub(super) fn parse_memory(word: &[u8]) -> Option<u64> {
    let text = str::from_utf8(word).ok()?;
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let scale: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        for (word, number) in [("0", 0), ("-1", -1), ("9223372036854775807", i64::MAX)] {
            assert_eq!(parse_integer(word.as_bytes()), Some(number));
        }
        for word in ["", "-", "+1", "-0", "00", "01", " 1", "1 ", "1k", "9223372036854775808"] {
            assert_eq!(parse_integer(word.as_bytes()), None, "{word:?}");
        }
        assert_eq!(parse_integer(b"\xff"), None);
    }

    #[test]
    fn memory_units() {
        let cases = [
            ("0", 0),
            ("100b", 100),
            ("1k", 1000),
            ("1KB", 1024),
            ("2m", 2_000_000),
            ("2mb", 2 << 20),
            ("3g", 3_000_000_000),
            ("3Gb", 3 << 30),
            ("18446744073709551615", u64::MAX),
        ];
        for (word, bytes) in cases {
            assert_eq!(parse_memory(word.as_bytes()), Some(bytes), "{word}");
        }
        for word in
            ["", "mb", "-1", "1tb", "1.5gb", "1 kb", "18446744073709551616", "99999999999gb"]
        {
            assert_eq!(parse_memory(word.as_bytes()), None, "{word}");
        }
    }
}
