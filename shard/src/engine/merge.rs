//! Reading a range: what RocksDB has, and over it what is still in the write buffer.
//!
//! The buffer is read in pieces, each as of one moment, so that nobody has to wait for a long
//! range. A table that moves into RocksDB meanwhile is met there, by beginning anew behind what
//! was visited. So everything is visited that was there all the time, and nothing twice.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use rocksdb::{DB, DBRawIterator, ReadOptions};

use super::families::handle;
use super::rocksdb_error::read_error;
use super::table::Entry;
use super::write_buffer::{Piece, WriteBuffer};
use super::{Direction, EngineError, Family, Range, ReadTier, Visit};

/// Deleted records that a read on a loop passes over; where there are more it goes elsewhere.
const SKIPPED_ON_LOOP_MAX: u64 = 1000;

/// Entries of the buffer that are read at once, at first and then.
const FIRST_PIECE: usize = 32;
const PIECE: usize = 256;

/// Visits the entries of a range in order.
pub(super) fn visit_range(
    db: &DB,
    buffer: &WriteBuffer,
    range: Range<'_>,
    visit: &mut Visit<'_>,
) -> Result<(), EngineError> {
    let mut bounds = Bounds { lower: range.lower.to_vec(), upper: range.upper.to_vec() };
    let mut most = FIRST_PIECE;
    let mut skipped = 0;
    let mut stored: Option<(DBRawIterator<'_>, u64)> = None;
    loop {
        let rest = Range { lower: &bounds.lower, upper: &bounds.upper, ..range };
        let piece = buffer.piece(&rest, most);
        // Only when it was made after the piece does it have what has left the buffer before.
        if stored.as_ref().is_none_or(|(_, moves)| *moves != piece.moves) {
            let iterator = seek(db, rest);
            if buffer.moves() != piece.moves {
                continue;
            }
            stored = Some((iterator, piece.moves));
        }
        let Some((iterator, _)) = &mut stored else { continue };
        skipped += piece.entries.iter().filter(|(_, value)| value.is_none()).count() as u64;
        if is_bounded(&range) && skipped > SKIPPED_ON_LOOP_MAX {
            return Err(EngineError::NotInMemory);
        }
        let last = piece.entries.last().filter(|_| piece.goes_on).map(|(key, _)| key.clone());
        if visit_piece(iterator, piece, range, visit)?.is_break() {
            return Ok(());
        }
        let Some(last) = last else { return Ok(()) };
        bounds.pass(last, range.direction);
        most = PIECE;
    }
}

struct Bounds {
    lower: Vec<u8>,
    upper: Vec<u8>,
}

impl Bounds {
    /// Leaves what comes behind `last`.
    fn pass(&mut self, mut last: Vec<u8>, direction: Direction) {
        match direction {
            Direction::Forward => {
                last.push(0);
                self.lower = last;
            }
            Direction::Backward => self.upper = last,
        }
    }
}

/// Whether a read may pass over so many deleted records only. Deadlines are read from where they
/// begin; with a limit, reading them into memory would never be enough.
fn is_bounded(range: &Range<'_>) -> bool {
    range.tier != ReadTier::Disk && range.family != Family::Expiry
}

fn seek<'a>(db: &'a DB, range: Range<'_>) -> DBRawIterator<'a> {
    let mut options = ReadOptions::default();
    if range.tier != ReadTier::Disk {
        options.set_read_tier(rocksdb::ReadTier::BlockCache);
    }
    if is_bounded(&range) {
        options.set_max_skippable_internal_keys(SKIPPED_ON_LOOP_MAX);
    }
    options.set_iterate_lower_bound(range.lower);
    if !range.upper.is_empty() {
        options.set_iterate_upper_bound(range.upper);
    }
    let mut iterator = db.raw_iterator_cf_opt(handle(db, range.family), options);
    match range.direction {
        Direction::Forward => iterator.seek_to_first(),
        Direction::Backward => iterator.seek_to_last(),
    }
    iterator
}

/// Visits up to the last entry of a piece, or if nothing comes behind it to the end of the range.
fn visit_piece(
    iterator: &mut DBRawIterator<'_>,
    piece: Piece,
    range: Range<'_>,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, EngineError> {
    let Piece { entries, goes_on, deleted, .. } = piece;
    let mut entries = entries.into_iter().peekable();
    let order = |left: &[u8], right: &[u8]| match range.direction {
        Direction::Forward => left.cmp(right),
        Direction::Backward => right.cmp(left),
    };
    loop {
        if goes_on && entries.peek().is_none() {
            return Ok(ControlFlow::Continue(()));
        }
        let Some((stored_key, stored_value)) = iterator.item() else {
            iterator.status().map_err(read_error)?;
            break;
        };
        let buffered = entries.peek().map(|(key, _)| order(key, stored_key));
        if let Some(Ordering::Less | Ordering::Equal) = buffered {
            if buffered == Some(Ordering::Equal) {
                step(iterator, range.direction);
            }
            if let Some(entry) = entries.next()
                && visit_entry(entry, visit).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            continue;
        }
        let is_hidden = deleted.iter().any(|deleted| deleted.covers(range.family, stored_key));
        if !is_hidden && visit(stored_key, stored_value).is_break() {
            return Ok(ControlFlow::Break(()));
        }
        step(iterator, range.direction);
    }
    for entry in entries {
        if visit_entry(entry, visit).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

fn step(iterator: &mut DBRawIterator<'_>, direction: Direction) {
    match direction {
        Direction::Forward => iterator.next(),
        Direction::Backward => iterator.prev(),
    }
}

fn visit_entry((key, value): Entry, visit: &mut Visit<'_>) -> ControlFlow<()> {
    match value {
        Some(value) => visit(&key, &value),
        None => ControlFlow::Continue(()),
    }
}
