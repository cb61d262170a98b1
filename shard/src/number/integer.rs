//! Integers: the strict decimal form that Redis stores and accepts, and its inverse.
//!
//! A text is an integer only if printing the integer gives the same text back, so spaces, `+`,
//! leading zeros, `-0` and anything out of range are refused. That is what lets a stored string
//! be kept as a number and come out byte for byte as it went in.

/// The longest decimal text of a 64-bit integer: `-9223372036854775808`, or 2^64 - 1.
const TEXT_BYTES_MAX: usize = 20;

/// The decimal text of a 64-bit integer, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct IntegerText {
    /// The digits stand at the end, as they are produced from the last one backwards.
    bytes: [u8; TEXT_BYTES_MAX],
    start: usize,
}

impl IntegerText {
    /// The digits, with a `-` in front of a negative number.
    #[inline]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(self.start..).unwrap_or_default()
    }

    #[inline]
    fn new(magnitude: u64, negative: bool) -> Self {
        let mut bytes = [b'0'; TEXT_BYTES_MAX];
        let mut start = TEXT_BYTES_MAX;
        let mut rest = magnitude;
        // The reversed slots are more than any number has digits, the loop always ends inside.
        for slot in bytes.iter_mut().rev() {
            *slot = b'0' | (rest % 10) as u8;
            rest /= 10;
            start -= 1;
            if rest == 0 {
                break;
            }
        }
        if negative {
            // A negative magnitude is at most 2^63: 19 digits, so one slot is left.
            start -= 1;
            if let Some(slot) = bytes.get_mut(start) {
                *slot = b'-';
            }
        }
        Self { bytes, start }
    }
}

/// The decimal text of `value`, without allocating.
#[inline]
pub fn format_i64(value: i64) -> IntegerText {
    IntegerText::new(value.unsigned_abs(), value < 0)
}

/// The decimal text of `value`, without allocating.
#[inline]
pub fn format_u64(value: u64) -> IntegerText {
    IntegerText::new(value, false)
}

/// Reads a signed 64-bit integer in its one accepted form.
#[inline]
pub fn parse_i64(text: &[u8]) -> Option<i64> {
    match text {
        [b'-', digits @ ..] => {
            let magnitude = parse_u64(digits)?;
            // "-0" does not print back as itself; -2^63 has no positive counterpart.
            if magnitude == 0 { None } else { 0i64.checked_sub_unsigned(magnitude) }
        }
        digits => i64::try_from(parse_u64(digits)?).ok(),
    }
}

/// Reads an unsigned 64-bit integer in its one accepted form.
#[inline]
pub fn parse_u64(text: &[u8]) -> Option<u64> {
    match text {
        [b'0'] => Some(0),
        [b'1'..=b'9', ..] if text.len() <= TEXT_BYTES_MAX => {
            text.iter().try_fold(0u64, |value, &byte| {
                let digit = byte.wrapping_sub(b'0');
                if digit > 9 {
                    return None;
                }
                value.checked_mul(10)?.checked_add(u64::from(digit))
            })
        }
        _ => None,
    }
}

/// Reads an amount of memory as configuration files write it: digits and perhaps a unit, of
/// which `k`, `m` and `g` count in thousands and `kb`, `mb` and `gb` in 1024s.
///
/// As in Redis no digits at all are zero. Unlike there, an amount beyond 64 bits is refused: Redis
/// takes what is left of it after dropping the upper bits.
pub fn parse_memory(text: &[u8]) -> Option<u64> {
    let digits_len = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, unit) = text.split_at(digits_len);
    let unit_bytes = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let amount = digits.iter().try_fold(0u64, |value, &digit| {
        value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
    })?;
    amount.checked_mul(unit_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_the_text_that_prints_back() {
        for text in ["0", "7", "-1", "10", "9223372036854775807", "-9223372036854775808"] {
            let value = parse_i64(text.as_bytes()).expect(text);
            assert_eq!(value.to_string(), text);
            assert_eq!(format_i64(value).as_bytes(), text.as_bytes());
        }
        for text in [
            "",
            "-",
            "+1",
            " 1",
            "1 ",
            "01",
            "-0",
            "-01",
            "00",
            "1a",
            "a",
            "0x1",
            "1.0",
            "--1",
            "9223372036854775808",
            "-9223372036854775809",
            "18446744073709551616",
            "111111111111111111111111111",
            "1\0",
        ] {
            assert_eq!(parse_i64(text.as_bytes()), None, "{text:?}");
        }
    }

    #[test]
    fn unsigned_reaches_its_own_limit() {
        assert_eq!(parse_u64(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(format_u64(u64::MAX).as_bytes(), b"18446744073709551615");
        assert_eq!(parse_u64(b"18446744073709551616"), None);
        assert_eq!(parse_u64(b"99999999999999999999"), None);
        assert_eq!(parse_u64(b"-1"), None);
    }

    #[test]
    fn every_magnitude_prints_as_the_standard_library_does() {
        for shift in 0..64 {
            for delta in -1i64..=1 {
                let value = (1i64 << shift).wrapping_add(delta);
                for value in [value, value.wrapping_neg()] {
                    assert_eq!(format_i64(value).as_bytes(), value.to_string().as_bytes());
                    assert_eq!(parse_i64(value.to_string().as_bytes()), Some(value));
                }
            }
        }
    }

    #[test]
    fn memory_amounts_have_units() {
        for (text, bytes) in [
            ("0", 0),
            ("", 0),
            ("kb", 0),
            ("00012", 12),
            ("1B", 1),
            ("1k", 1000),
            ("1Kb", 1024),
            ("2m", 2_000_000),
            ("2MB", 2 << 20),
            ("3g", 3_000_000_000),
            ("3gb", 3 << 30),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(parse_memory(text.as_bytes()), Some(bytes), "{text}");
        }
        for text in ["-1", "+5", "1.5mb", "1 kb", "1kbb", "k1", "1t", "18446744073709551616"] {
            assert_eq!(parse_memory(text.as_bytes()), None, "{text}");
        }
        assert_eq!(parse_memory(b"17179869184gb"), None, "2^64 does not wrap to 0");
    }
}
