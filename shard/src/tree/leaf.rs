//! Leaves: entries in order. Format version 1.
//!
//! ```text
//! byte 0   format version
//! then     the entries, each behind its length        see `types::packed`
//! ```
//!
//! A leaf of any length is also a good form for a small collection as a whole.

use std::ops::Range;

use bytes::Bytes;
use smallvec::{SmallVec, smallvec};

use super::terms::{Damaged, Order};
use crate::types::packed;

const FORMAT: u8 = 1;

/// Bytes before the first entry.
pub const HEADER_BYTES: usize = 1;

/// The record of a leaf without entries.
pub const EMPTY: &[u8; HEADER_BYTES] = &[FORMAT];

/// A leaf in its encoding. Its entries are looked at when they are needed.
#[derive(Clone, Debug)]
pub struct Leaf {
    bytes: Bytes,
}

/// An entry in a leaf.
#[derive(Clone, Copy, Debug)]
pub struct Item<'a> {
    /// Where it begins, its length included.
    pub start: usize,
    /// The entry.
    pub entry: &'a [u8],
    /// Where it ends.
    pub end: usize,
}

/// Where a key stands in a leaf, or would.
#[derive(Clone, Copy, Debug)]
pub struct Position<'a> {
    /// Number of entries with lesser keys.
    pub index: u64,
    /// Where these end.
    pub at: usize,
    /// The entry with this very key.
    pub found: Option<Item<'a>>,
}

const CUT_OFF: Damaged = Damaged("an entry is cut off");

impl Leaf {
    /// Takes over a record. A leaf of a tree is never empty.
    pub fn decode(bytes: Bytes) -> Result<Self, Damaged> {
        match bytes.first() {
            Some(&FORMAT) if bytes.len() > HEADER_BYTES => Ok(Self { bytes }),
            Some(&FORMAT) => Err(Damaged("a leaf without entries")),
            _ => Err(Damaged("a leaf of unknown format")),
        }
    }

    /// The record.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Length of the record.
    pub fn len_bytes(&self) -> usize {
        self.bytes.len()
    }

    /// The entries in order. After an error there are no more.
    pub fn items(&self) -> Items<'_> {
        self.items_from(HEADER_BYTES)
    }

    /// The same, beginning where an entry does.
    pub fn items_from(&self, at: usize) -> Items<'_> {
        Items { bytes: &self.bytes, at }
    }

    /// Number of entries. Looks at every one.
    pub fn count(&self) -> Result<u64, Damaged> {
        count(&self.bytes)
    }

    /// The entry with so many before it.
    #[inline]
    pub fn item(&self, index: u64) -> Result<Item<'_>, Damaged> {
        let mut items = self.items();
        for _ in 0..index {
            items.skip_one()?;
        }
        items.next().unwrap_or(Err(Damaged("an entry is missing")))
    }

    /// The entry of an item of this leaf, which is not copied.
    pub fn share(&self, item: &Item<'_>) -> Bytes {
        self.bytes.slice(item.end - item.entry.len()..item.end)
    }

    /// Finds a key, by looking at one entry after the other.
    #[inline]
    pub fn seek(&self, order: Order, key: &[u8]) -> Result<Position<'_>, Damaged> {
        let mut index = 0;
        for item in self.items() {
            let item = item?;
            let own = order.key(item.entry);
            if own >= key {
                let found = (own == key).then_some(item);
                return Ok(Position { index, at: item.start, found });
            }
            index += 1;
        }
        Ok(Position { index, at: self.len_bytes(), found: None })
    }

    /// The record with `entry` in the place of the entries that stand in `range`.
    pub fn edited(&self, range: &Range<usize>, entry: Option<&[u8]>) -> Vec<u8> {
        let added = entry.map_or(0, packed::item_bytes);
        let mut record = Vec::with_capacity(self.len_bytes() - range.len() + added);
        record.extend_from_slice(&self.bytes[..range.start]);
        if let Some(entry) = entry {
            packed::push(&mut record, entry);
        }
        record.extend_from_slice(&self.bytes[range.end..]);
        record
    }
}

/// Number of entries in a record.
pub(super) fn count(record: &[u8]) -> Result<u64, Damaged> {
    let mut items = Items { bytes: record, at: HEADER_BYTES };
    let mut count = 0;
    while !items.is_over() {
        items.skip_one()?;
        count += 1;
    }
    Ok(count)
}

/// The first and the last entry of a record.
pub(super) fn ends(record: &[u8]) -> Result<(&[u8], &[u8]), Damaged> {
    let mut ends = None;
    for item in (Items { bytes: record, at: HEADER_BYTES }) {
        let entry = item?.entry;
        ends = Some((ends.map_or(entry, |(first, _)| first), entry));
    }
    ends.ok_or(Damaged("a leaf without entries"))
}

/// Where a record that has become too long is cut into two or three: where the lengths are most
/// alike, or else before and behind what was put there, which stands in `new`.
pub(super) fn cuts(
    record: &[u8],
    new: &Range<usize>,
    limit: usize,
) -> Result<SmallVec<[usize; 2]>, Damaged> {
    let mut starts: SmallVec<[usize; 64]> = SmallVec::new();
    for item in (Items { bytes: record, at: HEADER_BYTES }) {
        starts.push(item?.start);
    }
    let fits = |bytes: usize, entries: usize| bytes <= limit || entries == 1;
    let best = starts.iter().enumerate().skip(1).filter_map(|(index, &start)| {
        let (left, right) = (start, HEADER_BYTES + record.len() - start);
        let is_good = fits(left, index) && fits(right, starts.len() - index);
        is_good.then(|| (left.abs_diff(right), start))
    });
    Ok(match best.min() {
        Some((_, start)) => smallvec![start],
        None => [new.start, new.end]
            .into_iter()
            .filter(|at| *at > HEADER_BYTES && *at < record.len())
            .collect(),
    })
}

/// See [`Leaf::items`].
#[derive(Clone, Debug)]
pub struct Items<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Items<'a> {
    fn is_over(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Passes over one entry.
    #[inline]
    fn skip_one(&mut self) -> Result<(), Damaged> {
        match self.next() {
            Some(item) => item.map(|_| ()),
            None => Err(Damaged("an entry is missing")),
        }
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Damaged>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..).filter(|rest| !rest.is_empty())?;
        let start = self.at;
        let Some((entry, rest)) = packed::split(rest) else {
            self.at = self.bytes.len();
            return Some(Err(CUT_OFF));
        };
        self.at = self.bytes.len() - rest.len();
        Some(Ok(Item { start, entry, end: self.at }))
    }
}
