//! What lists are made of on disk. Version 1.
//!
//! ```text
//! entry       an element as it is, if it does not begin with ff
//!             ff 00 | an element that does
//!             ff 01 | number (varint) | bytes (varint)      a long element, which stands apart
//!
//! extension   flags: 1 the list has outgrown list-max-listpack-size
//!             next number of an element apart | how many there are | their bytes     (varints)
//!             the root of the tree, with the entries
//! ```
//!
//! The bytes of a list in its head are those of all elements; what the tree has in the place of a
//! long one does not count.

use std::borrow::Cow;

use crate::engine::EngineError;
use crate::error::CommandError;
use crate::keyspace::head::{Extension, Large};
use crate::keyspace::pieces::PIECE_BYTES;
use crate::tree::{Damaged, Order, Tree};
use crate::types::packed;

/// The version of extensions.
const VERSION: u8 = 1;

const MARK: u8 = 0xff;
const PLAIN: u8 = 0;
const APART: u8 = 1;

const IS_LONG: u8 = 1;

/// Where a long element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Apart {
    /// Names its pieces.
    pub(super) number: u64,
    /// Its length.
    pub(super) bytes: u32,
}

impl Apart {
    /// The entry in its place.
    pub(super) fn entry(&self) -> Vec<u8> {
        let mut entry = vec![MARK, APART];
        packed::push_number(&mut entry, self.number);
        packed::push_number(&mut entry, u64::from(self.bytes));
        entry
    }

    /// Number of its pieces.
    pub(super) fn pieces(&self) -> u32 {
        // A length has 32 bits, and so has this.
        (self.bytes as usize).div_ceil(PIECE_BYTES) as u32
    }

    fn decode(rest: &[u8]) -> Option<Self> {
        let (number, rest) = packed::split_number(rest)?;
        let (bytes, rest) = packed::split_number(rest)?;
        let bytes = u32::try_from(bytes).ok()?;
        rest.is_empty().then_some(Self { number, bytes })
    }
}

/// What an entry stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element<'a> {
    Here(&'a [u8]),
    Apart(Apart),
}

/// The entry of an element that does not stand apart.
pub(super) fn entry(element: &[u8]) -> Cow<'_, [u8]> {
    if element.first() == Some(&MARK) {
        return Cow::Owned([&[MARK, PLAIN], element].concat());
    }
    Cow::Borrowed(element)
}

/// What an entry stands for.
#[inline]
pub(super) fn decode(entry: &[u8]) -> Result<Element<'_>, Damaged> {
    match entry {
        [MARK, PLAIN, element @ ..] => Ok(Element::Here(element)),
        [MARK, APART, rest @ ..] => {
            Apart::decode(rest).map(Element::Apart).ok_or(Damaged("a long element is nowhere"))
        }
        [MARK, ..] => Err(Damaged("an entry of unknown kind")),
        element => Ok(Element::Here(element)),
    }
}

/// Elements that stand apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct AllApart {
    /// The number of the next one.
    pub(super) next: u64,
    pub(super) count: u64,
    pub(super) bytes: u64,
}

/// What the head of a large list has beside its numbers.
pub(super) struct Extra {
    pub(super) is_long: bool,
    pub(super) apart: AllApart,
    pub(super) tree: Tree,
}

fn corrupted(what: &str) -> CommandError {
    EngineError::Corrupted(format!("large list: {what}")).into()
}

impl Extra {
    pub(super) fn decode(large: &Large, extension: &Extension) -> Result<Self, CommandError> {
        let Some((VERSION, encoded)) = extension.get() else {
            return Err(corrupted("unknown extension"));
        };
        let Some((&flags, mut rest)) = encoded.split_first().filter(|(flags, _)| **flags <= 1)
        else {
            return Err(corrupted("unknown flags"));
        };
        let mut number = || {
            let (number, behind) =
                packed::split_number(rest).ok_or_else(|| corrupted("extension cut off"))?;
            rest = behind;
            Ok::<_, CommandError>(number)
        };
        let apart = AllApart { next: number()?, count: number()?, bytes: number()? };
        let entry_bytes =
            large.bytes.checked_sub(apart.bytes).ok_or_else(|| corrupted("too many bytes"))?;
        let tree = Tree::open(Order::Rank, rest, large.count, entry_bytes)?;
        Ok(Self { is_long: flags & IS_LONG != 0, apart, tree })
    }

    pub(super) fn encode(&self) -> Result<Extension, CommandError> {
        let mut encoded = vec![u8::from(self.is_long)];
        for number in [self.apart.next, self.apart.count, self.apart.bytes] {
            packed::push_number(&mut encoded, number);
        }
        encoded.extend_from_slice(&self.tree.root());
        Extension::new(VERSION, &encoded).ok_or_else(|| corrupted("extension too long"))
    }

    /// Bytes of all elements.
    pub(super) fn bytes(&self) -> u64 {
        self.tree.entry_bytes().saturating_add(self.apart.bytes)
    }

    /// Number of records, of pieces about.
    pub(super) fn records(&self) -> u64 {
        let pieces = (self.apart.bytes / PIECE_BYTES as u64).max(self.apart.count);
        self.tree.records().saturating_add(pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_keep_their_bytes() {
        for (element, golden) in [
            (&b""[..], &b""[..]),
            (b"abc", b"abc"),
            (b"\xfe", b"\xfe"),
            (b"\xff", b"\xff\x00\xff"),
            (b"\xff\x01\x02\x03", b"\xff\x00\xff\x01\x02\x03"),
        ] {
            assert_eq!(entry(element).as_ref(), golden);
            assert_eq!(decode(golden), Ok(Element::Here(element)));
        }
        let apart = Apart { number: 300, bytes: 20_000 };
        assert_eq!(apart.entry(), b"\xff\x01\xac\x02\xa0\x9c\x01");
        assert_eq!(decode(&apart.entry()), Ok(Element::Apart(apart)));
        assert_eq!(apart.pieces(), 1);
        assert_eq!(Apart { number: 0, bytes: (2 << 17) + 1 }.pieces(), 3);
    }

    #[test]
    fn other_entries_are_refused() {
        for damaged in [
            &b"\xff"[..],
            b"\xff\x02",
            b"\xff\x01",
            b"\xff\x01\x05",
            b"\xff\x01\x05\x06\x07",
            b"\xff\x01\x05\x80\x80\x80\x80\x10",
            b"\xff\x01\x05\x80",
        ] {
            assert!(decode(damaged).is_err(), "{damaged:x?}");
        }
    }

    #[test]
    fn extensions_keep_their_bytes() {
        let large = Large { version: 1, count: 2, bytes: 300 };
        let golden = b"\x01\x07\x01\xac\x01\x01\x00\x01\x02\x01";
        let extension = Extension::new(VERSION, golden).unwrap();
        let extra = Extra::decode(&large, &extension).unwrap();
        assert_eq!(extra.apart, AllApart { next: 7, count: 1, bytes: 172 });
        assert_eq!((extra.is_long, extra.bytes(), extra.records()), (true, 300, 2));
        assert_eq!((extra.tree.len(), extra.tree.entry_bytes()), (2, 128));
        assert_eq!(extra.encode().unwrap(), extension);
    }

    #[test]
    fn other_extensions_are_refused() {
        let large = Large { version: 1, count: 2, bytes: 100 };
        let golden = b"\x01\x07\x01\x63\x01\x00\x01\x02\x01";
        assert!(Extra::decode(&large, &Extension::new(VERSION, golden).unwrap()).is_ok());
        let refused = |version, encoded: &[u8]| {
            let extension = Extension::new(version, encoded).unwrap();
            assert!(Extra::decode(&large, &extension).is_err(), "{version} {encoded:x?}");
        };
        for cut in 0..golden.len() {
            refused(VERSION, &golden[..cut]);
        }
        refused(VERSION + 1, golden);
        refused(VERSION, b"\x02\x07\x01\x63\x01\x00\x01\x02\x01");
        refused(VERSION, b"\x01\x07\x01\x65\x01\x00\x01\x02\x01");
        refused(VERSION, b"\x01\x07\x01\x63\x01\x00\x01\x02\x01\x00");
        assert!(Extra::decode(&large, &Extension::NONE).is_err());
    }
}
