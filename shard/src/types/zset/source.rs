//! What the commands on several sets read: sorted sets and sets, each with a weight.

use std::ops::ControlFlow;

use bytes::Bytes;

use super::store::{PAGE_MEMBERS, SortedSet};
use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::head::{Body, Kind};
use crate::tree::Side;
use crate::types::set::Set;
use crate::view::{Key, View};

/// The score of every member of a set.
const SCORE_OF_SETS: f64 = 1.0;

/// What a member takes that was copied out of a set, beside its bytes.
const COPIED_MEMBER_BYTES: u64 = 64;

/// A set to read from.
pub(super) struct Source {
    members: Members,
    pub(super) weight: f64,
    pub(super) len: u64,
    /// Bytes of all members, more or less.
    pub(super) bytes: u64,
}

enum Members {
    Sorted(SortedSet),
    Unsorted(Set),
}

impl Source {
    /// Opens what is at a key. `len` is 0: there is nothing.
    pub(super) fn open(view: &mut View<'_>, name: &[u8]) -> Result<Self, CommandError> {
        view.charge(1)?;
        let key = view.open(name)?;
        let bytes = bytes_of(&key);
        let (members, len) = match key.head.as_ref().map(|head| head.kind) {
            None | Some(Kind::SortedSet) => {
                let set = SortedSet::of(key)?;
                let len = set.len(view)?;
                (Members::Sorted(set), len)
            }
            Some(Kind::Set) => {
                let set = Set::at(key)?;
                let len = set.len(view)?;
                (Members::Unsorted(set), len)
            }
            Some(_) => return Err(text::WRONG_TYPE.into()),
        };
        Ok(Self { members, weight: 1.0, len, bytes })
    }

    /// The score of a member.
    pub(super) fn score(
        &self,
        view: &mut View<'_>,
        member: &[u8],
    ) -> Result<Option<f64>, CommandError> {
        match &self.members {
            Members::Sorted(set) => set.score(view, member),
            Members::Unsorted(set) => Ok(set.contains(view, member)?.then_some(SCORE_OF_SETS)),
        }
    }

    /// Visits all members with their scores.
    pub(super) fn for_each(
        &self,
        view: &mut View<'_>,
        mut visit: impl FnMut(&[u8], f64),
    ) -> CommandResult {
        match &self.members {
            Members::Sorted(set) => {
                set.charge_walk(view, self.len)?;
                set.walk(view, 0..self.len, Side::Back, |member, score| {
                    visit(member, score);
                    ControlFlow::Continue(())
                })
            }
            Members::Unsorted(set) => set.for_each(view, |member| {
                visit(member, SCORE_OF_SETS);
                ControlFlow::Continue(())
            }),
        }
    }

    /// The same for a visit that needs the view, which looks for each in so many other sets; until
    /// it breaks.
    pub(super) fn for_each_looked_for(
        &self,
        view: &mut View<'_>,
        others: usize,
        mut visit: impl FnMut(&mut View<'_>, &Bytes, f64) -> Result<ControlFlow<()>, CommandError>,
    ) -> CommandResult {
        view.charge(self.len.saturating_mul(others as u64))?;
        let set = match &self.members {
            Members::Sorted(set) => set,
            Members::Unsorted(_) => {
                let own = self.len.saturating_mul(COPIED_MEMBER_BYTES);
                view.expect_work(self.bytes.saturating_add(own))?;
                let mut members = Vec::new();
                self.for_each(view, |member, _| members.push(Bytes::copy_from_slice(member)))?;
                for member in members {
                    if visit(view, &member, SCORE_OF_SETS)?.is_break() {
                        break;
                    }
                }
                return Ok(());
            }
        };
        set.charge_walk(view, self.len)?;
        let mut start = 0;
        while start < self.len {
            let end = self.len.min(start + PAGE_MEMBERS);
            for (score, member) in set.page(view, start..end)? {
                if visit(view, &member, score)?.is_break() {
                    return Ok(());
                }
            }
            start = end;
        }
        Ok(())
    }
}

/// Bytes of the members at a key.
fn bytes_of(key: &Key) -> u64 {
    match key.head.as_ref().map(|head| &head.body) {
        None => 0,
        Some(Body::Inline(bytes)) => bytes.len() as u64,
        Some(Body::Large(large, _)) => large.bytes,
    }
}
