//! Doubles: the text that Redis prints for one.

use std::io::Write;

use super::integer::format_i64;

/// Longest text: sign, 17 digits, point, up to 6 zeros after it or `e-308`; rounded up.
const TEXT_BYTES_MAX: usize = 32;
/// A double is printed as an integer while it has no fraction and is smaller than this (2^52).
const INTEGER_BELOW: f64 = 4_503_599_627_370_496.0;

/// The text of a double, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct DoubleText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl DoubleText {
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    fn new(parts: &[&[u8]]) -> Self {
        let mut text = Self { bytes: [0; TEXT_BYTES_MAX], len: 0 };
        for &part in parts {
            text.push(part);
        }
        text
    }

    fn push(&mut self, part: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(self.len).zip(part) {
            *slot = *byte;
            self.len += 1;
        }
    }
}

/// The shortest text that reads back as `value`, in the form that Redis 7.2 gives it.
pub fn format_f64(value: f64) -> DoubleText {
    if value.is_nan() {
        return DoubleText::new(&[b"nan"]);
    }
    if value.is_infinite() {
        return DoubleText::new(&[if value < 0.0 { b"-inf" } else { b"inf" }]);
    }
    if value == 0.0 {
        return DoubleText::new(&[if value.is_sign_negative() { b"-0" } else { b"0" }]);
    }
    if value.abs() < INTEGER_BELOW && value.trunc() == value {
        return DoubleText::new(&[format_i64(value as i64).as_bytes()]);
    }
    let sign: &[u8] = if value < 0.0 { b"-" } else { b"" };
    let (digits, exponent) = shortest_digits(value.abs());
    let digits = digits.as_bytes();
    // The number is 0.DIGITS times ten to the `point`.
    let point = exponent + 1;
    let count = digits.len() as i32;
    let trailing_zeros = point - count;
    if trailing_zeros >= 0 && exponent < count + 7 {
        let mut text = DoubleText::new(&[sign, digits]);
        for _ in 0..trailing_zeros {
            text.push(b"0");
        }
        return text;
    }
    if trailing_zeros < 0 && (trailing_zeros > -7 || exponent.abs() < 4) {
        if point <= 0 {
            let mut text = DoubleText::new(&[sign, b"0."]);
            for _ in point..0 {
                text.push(b"0");
            }
            text.push(digits);
            return text;
        }
        let (whole, fraction) = digits.split_at(point as usize);
        return DoubleText::new(&[sign, whole, b".", fraction]);
    }
    let (first, others) = digits.split_at(1);
    let mut text = DoubleText::new(&[sign, first]);
    if !others.is_empty() {
        text.push(b".");
        text.push(others);
    }
    text.push(if exponent < 0 { b"e-" } else { b"e+" });
    text.push(format_i64(i64::from(exponent.abs())).as_bytes());
    text
}

/// The shortest digits that tell a positive finite number from its neighbours, and the power of
/// ten of the first of them.
fn shortest_digits(value: f64) -> (DoubleText, i32) {
    let mut scientific = [0u8; TEXT_BYTES_MAX];
    let mut rest = scientific.as_mut_slice();
    // The text has at most 24 bytes, so writing to the buffer does not fail.
    let _ = write!(rest, "{value:e}");
    let left = rest.len();
    let written = &scientific[..TEXT_BYTES_MAX - left];
    let mut parts = written.split(|&byte| byte == b'e');
    let mantissa = parts.next().unwrap_or_default();
    let exponent = parts.next().and_then(super::parse_i64).unwrap_or_default();
    let mut digits = DoubleText::new(&[]);
    for part in mantissa.split(|&byte| byte == b'.') {
        digits.push(part);
    }
    (digits, exponent as i32)
}

/// `value` with up to 17 decimals, without an exponent and without trailing zeros.
pub fn format_human_f64(value: f64) -> String {
    if value.is_nan() || value.is_infinite() {
        return String::from_utf8_lossy(format_f64(value).as_bytes()).into_owned();
    }
    let text = format!("{value:.17}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_take_their_shortest_form() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (0.1, "0.1"),
            (-3.25, "-3.25"),
            (1e15, "1000000000000000"),
            (1e20, "1e+20"),
            (1.5e300, "1.5e+300"),
            (1e-7, "1e-7"),
            (0.0001, "0.0001"),
            (0.000001, "0.000001"),
            (1.234e-5, "1.234e-5"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
            (4503599627370496.0, "4503599627370496"),
            (123456789.125, "123456789.125"),
        ] {
            assert_eq!(String::from_utf8_lossy(format_f64(value).as_bytes()), text);
        }
    }
}
