//! Drawing uniformly from records that stand in order of a hash, without reading them all.
//!
//! The hash space is cut into about as many equal windows as there are records. A window is drawn,
//! its records are read, and it is accepted with a probability in proportion to how many they are
//! (rejection sampling); then every record is equally likely, however unevenly they fall. A window
//! with more than [`WINDOW_MAX`] records would break that, but at one record a window on average
//! it has a probability of less than 1e-14.

use crate::random::Random;

/// Records of a window that is always accepted.
const WINDOW_MAX: u64 = 16;

/// One of `count` records that stand in a hash space of `bits` bits. `load` reads the records of
/// the window `first..=last`. `None` when nothing was found (the count was wrong, or 0).
pub fn draw<T, E>(
    random: &mut Random,
    count: u64,
    bits: u32,
    mut load: impl FnMut(u64, u64) -> Result<Vec<T>, E>,
) -> Result<Option<T>, E> {
    if count == 0 {
        return Ok(None);
    }
    let space_last = if bits >= 64 { u64::MAX } else { (1 << bits) - 1 };
    if count <= WINDOW_MAX {
        let all = load(0, space_last)?;
        let index = random.below(all.len() as u64) as usize;
        return Ok(all.into_iter().nth(index));
    }
    let window_bits = count.next_power_of_two().trailing_zeros().min(bits);
    let shift = bits - window_bits;
    // Every try succeeds with a probability of at least 1/32: a thousand failures do not happen
    // unless the count is wrong.
    for _ in 0..1024 {
        let window = random.below(1 << window_bits);
        let first = window << shift;
        let found = load(first, first + ((1u64 << shift) - 1))?;
        if random.below(WINDOW_MAX) < found.len() as u64 {
            let index = random.below(found.len() as u64) as usize;
            return Ok(found.into_iter().nth(index));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn every_record_is_equally_likely() {
        for count in [1usize, 5, 16, 17, 100] {
            let mut random = Random::new(count as u64);
            let mut records = BTreeMap::new();
            while records.len() < count {
                // Unevenly spread on purpose: two thirds stand in the lower half.
                let at = random.next_u64() >> (14 + random.below(3) / 2);
                records.insert(at, records.len());
            }
            let draws = count * 400;
            let mut drawn = vec![0u32; count];
            for _ in 0..draws {
                let found = draw::<usize, ()>(&mut random, count as u64, 50, |first, last| {
                    Ok(records.range(first..=last).map(|(_, index)| *index).collect())
                });
                drawn[found.unwrap().unwrap()] += 1;
            }
            let chi_square: f64 =
                drawn.iter().map(|n| (f64::from(*n) - 400.0).powi(2) / 400.0).sum();
            let freedom = (count - 1) as f64;
            assert!(
                chi_square < freedom + 6.0 * (2.0 * freedom).sqrt() + 1.0,
                "{count}: {chi_square}"
            );
        }
    }
}
