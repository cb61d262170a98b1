//! A cache in parts, by the hash of a name: lists and tables of a cache grow by doubling, and a
//! cache in one piece would need half as much memory again for a moment, and have a half of it
//! empty afterwards. Parts of different sizes grow one after the other, by little.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use quick_cache::unsync::{Cache, DefaultLifecycle, RefMut};
use quick_cache::{Equivalent, Weighter};

const PARTS: usize = 16;
/// Values of the byte of the hash that says the part.
const BYTES: usize = 256;
/// Of each part, how many of these are its own: the last part has nearly twice what the first has,
/// in equal ratios, so that doublings are spread evenly.
const SHARES: [u8; PARTS] = [11, 12, 12, 13, 13, 14, 14, 15, 16, 16, 17, 18, 19, 20, 22, 24];
/// Bytes for each ghost that is kept at most: an evicted entry that is known when it comes again.
const BYTES_PER_GHOST: u64 = 1024;

/// Gives back the hash that a name has made of itself.
#[derive(Default)]
pub(super) struct HashOfName(u64);

impl Hasher for HashOfName {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        // The keys are numbers only.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }
}

/// What says the part of a name, and is its hash.
pub(super) trait PartHash {
    /// Of all its 64 bits.
    fn part_hash(&self) -> u64;
}

/// An entry that is weighed again when this goes.
type Changing<'a, Key, Val, We> =
    RefMut<'a, Key, Val, We, BuildHasherDefault<HashOfName>, DefaultLifecycle<Key, Val>>;

type Part<Key, Val, We> = Cache<Key, Val, We, BuildHasherDefault<HashOfName>>;

/// See the module.
pub(super) struct Parted<Key, Val, We> {
    parts: Vec<Part<Key, Val, We>>,
    part_of: [u8; BYTES],
    capacity: u64,
}

/// What a part of so many bytes in all has.
fn share(bytes: u64, part: usize) -> u64 {
    let exact = u128::from(bytes) * u128::from(SHARES[part]) / BYTES as u128;
    u64::try_from(exact).unwrap_or(bytes)
}

impl<Key, Val, We> Parted<Key, Val, We>
where
    Key: Eq + Hash + PartHash,
    We: Weighter<Key, Val> + Clone,
{
    /// An empty one of at most so many bytes.
    pub(super) fn new(bytes: u64, weighter: We) -> Self {
        let part = |part| {
            let bytes = share(bytes, part);
            // The cache keeps half as many ghosts as it expects entries.
            let entries = (2 * bytes / BYTES_PER_GHOST) as usize;
            let (hasher, lifecycle) = Default::default();
            Cache::with(entries, bytes, weighter.clone(), hasher, lifecycle)
        };
        let mut part_of = [0; BYTES];
        let mut left = &mut part_of[..];
        for (part, share) in SHARES.into_iter().enumerate() {
            let (own, others) = left.split_at_mut(usize::from(share));
            own.fill(part as u8);
            left = others;
        }
        Self { parts: (0..PARTS).map(part).collect(), part_of, capacity: bytes }
    }

    fn part_of(&self, name: &impl PartHash) -> usize {
        // Neither the lowest nor the highest bits: a part finds its entries by these.
        usize::from(self.part_of[(name.part_hash() >> 40) as usize % BYTES])
    }

    /// The entry of a name, which is used.
    pub(super) fn get(&self, name: &(impl Hash + PartHash + Equivalent<Key>)) -> Option<&Val> {
        self.parts[self.part_of(name)].get(name)
    }

    /// The entry of a name, which does not count as used.
    pub(super) fn peek(&self, name: &(impl Hash + PartHash + Equivalent<Key>)) -> Option<&Val> {
        self.parts[self.part_of(name)].peek(name)
    }

    /// The entry of a name, to be changed.
    pub(super) fn get_mut(
        &mut self,
        name: &(impl Hash + PartHash + Equivalent<Key>),
    ) -> Option<Changing<'_, Key, Val, We>> {
        let part = self.part_of(name);
        self.parts[part].get_mut(name)
    }

    pub(super) fn insert(&mut self, key: Key, entry: Val) {
        let part = self.part_of(&key);
        self.parts[part].insert(key, entry);
    }

    pub(super) fn remove(&mut self, name: &(impl Hash + PartHash + Equivalent<Key>)) {
        let part = self.part_of(name);
        self.parts[part].remove(name);
    }

    /// The longest entry that finds a place beside others.
    pub(super) fn longest_bytes(&self) -> u64 {
        share(self.capacity, 0) / 2
    }

    /// Bytes of the entries, by the weigher.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(Cache::weight).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(Cache::len).sum()
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Comes closer to another size, letting go of about so many bytes at most. True: it is there.
    pub(super) fn resize_step(&mut self, bytes: u64, step_bytes: u64) -> bool {
        self.capacity = bytes;
        let mut is_done = true;
        for (index, part) in self.parts.iter_mut().enumerate() {
            let wanted = share(bytes, index);
            let next = wanted.max(part.weight().saturating_sub(share(step_bytes, index)));
            part.set_capacity(next);
            is_done &= next == wanted;
        }
        is_done
    }

    pub(super) fn clear(&mut self) {
        self.parts.iter_mut().for_each(Cache::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone)]
    struct Ten;

    impl Weighter<u64, u32> for Ten {
        fn weight(&self, _: &u64, _: &u32) -> u64 {
            10
        }
    }

    impl PartHash for u64 {
        fn part_hash(&self) -> u64 {
            self.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        }
    }

    #[test]
    fn parts_share_what_there_is() {
        assert_eq!(SHARES.iter().map(|share| usize::from(*share)).sum::<usize>(), BYTES);
        let mut cache = Parted::new(100_000, Ten);
        (0..20_000_u64).for_each(|number| cache.insert(number, number as u32));
        assert!((95_000..=100_000).contains(&cache.bytes()), "{}", cache.bytes());
        assert_eq!(cache.bytes(), 10 * cache.len() as u64);
        let found = (0..20_000_u64).filter(|number| cache.peek(number).is_some()).count();
        assert_eq!(found, cache.len());
    }

    #[test]
    fn entries_are_found_changed_and_removed() {
        let mut cache = Parted::new(100_000, Ten);
        (0..1000_u64).for_each(|number| cache.insert(number, number as u32));
        assert!((0..1000_u64).all(|number| cache.get(&number) == Some(&(number as u32))));
        *cache.get_mut(&7).unwrap() = 1;
        assert!(cache.get_mut(&1000).is_none());
        assert_eq!(cache.get(&7), Some(&1));
        cache.remove(&7);
        assert_eq!((cache.get(&7), cache.len()), (None, 999));
        cache.clear();
        assert_eq!(cache.len(), 0);
    }
}
