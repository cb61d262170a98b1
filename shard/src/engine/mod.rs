//! The storage engine as the rest of the shard sees it: ordered byte maps ("families"), atomic
//! batches, a log that can be flushed to the kernel and made durable.
//!
//! Two implementations: `rocks` (RocksDB behind our log, the real one) and `memory` (ordered maps,
//! for tests). Engines may be read from any thread; only the owning shard's thread may write.

mod batch;
mod buffer_sizes;
pub mod error;
mod families;
mod filter;
pub mod map_engine;
mod memory_odds;
mod merge;
mod opening;
pub mod options;
mod rest;
pub mod rocks;
mod rocksdb_error;
mod scrub;
mod site;
mod statistics;
mod storing;
mod table;
mod write_buffer;

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;

use crate::log::format::Lsn;

pub use error::EngineError;
pub use site::{Opened, Site};

/// A column family: one ordered map. What the keys look like is in `keyspace::layout`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Counters and the shard's own identity.
    Meta,
    /// One record a key: type, expiry, and small values whole.
    Heads,
    /// The elements of large collections.
    Elements,
    /// Deadlines in order of time.
    Expiry,
    /// How much of the log the other families have: the engine's own.
    Progress,
}

impl Family {
    /// Every family, in the order of their discriminants.
    pub const ALL: [Family; 5] =
        [Family::Meta, Family::Heads, Family::Elements, Family::Expiry, Family::Progress];
}

/// How far a read may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTier {
    /// Memtables and cached blocks only; anything else is [`EngineError::NotInMemory`].
    Memory,
    /// The same; but where a look for a record is hardly worth it, it is not made, and the record
    /// is not in memory.
    LikelyMemory,
    /// The disk too. Never on a shard's loop.
    Disk,
}

/// Direction of a range read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Ascending keys.
    Forward,
    /// Descending keys.
    Backward,
}

/// Collects the writes of one atomic batch.
pub trait Writes {
    /// Sets `key` to `value`.
    fn put(&mut self, family: Family, key: &[u8], value: &Bytes);
    /// Removes `key`.
    fn delete(&mut self, family: Family, key: &[u8]);
    /// Removes every key in `from..to`.
    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]);
}

/// What to read of a family.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    /// The family.
    pub family: Family,
    /// The first key that may be read.
    pub lower: &'a [u8],
    /// The first key behind the range; empty: the range goes to the end of the family.
    pub upper: &'a [u8],
    /// In which order.
    pub direction: Direction,
    /// How far the reads may go.
    pub tier: ReadTier,
}

/// What [`Engine::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Where to go on; `None` at the end of the family.
    pub next: Option<Vec<u8>>,
    /// Bytes of the keys and values that were read.
    pub bytes: u64,
    /// What is wrong, with the file's name. What follows begins behind the damaged file.
    pub damage: Option<String>,
}

/// Takes a key and its value; may end the reading.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// How the log is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogAccess {
    /// Flushed often, synced now and then.
    Buffered,
    /// Synced whenever it is flushed.
    Direct,
}

/// What may be done from any thread.
pub trait Engine: Send + Sync {
    /// The value of `key`.
    fn get(&self, family: Family, key: &[u8], tier: ReadTier)
    -> Result<Option<Bytes>, EngineError>;

    /// Visits the entries of a range in order. `visit` may read the engine, but not write to it.
    fn range(&self, range: Range<'_>, visit: &mut Visit<'_>) -> Result<(), EngineError>;

    /// Writes everything that `fill` collects, all or nothing, where readers find it and to the end
    /// of what gathers for the log; returns the number of this batch. In the kernel only after
    /// [`Engine::flush_log`], durable after [`Engine::sync_log`]. By one thread at a time.
    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writes)) -> Result<Lsn, EngineError>;

    /// Number of the newest batch.
    fn written(&self) -> Lsn;

    /// Hands what was written to the kernel: from here on `kill -9` loses none of it. Returns the
    /// newest batch there. `Stalled`: it would take long now; another thread should do it
    /// ([`Engine::flush_log_off_loop`]).
    fn flush_log(&self) -> Result<Lsn, EngineError>;

    /// The same, taking its time. Blocks.
    fn flush_log_off_loop(&self) -> Result<Lsn, EngineError>;

    /// Makes what was written durable, and returns the newest durable batch. Blocks on the device:
    /// never on a shard's loop.
    fn sync_log(&self, access: LogAccess) -> Result<Lsn, EngineError>;

    /// Bytes of batches that are not in the kernel, and that are not durable.
    fn log_backlog_bytes(&self) -> (u64, u64);

    /// Hands what was written to the database behind the write buffer when enough has gathered,
    /// waiting for that as long as `patience`; with none, whatever there is. Blocks.
    fn drain(&self, patience: Duration) -> Result<(), EngineError>;

    /// Housekeeping, several times a second: lets go of log that is no longer needed, makes room
    /// for more, notes how far things are. Blocks.
    fn maintain(&self) -> Result<(), EngineError>;

    /// Has the database compact when it thinks that it should, or not: that needs room on the disk,
    /// which is then for what writes out deletions. Blocks.
    fn set_compacting(&self, it_does: bool) -> Result<(), EngineError>;

    /// Writes out what was deleted, so that compactions give back its space. Blocks.
    fn make_room(&self) -> Result<(), EngineError>;

    /// Takes no writes any more, until it is opened anew.
    fn fail(&self, error: &EngineError);

    /// Why nothing can be written any more, if so.
    fn failure(&self) -> Option<EngineError>;

    /// Closes and opens the database, as after a crash: what was durable is there, and writes are
    /// taken again. Blocks until no other thread reads. The caller sees to it that nobody writes,
    /// and reads the counts anew.
    fn reopen(&self) -> Result<(), EngineError>;

    /// Gives the disk space of what was deleted in a range back. Blocks: never on a shard's loop.
    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), EngineError>;

    /// Reads what is on disk of a family from the key `from` on, about `bytes_max` bytes, and
    /// verifies its checksums. Blocks: never on a shard's loop.
    fn verify(&self, family: Family, from: &[u8], bytes_max: u64) -> Result<Verified, EngineError>;

    /// Makes everything durable and ends background work; nothing may be written after it. Blocks.
    /// `DiskFull`: there was not the room to tidy up, and the next opening does it; nothing that
    /// was acknowledged is lost.
    fn close(&self) -> Result<(), EngineError>;

    /// Numbers for INFO, as `(name, value)` in the engine's own words.
    fn statistics(&self) -> Vec<(&'static str, u64)>;
}
