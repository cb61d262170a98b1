//! Large collections whose elements stand in the order of a hash of their names: hashes and sets.
//!
//! ```text
//! element    … key | version | position (8, big-endian) | name …   →   value
//! ```
//!
//! `position` is `layout::hash` of the name: it spreads names evenly whatever they are, so that
//! one can be drawn at random (`keyspace::sample`), and the cursor of a scan is a position.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::engine::{Direction, EngineError};
use crate::error::CommandError;
use crate::keyspace::cursor::{self, Page};
use crate::keyspace::head::Large;
use crate::keyspace::layout::{self, RecordKey};
use crate::keyspace::sample;
use crate::random::Random;
use crate::view::{Key, View};

/// Bytes of names and values that are copied in one unit of work.
const COPIED_BYTES_PER_UNIT: u64 = 64;

/// The elements of a large collection.
#[derive(Clone, Copy)]
pub struct Elements<'a> {
    /// Where the collection is.
    pub key: &'a Key,
    /// What its head says.
    pub large: Large,
}

/// A collection does not have what its head says.
pub fn corrupted(what: &str) -> CommandError {
    EngineError::Corrupted(format!("large collection: {what}")).into()
}

/// The name of an element's record: its position, and its name.
pub fn element(name: &[u8]) -> RecordKey {
    let mut element = RecordKey::from_slice(&layout::hash(name).to_be_bytes());
    element.extend_from_slice(name);
    element
}

/// Units of work that copying so many bytes of names and values is.
pub fn copy_units(bytes: u64) -> u64 {
    bytes / COPIED_BYTES_PER_UNIT
}

impl Elements<'_> {
    /// The value of an element.
    pub fn get(&self, view: &mut View<'_>, name: &[u8]) -> Result<Option<Bytes>, CommandError> {
        view.element(self.key, self.large.version, &element(name))
    }

    /// Accounts for visiting all elements. A run on the loop does not begin what it cannot finish.
    pub fn charge_all(&self, view: &mut View<'_>) -> Result<(), CommandError> {
        view.charge(copy_units(self.large.bytes).max(self.large.count))
    }

    /// Visits all elements in the order of their positions, until `visit` breaks. It gets the name
    /// and the value.
    pub fn for_each(
        &self,
        view: &mut View<'_>,
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        self.charge_all(view)?;
        let (mut count, mut flow) = (0, ControlFlow::Continue(()));
        self.walk(view, (0, u64::MAX), |_, name, value| {
            count += 1;
            flow = visit(name, value);
            flow
        })?;
        let is_whole = flow.is_break() || count == self.large.count;
        if is_whole { Ok(()) } else { Err(corrupted("elements are missing")) }
    }

    /// Visits the elements whose positions are in `first..=last`, in their order, until `visit`
    /// breaks. It gets the position, the name and the value.
    pub fn walk(
        &self,
        view: &mut View<'_>,
        (first, last): (u64, u64),
        visit: impl FnMut(u64, &[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        let end = last.checked_add(1).map(u64::to_be_bytes);
        let end = end.as_ref().map_or(&[][..], |end| &end[..]);
        self.walk_between(view, (&first.to_be_bytes(), end), visit)
    }

    /// The same between the records `from..to` (empty `to`: to the end), by their names with the
    /// position in front.
    pub fn walk_between(
        &self,
        view: &mut View<'_>,
        range: (&[u8], &[u8]),
        mut visit: impl FnMut(u64, &[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<(), CommandError> {
        let mut damaged = false;
        let version = self.large.version;
        view.elements(self.key, version, range, Direction::Forward, |element, value| {
            let Some((position, name)) = element.split_first_chunk() else {
                damaged = true;
                return ControlFlow::Break(());
            };
            visit(u64::from_be_bytes(*position), name, value)
        })?;
        if damaged { Err(corrupted("an element without a position")) } else { Ok(()) }
    }

    /// Visits as many elements from a cursor on as `count` says, and the rest of the group of the
    /// last ([`cursor`]); returns the next cursor. So what is there from the first call to the last
    /// is visited exactly once.
    pub fn scan(
        &self,
        view: &mut View<'_>,
        (cursor, count): (u64, u64),
        mut visit: impl FnMut(&[u8], &[u8]) -> ControlFlow<()>,
    ) -> Result<u64, CommandError> {
        let Some(first) = cursor::first_position(cursor) else { return Ok(0) };
        let average_bytes = self.large.bytes / self.large.count.max(1);
        view.charge(copy_units(average_bytes).saturating_mul(count.min(self.large.count)))?;
        let mut page = Page::new(count);
        let mut next = 0;
        self.walk(view, (first, u64::MAX), |position, name, value| {
            if let Some(cursor) = page.ends_before(position) {
                next = cursor;
                return ControlFlow::Break(());
            }
            visit(name, value)
        })?;
        Ok(next)
    }

    /// The name of one element, every one equally likely.
    pub fn draw(&self, view: &mut View<'_>, random: &mut Random) -> Result<Bytes, CommandError> {
        sample::draw(random, self.large.count, u64::BITS, |first, last| {
            let mut names = Vec::new();
            self.walk(view, (first, last), |_, name, _| {
                names.push(Bytes::copy_from_slice(name));
                ControlFlow::Continue(())
            })?;
            Ok::<_, CommandError>(names)
        })?
        .ok_or_else(|| corrupted("elements are missing"))
    }
}
