//! Small hashes, inline in the head record. Format version 1.
//!
//! ```text
//! byte 0   format version
//! then for every field, in the order in which they came:
//!          field bytes (varint) | field … | value bytes (varint) | value …    see `types::packed`
//! ```
//!
//! Pure bytes and values; limits and counting are the business of `store`. Decoding never trusts
//! the bytes: anything unexpected is [`EngineError::Corrupted`].

use bytes::Bytes;

use crate::engine::EngineError;
use crate::types::packed::{self, Buffer};

const FORMAT: u8 = 1;

/// A small hash in its encoding.
#[derive(Clone, Debug)]
pub(super) struct SmallHash {
    buffer: Buffer,
}

/// One field and its value.
#[derive(Debug)]
pub(super) struct Pair<'a> {
    pub(super) field: &'a [u8],
    pub(super) value: &'a [u8],
    place: Place,
}

/// Where a pair stands in the encoding.
#[derive(Clone, Copy, Debug)]
struct Place {
    start: usize,
    /// Where the value's item begins: its length, then its bytes.
    value_item: usize,
    end: usize,
}

/// What setting a field did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// The field was not there.
    pub(super) is_new: bool,
    /// Fields that there are now.
    pub(super) count: u64,
}

fn corrupted(what: &str) -> EngineError {
    EngineError::Corrupted(format!("small hash: {what}"))
}

impl SmallHash {
    /// A hash without fields, which must get one before it is stored.
    pub(super) fn new() -> Self {
        Self { buffer: Buffer::Shared(Bytes::from_static(&[FORMAT])) }
    }

    /// Takes over the body of a record. Its pairs are looked at when they are needed.
    pub(super) fn decode(body: Bytes) -> Result<Self, EngineError> {
        match body.first() {
            Some(&FORMAT) if body.len() > 1 => Ok(Self { buffer: Buffer::Shared(body) }),
            Some(&FORMAT) => Err(corrupted("no fields")),
            _ => Err(corrupted("unknown format version")),
        }
    }

    /// The body of a record.
    pub(super) fn encode(self) -> Bytes {
        self.buffer.into_bytes()
    }

    /// Length of the encoding.
    pub(super) fn len_bytes(&self) -> usize {
        self.buffer.bytes().len()
    }

    /// Whether there are no fields.
    pub(super) fn is_empty(&self) -> bool {
        self.len_bytes() <= 1
    }

    /// The pairs in order. After an error there are no more.
    pub(super) fn pairs(&self) -> Pairs<'_> {
        Pairs { bytes: self.buffer.bytes(), at: 1 }
    }

    /// Number of fields. Looks at every pair.
    pub(super) fn count(&self) -> Result<u64, EngineError> {
        let mut count = 0;
        for pair in self.pairs() {
            pair?;
            count += 1;
        }
        Ok(count)
    }

    fn find(&self, field: &[u8]) -> Result<Option<Pair<'_>>, EngineError> {
        for pair in self.pairs() {
            let pair = pair?;
            if pair.field == field {
                return Ok(Some(pair));
            }
        }
        Ok(None)
    }

    /// The value of a field.
    pub(super) fn get(&self, field: &[u8]) -> Result<Option<Bytes>, EngineError> {
        let pair = self.find(field)?;
        Ok(pair.map(|pair| self.buffer.part(pair.value)))
    }

    /// Sets a field: in its place, or at the end when it is new.
    pub(super) fn set(&mut self, field: &[u8], value: &[u8]) -> Result<Set, EngineError> {
        let mut count = 0;
        let mut old = None;
        for pair in self.pairs() {
            let pair = pair?;
            count += 1;
            if pair.field == field {
                old = Some(pair.place);
            }
        }
        let bytes = self.buffer.bytes_mut();
        match old {
            Some(old) => {
                let mut item = Vec::with_capacity(value.len() + packed::LENGTH_BYTES_MAX);
                packed::push(&mut item, value);
                bytes.splice(old.value_item..old.end, item);
            }
            None => {
                packed::push(bytes, field);
                packed::push(bytes, value);
                count += 1;
            }
        }
        Ok(Set { is_new: old.is_none(), count })
    }

    /// Removes a field; whether it was there.
    pub(super) fn remove(&mut self, field: &[u8]) -> Result<bool, EngineError> {
        let Some(Pair { place, .. }) = self.find(field)? else { return Ok(false) };
        self.buffer.bytes_mut().drain(place.start..place.end);
        Ok(true)
    }
}

/// Iterator over the pairs of a small hash.
pub(super) struct Pairs<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Pairs<'a> {
    fn item(&mut self) -> Option<&'a [u8]> {
        let (item, rest) = packed::split(self.bytes.get(self.at..)?)?;
        self.at = self.bytes.len() - rest.len();
        Some(item)
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = Result<Pair<'a>, EngineError>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        if start >= self.bytes.len() {
            return None;
        }
        let field = self.item();
        let value_item = self.at;
        let value = self.item();
        let (Some(field), Some(value)) = (field, value) else {
            self.at = self.bytes.len();
            return Some(Err(corrupted("a pair is cut off")));
        };
        Some(Ok(Pair { field, value, place: Place { start, value_item, end: self.at } }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(hash: &SmallHash) -> String {
        let pairs = hash.pairs().map(|pair| {
            let Pair { field, value, .. } = pair.unwrap();
            format!("{}={}", field.escape_ascii(), value.escape_ascii())
        });
        pairs.collect::<Vec<_>>().join(" ")
    }

    fn hash(pairs: &[(&str, &str)]) -> SmallHash {
        let mut hash = SmallHash::new();
        for (field, value) in pairs {
            hash.set(field.as_bytes(), value.as_bytes()).unwrap();
        }
        hash
    }

    #[test]
    fn pairs_keep_their_bytes() {
        let golden = b"\x01\x01a\x0212\x00\x00";
        let made = hash(&[("a", "12"), ("", "")]);
        assert_eq!(&made.encode()[..], golden);
        let read = SmallHash::decode(Bytes::from_static(golden)).unwrap();
        assert_eq!(listing(&read), "a=12 =");
        assert_eq!(&read.encode()[..], golden);
        let long = "x".repeat(200);
        let made = hash(&[(&long, &long)]).encode();
        assert_eq!(&made[..4], b"\x01\xc8\x01x");
        assert_eq!(&made[203..206], b"\xc8\x01x");
    }

    #[test]
    fn fields_are_set_in_place_and_added_at_the_end() {
        let stored = hash(&[("a", "1"), ("b", "2"), ("c", "3")]).encode();
        for mut made in [
            SmallHash::decode(stored.clone()).unwrap(),
            hash(&[("a", "1"), ("b", "2"), ("c", "3")]),
        ] {
            assert_eq!(made.set(b"b", b"longer").unwrap(), Set { is_new: false, count: 3 });
            assert_eq!(made.set(b"d", b"").unwrap(), Set { is_new: true, count: 4 });
            assert_eq!(listing(&made), "a=1 b=longer c=3 d=");
            assert_eq!(made.get(b"b").unwrap().as_deref(), Some(&b"longer"[..]));
            assert_eq!(made.get(b"x").unwrap(), None);
            assert_eq!((made.remove(b"a"), made.remove(b"x")), (Ok(true), Ok(false)));
            assert_eq!(listing(&made), "b=longer c=3 d=");
            assert_eq!(made.count().unwrap(), 3);
            for field in [b"b", b"d", b"c"] {
                assert!(!made.is_empty());
                assert!(made.remove(field).unwrap());
            }
            assert!(made.is_empty());
        }
        assert_eq!(listing(&SmallHash::decode(stored).unwrap()), "a=1 b=2 c=3");
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in [&b""[..], b"\x01", b"\x02\x01a\x011", b"\x00"] {
            assert!(SmallHash::decode(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
        }
        let whole = hash(&[("field", "value")]).encode();
        for cut in 2..whole.len() {
            let mut damaged = SmallHash::decode(whole.slice(..cut)).unwrap();
            assert!(damaged.count().is_err(), "cut at {cut}");
            assert!(damaged.get(b"x").is_err() && damaged.set(b"x", b"").is_err());
            assert!(damaged.remove(b"x").is_err());
        }
    }
}
