//! Going through several sets at once, member by member, in the order of their positions.
//!
//! Large sets stand in this order, so each is read once from one end to the other, a page at a
//! time, and what is in memory does not grow with them. Small sets are sorted into it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;
use std::vec::IntoIter;

use bytes::Bytes;

use super::store::{Form, Set, small_members};
use crate::error::CommandError;
use crate::keyspace::layout::{self, RecordKey};
use crate::types::hashed::{Elements, element};
use crate::view::View;

/// Bytes of members in all pages together, and in one at most. A page is far below what a walk
/// has to reserve room for.
const PAGES_BYTES: usize = 4 << 20;
const PAGE_BYTES_MAX: usize = 64 << 10;

/// Records of a page, at most.
const PAGE_MEMBERS_MAX: usize = 1024;

/// A member with its position in front, by which it is ordered.
type Placed = (u64, Bytes);

/// The members of one set in order.
struct Stream<'a> {
    page: IntoIter<Placed>,
    /// Where the next page begins, if there may be one.
    next: Option<(Elements<'a>, RecordKey)>,
    page_bytes: usize,
}

/// A member, and which sets have it.
pub(super) struct Merged {
    pub(super) member: Bytes,
    /// The first set has it.
    pub(super) in_first: bool,
    /// How many sets have it.
    pub(super) times: usize,
}

/// See the module.
pub(super) struct Merge<'a> {
    streams: Vec<Stream<'a>>,
    /// The next member of each set that has one.
    heads: BinaryHeap<Reverse<(Placed, usize)>>,
}

impl<'a> Stream<'a> {
    fn of(view: &mut View<'_>, set: &'a Set, page_bytes: usize) -> Result<Self, CommandError> {
        let (page, next) = match &set.form {
            Form::Small(small) => {
                let members = small_members(view, small)?;
                let placed = members
                    .iter()
                    .map(|member| (layout::hash(member), Bytes::copy_from_slice(member)));
                let mut page: Vec<Placed> = placed.collect();
                page.sort_unstable();
                (page, None)
            }
            Form::Large(large) => (Vec::new(), Some((set.elements(*large), RecordKey::new()))),
        };
        Ok(Self { page: page.into_iter(), next, page_bytes })
    }

    fn next(&mut self, view: &mut View<'_>) -> Result<Option<Placed>, CommandError> {
        if let Some(placed) = self.page.next() {
            return Ok(Some(placed));
        }
        let Some((elements, from)) = self.next.take() else { return Ok(None) };
        let (page, next) = page(view, elements, &from, self.page_bytes)?;
        self.page = page.into_iter();
        self.next = next.map(|next| (elements, next));
        Ok(self.page.next())
    }
}

/// Members of a large set from a record on, and the record behind them, if there may be more.
pub(super) fn page(
    view: &mut View<'_>,
    elements: Elements<'_>,
    from: &[u8],
    bytes_max: usize,
) -> Result<(Vec<Placed>, Option<RecordKey>), CommandError> {
    let mut page: Vec<Placed> = Vec::new();
    let mut bytes = 0;
    elements.walk_between(view, (from, b""), |position, member, _| {
        page.push((position, Bytes::copy_from_slice(member)));
        bytes += member.len();
        let is_full = page.len() >= PAGE_MEMBERS_MAX || bytes >= bytes_max;
        if is_full { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })?;
    let is_full = page.len() >= PAGE_MEMBERS_MAX || bytes >= bytes_max;
    let next = page.last().filter(|_| is_full).map(|(_, last)| {
        let mut next = element(last);
        next.push(0);
        next
    });
    Ok((page, next))
}

impl<'a> Merge<'a> {
    /// Of these sets.
    pub(super) fn new(view: &mut View<'_>, sets: &[&'a Set]) -> Result<Self, CommandError> {
        let page_bytes = (PAGES_BYTES / sets.len().max(1)).min(PAGE_BYTES_MAX);
        let mut merge = Self { streams: Vec::new(), heads: BinaryHeap::new() };
        for (index, set) in sets.iter().enumerate() {
            let mut stream = Stream::of(view, set, page_bytes)?;
            if let Some(placed) = stream.next(view)? {
                merge.heads.push(Reverse((placed, index)));
            }
            merge.streams.push(stream);
        }
        Ok(merge)
    }

    /// The next member.
    pub(super) fn next(&mut self, view: &mut View<'_>) -> Result<Option<Merged>, CommandError> {
        let Some((placed, index)) = self.pop(view)? else { return Ok(None) };
        let mut merged = Merged { member: placed.1, in_first: index == 0, times: 1 };
        while let Some(Reverse(((_, member), _))) = self.heads.peek()
            && *member == merged.member
            && let Some((_, index)) = self.pop(view)?
        {
            merged.in_first |= index == 0;
            merged.times += 1;
        }
        Ok(Some(merged))
    }

    fn pop(&mut self, view: &mut View<'_>) -> Result<Option<(Placed, usize)>, CommandError> {
        let Some(Reverse((placed, index))) = self.heads.pop() else { return Ok(None) };
        if let Some(stream) = self.streams.get_mut(index)
            && let Some(next) = stream.next(view)?
        {
            self.heads.push(Reverse((next, index)));
        }
        Ok(Some((placed, index)))
    }
}
