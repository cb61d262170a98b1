//! Sets of integers, inline in the head record. Format version 2 of small sets.
//!
//! ```text
//! byte 0   format version
//! byte 1   bytes of each integer: 2, 4 or 8
//! then     the integers in ascending order, little-endian, signed
//! ```
//!
//! All integers are as wide as the widest one that the set has had. Decoding never trusts the
//! bytes: anything unexpected is [`EngineError::Corrupted`].

use bytes::Bytes;

use crate::engine::EngineError;
use crate::types::packed::Buffer;

pub(super) const FORMAT: u8 = 2;

/// Bytes before the integers.
const FRONT_BYTES: usize = 2;

/// A set of integers in its encoding.
#[derive(Clone, Debug)]
pub(super) struct Integers {
    buffer: Buffer,
}

/// Whether these are the bytes of a set of integers.
pub(super) fn is_form_of(body: &[u8]) -> bool {
    body.first() == Some(&FORMAT)
}

fn width_of(value: i64) -> usize {
    if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    }
}

/// The integer in up to eight bytes.
fn integer(bytes: &[u8]) -> i64 {
    let is_negative = bytes.last().is_some_and(|last| last & 0x80 != 0);
    let mut word = [if is_negative { 0xff } else { 0 }; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    i64::from_le_bytes(word)
}

impl Integers {
    /// A set without members, which must get one before it is stored.
    pub(super) fn new() -> Self {
        Self { buffer: Buffer::Shared(Bytes::from_static(&[FORMAT, 2])) }
    }

    /// A set of these integers, which are different and in ascending order.
    pub(super) fn of(values: &[i64]) -> Self {
        let width = values.iter().map(|value| width_of(*value)).max().unwrap_or(2);
        let mut bytes = Vec::with_capacity(FRONT_BYTES + values.len() * width);
        bytes.extend_from_slice(&[FORMAT, width as u8]);
        for value in values {
            bytes.extend_from_slice(&value.to_le_bytes()[..width]);
        }
        Self { buffer: Buffer::Own(bytes) }
    }

    /// Takes over the body of a record.
    pub(super) fn decode(body: Bytes) -> Result<Self, EngineError> {
        match body[..] {
            [FORMAT, width @ (2 | 4 | 8), _, ..]
                if (body.len() - FRONT_BYTES).is_multiple_of(usize::from(width)) =>
            {
                Ok(Self { buffer: Buffer::Shared(body) })
            }
            _ => Err(EngineError::Corrupted("set of integers: not a number of them".into())),
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

    fn width(&self) -> usize {
        usize::from(self.buffer.bytes()[1])
    }

    /// Number of members.
    pub(super) fn len(&self) -> usize {
        (self.len_bytes() - FRONT_BYTES) / self.width()
    }

    /// Length of the encoding with one more member.
    pub(super) fn len_bytes_with(&self, value: i64) -> usize {
        FRONT_BYTES + (self.len() + 1) * self.width().max(width_of(value))
    }

    /// The members in ascending order.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = i64> + '_ {
        self.buffer.bytes()[FRONT_BYTES..].chunks_exact(self.width()).map(integer)
    }

    /// The member at an index below the number of them, in ascending order.
    pub(super) fn at(&self, index: usize) -> i64 {
        let width = self.width();
        let start = FRONT_BYTES + index * width;
        integer(self.buffer.bytes().get(start..start + width).unwrap_or_default())
    }

    /// The longest text of a member.
    pub(super) fn text_bytes_max(&self) -> usize {
        let ends = [self.iter().next(), self.iter().next_back()];
        let lengths = ends
            .into_iter()
            .flatten()
            .map(|value| crate::number::format_i64(value).as_bytes().len());
        lengths.max().unwrap_or(0)
    }

    /// Where a member stands, or where it would.
    fn search(&self, value: i64) -> Result<usize, usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = from.midpoint(to);
            match self.at(middle).cmp(&value) {
                std::cmp::Ordering::Equal => return Ok(middle),
                std::cmp::Ordering::Less => from = middle + 1,
                std::cmp::Ordering::Greater => to = middle,
            }
        }
        Err(from)
    }

    /// Whether an integer is a member.
    pub(super) fn contains(&self, value: i64) -> bool {
        self.search(value).is_ok()
    }

    /// Adds an integer; whether it is new.
    pub(super) fn add(&mut self, value: i64) -> bool {
        let Err(index) = self.search(value) else { return false };
        if width_of(value) > self.width() {
            let mut values: Vec<i64> = self.iter().collect();
            values.insert(index, value);
            *self = Self::of(&values);
            return true;
        }
        let width = self.width();
        let at = FRONT_BYTES + index * width;
        self.buffer.bytes_mut().splice(at..at, value.to_le_bytes().into_iter().take(width));
        true
    }

    /// Removes an integer; whether it was there.
    pub(super) fn remove(&mut self, value: i64) -> bool {
        let Ok(index) = self.search(value) else { return false };
        let width = self.width();
        let at = FRONT_BYTES + index * width;
        self.buffer.bytes_mut().drain(at..at + width);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Random;
    use std::collections::BTreeSet;

    #[test]
    fn integers_keep_their_bytes() {
        let mut set = Integers::new();
        for value in [300, -2, 5] {
            assert!(set.add(value));
        }
        assert_eq!(&set.clone().encode()[..], b"\x02\x02\xfe\xff\x05\x00\x2c\x01");
        assert!(set.add(70_000));
        assert_eq!(
            &set.clone().encode()[..],
            b"\x02\x04\xfe\xff\xff\xff\x05\0\0\0\x2c\x01\0\0\x70\x11\x01\0"
        );
        assert!(set.remove(70_000) && set.remove(300) && set.remove(-2));
        // It does not become narrower again.
        assert_eq!(&set.clone().encode()[..], b"\x02\x04\x05\0\0\0");
        assert!(set.add(i64::MIN));
        let golden = b"\x02\x08\0\0\0\0\0\0\0\x80\x05\0\0\0\0\0\0\0";
        assert_eq!(&set.encode()[..], golden);
        let read = Integers::decode(Bytes::from_static(golden)).unwrap();
        assert_eq!(read.iter().collect::<Vec<_>>(), [i64::MIN, 5]);
        assert_eq!(read.text_bytes_max(), 20);
    }

    #[test]
    fn members_are_those_of_an_ordered_set() {
        let mut random = Random::new();
        for range in [100, 100_000, u64::MAX] {
            let (mut set, mut model) = (Integers::new(), BTreeSet::new());
            for _ in 0..2000 {
                let value = (random.next() % range).cast_signed().wrapping_sub(50);
                match random.below(3) {
                    0 => assert_eq!(set.remove(value), model.remove(&value)),
                    1 => assert_eq!(set.contains(value), model.contains(&value)),
                    _ => assert_eq!(set.add(value), model.insert(value)),
                }
                assert_eq!(set.len(), model.len());
            }
            assert!(set.iter().eq(model.iter().copied()));
            assert_eq!(Integers::of(&set.iter().collect::<Vec<_>>()).len(), model.len());
        }
    }

    #[test]
    fn damaged_bytes_are_refused() {
        for bytes in
            [&b""[..], b"\x02", b"\x02\x02", b"\x02\x02a", b"\x02\x03abc", b"\x02\x04abcdefg"]
        {
            assert!(Integers::decode(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
        }
        // Out of order: whatever is found, nothing breaks.
        let mut odd = Integers::decode(Bytes::from_static(b"\x02\x02\x05\0\x01\0\x05\0")).unwrap();
        for value in [1, 3, 5, 1 << 40] {
            odd.contains(value);
            odd.remove(value);
            odd.add(value);
        }
    }
}
