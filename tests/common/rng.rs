//! A small seeded generator (SplitMix64). It is here rather than a dependency because a printed
//! seed must give the same program in every later version of the tests.

use std::hash::{BuildHasher, RandomState};

#[derive(Clone)]
pub struct Rng {
    state: u64,
}

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in `0..bound`. The modulo's bias is of no concern at these bounds.
    pub fn below(&mut self, bound: usize) -> usize {
        assert!(bound > 0, "an empty range has no numbers");
        (self.next() % bound as u64) as usize
    }

    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// The seed from the environment variable `name`, or a fresh one from the system.
pub fn seed(name: &str) -> u64 {
    // Short enough to be typed.
    super::env::number(name, RandomState::new().hash_one(name) % 1_000_000_000)
}
