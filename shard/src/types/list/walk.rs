//! Going through a list, element by element, and finding one by its value.

use std::borrow::Cow;
use std::ops::{ControlFlow, Range};

use super::apart::Pieces;
use super::encoding::{self, Apart, Element};
use super::store::List;
use crate::error::CommandError;
use crate::tree::{Damaged, Side};
use crate::view::View;

/// Elements that are accounted for at a time by who does not know how far to go.
const STRIDE: u64 = 64;

/// An element that a walk has come to.
pub(super) struct Item<'a> {
    pub(super) rank: u64,
    element: Element<'a>,
    pieces: Pieces<'a>,
}

impl<'a> Item<'a> {
    /// The element.
    pub(super) fn read(&self, view: &mut View<'_>) -> Result<Cow<'a, [u8]>, CommandError> {
        Ok(match self.element {
            Element::Here(element) => Cow::Borrowed(element),
            Element::Apart(apart) => Cow::Owned(self.pieces.read(view, apart)?.into()),
        })
    }

    /// Whether it is this one.
    #[inline]
    pub(super) fn is(&self, view: &mut View<'_>, wanted: &[u8]) -> Result<bool, CommandError> {
        match self.element {
            Element::Here(element) => Ok(element == wanted),
            Element::Apart(apart) => self.pieces.is(view, apart, wanted),
        }
    }

    /// Where it stands, if it is apart.
    pub(super) fn apart(&self) -> Option<Apart> {
        match self.element {
            Element::Here(_) => None,
            Element::Apart(apart) => Some(apart),
        }
    }
}

impl List {
    /// Visits the elements with these ranks, the last of them first if it goes toward the front,
    /// until `visit` breaks. Whoever walks accounts for it ([`List::work_of`]).
    pub(super) fn walk(
        &mut self,
        view: &mut View<'_>,
        ranks: Range<u64>,
        toward: Side,
        mut visit: impl FnMut(&mut View<'_>, Item<'_>) -> Result<ControlFlow<()>, CommandError>,
    ) -> Result<(), CommandError> {
        let start = if toward == Side::Back { ranks.start } else { ranks.end };
        let nodes = &mut self.place.nodes(&self.key, view);
        let mut cursor = self.tree.cursor_at_rank(nodes, start, toward)?;
        let version = self.pieces().version;
        for passed in 0..ranks.end.saturating_sub(ranks.start) {
            let entry = cursor.next(&mut self.place.nodes(&self.key, view))?;
            let entry = entry.ok_or(Damaged("entries are missing"))?;
            let rank = match toward {
                Side::Back => ranks.start + passed,
                Side::Front => ranks.end - 1 - passed,
            };
            let pieces = Pieces { key: &self.key, version };
            let item = Item { rank, element: encoding::decode(entry)?, pieces };
            if visit(view, item)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Visits the elements with these ranks that are `wanted`, until `visit` breaks.
    pub(super) fn search(
        &mut self,
        view: &mut View<'_>,
        (ranks, toward): (Range<u64>, Side),
        wanted: &[u8],
        mut visit: impl FnMut(&mut View<'_>, Item<'_>) -> Result<ControlFlow<()>, CommandError>,
    ) -> Result<(), CommandError> {
        let work = self.work_of(STRIDE);
        let mut passed = 0;
        self.walk(view, ranks, toward, |view, item| {
            if passed % STRIDE == 0 {
                view.charge(work)?;
            }
            passed += 1;
            if item.is(view, wanted)? { visit(view, item) } else { Ok(ControlFlow::Continue(())) }
        })
    }
}
