//! Extended precision: the 80-bit numbers that INCRBYFLOAT and HINCRBYFLOAT calculate with.
//!
//! Redis adds in C's `long double`, which on x86-64 is the x87 format of 64 bits of mantissa, and
//! prints with 17 decimals. Doubles would give other digits, so the format is calculated here:
//! reading, adding and printing are exact up to the one rounding that each of them makes (to
//! nearest, ties to even), on every processor alike.

use num_bigint::BigUint;

use super::binary::{EXTENDED, Magnitude, Unrounded, round_shift_right};
use super::literal::{self, LiteralValue};

/// Redis refuses longer texts.
const TEXT_BYTES_MAX: usize = 5 * 1024 - 1;
/// Decimals that are printed.
const DECIMALS: u32 = 17;
/// Where the point of `0.DIGITS` may stand: the largest number is 1.19e4932, and below 1.8e-4951
/// everything rounds to zero.
const DECIMAL_POINTS: std::ops::RangeInclusive<i64> = -4950..=4933;

/// An 80-bit extended-precision number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Extended {
    is_negative: bool,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Finite(Magnitude),
    Infinite,
    NotANumber,
}

impl Extended {
    /// Reads a number as Redis does: everything that `strtold` takes but for NaN, numbers beyond
    /// the range, numbers that are not zero but would become it, and overlong texts.
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.len() > TEXT_BYTES_MAX {
            return None;
        }
        let literal = literal::parse(text)?;
        let number = match literal.value {
            LiteralValue::Infinity => {
                return Some(Self { is_negative: literal.is_negative, kind: Kind::Infinite });
            }
            LiteralValue::Decimal { integral, fraction, exponent } => {
                decimal(integral, fraction, exponent)?
            }
            LiteralValue::Hexadecimal(number) => number,
        };
        let magnitude = EXTENDED.round(number)?;
        if magnitude.mantissa == 0 && number.mantissa != 0 {
            return None;
        }
        Some(Self { is_negative: literal.is_negative, kind: Kind::Finite(magnitude) })
    }

    /// The same number: every double is also an extended one.
    pub fn from_f64(value: f64) -> Self {
        let biased = (value.to_bits() >> 52) as i64 & 0x7ff;
        let fraction = value.to_bits() & ((1 << 52) - 1);
        let (mantissa, exponent) = match biased {
            0 => (fraction, -1074),
            _ => (fraction | 1 << 52, biased - 1075),
        };
        let kind = if value.is_nan() {
            Kind::NotANumber
        } else if value.is_infinite() {
            Kind::Infinite
        } else {
            let exact = Unrounded { mantissa: u128::from(mantissa), exponent, is_more: false };
            EXTENDED.round(exact).map_or(Kind::Infinite, Kind::Finite)
        };
        Self { is_negative: value.is_sign_negative(), kind }
    }

    pub fn is_nan(&self) -> bool {
        self.kind == Kind::NotANumber
    }

    pub fn is_infinite(&self) -> bool {
        self.kind == Kind::Infinite
    }

    /// The text with up to 17 decimals and no exponent, without trailing zeros; never `-0`.
    pub fn to_human(&self) -> String {
        let magnitude = match self.kind {
            Kind::NotANumber => return "nan".to_owned(),
            Kind::Infinite if self.is_negative => return "-inf".to_owned(),
            Kind::Infinite => return "inf".to_owned(),
            Kind::Finite(magnitude) => magnitude,
        };
        let text = human_magnitude(magnitude);
        if self.is_negative && text != "0" { format!("-{text}") } else { text }
    }
}

impl std::ops::Add for Extended {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        match (self.kind, other.kind) {
            (Kind::Finite(left), Kind::Finite(right)) => {
                add_finite((self.is_negative, left), (other.is_negative, right))
            }
            (Kind::Infinite, Kind::Infinite) if self.is_negative != other.is_negative => {
                Self { is_negative: false, kind: Kind::NotANumber }
            }
            (Kind::NotANumber, _) | (Kind::Infinite, Kind::Finite(_) | Kind::Infinite) => self,
            (Kind::Finite(_) | Kind::Infinite, _) => other,
        }
    }
}

fn add_finite(left: (bool, Magnitude), right: (bool, Magnitude)) -> Extended {
    // Finite numbers are as normalized as their format allows: a larger exponent, or the same one
    // with a larger mantissa, is a larger number. (Zero has the smallest exponent.)
    let order = |number: &(bool, Magnitude)| (number.1.exponent, number.1.mantissa);
    let (large, small) = if order(&left) >= order(&right) { (left, right) } else { (right, left) };

    // One bit is left for a carry. What falls out at the right is remembered in the last bit: it
    // is far below what the rounding looks at, so it counts as "a bit more", as it should.
    let spare_bits = 63;
    let apart = (large.1.exponent - small.1.exponent).unsigned_abs();
    let large_bits = u128::from(large.1.mantissa) << spare_bits;
    let aligned = u128::from(small.1.mantissa) << spare_bits;
    let small_bits = match apart {
        0..128 => aligned >> apart | u128::from(aligned & ((1 << apart) - 1) != 0),
        _ => u128::from(aligned != 0),
    };
    let is_same_sign = large.0 == small.0;
    let mantissa = if is_same_sign { large_bits + small_bits } else { large_bits - small_bits };
    let sum = Unrounded { mantissa, exponent: large.1.exponent - spare_bits, is_more: false };
    // Zero is negative only as the sum of two negative zeros.
    let is_negative = large.0 && (mantissa != 0 || is_same_sign);
    Extended { is_negative, kind: EXTENDED.round(sum).map_or(Kind::Infinite, Kind::Finite) }
}

/// The number `integral.fraction` times ten to the `exponent`; `None` if that is certainly out of
/// range (and not zero).
fn decimal(integral: &[u8], fraction: &[u8], exponent: i64) -> Option<Unrounded> {
    let digits: Vec<u8> = integral.iter().chain(fraction).copied().collect();
    let leading = digits.iter().take_while(|&&digit| digit == b'0').count();
    let trailing = digits.iter().rev().take_while(|&&digit| digit == b'0').count();
    let Some(digits) = digits.get(leading..digits.len() - trailing).filter(|it| !it.is_empty())
    else {
        return Some(Unrounded { mantissa: 0, exponent: 0, is_more: false });
    };
    let exponent = exponent - fraction.len() as i64 + trailing as i64;
    if !DECIMAL_POINTS.contains(&(exponent + digits.len() as i64)) {
        return None;
    }
    Some(small_decimal(digits, exponent).unwrap_or_else(|| large_decimal(digits, exponent)))
}

/// The usual case, in plain registers: up to 19 digits with a moderate exponent.
fn small_decimal(digits: &[u8], exponent: i64) -> Option<Unrounded> {
    if digits.len() > 19 {
        return None;
    }
    let value = digits.iter().fold(0u128, |value, digit| value * 10 + u128::from(digit - b'0'));
    match exponent {
        0..=19 => {
            let power = 10u128.pow(exponent as u32);
            Some(Unrounded { mantissa: value * power, exponent: 0, is_more: false })
        }
        // With the dividend's highest bit set and a divisor below 2^60 the quotient keeps 68 bits.
        -18..0 => {
            let power = 10u128.pow(exponent.unsigned_abs() as u32);
            let shift = value.leading_zeros();
            let dividend = value << shift;
            Some(Unrounded {
                mantissa: dividend / power,
                exponent: -i64::from(shift),
                is_more: dividend % power != 0,
            })
        }
        _ => None,
    }
}

/// Any number of digits: exact integers of as many bits as it takes (some 35000 at most).
fn large_decimal(digits: &[u8], exponent: i64) -> Unrounded {
    let digits = BigUint::parse_bytes(digits, 10).unwrap_or_default();
    // Ten to a power is five to that power, shifted.
    let power = BigUint::from(5u32).pow(exponent.unsigned_abs() as u32);
    if exponent >= 0 {
        return leading_bits(&(digits * power), exponent, false);
    }
    // Enough bits for the rounding, and a few to spare.
    let shift = (power.bits() + 68).saturating_sub(digits.bits());
    let dividend = digits << shift;
    let quotient = &dividend / &power;
    let is_exact = &quotient * &power == dividend;
    leading_bits(&quotient, exponent - shift as i64, !is_exact)
}

fn leading_bits(value: &BigUint, exponent: i64, is_more: bool) -> Unrounded {
    let drop = value.bits().saturating_sub(u64::from(u128::BITS));
    let is_more = is_more || value.trailing_zeros().unwrap_or_default() < drop;
    let mantissa = u128::try_from(value >> drop).unwrap_or(u128::MAX);
    Unrounded { mantissa, exponent: exponent + drop as i64, is_more }
}

fn human_magnitude(magnitude: Magnitude) -> String {
    let Magnitude { mantissa, exponent } = magnitude;
    if exponent > 0 {
        return (BigUint::from(mantissa) << exponent.unsigned_abs()).to_string();
    }
    // 64 bits times ten to the 17th: 121 bits.
    let unit = 10u128.pow(DECIMALS);
    let scaled = u128::from(mantissa) * unit;
    let scaled = round_shift_right(scaled, exponent.unsigned_abs(), false);
    let (integral, decimals) = (scaled / unit, scaled % unit);
    if decimals == 0 {
        return integral.to_string();
    }
    let text = format!("{integral}.{decimals:017}");
    text.trim_end_matches('0').to_owned()
}

#[cfg(test)]
mod tests;
