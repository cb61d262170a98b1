//! Doubles: which texts are one, and the text that Redis 7.2 prints for one.

use super::binary::{DOUBLE, Magnitude};
use super::grisu;
use super::integer::format_i64;
use super::literal::{self, LiteralValue};

/// Room for the longest text: a sign, 18 digits and a point, with up to 7 zeros or an exponent.
const TEXT_BYTES_MAX: usize = 32;
/// A double without a fraction is printed as an integer up to here (2^62), as in Redis.
const INTEGER_MAX: f64 = 4_611_686_018_427_387_904.0;

/// The text of a double, on the stack.
#[derive(Clone, Copy, Debug)]
pub struct DoubleText {
    bytes: [u8; TEXT_BYTES_MAX],
    len: usize,
}

impl DoubleText {
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn new(parts: &[&[u8]]) -> Self {
        let mut text = Self { bytes: [0; TEXT_BYTES_MAX], len: 0 };
        for part in parts {
            text.push(part);
        }
        text
    }

    fn push(&mut self, part: &[u8]) {
        self.bytes[self.len..][..part.len()].copy_from_slice(part);
        self.len += part.len();
    }

    fn push_zeros(&mut self, count: i32) {
        for _ in 0..count {
            self.push(b"0");
        }
    }
}

/// Reads a double as Redis does: everything that `strtod` takes, hexadecimal and infinity
/// included, but for NaN, numbers beyond the range, and numbers that are not zero but would
/// become it.
pub fn parse_f64(text: &[u8]) -> Option<f64> {
    read(text).filter(|number| !number.is_out_of_range).map(|number| number.value)
}

/// The same, but numbers beyond the range are infinite, or zero: as Redis reads the bounds of a
/// range.
pub fn parse_f64_saturating(text: &[u8]) -> Option<f64> {
    read(text).map(|number| number.value)
}

struct Read {
    value: f64,
    is_out_of_range: bool,
}

fn read(text: &[u8]) -> Option<Read> {
    let literal = literal::parse(text)?;
    let (magnitude, is_zero) = match literal.value {
        LiteralValue::Infinity => {
            let value = if literal.is_negative { f64::NEG_INFINITY } else { f64::INFINITY };
            return Some(Read { value, is_out_of_range: false });
        }
        LiteralValue::Decimal { integral, fraction, .. } => {
            let is_zero = integral.iter().chain(fraction).all(|&digit| digit == b'0');
            let value: f64 = std::str::from_utf8(text).ok()?.parse().ok()?;
            (value.abs(), is_zero)
        }
        LiteralValue::Hexadecimal(number) => {
            (DOUBLE.round(number).map_or(f64::INFINITY, from_magnitude), number.mantissa == 0)
        }
    };
    let is_out_of_range = magnitude.is_infinite() || (magnitude == 0.0 && !is_zero);
    let value = if literal.is_negative { -magnitude } else { magnitude };
    Some(Read { value, is_out_of_range })
}

/// A magnitude that is rounded to the format of a double.
fn from_magnitude(magnitude: Magnitude) -> f64 {
    const HIDDEN_BIT: u64 = 1 << 52;
    let Magnitude { mantissa, exponent } = magnitude;
    match mantissa.checked_sub(HIDDEN_BIT) {
        None => f64::from_bits(mantissa),
        Some(fraction) => f64::from_bits(((exponent + 1075) as u64) << 52 | fraction),
    }
}

/// The text of `value`, which reads back as the same double. Whole numbers look like integers;
/// others have an exponent when they would need many zeros.
pub fn format_f64(value: f64) -> DoubleText {
    if value.is_nan() {
        return DoubleText::new(&[b"nan"]);
    }
    let sign: &[u8] = if value.is_sign_negative() { b"-" } else { b"" };
    if value.is_infinite() {
        return DoubleText::new(&[sign, b"inf"]);
    }
    if value == 0.0 {
        return DoubleText::new(&[sign, b"0"]);
    }
    if value.abs() <= INTEGER_MAX && value.trunc() == value {
        return DoubleText::new(&[format_i64(value as i64).as_bytes()]);
    }
    let found = grisu::digits(value.abs());
    let (digits, zeros) = (found.as_bytes(), found.exponent);
    let count = digits.len() as i32;
    // The power of ten of the first digit, and its place relative to the point.
    let exponent = zeros + count - 1;
    let point = zeros + count;

    let mut text = DoubleText::new(&[sign]);
    if zeros >= 0 && exponent.abs() < count + 7 {
        text.push(digits);
        text.push_zeros(zeros);
    } else if zeros < 0 && (zeros > -7 || exponent.abs() < 4) {
        let (integral, fraction) = digits.split_at(point.max(0) as usize);
        text.push(if integral.is_empty() { b"0" } else { integral });
        text.push(b".");
        text.push_zeros(-point);
        text.push(fraction);
    } else {
        let (first, others) = digits.split_at(1);
        text.push(first);
        if !others.is_empty() {
            text.push(b".");
            text.push(others);
        }
        text.push(if exponent < 0 { b"e-" } else { b"e+" });
        text.push(format_i64(i64::from(exponent.abs())).as_bytes());
    }
    text
}

/// The text of `value` as C's `%.17g` prints it: 17 digits without zeros at their end.
pub fn general_f64(value: f64) -> String {
    if !value.is_finite() || value == 0.0 {
        return String::from_utf8_lossy(format_f64(value).as_bytes()).into_owned();
    }
    let text = format!("{value:.16e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..17).contains(&exponent) {
        let decimals = (16 - exponent).unsigned_abs() as usize;
        return without_zeros(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests;
