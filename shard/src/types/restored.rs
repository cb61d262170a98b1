//! A value out of a payload of RESTORE, on its way into its type.
//!
//! What reading it takes is accounted for as it comes: the work, so that nothing long runs on the
//! loop, and the room for what is gathered, so that no payload takes more memory than there is.

use crate::error::{CommandError, CommandResult, text};
use crate::keyspace::pieces::BIG_BYTES;
use crate::rdb::{Dump, Failure, Item, Sink};
use crate::view::View;

/// Bytes unpacked or copied in one unit of work.
const BYTES_PER_UNIT: u64 = 64;

/// What an element takes beside its bytes until it is written: its names, twice, and its place in a
/// map.
const ELEMENT_EXTRA_BYTES: u64 = 256;

/// See the module.
pub struct Restored<'a> {
    dump: Dump<'a>,
    deadline_ms: Option<u64>,
}

impl<'a> Restored<'a> {
    /// The value of `dump`, to be kept until a deadline, or for ever.
    pub fn new(dump: Dump<'a>, deadline_ms: Option<u64>) -> Self {
        Self { dump, deadline_ms }
    }

    /// When the key is to vanish.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    /// Hands the items of the value to `take`, which says of each whether it was not there yet.
    pub fn items(
        &self,
        view: &mut View<'_>,
        take: impl FnMut(&mut View<'_>, Item<'_>) -> Result<bool, CommandError>,
    ) -> CommandResult {
        let string_bytes_max = view.settings().proto_max_bulk_len;
        match self.dump.read(string_bytes_max, &mut Accounting { view, take, gathered: 0 }) {
            Ok(()) => Ok(()),
            Err(Failure::Damage(_)) => Err(text::BAD_PAYLOAD.into()),
            Err(Failure::Sink(error)) => Err(error),
        }
    }
}

struct Accounting<'v, 'w, T> {
    view: &'v mut View<'w>,
    take: T,
    /// Bytes that no room is reserved for yet.
    gathered: u64,
}

impl<T> Accounting<'_, '_, T> {
    fn gather(&mut self, bytes: u64) -> Result<(), CommandError> {
        self.gathered = self.gathered.saturating_add(bytes);
        if self.gathered < BIG_BYTES as u64 {
            return Ok(());
        }
        self.view.expect_work(std::mem::take(&mut self.gathered))
    }
}

impl<'w, T> Sink for Accounting<'_, 'w, T>
where
    T: FnMut(&mut View<'w>, Item<'_>) -> Result<bool, CommandError>,
{
    type Error = CommandError;

    fn expect(&mut self, bytes: u64) -> Result<(), CommandError> {
        self.view.charge(bytes / BYTES_PER_UNIT)?;
        self.gather(bytes)
    }

    fn take(&mut self, item: Item<'_>) -> Result<bool, CommandError> {
        // A string's own room is reserved where it is put.
        if !matches!(item, Item::String(_)) {
            self.view.charge(1)?;
            self.gather(item.bytes() as u64 + ELEMENT_EXTRA_BYTES)?;
        }
        (self.take)(self.view, item)
    }
}
