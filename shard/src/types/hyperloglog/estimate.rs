//! How many different elements registers stand for, by Otmar Ertl: "New cardinality estimation
//! algorithms for HyperLogLog sketches", arXiv:1702.01284.
//!
//! The steps of the calculation and their order are those of Redis, as its last bits decide about
//! the estimate.

use super::size::{HASHED_BITS, REGISTERS};

/// How many registers have each value.
pub(super) type Histogram = [u32; 64];

/// 0.5 / ln 2
const ALPHA: f64 = 0.721_347_520_444_481_7;

/// The estimate.
pub(super) fn estimate(histogram: &Histogram) -> u64 {
    let all = REGISTERS as f64;
    let number = |value: usize| f64::from(histogram[value]);
    let mut sum = all * tau((all - number(HASHED_BITS + 1)) / all);
    for value in (1..=HASHED_BITS).rev() {
        sum += number(value);
        sum *= 0.5;
    }
    sum += all * sigma(number(0) / all);
    let estimate = (ALPHA * all * all / sum).round();
    // Registers that nothing can have filled stand for endlessly many elements, which Redis tells
    // as its processor does.
    if estimate.is_finite() { estimate as u64 } else { i64::MIN.cast_unsigned() }
}

fn sigma(mut x: f64) -> f64 {
    if x == 1.0 {
        return f64::INFINITY;
    }
    let (mut y, mut z) = (1.0, x);
    loop {
        x *= x;
        let before = z;
        z += x * y;
        y += y;
        if before == z {
            return z;
        }
    }
}

fn tau(mut x: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return 0.0;
    }
    let (mut y, mut z) = (1.0, 1.0 - x);
    loop {
        x = x.sqrt();
        let before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
        if before == z {
            return z / 3.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_have_their_ends() {
        let mut histogram = [0; 64];
        histogram[0] = REGISTERS as u32;
        assert_eq!(estimate(&histogram), 0);
        histogram[0] -= 1;
        histogram[1] = 1;
        assert_eq!(estimate(&histogram), 1);
        let mut full = [0; 64];
        full[HASHED_BITS + 1] = REGISTERS as u32;
        assert_eq!(estimate(&full), 1 << 63);
        let mut foreign = [0; 64];
        foreign[63] = REGISTERS as u32;
        estimate(&foreign);
    }
}
