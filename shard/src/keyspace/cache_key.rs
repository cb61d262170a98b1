//! What the hot cache finds its entries by: heads by their record key, elements by the version of
//! their collection, which no two collections ever share, and their name in it. So nothing need be
//! done about the elements of a collection that goes away: nobody asks for its version any more.

use std::hash::{Hash, Hasher};

use quick_cache::Equivalent;
use rustc_hash::FxHasher;
use smallvec::SmallVec;

use super::parted::PartHash;

/// An entry to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name<'a> {
    /// The head with this record key.
    Head(&'a [u8]),
    /// An element of a large collection.
    Element {
        /// Of the collection.
        version: u64,
        /// The part of its record key that follows the version.
        element: &'a [u8],
    },
}

/// A name to keep, on the spot where it is of ordinary length.
pub(super) enum CacheKey {
    Head(SmallVec<[u8; 32]>),
    Element { version: u64, element: SmallVec<[u8; 24]> },
}

impl CacheKey {
    fn name(&self) -> Name<'_> {
        match self {
            Self::Head(record_key) => Name::Head(record_key),
            Self::Element { version, element } => Name::Element { version: *version, element },
        }
    }

    /// Bytes that it needs beside its own.
    pub(super) fn heap_bytes(&self) -> usize {
        match self {
            Self::Head(record_key) if record_key.spilled() => record_key.len(),
            Self::Element { element, .. } if element.spilled() => element.len(),
            _ => 0,
        }
    }
}

impl From<Name<'_>> for CacheKey {
    fn from(name: Name<'_>) -> Self {
        match name {
            Name::Head(record_key) => Self::Head(SmallVec::from_slice(record_key)),
            Name::Element { version, element } => {
                Self::Element { version, element: SmallVec::from_slice(element) }
            }
        }
    }
}

impl Equivalent<CacheKey> for Name<'_> {
    fn equivalent(&self, key: &CacheKey) -> bool {
        *self == key.name()
    }
}

impl PartialEq for CacheKey {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for CacheKey {}

impl Hash for CacheKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

impl PartHash for Name<'_> {
    fn part_hash(&self) -> u64 {
        match self {
            Self::Head(record_key) => position_hash(record_key),
            Self::Element { version, element } => {
                let mut hasher = FxHasher::default();
                hasher.write_u64(*version);
                hasher.write(element);
                hasher.finish()
            }
        }
    }
}

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.part_hash());
    }
}

impl PartHash for CacheKey {
    fn part_hash(&self) -> u64 {
        self.name().part_hash()
    }
}

/// The hash of a head's record key: the position in it is one already.
fn position_hash(record_key: &[u8]) -> u64 {
    let Some((db, rest)) = record_key.split_first() else { return 0 };
    let Some((position, _)) = rest.split_first_chunk::<8>() else { return 0 };
    // The slot's bits stand highest and repeat; spread the hash below them upwards.
    let mixed = u64::from_be_bytes(*position) ^ u64::from(*db);
    mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_are_told_apart_and_found_by_what_they_were_made_of() {
        let bytes = [0_u8; 40];
        let mut names = vec![Name::Head(&bytes[..9]), Name::Head(&bytes)];
        for version in [0, 1 << 32] {
            names.extend([9, 40].map(|end| Name::Element { version, element: &bytes[..end] }));
        }
        for (index, name) in names.iter().enumerate() {
            let key = CacheKey::from(*name);
            let found: Vec<_> = (0..names.len()).filter(|at| names[*at].equivalent(&key)).collect();
            assert_eq!(found, [index]);
            assert_eq!(name.part_hash(), key.part_hash());
        }
        assert_eq!(size_of::<CacheKey>(), 48);
    }

    #[test]
    fn elements_of_one_collection_spread() {
        let low_bits: HashSet<u64> = (0..4096_u64)
            .map(|number| {
                let element = [&number.to_be_bytes()[..], b"field"].concat();
                Name::Element { version: 7, element: &element }.part_hash() % 4096
            })
            .collect();
        // Of 4096 balls in as many bins two thirds of the bins get one.
        assert!(low_bits.len() > 2200, "{}", low_bits.len());
    }
}
