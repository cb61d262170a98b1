//! The grammar of a floating-point number as C's `strtod` has it, and as Redis accepts it: the
//! whole text is the number, with no space before it and nothing after it.
//!
//! Says what the text means, exactly; how to round that is for the types to know.

use super::binary::Unrounded;

/// A number as written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Literal<'a> {
    pub(super) is_negative: bool,
    pub(super) value: LiteralValue<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum LiteralValue<'a> {
    Infinity,
    /// `integral.fraction`, digits that may be missing on one side, times ten to the exponent.
    Decimal {
        integral: &'a [u8],
        fraction: &'a [u8],
        exponent: i64,
    },
    Hexadecimal(Unrounded),
}

/// Reads a number. NaN is not one.
pub(super) fn parse(text: &[u8]) -> Option<Literal<'_>> {
    let (is_negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let value =
        if unsigned.eq_ignore_ascii_case(b"inf") || unsigned.eq_ignore_ascii_case(b"infinity") {
            LiteralValue::Infinity
        } else if let [b'0', b'x' | b'X', digits @ ..] = unsigned {
            hexadecimal(digits)?
        } else {
            decimal(unsigned)?
        };
    Some(Literal { is_negative, value })
}

fn decimal(text: &[u8]) -> Option<LiteralValue<'_>> {
    let (integral, rest) = split_while(text, u8::is_ascii_digit);
    let (fraction, rest) = fraction(rest, u8::is_ascii_digit);
    if integral.is_empty() && fraction.is_empty() {
        return None;
    }
    Some(LiteralValue::Decimal { integral, fraction, exponent: exponent(rest, b'e')? })
}

fn hexadecimal(text: &[u8]) -> Option<LiteralValue<'_>> {
    let (integral, rest) = split_while(text, u8::is_ascii_hexdigit);
    let (fraction, rest) = fraction(rest, u8::is_ascii_hexdigit);
    if integral.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut number = Unrounded { mantissa: 0, exponent: exponent(rest, b'p')?, is_more: false };
    for (digits, is_fraction) in [(integral, false), (fraction, true)] {
        for &digit in digits {
            let is_full = number.mantissa >> 124 != 0;
            let digit = char::from(digit).to_digit(16).unwrap_or_default();
            if is_full {
                number.is_more |= digit != 0;
            } else {
                number.mantissa = number.mantissa << 4 | u128::from(digit);
            }
            // Four places down for a digit that is kept behind the point, four up for one that is
            // dropped in front of it.
            let shift = 4 * (i64::from(is_full) - i64::from(is_fraction));
            number.exponent = number.exponent.saturating_add(shift);
        }
    }
    Some(LiteralValue::Hexadecimal(number))
}

/// The digits behind a point, if there is one, and what follows.
fn fraction(text: &[u8], is_digit: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    match text {
        [b'.', rest @ ..] => split_while(rest, is_digit),
        _ => (&[], text),
    }
}

/// An exponent up to the end of the text, or the end at once. Beyond any number's it saturates.
fn exponent(text: &[u8], marker: u8) -> Option<i64> {
    let [first, rest @ ..] = text else { return Some(0) };
    if first.to_ascii_lowercase() != marker {
        return None;
    }
    let (is_negative, digits) = match rest {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        _ => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // Far enough out for every format, and far enough in for adding the number of digits.
    const EXPONENT_MAX: i64 = 1 << 60;
    let magnitude = digits.iter().fold(0i64, |value, digit| {
        (value.saturating_mul(10).saturating_add(i64::from(digit - b'0'))).min(EXPONENT_MAX)
    });
    Some(if is_negative { -magnitude } else { magnitude })
}

fn split_while(text: &[u8], is_wanted: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    text.split_at(text.iter().take_while(|byte| is_wanted(byte)).count())
}
