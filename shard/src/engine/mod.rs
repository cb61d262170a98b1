//! The storage engine as the rest of the shard sees it: ordered byte maps ("families"), atomic
//! batches, a log that can be flushed to the kernel and made durable.
//!
//! Two implementations: `rocks` (RocksDB, the real one) and `memory` (ordered maps, for tests).
//! Engines may be read from any thread; only the owning shard's thread may write.

mod filter;
pub mod memory;
pub mod options;
pub mod rocks;
mod scrub;

use bytes::Bytes;

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
}

impl Family {
    /// Every family, in the order of their discriminants.
    pub const ALL: [Family; 4] = [Family::Meta, Family::Heads, Family::Elements, Family::Expiry];
}

/// How far a read may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadTier {
    /// Memtables and cached blocks only; anything else is [`EngineError::NotInMemory`].
    Memory,
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

/// Why the engine did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// The answer is not in memory, and the read was not allowed to go to disk.
    NotInMemory,
    /// A write would have had to wait for flushes or compactions; nothing was written.
    Stalled,
    /// Bytes on disk are not what was written there.
    Corrupted(String),
    /// The file system or device failed.
    Io(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::NotInMemory => f.write_str("not in memory"),
            EngineError::Stalled => f.write_str("writes are stalled by background work"),
            EngineError::Corrupted(what) => write!(f, "corrupted data: {what}"),
            EngineError::Io(what) => write!(f, "storage failed: {what}"),
        }
    }
}

impl std::error::Error for EngineError {}

/// Collects the writes of one atomic batch.
pub trait Writes {
    /// Sets `key` to `value`.
    fn put(&mut self, family: Family, key: &[u8], value: &[u8]);
    /// Removes `key`.
    fn delete(&mut self, family: Family, key: &[u8]);
    /// Removes every key in `from..to`.
    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]);
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

/// A key and its value, lent.
pub type Entry<'a> = (&'a [u8], &'a [u8]);

/// A position in a range read; entries are lent one at a time.
pub trait Cursor {
    /// The next entry in the cursor's direction, or `None` at the end of the range.
    fn next(&mut self) -> Result<Option<Entry<'_>>, EngineError>;
}

/// What may be done from any thread.
pub trait Engine: Send + Sync {
    /// The value of `key`.
    fn get(&self, family: Family, key: &[u8], tier: ReadTier)
    -> Result<Option<Bytes>, EngineError>;

    /// The entries of `lower..upper` (`upper` empty: to the end of the family).
    fn range(
        &self,
        family: Family,
        lower: &[u8],
        upper: &[u8],
        direction: Direction,
        tier: ReadTier,
    ) -> Box<dyn Cursor + '_>;

    /// Writes everything that `fill` collects, all or nothing, into the log's buffer and the
    /// memtable. In the kernel only after [`Engine::flush_log`], durable after
    /// [`Engine::sync_log`]. Called by the owning shard's thread only.
    fn write(&self, fill: &mut dyn FnMut(&mut dyn Writes)) -> Result<(), EngineError>;

    /// Hands what was written to the kernel: from here on `kill -9` loses none of it.
    fn flush_log(&self) -> Result<(), EngineError>;

    /// Makes what was written durable. Blocks on the device: never on a shard's loop.
    fn sync_log(&self) -> Result<(), EngineError>;

    /// Gives the disk space of what was deleted in a range back. Blocks: never on a shard's loop.
    fn reclaim(&self, family: Family, from: &[u8], to: &[u8]) -> Result<(), EngineError>;

    /// Reads what is on disk of a family from the key `from` on, about `bytes_max` bytes, and
    /// verifies its checksums. Blocks: never on a shard's loop.
    fn verify(&self, family: Family, from: &[u8], bytes_max: u64) -> Result<Verified, EngineError>;

    /// Makes everything durable and ends background work; nothing may be written after it. Blocks.
    fn close(&self) -> Result<(), EngineError>;

    /// Numbers for INFO, as `(name, value)` in the engine's own words.
    fn statistics(&self) -> Vec<(&'static str, u64)>;
}
