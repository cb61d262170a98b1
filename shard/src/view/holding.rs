//! Room in memory that a command holds for what it reads and writes, if that is big.
//!
//! On the loop nothing big is read or written, so nothing is reserved there but for walks.

use std::sync::Arc;

use crate::error::{CommandError, text};
use crate::keyspace::pieces::BIG_BYTES;
use crate::room::{Reservation, Reserved, Room};

/// See the module.
pub(super) struct Holding<'a> {
    room: &'a Arc<Room>,
    is_on_loop: bool,
    /// Longer values are never made: no reply could show them.
    value_bytes_max: usize,
    /// What is reserved.
    pub(super) reservation: Reservation,
    /// The version of the big collection that there is room for.
    walked: Option<u64>,
    /// Bytes that were read and that no room is reserved for yet.
    read_bytes: usize,
    /// Bytes of a value to be written that room is reserved for.
    expected_bytes: usize,
    /// Why nothing of this run counts: there was no room for a value that was made.
    pub(super) failure: Option<CommandError>,
}

/// A walk over the elements of one collection, which whoever walks may keep.
pub(super) struct Walk {
    version: u64,
    /// Bytes of the whole collection, as far as is known.
    whole: u64,
    seen: usize,
    is_reserved: bool,
}

impl<'a> Holding<'a> {
    #[inline]
    pub(super) fn new(room: &'a Arc<Room>, is_on_loop: bool, value_bytes_max: usize) -> Self {
        Self {
            room,
            is_on_loop,
            value_bytes_max,
            reservation: Reservation::default(),
            walked: None,
            read_bytes: 0,
            expected_bytes: 0,
            failure: None,
        }
    }

    pub(super) fn reserve(&mut self, bytes: u64) -> Result<(), CommandError> {
        match self.reservation.grow(self.room, bytes) {
            Reserved::Yes => Ok(()),
            Reserved::NotNow => Err(CommandError::NoRoom),
            Reserved::Never => Err(text::VALUE_TOO_LONG.into()),
        }
    }

    /// So many bytes were read from the disk, or are about to be: reserves room when it is much.
    #[inline]
    pub(super) fn note_read(&mut self, bytes: usize) -> Result<(), CommandError> {
        self.read_bytes += bytes;
        if self.read_bytes < BIG_BYTES || self.is_on_loop {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.read_bytes) as u64;
        self.reserve(bytes)
    }

    /// A value of so many bytes is about to be made: reserves room, if it is big. Twice, as the log
    /// takes a copy.
    pub(super) fn expect_value(&mut self, bytes: usize) -> Result<(), CommandError> {
        if bytes < BIG_BYTES || self.is_on_loop {
            return Ok(());
        }
        self.check_length(bytes)?;
        self.expected_bytes += bytes;
        self.reserve(2 * bytes as u64)
    }

    /// So many bytes are about to be gathered beside the reply: reserves room, if they are many.
    pub(super) fn expect_work(&mut self, bytes: u64) -> Result<(), CommandError> {
        if bytes < BIG_BYTES as u64 || self.is_on_loop {
            return Ok(());
        }
        self.reserve(bytes)
    }

    /// Reserves room for a value that is made already, if it is big and was not expected.
    #[inline]
    pub(super) fn reserve_for(&mut self, bytes: usize) {
        if bytes < BIG_BYTES || self.is_on_loop {
            return;
        }
        // The record is a little longer than the value.
        let new = bytes.saturating_sub(self.expected_bytes + BIG_BYTES / 2);
        self.expected_bytes = self.expected_bytes.saturating_sub(bytes);
        if new > 0
            && let Err(error) = self.reserve(2 * bytes as u64)
        {
            self.failure = Some(error);
        }
    }

    /// Whether a value of so many bytes may be.
    pub(super) fn check_length(&self, bytes: usize) -> Result<(), CommandError> {
        if bytes > self.value_bytes_max { Err(text::VALUE_TOO_LONG.into()) } else { Ok(()) }
    }

    /// Begins a walk over a collection of `whole` bytes.
    pub(super) fn begin_walk(&self, version: u64, whole: u64) -> Walk {
        Walk { version, whole, seen: 0, is_reserved: self.walked == Some(version) }
    }

    /// A walk passed so many bytes. When it has seen much, whoever walks may keep all of the
    /// collection: room for that is reserved, once.
    pub(super) fn pass(&mut self, walk: &mut Walk, bytes: usize) -> Result<(), CommandError> {
        let before = walk.seen;
        walk.seen += bytes;
        if walk.is_reserved || before >= BIG_BYTES || walk.seen < BIG_BYTES {
            return Ok(());
        }
        let reserved = self.reserve(walk.whole.max(BIG_BYTES as u64));
        if self.is_on_loop { reserved.map_err(|_| CommandError::OffLoop) } else { reserved }
    }

    /// A walk came to its end.
    pub(super) fn end_walk(&mut self, walk: &Walk) {
        if walk.seen >= BIG_BYTES {
            self.walked = Some(walk.version);
        }
    }
}
