//! Which key comes next: uniform, Zipf or in sequence, over the numbers `0..key_count`.
//!
//! A key number becomes a key's name in `template.rs`. Zipf's frequent ranks are scattered over
//! the key space by a bijection, so that hot keys are not neighbours on disk or in one shard.

use crate::rng::Rng;
use crate::zipf::Zipf;

#[derive(Debug, Clone)]
pub(crate) enum KeyChooser {
    Uniform { key_count: u64 },
    Zipf { sampler: Zipf, scatter: Scatter },
    Sequential { next: u64, step: u64, key_count: u64 },
}

impl KeyChooser {
    pub(crate) fn uniform(key_count: u64) -> Self {
        KeyChooser::Uniform { key_count }
    }

    pub(crate) fn zipf(key_count: u64, theta: f64) -> Self {
        KeyChooser::Zipf { sampler: Zipf::new(key_count, theta), scatter: Scatter::new(key_count) }
    }

    /// Every `step`-th key from `first`, round and round: the threads of a run together visit
    /// each key once before any key comes again.
    pub(crate) fn sequential(key_count: u64, first: u64, step: u64) -> Self {
        KeyChooser::Sequential { next: first % key_count, step, key_count }
    }

    pub(crate) fn next(&mut self, rng: &mut Rng) -> u64 {
        match self {
            KeyChooser::Uniform { key_count } => rng.below(*key_count),
            KeyChooser::Zipf { sampler, scatter } => scatter.place(sampler.sample(rng) - 1),
            KeyChooser::Sequential { next, step, key_count } => {
                let key = *next;
                *next = (key + *step) % *key_count;
                key
            }
        }
    }
}

/// The bijection `rank -> rank * factor mod key_count`, with a factor that shares no divisor
/// with the count and lies near its golden section, which puts consecutive ranks far apart.
#[derive(Debug, Clone)]
pub(crate) struct Scatter {
    factor: u64,
    key_count: u64,
}

impl Scatter {
    fn new(key_count: u64) -> Self {
        let mut factor = ((key_count as f64 * 0.618_033_988_749_895) as u64).max(1);
        while greatest_common_divisor(factor, key_count) != 1 {
            factor += 1;
        }
        Scatter { factor, key_count }
    }

    fn place(&self, rank: u64) -> u64 {
        let product = u128::from(rank) * u128::from(self.factor);
        (product % u128::from(self.key_count)) as u64
    }
}

fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scatter_is_a_bijection() {
        for key_count in [1, 2, 3, 10, 97, 1000, 4096] {
            let scatter = Scatter::new(key_count);
            let mut seen = vec![false; key_count as usize];
            for rank in 0..key_count {
                let place = scatter.place(rank) as usize;
                assert!(!seen[place], "{key_count}: {place} twice");
                seen[place] = true;
            }
        }
    }

    #[test]
    fn every_distribution_stays_in_range() {
        let mut rng = Rng::for_stream(3, 0);
        let choosers =
            [KeyChooser::uniform(10), KeyChooser::zipf(10, 0.99), KeyChooser::sequential(10, 3, 7)];
        for mut chooser in choosers {
            for _ in 0..1000 {
                assert!(chooser.next(&mut rng) < 10);
            }
        }
    }

    #[test]
    fn sequential_threads_share_the_keys_out() {
        let mut rng = Rng::for_stream(3, 0);
        let mut seen = Vec::new();
        for thread in 0..2 {
            let mut chooser = KeyChooser::sequential(8, thread, 2);
            seen.extend((0..4).map(|_| chooser.next(&mut rng)));
        }
        seen.sort_unstable();
        assert_eq!(seen, (0..8).collect::<Vec<_>>());
    }
}
