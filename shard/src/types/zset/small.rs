//! Small sorted sets, inline in the head record: the record of a tree's leaf.
//!
//! ```text
//! leaf (see `tree::leaf`)   of entries in order (see `score`)
//! ```
//!
//! Limits are the business of `store`. Decoding never trusts the bytes: anything unexpected is
//! [`Damaged`].

use std::ops::Range;

use bytes::Bytes;

use super::score;
use crate::tree::leaf::{self, Leaf};
use crate::tree::{Damaged, Order};

/// A small sorted set in its encoding. `None` has no members, and cannot be stored.
#[derive(Clone, Debug)]
pub(super) struct Small(Option<Leaf>);

/// One member.
#[derive(Clone, Debug)]
pub(super) struct Found<'s> {
    pub(super) rank: u64,
    pub(super) score: f64,
    pub(super) member: &'s [u8],
    /// Where its entry stands.
    place: Range<usize>,
}

impl Small {
    /// A set without members.
    pub(super) fn new() -> Self {
        Self(None)
    }

    /// Takes over the body of a record. Its entries are looked at when they are needed.
    pub(super) fn decode(body: Bytes) -> Result<Self, Damaged> {
        Ok(Self(Some(Leaf::decode(body)?)))
    }

    /// The body of a record.
    pub(super) fn encode(&self) -> Bytes {
        self.0.as_ref().map_or_else(Bytes::new, |leaf| leaf.bytes().clone())
    }

    /// The encoding of entries that come in order.
    pub(super) fn of(entries: impl Iterator<Item = score::Entry>) -> Bytes {
        let mut body = leaf::EMPTY.to_vec();
        for entry in entries {
            crate::types::packed::push(&mut body, &entry);
        }
        Bytes::from(body)
    }

    /// Length of the encoding.
    pub(super) fn len_bytes(&self) -> usize {
        self.0.as_ref().map_or(leaf::HEADER_BYTES, Leaf::len_bytes)
    }

    /// Whether there are no members.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Number of members. Looks at every one.
    pub(super) fn count(&self) -> Result<u64, Damaged> {
        self.0.as_ref().map_or(Ok(0), Leaf::count)
    }

    /// The members in order.
    pub(super) fn members(&self) -> impl Iterator<Item = Result<Found<'_>, Damaged>> {
        let items = self.0.iter().flat_map(Leaf::items).enumerate();
        items.map(|(rank, item)| {
            let item = item?;
            let (score, member) = score::split(item.entry)?;
            Ok(Found { rank: rank as u64, score, member, place: item.start..item.end })
        })
    }

    /// Finds a member, by looking at one after the other.
    pub(super) fn find(&self, member: &[u8]) -> Result<Option<Found<'_>>, Damaged> {
        for found in self.members() {
            let found = found?;
            if found.member == member {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    /// Number of entries that are less than `key`.
    pub(super) fn rank_of(&self, key: &[u8]) -> Result<u64, Damaged> {
        match &self.0 {
            Some(leaf) => Ok(leaf.seek(Order::Entry, key)?.index),
            None => Ok(0),
        }
    }

    /// Puts an entry where it belongs; it is not there.
    pub(super) fn insert(&mut self, entry: &[u8]) -> Result<(), Damaged> {
        let record = match &self.0 {
            Some(leaf) => {
                let at = leaf.seek(Order::Entry, entry)?.at;
                leaf.edited(&(at..at), Some(entry))
            }
            None => {
                let mut record = leaf::EMPTY.to_vec();
                crate::types::packed::push(&mut record, entry);
                record
            }
        };
        self.0 = Some(Leaf::decode(Bytes::from(record))?);
        Ok(())
    }

    /// Removes a member; the score that it had.
    pub(super) fn remove(&mut self, member: &[u8]) -> Result<Option<f64>, Damaged> {
        let Some(found) = self.find(member)? else { return Ok(None) };
        let (score, place) = (found.score, found.place.clone());
        self.cut(&place)?;
        Ok(Some(score))
    }

    /// Removes the members of these ranks.
    pub(super) fn remove_ranks(&mut self, ranks: &Range<u64>) -> Result<(), Damaged> {
        let mut place: Option<Range<usize>> = None;
        for found in self.members() {
            let found = found?;
            if ranks.contains(&found.rank) {
                let start = place.map_or(found.place.start, |place| place.start);
                place = Some(start..found.place.end);
            }
        }
        place.map_or(Ok(()), |place| self.cut(&place))
    }

    fn cut(&mut self, place: &Range<usize>) -> Result<(), Damaged> {
        let Some(leaf) = &self.0 else { return Ok(()) };
        let record = leaf.edited(place, None);
        let is_empty = record.len() <= leaf::HEADER_BYTES;
        self.0 = if is_empty { None } else { Some(Leaf::decode(Bytes::from(record))?) };
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::zset::score::entry;

    #[test]
    fn entries_keep_their_bytes() {
        let mut small = Small::new();
        for (score, member) in [(1.5, "b"), (0.0, "c"), (1.5, "a")] {
            small.insert(&entry(score, member.as_bytes())).unwrap();
        }
        let golden =
            b"\x01\x09\x80\0\0\0\0\0\0\0c\x09\xbf\xf8\0\0\0\0\0\0a\x09\xbf\xf8\0\0\0\0\0\0b";
        assert_eq!(&small.encode()[..], golden);
        let read = Small::decode(Bytes::from_static(golden)).unwrap();
        let members: Vec<_> = read.members().map(|found| found.unwrap().member).collect();
        assert_eq!(members, [b"c", b"a", b"b"]);
        let in_order = [entry(0.0, b"c"), entry(1.5, b"a"), entry(1.5, b"b")];
        assert_eq!(&Small::of(in_order.into_iter())[..], golden);
    }

    #[test]
    fn members_come_and_go() {
        let mut small = Small::new();
        for (score, member) in [(1.0, "a"), (2.0, "b"), (3.0, "c"), (4.0, "d")] {
            small.insert(&entry(score, member.as_bytes())).unwrap();
        }
        assert_eq!(
            small.find(b"c").unwrap().map(|found| (found.rank, found.score)),
            Some((2, 3.0))
        );
        assert_eq!(small.rank_of(&score::encode(2.0)), Ok(1));
        assert_eq!((small.remove(b"x"), small.remove(b"a")), (Ok(None), Ok(Some(1.0))));
        small.remove_ranks(&(1..3)).unwrap();
        assert_eq!((small.count(), small.find(b"b").unwrap().is_some()), (Ok(1), true));
        small.remove_ranks(&(0..1)).unwrap();
        assert!(small.is_empty());
    }

    #[test]
    fn damaged_bytes_are_refused() {
        assert!(Small::decode(Bytes::new()).is_err());
        let whole = Small::of([entry(1.0, b"member"), entry(2.0, b"x")].into_iter());
        for cut in 2..whole.len() {
            if cut == 16 {
                continue; // One whole entry.
            }
            let small = Small::decode(whole.slice(..cut)).unwrap();
            assert!(small.members().any(|found| found.is_err()), "cut at {cut}");
            assert!(small.find(b"none").is_err(), "cut at {cut}");
        }
        let short = Small::decode(Bytes::from_static(b"\x01\x03abc")).unwrap();
        assert!(short.find(b"").is_err());
    }
}
