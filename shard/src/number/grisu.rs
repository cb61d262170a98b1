//! The digits of a double: Grisu2, the algorithm behind Redis 7.2's doubles.
//!
//! Florian Loitsch, "Printing Floating-Point Numbers Quickly and Accurately with Integers" (2010).
//! The digits always read back as the same double. They are the shortest such digits for all but
//! about one double in a thousand; Redis prints the longer ones there, and so this module exists
//! although the standard library knows the shortest digits of every double.

/// More digits are never needed to tell two doubles apart.
pub(super) const DIGITS_MAX: usize = 18;

/// Binary exponents that a number has after scaling by a cached power: small enough for its
/// integral part to fit 32 bits, large enough for its fraction to be multiplied by ten.
const SCALED_EXPONENT_MIN: i32 = -60;
const SCALED_EXPONENT_MAX: i32 = -32;

/// The decimal exponent of the first cached power, and the step between two.
const POWER_FIRST: i32 = -348;
const POWER_STEP: i32 = 8;

/// The bits of 10^-348, 10^-340, ... 10^340, rounded to 64.
#[rustfmt::skip]
const POWERS: [u64; 87] = [
    0xfa8fd5a0081c0288, 0xbaaee17fa23ebf76, 0x8b16fb203055ac76, 0xcf42894a5dce35ea,
    0x9a6bb0aa55653b2d, 0xe61acf033d1a45df, 0xab70fe17c79ac6ca, 0xff77b1fcbebcdc4f,
    0xbe5691ef416bd60c, 0x8dd01fad907ffc3c, 0xd3515c2831559a83, 0x9d71ac8fada6c9b5,
    0xea9c227723ee8bcb, 0xaecc49914078536d, 0x823c12795db6ce57, 0xc21094364dfb5637,
    0x9096ea6f3848984f, 0xd77485cb25823ac7, 0xa086cfcd97bf97f4, 0xef340a98172aace5,
    0xb23867fb2a35b28e, 0x84c8d4dfd2c63f3b, 0xc5dd44271ad3cdba, 0x936b9fcebb25c996,
    0xdbac6c247d62a584, 0xa3ab66580d5fdaf6, 0xf3e2f893dec3f126, 0xb5b5ada8aaff80b8,
    0x87625f056c7c4a8b, 0xc9bcff6034c13053, 0x964e858c91ba2655, 0xdff9772470297ebd,
    0xa6dfbd9fb8e5b88f, 0xf8a95fcf88747d94, 0xb94470938fa89bcf, 0x8a08f0f8bf0f156b,
    0xcdb02555653131b6, 0x993fe2c6d07b7fac, 0xe45c10c42a2b3b06, 0xaa242499697392d3,
    0xfd87b5f28300ca0e, 0xbce5086492111aeb, 0x8cbccc096f5088cc, 0xd1b71758e219652c,
    0x9c40000000000000, 0xe8d4a51000000000, 0xad78ebc5ac620000, 0x813f3978f8940984,
    0xc097ce7bc90715b3, 0x8f7e32ce7bea5c70, 0xd5d238a4abe98068, 0x9f4f2726179a2245,
    0xed63a231d4c4fb27, 0xb0de65388cc8ada8, 0x83c7088e1aab65db, 0xc45d1df942711d9a,
    0x924d692ca61be758, 0xda01ee641a708dea, 0xa26da3999aef774a, 0xf209787bb47d6b85,
    0xb454e4a179dd1877, 0x865b86925b9bc5c2, 0xc83553c5c8965d3d, 0x952ab45cfa97a0b3,
    0xde469fbd99a05fe3, 0xa59bc234db398c25, 0xf6c69a72a3989f5c, 0xb7dcbf5354e9bece,
    0x88fcf317f22241e2, 0xcc20ce9bd35c78a5, 0x98165af37b2153df, 0xe2a0b5dc971f303a,
    0xa8d9d1535ce3b396, 0xfb9b7cd9a4a7443c, 0xbb764c4ca7a44410, 0x8bab8eefb6409c1a,
    0xd01fef10a657842c, 0x9b10a4e5e9913129, 0xe7109bfba19c0c9d, 0xac2820d9623bf429,
    0x80444b5e7aa7cf85, 0xbf21e44003acdd2d, 0x8e679c2f5e44ff8f, 0xd433179d9c8cb841,
    0x9e19db92b4e31ba9, 0xeb96bf6ebadf77d9, 0xaf87023b9bf0ee6b,
];

/// The digits of a number, most significant first, without leading or trailing zeros in nearly
/// all cases.
#[derive(Clone, Copy, Debug)]
pub(super) struct Digits {
    bytes: [u8; DIGITS_MAX],
    len: usize,
    /// The number is the digits, read as an integer, times ten to this power.
    pub(super) exponent: i32,
}

impl Digits {
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }

    fn push(&mut self, digit: u64) {
        // A leading zero is no digit.
        if (digit > 0 || self.len > 0) && self.len < DIGITS_MAX {
            self.bytes[self.len] = b'0' + digit as u8;
            self.len += 1;
        }
    }

    /// Steps the last digit down while that brings the number nearer to the one meant.
    /// `rest` is how far below the upper bound the digits are, `distance` how far the number meant
    /// is, `interval` how far they may be; `unit` is what one of the last digit is worth.
    fn approach(&mut self, interval: u64, mut rest: u64, unit: u64, distance: u64) {
        while rest < distance
            && interval - rest >= unit
            && (rest + unit < distance || distance - rest > rest + unit - distance)
        {
            self.bytes[self.len - 1] -= 1;
            rest += unit;
        }
    }
}

/// A number as 64 bits times a power of two.
#[derive(Clone, Copy)]
struct Scaled {
    bits: u64,
    exponent: i32,
}

impl Scaled {
    fn normalized(self) -> Self {
        let shift = self.bits.leading_zeros();
        Self { bits: self.bits << shift, exponent: self.exponent - shift as i32 }
    }

    /// The product, rounded to 64 bits.
    fn times(self, other: Self) -> Self {
        let product = u128::from(self.bits) * u128::from(other.bits);
        let bits = ((product + (1 << 63)) >> 64) as u64;
        Self { bits, exponent: self.exponent + other.exponent + 64 }
    }
}

/// The digits of a positive finite double.
pub(super) fn digits(value: f64) -> Digits {
    const HIDDEN_BIT: u64 = 1 << 52;
    let biased = (value.to_bits() >> 52) as i32 & 0x7ff;
    let fraction = value.to_bits() & (HIDDEN_BIT - 1);
    let number = match biased {
        0 => Scaled { bits: fraction, exponent: -1074 },
        _ => Scaled { bits: fraction | HIDDEN_BIT, exponent: biased - 1075 },
    };
    // Halfway to the next double above and below; below a power of two they lie twice as dense.
    let upper = Scaled { bits: (number.bits << 1) + 1, exponent: number.exponent - 1 }.normalized();
    let below = if number.bits == HIDDEN_BIT { 2 } else { 1 };
    let lower = Scaled { bits: (number.bits << below) - 1, exponent: number.exponent - below };
    let lower =
        Scaled { bits: lower.bits << (lower.exponent - upper.exponent), exponent: upper.exponent };

    let (power, decimal_exponent) = cached_power(upper.exponent);
    let number = number.normalized().times(power);
    let mut upper = upper.times(power);
    let mut lower = lower.times(power);
    // The products may be off by one in the last place: stay inside the safe interval.
    upper.bits -= 1;
    lower.bits += 1;
    generate(number, upper, lower, -decimal_exponent)
}

/// A power of ten that brings a number of this binary exponent into the scaled range, and which.
fn cached_power(exponent: i32) -> (Scaled, i32) {
    // Where to begin the search decides which of two possible powers is found: as in Redis.
    let estimate =
        (f64::from(-(exponent + POWERS.len() as i32)) * std::f64::consts::LOG10_2) as i32;
    let mut index = (estimate - POWER_FIRST) / POWER_STEP;
    loop {
        let decimal = POWER_FIRST + index * POWER_STEP;
        // The binary logarithm of ten is 217706 / 2^16, close enough for all these powers.
        let power =
            Scaled { bits: POWERS[index as usize], exponent: ((decimal * 217_706) >> 16) - 63 };
        match exponent + power.exponent + 64 {
            ..SCALED_EXPONENT_MIN => index += 1,
            SCALED_EXPONENT_MIN..=SCALED_EXPONENT_MAX => return (power, decimal),
            _ => index -= 1,
        }
    }
}

/// Produces digits of `upper` until what is left lies within the interval down to `lower`.
fn generate(number: Scaled, upper: Scaled, lower: Scaled, exponent: i32) -> Digits {
    let mut digits = Digits { bytes: [b'0'; DIGITS_MAX], len: 0, exponent };
    let mut distance = upper.bits - number.bits;
    let mut interval = upper.bits - lower.bits;
    let point = -upper.exponent as u32;
    let fraction_mask = (1u64 << point) - 1;
    let mut integral = upper.bits >> point;
    let mut fraction = upper.bits & fraction_mask;

    for position in (0..10).rev() {
        let unit = 10u64.pow(position);
        digits.push(integral / unit);
        integral %= unit;
        let rest = (integral << point) + fraction;
        if rest <= interval {
            digits.exponent += position as i32;
            digits.approach(interval, rest, unit << point, distance);
            return digits;
        }
    }
    // The distance is at most the interval, and that is at most the fraction, which is below 2^60:
    // ten times any of them fits.
    loop {
        fraction *= 10;
        interval *= 10;
        distance *= 10;
        digits.exponent -= 1;
        digits.push(fraction >> point);
        fraction &= fraction_mask;
        if fraction < interval {
            digits.approach(interval, fraction, 1 << point, distance);
            return digits;
        }
    }
}
