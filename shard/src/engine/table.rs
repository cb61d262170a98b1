//! Writes that gather in memory, ordered by key: the newest of every key, and the ranges that were
//! deleted.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;

use bytes::Bytes;
use smallvec::SmallVec;

use super::{Direction, Family, Range, Writes};

/// A key's first 16 bytes (behind shorter ones: zeros), as numbers so that comparing is quick.
type Front = (u64, u64);
const FRONT_BYTES: usize = 16;

/// What an entry costs beside its key and value: its share of a tree's node, allocations' headers.
const ENTRY_OVERHEAD_BYTES: usize = 128;

/// A key, on the spot for keys of ordinary length.
#[derive(Clone, PartialEq, Eq)]
struct Key {
    front: Front,
    /// What is behind the front.
    rest: SmallVec<[u8; 16]>,
    /// Of the whole key.
    len: u32,
}

impl Key {
    fn new(bytes: &[u8]) -> Self {
        let mut front = [0; FRONT_BYTES];
        let (head, rest) = bytes.split_at(bytes.len().min(FRONT_BYTES));
        front[..head.len()].copy_from_slice(head);
        let number = u128::from_be_bytes(front);
        Self {
            front: ((number >> 64) as u64, number as u64),
            rest: SmallVec::from_slice(rest),
            len: bytes.len() as u32,
        }
    }

    fn to_vec(&self) -> Vec<u8> {
        let front = u128::from(self.front.0) << 64 | u128::from(self.front.1);
        let mut bytes = Vec::with_capacity(self.len as usize);
        bytes.extend_from_slice(&front.to_be_bytes()[..FRONT_BYTES.min(self.len as usize)]);
        bytes.extend_from_slice(&self.rest);
        bytes
    }
}

impl Ord for Key {
    /// The order of the keys' bytes. Fronts that are equal though one key ends there differ in
    /// nothing but zeros, and then the shorter key comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        self.front
            .cmp(&other.front)
            .then_with(|| self.rest.as_slice().cmp(other.rest.as_slice()))
            .then_with(|| self.len.cmp(&other.len))
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A range of deleted keys.
#[derive(Clone, Debug)]
pub(super) struct Deleted {
    family: Family,
    from: Vec<u8>,
    to: Vec<u8>,
}

impl Deleted {
    /// Whether `key` is in it.
    pub(super) fn covers(&self, family: Family, key: &[u8]) -> bool {
        self.family == family && self.from.as_slice() <= key && key < self.to.as_slice()
    }
}

/// What a table knows of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Its newest value, or that it was deleted.
    Known(Option<Bytes>),
    /// Nothing.
    Unknown,
}

/// An entry: a key and its value, or that it was deleted.
pub(super) type Entry = (Vec<u8>, Option<Bytes>);

/// See the module.
#[derive(Default)]
pub(super) struct Table {
    families: [BTreeMap<Key, Option<Bytes>>; Family::ALL.len()],
    /// Entries of the maps are newer than these.
    deleted: Vec<Deleted>,
    bytes: usize,
}

impl Table {
    /// Memory it takes, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    pub(super) fn get(&self, family: Family, key: &[u8]) -> Found {
        let map = &self.families[family as usize];
        if !map.is_empty()
            && let Some(value) = map.get(&Key::new(key))
        {
            return Found::Known(value.clone());
        }
        if self.deleted.iter().any(|deleted| deleted.covers(family, key)) {
            return Found::Known(None);
        }
        Found::Unknown
    }

    /// The ranges that were deleted.
    pub(super) fn deleted(&self) -> &[Deleted] {
        &self.deleted
    }

    /// The entries of a range, in its direction.
    pub(super) fn entries(
        &self,
        range: &Range<'_>,
    ) -> impl Iterator<Item = (Vec<u8>, &Option<Bytes>)> {
        let map = &self.families[range.family as usize];
        let bounds = (!map.is_empty() && (range.upper.is_empty() || range.lower < range.upper))
            .then(|| {
                let upper = match range.upper {
                    [] => Bound::Unbounded,
                    upper => Bound::Excluded(Key::new(upper)),
                };
                (Bound::Included(Key::new(range.lower)), upper)
            });
        let mut entries = bounds.map(|bounds| map.range(bounds));
        let direction = range.direction;
        std::iter::from_fn(move || {
            let entries = entries.as_mut()?;
            let (key, value) = match direction {
                Direction::Forward => entries.next(),
                Direction::Backward => entries.next_back(),
            }?;
            Some((key.to_vec(), value))
        })
    }

    /// Does to `writes` what was done to this table, in the order of the keys.
    pub(super) fn replay(&self, writes: &mut dyn Writes) {
        for Deleted { family, from, to } in &self.deleted {
            writes.delete_range(*family, from, to);
        }
        for (family, map) in Family::ALL.into_iter().zip(&self.families) {
            for (key, value) in map {
                match value {
                    Some(value) => writes.put(family, &key.to_vec(), value),
                    None => writes.delete(family, &key.to_vec()),
                }
            }
        }
    }

    fn set(&mut self, family: Family, key: &[u8], value: Option<Bytes>) {
        let new_bytes = value.as_ref().map_or(0, Bytes::len);
        match self.families[family as usize].insert(Key::new(key), value) {
            Some(old) => self.bytes -= old.map_or(0, |old| old.len()),
            None => self.bytes += key.len() + ENTRY_OVERHEAD_BYTES,
        }
        self.bytes += new_bytes;
    }
}

impl Writes for Table {
    fn put(&mut self, family: Family, key: &[u8], value: &Bytes) {
        self.set(family, key, Some(value.clone()));
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.set(family, key, None);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        if from >= to {
            return;
        }
        let map = &mut self.families[family as usize];
        let (from_key, to_key) = (Key::new(from), Key::new(to));
        let mut inside = map.split_off(&from_key);
        map.append(&mut inside.split_off(&to_key));
        for (key, value) in inside {
            let value_bytes = value.map_or(0, |value| value.len());
            self.bytes -= key.len as usize + ENTRY_OVERHEAD_BYTES + value_bytes;
        }
        self.deleted.push(Deleted { family, from: from.to_vec(), to: to.to_vec() });
        self.bytes += from.len() + to.len() + ENTRY_OVERHEAD_BYTES;
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReadTier;
    use super::*;
    use crate::random::Random;

    fn random_key(random: &mut Random) -> Vec<u8> {
        let length = random.below(20) as usize;
        (0..length).map(|_| [0, 1, 0xff][random.below(3) as usize]).collect()
    }

    #[test]
    fn keys_are_in_the_order_of_their_bytes() {
        let mut random = Random::new(5);
        for _ in 0..20_000 {
            let (left, right) = (random_key(&mut random), random_key(&mut random));
            let [left_key, right_key] = [&left, &right].map(|bytes| Key::new(bytes));
            assert_eq!(left_key.cmp(&right_key), left.cmp(&right), "{left:?} {right:?}");
            assert_eq!(left_key.to_vec(), left);
        }
    }

    #[test]
    fn it_does_what_an_ordered_map_does() {
        let mut random = Random::new(6);
        let mut table = Table::default();
        let mut model: BTreeMap<Vec<u8>, Option<Bytes>> = BTreeMap::new();
        for step in 0..3000u32 {
            let key = random_key(&mut random);
            let value = Bytes::copy_from_slice(&step.to_le_bytes());
            match random.below(40) {
                0 => {
                    let to = [&key[..], &random_key(&mut random)].concat();
                    table.delete_range(Family::Heads, &key, &to);
                    if key < to {
                        model.retain(|known, _| *known < key || *known >= to);
                    }
                    let inside = [&key[..], b"\x01"].concat();
                    if key < to && inside < to && !model.contains_key(&inside) {
                        assert_eq!(table.get(Family::Heads, &inside), Found::Known(None));
                        assert_eq!(table.get(Family::Expiry, &inside), Found::Unknown);
                    }
                }
                1..10 => {
                    table.delete(Family::Heads, &key);
                    model.insert(key, None);
                }
                _ => {
                    table.put(Family::Heads, &key, &value);
                    model.insert(key, Some(value));
                }
            }
        }
        for (key, value) in &model {
            assert_eq!(table.get(Family::Heads, key), Found::Known(value.clone()));
        }
        for direction in [Direction::Forward, Direction::Backward] {
            let (lower, upper) = (b"\x01".as_slice(), b"\xff\x01".as_slice());
            let range =
                Range { family: Family::Heads, lower, upper, direction, tier: ReadTier::Memory };
            let found: Vec<_> =
                table.entries(&range).map(|(key, value)| (key, value.clone())).collect();
            let mut expected: Vec<_> = model
                .range::<[u8], _>((Bound::Included(lower), Bound::Excluded(upper)))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            if direction == Direction::Backward {
                expected.reverse();
            }
            assert!(expected.len() > 100);
            assert_eq!(found, expected);
        }
        let everything = b"\xff".repeat(30);
        table.delete_range(Family::Heads, b"", &everything);
        let deleted = table.deleted().len();
        let ranges: usize =
            table.deleted().iter().map(|range| range.from.len() + range.to.len()).sum();
        assert_eq!(table.bytes(), ranges + deleted * ENTRY_OVERHEAD_BYTES);
    }
}
