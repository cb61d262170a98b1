//! What the hot cache finds its entries by: heads by their record key, elements by the version of
//! their collection, which no two collections ever share, and their name in it. So nothing need be
//! done about the elements of a collection that goes away: nobody asks for its version any more.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use quick_cache::Equivalent;
use rustc_hash::FxHasher;
use smallvec::SmallVec;

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

impl Hash for Name<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(match self {
            Self::Head(record_key) => position_hash(record_key),
            Self::Element { version, element } => {
                let mut hasher = FxHasher::default();
                hasher.write_u64(*version);
                hasher.write(element);
                hasher.finish()
            }
        });
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

/// Gives back the hash that a name has made of itself.
#[derive(Default)]
pub(super) struct NameHasher(u64);

impl Hasher for NameHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        // Names write a number only.
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }
}

pub(super) type BuildNameHasher = BuildHasherDefault<NameHasher>;

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::BuildHasher;

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
            let hash = BuildNameHasher::default();
            assert_eq!(hash.hash_one(name), hash.hash_one(&key));
        }
        assert_eq!(size_of::<CacheKey>(), 48);
    }

    #[test]
    fn elements_of_one_collection_spread() {
        let hash = BuildNameHasher::default();
        let low_bits: HashSet<u64> = (0..4096_u64)
            .map(|number| {
                let element = [&number.to_be_bytes()[..], b"field"].concat();
                hash.hash_one(Name::Element { version: 7, element: &element }) % 4096
            })
            .collect();
        // Of 4096 balls in as many bins two thirds of the bins get one.
        assert!(low_bits.len() > 2200, "{}", low_bits.len());
    }
}
