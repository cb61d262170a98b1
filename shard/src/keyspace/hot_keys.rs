//! Which keys are used most, by sampling: about one use in [`SAMPLED_ONE_IN`] goes into a small
//! table (the Space-Saving algorithm), which forgets with time. Bounded: [`TRACKED_MAX`] keys, of
//! names no longer than [`NAME_BYTES_MAX`].
//!
//! A key that the table has no room for takes the place of the one seen least and inherits its
//! count as a possible error. What is told is what is certain, the count without the error: a key
//! that stands out is never missed, and one that does not is not made up.

use crate::keyspace::layout;
use crate::random::Random;

/// Of so many uses one is sampled, on average.
pub const SAMPLED_ONE_IN: u32 = 64;

/// Keys with a place in the table.
const TRACKED_MAX: usize = 128;

/// What is kept of a longer name is its beginning.
const NAME_BYTES_MAX: usize = 128;

/// Samples of so many seconds ago count a third of new ones.
const MEMORY_SECONDS: f64 = 20.0;

/// A key is told of when so many samples are certainly its own.
const CERTAIN_MIN: f64 = 3.0;

/// A key that is used often.
#[derive(Clone, Debug, PartialEq)]
pub struct HotKey {
    /// Physical database.
    pub db: u8,
    /// Its name, or the beginning of it.
    pub name: Vec<u8>,
    /// The name is longer.
    pub is_cut: bool,
    /// Uses a second, at least.
    pub per_second: f64,
}

struct Tracked {
    db: u8,
    position: u64,
    name: Box<[u8]>,
    is_cut: bool,
    count: f64,
    error: f64,
}

/// See the module.
pub struct HotKeys {
    /// Uses until the next sample.
    countdown: u32,
    random: Random,
    tracked: Vec<Tracked>,
    /// All samples, and the seconds in which they came, both forgotten at the same pace.
    samples: f64,
    seconds: f64,
}

impl HotKeys {
    /// An empty table; `seed` of what is left to chance.
    pub fn new(seed: u64) -> Self {
        Self {
            countdown: SAMPLED_ONE_IN,
            random: Random::new(seed),
            tracked: Vec::new(),
            samples: 0.0,
            seconds: 0.0,
        }
    }

    /// Notes a use of the key with this head record's key.
    #[inline]
    pub fn note(&mut self, record_key: &[u8]) {
        self.countdown -= 1;
        if self.countdown == 0 {
            self.sample(record_key);
        }
    }

    #[cold]
    fn sample(&mut self, record_key: &[u8]) {
        // Never the same distance: clients, too, do the same thing every so many commands.
        let distances = u64::from(2 * SAMPLED_ONE_IN - 1);
        self.countdown = 1 + self.random.below(distances) as u32;
        let Some((db, position, name)) = layout::parse_head_key(record_key) else { return };
        self.samples += 1.0;
        // Two names at one position would be counted as one key, which happens once in 2^50.
        let is_it = |known: &&mut Tracked| known.position == position && known.db == db;
        if let Some(known) = self.tracked.iter_mut().find(is_it) {
            known.count += 1.0;
            return;
        }
        let is_cut = name.len() > NAME_BYTES_MAX;
        let name = &name[..name.len().min(NAME_BYTES_MAX)];
        let mut new = Tracked { db, position, name: name.into(), is_cut, count: 1.0, error: 0.0 };
        if self.tracked.len() < TRACKED_MAX {
            self.tracked.push(new);
        } else if let Some(least) =
            self.tracked.iter_mut().min_by(|left, right| left.count.total_cmp(&right.count))
        {
            new.error = least.count;
            new.count += least.count;
            *least = new;
        }
    }

    /// Time passes: what was counted so far counts less. To be told about once a second.
    pub fn age(&mut self, seconds: f64) {
        let factor = (-seconds / MEMORY_SECONDS).exp();
        self.samples *= factor;
        self.seconds = (self.seconds + seconds) * factor;
        for known in &mut self.tracked {
            known.count *= factor;
            known.error *= factor;
        }
        // With nobody there the table empties.
        self.tracked.retain(|known| known.count > 0.01);
    }

    /// Uses a second of all keys together.
    pub fn uses_per_second(&self) -> f64 {
        self.per_second(self.samples)
    }

    fn per_second(&self, samples: f64) -> f64 {
        // Before the first second is over there is no telling.
        if self.seconds == 0.0 { 0.0 } else { samples * f64::from(SAMPLED_ONE_IN) / self.seconds }
    }

    /// The keys used most, beginning with the first of them.
    pub fn top(&self, max: usize) -> Vec<HotKey> {
        let mut found: Vec<HotKey> = self
            .tracked
            .iter()
            .filter(|known| known.count - known.error >= CERTAIN_MIN)
            .map(|known| HotKey {
                db: known.db,
                name: known.name.to_vec(),
                is_cut: known.is_cut,
                per_second: self.per_second(known.count - known.error),
            })
            .collect();
        found.sort_by(|left, right| right.per_second.total_cmp(&left.per_second));
        found.truncate(max);
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(table: &mut HotKeys, name: &str) {
        table.note(&layout::head_key(3, name.as_bytes()));
    }

    /// A second with `uses` uses, of which one in ten is of `hot`.
    fn second(table: &mut HotKeys, random: &mut Random, uses: usize, hot: &str) {
        for _ in 0..uses {
            match random.below(10) {
                0 => note(table, hot),
                _ => note(table, &format!("key {}", random.below(100_000))),
            }
        }
        table.age(1.0);
    }

    #[test]
    fn a_key_that_stands_out_is_found_among_very_many() {
        let (mut table, mut random) = (HotKeys::new(1), Random::new(2));
        for _ in 0..30 {
            second(&mut table, &mut random, 20_000, "hot");
        }
        let top = table.top(10);
        assert_eq!((top.len(), top[0].db, &top[0].name[..]), (1, 3, &b"hot"[..]), "{top:?}");
        assert!((1600.0..2400.0).contains(&top[0].per_second), "{top:?}");
        let all = table.uses_per_second();
        assert!((18_000.0..22_000.0).contains(&all), "{all}");
        assert!(table.tracked.len() <= TRACKED_MAX);
    }

    #[test]
    fn what_was_hot_is_forgotten() {
        let (mut table, mut random) = (HotKeys::new(1), Random::new(2));
        second(&mut table, &mut random, 20_000, "old");
        assert_eq!(table.top(1)[0].name, b"old");
        for _ in 0..60 {
            second(&mut table, &mut random, 20_000, "new");
        }
        assert_eq!(table.top(1)[0].name, b"new");
        for _ in 0..300 {
            table.age(1.0);
        }
        assert_eq!((table.top(1), table.tracked.len()), (Vec::new(), 0));
        assert!(table.uses_per_second() < 1.0);
    }

    #[test]
    fn a_pattern_of_the_length_of_the_distance_hides_nothing() {
        let mut table = HotKeys::new(1);
        for _ in 0..1000 {
            for index in 0..SAMPLED_ONE_IN {
                note(&mut table, if index % 2 == 0 { "even" } else { "odd" });
            }
        }
        table.age(1.0);
        let rates: Vec<f64> = table.top(2).iter().map(|key| key.per_second).collect();
        assert!(rates.len() == 2 && rates[1] > rates[0] * 0.7, "{rates:?}");
    }

    #[test]
    fn long_names_are_cut() {
        let mut table = HotKeys::new(1);
        let (one, other) = ("x".repeat(NAME_BYTES_MAX), "x".repeat(10_000));
        for _ in 0..1000 * SAMPLED_ONE_IN {
            note(&mut table, &one);
            note(&mut table, &other);
        }
        table.age(1.0);
        let mut cut: Vec<_> =
            table.top(9).into_iter().map(|key| (key.is_cut, key.name.len())).collect();
        cut.sort_unstable();
        assert_eq!(cut, [(false, NAME_BYTES_MAX), (true, NAME_BYTES_MAX)]);
    }
}
