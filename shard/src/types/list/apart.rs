//! Long elements, which stand apart in pieces: writing, reading, comparing and removing one.
//!
//! Its length is known from the list's entry, so that room is reserved before anything is read; and
//! who compares never has more than a piece of it.

use bytes::Bytes;

use super::encoding::Apart;
use crate::error::CommandError;
use crate::keyspace::layout::RecordKey;
use crate::keyspace::pieces::PIECE_BYTES;
use crate::tree::Damaged;
use crate::view::{Key, View};

/// An element is long that has more bytes. A leaf with a shorter one is written as a whole whenever
/// something beside it changes.
pub(super) const SHORT_BYTES_MAX: usize = 16 << 10;

/// The first byte of the names of pieces; those of a tree's nodes begin with others.
const TAG: u8 = 3;

/// Bytes that are copied in one unit of work.
const COPIED_BYTES_PER_UNIT: u64 = 512;

/// The list whose elements stand apart.
#[derive(Clone, Copy)]
pub(super) struct Pieces<'a> {
    pub(super) key: &'a Key,
    pub(super) version: u64,
}

fn missing() -> CommandError {
    Damaged("a piece of a long element is missing").into()
}

fn name(apart: Apart, piece: u32) -> RecordKey {
    let mut name = RecordKey::from_slice(&[TAG]);
    name.extend_from_slice(&apart.number.to_be_bytes());
    name.extend_from_slice(&piece.to_be_bytes());
    name
}

/// Accounts for reading a long element, or writing one.
fn charge(view: &mut View<'_>, apart: Apart) -> Result<(), CommandError> {
    view.charge(u64::from(apart.bytes) / COPIED_BYTES_PER_UNIT)
}

impl Pieces<'_> {
    /// Writes a long element, as the one with this number.
    pub(super) fn write(
        self,
        view: &mut View<'_>,
        number: u64,
        element: &[u8],
    ) -> Result<Apart, CommandError> {
        let bytes = u32::try_from(element.len()).map_err(|_| Damaged("an element is too long"))?;
        let apart = Apart { number, bytes };
        charge(view, apart)?;
        view.expect_value(element.len())?;
        for (piece, part) in (0..).zip(element.chunks(PIECE_BYTES)) {
            let part = Bytes::copy_from_slice(part);
            view.put_element(self.key, self.version, &name(apart, piece), part);
        }
        Ok(apart)
    }

    /// A long element as a whole.
    pub(super) fn read(self, view: &mut View<'_>, apart: Apart) -> Result<Bytes, CommandError> {
        charge(view, apart)?;
        view.expect_work(u64::from(apart.bytes))?;
        let mut whole = Vec::new();
        for piece in 0..apart.pieces() {
            let part = self.piece(view, apart, piece)?;
            // Not before there is a first piece: a damaged length may be any number.
            whole.reserve_exact(if piece == 0 { apart.bytes as usize } else { 0 });
            whole.extend_from_slice(&part);
        }
        Ok(Bytes::from(whole))
    }

    /// Whether a long element is this one.
    pub(super) fn is(
        self,
        view: &mut View<'_>,
        apart: Apart,
        element: &[u8],
    ) -> Result<bool, CommandError> {
        if apart.bytes as usize != element.len() {
            return Ok(false);
        }
        charge(view, apart)?;
        for (piece, part) in (0..).zip(element.chunks(PIECE_BYTES)) {
            if self.piece(view, apart, piece)? != part {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes a long element.
    pub(super) fn remove(self, view: &mut View<'_>, apart: Apart) -> Result<(), CommandError> {
        view.charge(u64::from(apart.pieces()))?;
        for piece in 0..apart.pieces() {
            view.remove_element(self.key, self.version, &name(apart, piece));
        }
        Ok(())
    }

    /// A piece of the length that it has to have.
    fn piece(self, view: &mut View<'_>, apart: Apart, piece: u32) -> Result<Bytes, CommandError> {
        let before = piece as usize * PIECE_BYTES;
        let bytes = PIECE_BYTES.min((apart.bytes as usize).saturating_sub(before));
        let part = view.element(self.key, self.version, &name(apart, piece))?;
        part.filter(|part| part.len() == bytes).ok_or_else(missing)
    }
}
