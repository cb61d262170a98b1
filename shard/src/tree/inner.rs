//! Inner nodes: who is below, what tells them apart, and how many entries each has below it.
//! Format version 1. Integers are little-endian.
//!
//! ```text
//! shape    byte 0   format version
//!          byte 1   level: 1 above leaves, and so on
//!          byte 2   number of children n
//!          byte 3   bytes of a number (low 4 bits) | of an end (high 4 bits; 0: no separators)
//!          n        numbers of the children
//!          n - 1    ends: where each separator ends, from the end of these on
//!          n - 1    separators …: that of a child is not in front of the first, greater than the
//!                   keys of the children before it and not greater than its own
//!
//! counts   byte 0   format version
//!          n        entries below each child (varint), those of the first and the last leaf of
//!                   the tree left out
//! ```
//!
//! A separator is found among 64 by looking at six.

use bytes::Bytes;
use smallvec::SmallVec;

use super::names::NodeId;
use super::terms::{Damaged, Limits, Order, joined_max};
use crate::types::packed;

const FORMAT: u8 = 1;
const SHAPE_HEADER_BYTES: usize = 4;
const COUNTS_HEADER_BYTES: usize = 1;

/// A node with fewer children is not split for its separators' sake.
const CHILDREN_WHATEVER_LENGTH: usize = 4;

/// The shape of a node in its encoding.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    bytes: Bytes,
    len: usize,
    id_bytes: usize,
    end_bytes: usize,
    separators_start: usize,
}

/// A little-endian number in the bytes that there are.
fn number(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    let len = bytes.len().min(8);
    word[..len].copy_from_slice(&bytes[..len]);
    u64::from_le_bytes(word)
}

/// How many bytes a number needs.
fn width(number: u64) -> usize {
    (u64::BITS - number.leading_zeros()).div_ceil(8).max(1) as usize
}

impl Shape {
    /// Takes over a record of a node at a level.
    pub(super) fn decode(bytes: Bytes, level: u8) -> Result<Self, Damaged> {
        let Some(&[format, own_level, len, widths]) = bytes.first_chunk::<SHAPE_HEADER_BYTES>()
        else {
            return Err(Damaged("a shape is cut off"));
        };
        if format != FORMAT {
            return Err(Damaged("a shape of unknown format"));
        }
        if own_level != level {
            return Err(Damaged("a node of another level"));
        }
        let len = usize::from(len);
        let (id_bytes, end_bytes) = (usize::from(widths & 15), usize::from(widths >> 4));
        let separators = len.checked_sub(1).ok_or(Damaged("a node without children"))?;
        let separators_start = SHAPE_HEADER_BYTES + len * id_bytes + separators * end_bytes;
        if separators_start > bytes.len() || !(1..=8).contains(&id_bytes) || end_bytes > 8 {
            return Err(Damaged("a shape is cut off"));
        }
        Ok(Self { bytes, len, id_bytes, end_bytes, separators_start })
    }

    /// Number of children, at least one.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The number of a child.
    #[inline]
    pub(super) fn id(&self, index: usize) -> Result<NodeId, Damaged> {
        if index >= self.len {
            return Err(Damaged("a node has fewer children than counts"));
        }
        let start = SHAPE_HEADER_BYTES + index * self.id_bytes;
        Ok(number(&self.bytes[start..start + self.id_bytes]))
    }

    /// Where the separators before `index` end.
    fn end(&self, index: usize) -> usize {
        let Some(before) = index.checked_sub(1) else { return self.separators_start };
        let start = SHAPE_HEADER_BYTES + self.len * self.id_bytes + before * self.end_bytes;
        let end = number(&self.bytes[start..start + self.end_bytes]);
        self.separators_start.saturating_add(usize::try_from(end).unwrap_or(usize::MAX))
    }

    /// The separator between child `index` and the next, of those that there are.
    #[inline]
    fn separator(&self, index: usize) -> Result<&[u8], Damaged> {
        self.bytes
            .get(self.end(index)..self.end(index + 1))
            .ok_or(Damaged("a separator is cut off"))
    }

    /// The child in which a key stands if it is there.
    #[inline]
    pub(super) fn find(&self, key: &[u8]) -> Result<usize, Damaged> {
        let (mut first, mut end) = (0, self.len - 1);
        if end > 0 && self.end_bytes == 0 {
            return Err(Damaged("a node without separators"));
        }
        while first < end {
            let middle = first.midpoint(end);
            if self.separator(middle)? <= key {
                first = middle + 1;
            } else {
                end = middle;
            }
        }
        Ok(first)
    }
}

/// The counts of a node in their encoding.
#[derive(Clone, Debug)]
pub(super) struct Counts {
    bytes: Bytes,
}

const TOO_FEW: Damaged = Damaged("a node has fewer counts than children");
const WRONG: Damaged = Damaged("counts are wrong");

impl Counts {
    /// Takes over a record.
    pub(super) fn decode(bytes: Bytes) -> Result<Self, Damaged> {
        match bytes.first() {
            Some(&FORMAT) => Ok(Self { bytes }),
            _ => Err(Damaged("counts of unknown format")),
        }
    }

    /// The child that has the entry with `rank` others before it, and how many of these are
    /// below the same child.
    #[inline]
    pub(super) fn find(&self, rank: u64) -> Result<(usize, u64), Damaged> {
        let (mut rest, mut left) = (&self.bytes[COUNTS_HEADER_BYTES..], rank);
        let mut index = 0;
        while let Some((count, behind)) = packed::split_number(rest) {
            if left < count {
                return Ok((index, left));
            }
            left -= count;
            index += 1;
            rest = behind;
        }
        Err(WRONG)
    }

    /// Entries below the children before `index`, and where its own count stands.
    #[inline]
    fn skip(&self, index: usize) -> Result<(u64, usize), Damaged> {
        let (mut rest, mut sum) = (&self.bytes[COUNTS_HEADER_BYTES..], 0u64);
        for _ in 0..index {
            let (count, behind) = packed::split_number(rest).ok_or(TOO_FEW)?;
            sum = sum.checked_add(count).ok_or(WRONG)?;
            rest = behind;
        }
        Ok((sum, self.bytes.len() - rest.len()))
    }

    /// Entries below the children before `index`.
    pub(super) fn before(&self, index: usize) -> Result<u64, Damaged> {
        self.skip(index).map(|(sum, _)| sum)
    }

    /// Entries below a child.
    pub(super) fn get(&self, index: usize) -> Result<u64, Damaged> {
        let (_, at) = self.skip(index)?;
        packed::split_number(&self.bytes[at..]).map(|(count, _)| count).ok_or(TOO_FEW)
    }

    /// The record with another count for one child.
    pub(super) fn with(&self, index: usize, difference: i64) -> Result<Bytes, Damaged> {
        let (_, at) = self.skip(index)?;
        let (count, rest) = packed::split_number(&self.bytes[at..]).ok_or(TOO_FEW)?;
        let count = count.checked_add_signed(difference).ok_or(WRONG)?;
        let len = at + packed::number_bytes(count) + rest.len();
        let mut record = Vec::with_capacity(len);
        record.extend_from_slice(&self.bytes[..at]);
        packed::push_number(&mut record, count);
        record.extend_from_slice(rest);
        Ok(Bytes::from(record))
    }
}

/// A child of a node whose shape is to change.
#[derive(Clone, Debug)]
pub(super) struct Child {
    pub(super) id: NodeId,
    /// Entries below it, as they stand in counts.
    pub(super) count: u64,
    /// Its separator; of a node's first child it says nothing.
    pub(super) separator: Bytes,
}

/// Some children, mostly one or two.
pub(super) type Children = SmallVec<[Child; 3]>;

/// A node whose shape is to change.
#[derive(Clone, Debug)]
pub(super) struct Inner {
    pub(super) level: u8,
    pub(super) children: Vec<Child>,
}

impl Inner {
    /// The node with these records.
    pub(super) fn of(shape: &Shape, counts: &Counts, level: u8) -> Result<Self, Damaged> {
        let mut children = Vec::with_capacity(shape.len + 2);
        let mut rest = &counts.bytes[COUNTS_HEADER_BYTES..];
        for index in 0..shape.len {
            let (count, behind) = packed::split_number(rest).ok_or(TOO_FEW)?;
            rest = behind;
            let separator = match index.checked_sub(1) {
                Some(before) => shape.bytes.slice_ref(shape.separator(before)?),
                None => Bytes::new(),
            };
            children.push(Child { id: shape.id(index)?, count, separator });
        }
        if !rest.is_empty() {
            return Err(Damaged("a node has more counts than children"));
        }
        Ok(Self { level, children })
    }

    /// Entries below it, as they stand in counts.
    pub(super) fn sum(&self) -> Result<u64, Damaged> {
        let add = |sum: u64, child: &Child| sum.checked_add(child.count);
        self.children.iter().try_fold(0, add).ok_or(WRONG)
    }

    /// Puts children in the place of one, the first of them behind its separator.
    pub(super) fn replace(&mut self, index: usize, mut new: Children) -> Result<(), Damaged> {
        let old = self.children.get(index).ok_or(Damaged("a node has fewer children"))?;
        if let Some(first) = new.first_mut() {
            first.separator = old.separator.clone();
        }
        self.children.splice(index..=index, new);
        Ok(())
    }

    fn separator_bytes(&self) -> usize {
        self.children.iter().skip(1).map(|child| child.separator.len()).sum()
    }

    /// Whether it has to be split.
    pub(super) fn is_too_big(&self, limits: &Limits) -> bool {
        let len = self.children.len();
        len > limits.children
            || len > CHILDREN_WHATEVER_LENGTH && self.separator_bytes() > limits.separator_bytes
    }

    /// Whether it and its next neighbour, behind this separator, can be one node.
    pub(super) fn can_join(&self, next: &Inner, separator: &[u8], limits: &Limits) -> bool {
        let bytes = self.separator_bytes() + separator.len() + next.separator_bytes();
        self.children.len() + next.children.len() <= joined_max(limits.children)
            && bytes <= joined_max(limits.separator_bytes)
    }

    /// The record of its shape.
    pub(super) fn shape(&self, order: Order) -> Bytes {
        let len = self.children.len();
        let separators = || self.children.iter().skip(1).map(|child| &child.separator);
        let total: usize = separators().map(Bytes::len).sum();
        let id_bytes = width(self.children.iter().map(|child| child.id).max().unwrap_or(0));
        let end_bytes = if order == Order::Rank { 0 } else { width(total as u64) };
        let ends = len.saturating_sub(1) * end_bytes;
        let mut record = Vec::with_capacity(SHAPE_HEADER_BYTES + len * id_bytes + ends + total);
        record.extend_from_slice(&[FORMAT, self.level, len as u8]);
        record.push(id_bytes as u8 | (end_bytes as u8) << 4);
        for child in &self.children {
            record.extend_from_slice(&child.id.to_le_bytes()[..id_bytes]);
        }
        if end_bytes > 0 {
            let mut end = 0;
            for separator in separators() {
                end += separator.len();
                record.extend_from_slice(&(end as u64).to_le_bytes()[..end_bytes]);
            }
            separators().for_each(|separator| record.extend_from_slice(separator));
        }
        Bytes::from(record)
    }

    /// The record of its counts.
    pub(super) fn counts(&self) -> Bytes {
        let bytes: usize =
            self.children.iter().map(|child| packed::number_bytes(child.count)).sum();
        let mut record = Vec::with_capacity(COUNTS_HEADER_BYTES + bytes);
        record.push(FORMAT);
        self.children.iter().for_each(|child| packed::push_number(&mut record, child.count));
        Bytes::from(record)
    }
}

/// The shortest separator between neighbours: greater than `last`, not greater than `first`.
pub(super) fn separator(last: &[u8], first: &[u8]) -> Bytes {
    let same = last.iter().zip(first).take_while(|(last, first)| last == first).count();
    Bytes::copy_from_slice(first.get(..=same).unwrap_or(first))
}
