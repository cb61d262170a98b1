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
/// A part that is smaller than it may be by less than one in so many stays as it is.
const NEAR: u64 = 32;
/// A part of no bytes would never keep ghosts again.
const PART_BYTES_MIN: u64 = 16 << 10;
/// With fewer entries a part that has lost its ghosts is begun anew.
const BEGUN_ANEW_ENTRIES: usize = 64;

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

/// One part, and what it was told to be.
struct SizedPart<Key, Val, We> {
    cache: Part<Key, Val, We>,
    bytes: u64,
    ghosts: u64,
}

/// See the module.
pub(super) struct Parted<Key, Val, We> {
    parts: Vec<SizedPart<Key, Val, We>>,
    part_of: [u8; BYTES],
    capacity: u64,
    weighter: We,
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
        let mut part_of = [0; BYTES];
        let mut left = &mut part_of[..];
        for (part, share) in SHARES.into_iter().enumerate() {
            let (own, others) = left.split_at_mut(usize::from(share));
            own.fill(part as u8);
            left = others;
        }
        let parts = (0..PARTS).map(|part| SizedPart::new(share(bytes, part), &weighter)).collect();
        Self { parts, part_of, capacity: bytes, weighter }
    }

    fn part_of(&self, name: &impl PartHash) -> usize {
        // Neither the lowest nor the highest bits: a part finds its entries by these.
        usize::from(self.part_of[(name.part_hash() >> 40) as usize % BYTES])
    }

    /// The entry of a name, which is used.
    pub(super) fn get(&self, name: &(impl Hash + PartHash + Equivalent<Key>)) -> Option<&Val> {
        self.parts[self.part_of(name)].cache.get(name)
    }

    /// The entry of a name, which does not count as used.
    pub(super) fn peek(&self, name: &(impl Hash + PartHash + Equivalent<Key>)) -> Option<&Val> {
        self.parts[self.part_of(name)].cache.peek(name)
    }

    /// The entry of a name, to be changed.
    pub(super) fn get_mut(
        &mut self,
        name: &(impl Hash + PartHash + Equivalent<Key>),
    ) -> Option<Changing<'_, Key, Val, We>> {
        let part = self.part_of(name);
        self.parts[part].cache.get_mut(name)
    }

    pub(super) fn insert(&mut self, key: Key, entry: Val) {
        let part = self.part_of(&key);
        self.parts[part].cache.insert(key, entry);
    }

    pub(super) fn remove(&mut self, name: &(impl Hash + PartHash + Equivalent<Key>)) {
        let part = self.part_of(name);
        self.parts[part].cache.remove(name);
    }

    /// The longest entry that finds a place beside others.
    pub(super) fn longest_bytes(&self) -> u64 {
        share(self.capacity, 0) / 2
    }

    /// Bytes of the entries, by the weigher.
    pub(super) fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.cache.weight()).sum()
    }

    pub(super) fn len(&self) -> usize {
        self.parts.iter().map(|part| part.cache.len()).sum()
    }

    pub(super) fn capacity(&self) -> u64 {
        self.capacity
    }

    /// Comes closer to another size, letting go of about so many bytes at most. True: it is there.
    pub(super) fn resize_step(&mut self, bytes: u64, step_bytes: u64) -> bool {
        self.capacity = bytes;
        let mut is_done = true;
        for (index, part) in self.parts.iter_mut().enumerate() {
            let wanted = share(bytes, index).max(PART_BYTES_MIN);
            let next = wanted.max(part.cache.weight().saturating_sub(share(step_bytes, index)));
            is_done &= next == wanted;
            if next < part.bytes || next - part.bytes > part.bytes / NEAR {
                part.resize(next, &self.weighter);
            }
        }
        is_done
    }

    pub(super) fn clear(&mut self) {
        self.parts.iter_mut().for_each(|part| part.cache.clear());
    }
}

impl<Key: Eq + Hash, Val, We: Weighter<Key, Val> + Clone> SizedPart<Key, Val, We> {
    fn new(bytes: u64, weighter: &We) -> Self {
        let bytes = bytes.max(PART_BYTES_MIN);
        let ghosts = bytes / BYTES_PER_GHOST;
        let (hasher, lifecycle) = Default::default();
        // The cache keeps half as many ghosts as it expects entries.
        let entries = 2 * ghosts as usize;
        let cache = Cache::with(entries, bytes, weighter.clone(), hasher, lifecycle);
        Self { cache, bytes, ghosts }
    }

    /// Makes it have about so many bytes, and not more. The cache scales its number of ghosts with
    /// its size and rounds down each time, so that they would be gone after some thousand changes:
    /// the size is the least one with as many ghosts as the wanted one would have.
    fn resize(&mut self, bytes: u64, weighter: &We) {
        if self.ghosts == 0 && self.cache.len() <= BEGUN_ANEW_ENTRIES {
            *self = Self::new(bytes, weighter);
            return;
        }
        let scaled = |size: u64| (self.ghosts as f64 * (size as f64 / self.bytes as f64)) as u64;
        let ghosts = scaled(bytes);
        let exact = self.bytes as f64 * (ghosts as f64 / self.ghosts.max(1) as f64);
        // The quotients are rounded, too.
        let least = (exact as u64..=bytes).take(4).find(|size| scaled(*size) == ghosts);
        let size = least.filter(|_| ghosts > 0).unwrap_or(bytes);
        self.cache.set_capacity(size);
        (self.bytes, self.ghosts) = (size, scaled(size));
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
        let mut cache = Parted::new(1_000_000, Ten);
        (0..200_000_u64).for_each(|number| cache.insert(number, number as u32));
        assert!((990_000..=1_000_000).contains(&cache.bytes()), "{}", cache.bytes());
        assert_eq!(cache.bytes(), 10 * cache.len() as u64);
        let found = (0..200_000_u64).filter(|number| cache.peek(number).is_some()).count();
        assert_eq!(found, cache.len());
    }

    /// Of keys that were evicted a moment ago and came again, how many are there after a scan.
    fn known_after_a_scan(cache: &mut Parted<u64, u32, Ten>, from: u64) -> usize {
        let entries = cache.capacity() / 10;
        (from..from + 2 * entries).for_each(|number| cache.insert(number, 0));
        let evicted =
            (from..from + 2 * entries).rev().filter(|number| cache.peek(number).is_none());
        let again: Vec<_> = evicted.take(50).collect();
        again.iter().for_each(|number| cache.insert(*number, 1));
        let scanned = from + 2 * entries;
        (scanned..scanned + 2 * entries).for_each(|number| cache.insert(number, 0));
        again.iter().filter(|number| cache.peek(*number).is_some()).count()
    }

    #[test]
    fn what_comes_again_is_known_after_any_number_of_changes_of_size() {
        let mut cache = Parted::new(1 << 20, Ten);
        assert_eq!(known_after_a_scan(&mut cache, 0), 50);
        for change in 0..10_000_u64 {
            let bytes = (1 << 20) - (change * 7919) % (1 << 19);
            while !cache.resize_step(bytes, 1 << 16) {}
        }
        while !cache.resize_step(1 << 20, 1 << 16) {}
        assert_eq!(known_after_a_scan(&mut cache, 1 << 40), 50);
        while !cache.resize_step(0, 1 << 16) {}
        assert!(cache.bytes() <= PARTS as u64 * PART_BYTES_MIN);
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
