//! Rounding to a binary floating-point format: to nearest, ties to even, with gradual underflow.

/// A format, in terms of a number that is an integer (the mantissa) times a power of two.
pub(super) struct BinaryFormat {
    mantissa_bits: u32,
    /// Exponent of the mantissa of the smallest numbers.
    exponent_min: i64,
    /// Exponent of the mantissa of the largest numbers.
    exponent_max: i64,
}

/// IEEE 754 binary64.
pub(super) const DOUBLE: BinaryFormat =
    BinaryFormat { mantissa_bits: 53, exponent_min: -1074, exponent_max: 971 };

/// The x87 double-extended format.
pub(super) const EXTENDED: BinaryFormat =
    BinaryFormat { mantissa_bits: 64, exponent_min: -16445, exponent_max: 16320 };

/// A finite non-negative number: the mantissa times two to the exponent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Magnitude {
    pub(super) mantissa: u64,
    pub(super) exponent: i64,
}

/// A magnitude of more precision than it will keep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unrounded {
    pub(super) mantissa: u128,
    pub(super) exponent: i64,
    /// The true number is larger, by less than one in the last place of the mantissa. Only a
    /// mantissa with at least two bits more than the format's may say so.
    pub(super) is_more: bool,
}

impl BinaryFormat {
    /// The nearest number of the format, with its mantissa's highest bit set if the exponent
    /// allows; `None` if it is too large for the format. It may be zero.
    pub(super) fn round(&self, number: Unrounded) -> Option<Magnitude> {
        let Unrounded { mantissa, exponent, is_more } = number;
        if mantissa == 0 {
            return Some(Magnitude { mantissa: 0, exponent: self.exponent_min });
        }
        let length = i64::from(u128::BITS - mantissa.leading_zeros());
        let bits = i64::from(self.mantissa_bits);
        let drop = (length - bits).max(self.exponent_min.saturating_sub(exponent));
        let mut exponent = exponent.saturating_add(drop);
        let rounded = if drop <= 0 {
            // At most `bits` bits after the shift, since `drop` is at least `length - bits`.
            mantissa << drop.unsigned_abs()
        } else {
            round_shift_right(mantissa, drop.unsigned_abs(), is_more)
        };
        let mut mantissa = rounded as u64;
        if rounded >> self.mantissa_bits != 0 {
            // Rounded up to the next power of two.
            mantissa = (rounded >> 1) as u64;
            exponent += 1;
        }
        (exponent <= self.exponent_max).then_some(Magnitude { mantissa, exponent })
    }
}

/// `value` (and a bit more, if `is_more`) divided by two to the `shift`, to the nearest integer,
/// ties to even.
pub(super) fn round_shift_right(value: u128, shift: u64, is_more: bool) -> u128 {
    match shift {
        0 => value,
        1..128 => {
            let floor = value >> shift;
            let rest = value & ((1 << shift) - 1);
            let half = 1 << (shift - 1);
            let up = rest > half || (rest == half && (is_more || floor & 1 == 1));
            floor + u128::from(up)
        }
        128 => u128::from(value > 1 << 127 || (value == 1 << 127 && is_more)),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn double(mantissa: u128, exponent: i64, is_more: bool) -> Option<f64> {
        let found = DOUBLE.round(Unrounded { mantissa, exponent, is_more })?;
        Some(
            found.mantissa as f64
                * 2f64.powi(found.exponent as i32 / 2)
                * 2f64.powi(found.exponent as i32 - found.exponent as i32 / 2),
        )
    }

    #[test]
    fn rounds_to_nearest_with_ties_to_even() {
        assert_eq!(double(1 << 53 | 1, 0, false), Some(2f64.powi(53)));
        assert_eq!(double(1 << 53 | 3, 0, false), Some(2f64.powi(53) + 4.0));
        assert_eq!(double((1 << 53 | 1) << 9, -9, true), Some(2f64.powi(53) + 2.0));
        assert_eq!(double((1 << 54) - 1, 0, false), Some(2f64.powi(54)));
    }

    #[test]
    fn reaches_both_ends_of_the_range() {
        assert_eq!(double((1 << 53) - 1, 971, false), Some(f64::MAX));
        assert_eq!(double((1 << 54) - 1, 970, false), None);
        assert_eq!(double(1, -1074, false), Some(f64::from_bits(1)));
        assert_eq!(double(1, -1075, false), Some(0.0));
        assert_eq!(double(3, -1076, false), Some(f64::from_bits(1)));
        assert_eq!(double(1, i64::MIN, false), Some(0.0));
        assert_eq!(double(1, i64::MAX, false), None);
    }
}
