//! Where writes gather before RocksDB has them.
//!
//! A batch goes into the *active* table and is visible from then on. When that has grown, it is
//! put aside to be *drained*: another thread writes it into RocksDB, sorted and with only the
//! newest value of every key, as one batch. That is several times cheaper than one batch after the
//! other, and none of it is done on a shard's loop. Readers look here first, then there.
//!
//! Locks are held for a moment only: never while anything is read from RocksDB or visited.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use bytes::Bytes;

use super::batch::Encoder;
use super::buffer_sizes::{BufferSizes, TABLES_MAX};
use super::table::{Deleted, Entry, Found, Table};
use super::{Direction, EngineError, Family, Range, Writes};

/// Writes of one batch between which readers get their turn.
const WRITES_PER_LOCK: usize = 256;

#[derive(Default)]
struct Tables {
    active: Table,
    /// Being written into RocksDB.
    draining: Option<Arc<Table>>,
    /// Counts the times that a table was put aside or has gone.
    moves: u64,
}

/// See the module.
pub(super) struct WriteBuffer {
    tables: RwLock<Tables>,
    /// A table of this size is put aside.
    table_bytes: AtomicUsize,
    /// One at a time. Why none may follow, if one has failed.
    drains: Mutex<Option<EngineError>>,
    is_due: AtomicBool,
    bell: (Mutex<bool>, Condvar),
}

/// Entries of a range that were in the buffer at one moment, and what they hide.
pub(super) struct Piece {
    /// In the direction of the range; the newest of each key.
    pub(super) entries: Vec<Entry>,
    /// There may be more behind the last entry.
    pub(super) goes_on: bool,
    /// What RocksDB has in these is deleted.
    pub(super) deleted: Vec<Deleted>,
    /// While this stays the same, RocksDB has all that is not here.
    pub(super) moves: u64,
}

impl WriteBuffer {
    /// A buffer of tables of about the size that is for one, which together have [`TABLES_MAX`]
    /// times that at most.
    pub(super) fn new(sizes: BufferSizes) -> Self {
        Self {
            tables: RwLock::default(),
            table_bytes: AtomicUsize::new(sizes.table),
            drains: Mutex::default(),
            is_due: AtomicBool::new(false),
            bell: (Mutex::default(), Condvar::new()),
        }
    }

    /// Has tables of another size from now on.
    pub(super) fn resize(&self, sizes: BufferSizes) {
        self.table_bytes.store(sizes.table, Ordering::Relaxed);
    }

    fn table_bytes(&self) -> usize {
        self.table_bytes.load(Ordering::Relaxed)
    }

    fn read(&self) -> RwLockReadGuard<'_, Tables> {
        self.tables.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Tables> {
        self.tables.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// To write one batch, which is encoded into `encoded` too. `Stalled`: draining must catch up.
    pub(super) fn begin<'a>(&'a self, encoded: &'a mut Vec<u8>) -> Result<Batch<'a>, EngineError> {
        let tables = self.write();
        let table_bytes = self.table_bytes();
        if tables.active.bytes() >= table_bytes {
            if !self.is_due.swap(true, Ordering::AcqRel) {
                *self.bell.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
                self.bell.1.notify_one();
            }
            let draining = tables.draining.as_ref().map_or(0, |table| table.bytes());
            if tables.active.bytes() + draining >= TABLES_MAX * table_bytes {
                return Err(EngineError::Stalled);
            }
        }
        Ok(Batch { buffer: self, tables: Some(tables), encoder: Encoder(encoded), writes: 0 })
    }

    /// What the buffer knows of a key.
    pub(super) fn get(&self, family: Family, key: &[u8]) -> Found {
        let tables = self.read();
        match (tables.active.get(family, key), &tables.draining) {
            (Found::Unknown, Some(draining)) => draining.get(family, key),
            (found, _) => found,
        }
    }

    /// Up to `max` entries from the beginning of a range.
    pub(super) fn piece(&self, range: &Range<'_>, max: usize) -> Piece {
        let tables = self.read();
        let mut piece = Piece {
            entries: Vec::new(),
            goes_on: false,
            deleted: tables.active.deleted().to_vec(),
            moves: tables.moves,
        };
        let mut newer = tables.active.entries(range).peekable();
        let draining = tables.draining.iter();
        let mut older = draining
            .flat_map(|draining| draining.entries(range))
            .filter(|(key, _)| {
                !tables.active.deleted().iter().any(|deleted| deleted.covers(range.family, key))
            })
            .peekable();
        let comes_first = |left: &[u8], right: &[u8]| match range.direction {
            Direction::Forward => left < right,
            Direction::Backward => left > right,
        };
        loop {
            let entry = match (newer.peek(), older.peek()) {
                (None, None) => break,
                (Some(_), None) => newer.next(),
                (None, Some(_)) => older.next(),
                (Some((left, _)), Some((right, _))) => {
                    if left == right {
                        older.next();
                        newer.next()
                    } else if comes_first(left, right) {
                        newer.next()
                    } else {
                        older.next()
                    }
                }
            };
            if piece.entries.len() == max {
                piece.goes_on = true;
                break;
            }
            piece.entries.extend(entry.map(|(key, value)| (key, value.clone())));
        }
        if let Some(draining) = &tables.draining {
            piece.deleted.extend_from_slice(draining.deleted());
        }
        piece
    }

    /// Whether a table has become much larger than one should: it has a big value.
    pub(super) fn is_oversized(&self, table: &Table) -> bool {
        table.bytes() >= 2 * self.table_bytes()
    }

    /// Whether a table is being written into RocksDB.
    pub(super) fn is_draining(&self) -> bool {
        self.read().draining.is_some()
    }

    /// How often a table was put aside or has gone.
    pub(super) fn moves(&self) -> u64 {
        self.read().moves
    }

    /// Memory in use, about.
    pub(super) fn bytes(&self) -> usize {
        let tables = self.read();
        tables.active.bytes() + tables.draining.as_ref().map_or(0, |table| table.bytes())
    }

    /// Waits until a table is to be put aside, `patience` at the longest; whether one is.
    pub(super) fn wait_until_due(&self, patience: Duration) -> bool {
        let rung = self.bell.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut rung, _) = self
            .bell
            .1
            .wait_timeout_while(rung, patience, |rung| !*rung)
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *rung)
    }

    /// Puts the active table aside and hands it to `store`; when that is done nobody looks for its
    /// entries here any more. If it fails, the table stays for the readers, and nothing is drained
    /// again: what comes behind it must not be stored without it. `between_batches` is called
    /// when no batch may be half-way; what it returns holds them back, and says to what batch the
    /// table goes. Blocks.
    pub(super) fn drain<G, T: Copy>(
        &self,
        between_batches: impl FnOnce() -> (G, T),
        store: impl FnOnce(&Table, T) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let lost = || EngineError::Io("draining failed in the server; this is a bug".into());
        // One that panicked may have stored its table, or not.
        let mut failure = self.drains.lock().map_err(|_| lost())?;
        if let Some(failure) = &*failure {
            return Err(failure.clone());
        }
        let (table, last) = {
            let (_held_back, last) = between_batches();
            let mut tables = self.write();
            self.is_due.store(false, Ordering::Release);
            if tables.active.is_empty() {
                return Ok(());
            }
            let table = Arc::new(std::mem::take(&mut tables.active));
            tables.draining = Some(table.clone());
            tables.moves += 1;
            (table, last)
        };
        store(&table, last).inspect_err(|error| *failure = Some(error.clone()))?;
        let mut tables = self.write();
        tables.draining = None;
        tables.moves += 1;
        drop(tables);
        // Taking a large table apart takes time: it is done here, with nothing locked.
        drop(table);
        Ok(())
    }
}

/// One batch on its way into the buffer.
pub(super) struct Batch<'a> {
    buffer: &'a WriteBuffer,
    /// Held, but for a moment after every so many writes.
    tables: Option<RwLockWriteGuard<'a, Tables>>,
    encoder: Encoder<'a>,
    writes: usize,
}

impl Batch<'_> {
    fn table(&mut self) -> &mut Table {
        self.writes += 1;
        if self.writes.is_multiple_of(WRITES_PER_LOCK) {
            self.tables = None;
        }
        let buffer = self.buffer;
        &mut self.tables.get_or_insert_with(|| buffer.write()).active
    }
}

impl Writes for Batch<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &Bytes) {
        self.encoder.put(family, key, value);
        self.table().put(family, key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.encoder.delete(family, key);
        self.table().delete(family, key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        self.encoder.delete_range(family, from, to);
        self.table().delete_range(family, from, to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: BufferSizes = BufferSizes { table: 1 << 20, memtable: 1 << 20 };

    fn put(buffer: &WriteBuffer, key: &[u8]) {
        let mut encoded = Vec::new();
        buffer.begin(&mut encoded).unwrap().put(Family::Heads, key, &Bytes::from_static(b"value"));
    }

    #[test]
    fn nothing_is_stored_behind_a_table_that_could_not_be() {
        let buffer = WriteBuffer::new(SIZES);
        put(&buffer, b"first");
        let full = buffer.drain(|| ((), ()), |_, ()| Err(EngineError::DiskFull));
        assert_eq!(full, Err(EngineError::DiskFull));
        put(&buffer, b"second");
        // Whoever waited for their turn meanwhile, and has not heard of it.
        let after = buffer.drain(|| ((), ()), |_, ()| panic!("there would be a hole"));
        assert_eq!(after, Err(EngineError::DiskFull));
        for key in [b"first".as_slice(), b"second"] {
            let known = Found::Known(Some(Bytes::from_static(b"value")));
            assert_eq!(buffer.get(Family::Heads, key), known);
        }
    }

    #[test]
    fn nothing_is_stored_behind_a_table_whose_storing_panicked() {
        let buffer = WriteBuffer::new(SIZES);
        put(&buffer, b"first");
        let drain = || buffer.drain(|| ((), ()), |_, ()| panic!("on purpose"));
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(drain)).is_err());
        put(&buffer, b"second");
        let stored = buffer.drain(|| ((), ()), |_, ()| Ok(()));
        assert!(matches!(stored, Err(EngineError::Io(_))), "{stored:?}");
    }
}
