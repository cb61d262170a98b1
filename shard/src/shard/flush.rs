//! Emptying databases.

use std::ops::ControlFlow;

use crate::engine::{EngineError, ReadTier};
use crate::keyspace::cache::Discarded;
use crate::keyspace::layout;
use crate::keyspace::scan;
use crate::shard::{Refused, Shard};
use crate::view::Changes;

/// Databases of up to this many keys are flushed key by key.
const FLUSHED_ONE_BY_ONE_MAX: u64 = 512;

impl Shard {
    /// Removes every key of a physical database. The caller holds the lock on everything. Says
    /// whether a whole range was dropped, whose disk space is to be reclaimed.
    ///
    /// A few keys go one by one: a range tombstone costs every later read a little until it is
    /// compacted away, and tests flush thousands of times.
    pub fn flush_database(&mut self, db: u8) -> Result<bool, EngineError> {
        let is_small = self.census.standing(db).keys <= FLUSHED_ONE_BY_ONE_MAX;
        let key_by_key = if is_small { self.removal_of_all(db)? } else { None };
        let is_range = key_by_key.is_none();
        // As in Redis, every key counts, and nobody is told of any of them.
        let mut changes = key_by_key.unwrap_or_else(|| Changes::emptying(db));
        changes.effects.count = Some(self.census.live(db).keys);
        self.commit(changes).map_err(|Refused { error, .. }| error)?;
        if !is_range {
            // Nor is there any deadline now to look for.
            self.census.clear(db);
        }
        Ok(is_range)
    }

    /// What flushing left of the hot cache, to be dropped elsewhere.
    pub fn take_discarded(&mut self) -> Vec<Discarded> {
        std::mem::take(&mut self.discarded)
    }

    /// The removal of each key of a small database; `None` when they are not in memory.
    fn removal_of_all(&self, db: u8) -> Result<Option<Changes>, EngineError> {
        let mut records = Vec::new();
        let engine = self.engine.as_ref();
        let everything = (0, None);
        // As of the beginning of time nothing has expired: every record is met.
        let walked = scan::walk(engine, db, everything, u64::MAX, 0, ReadTier::Memory, |visited| {
            records.push((layout::head_key(db, visited.key), visited.deadline_ms));
            ControlFlow::Continue(())
        });
        match walked {
            Ok(_) => Ok(Some(Changes::removing(self.id, records.into_iter()))),
            Err(EngineError::NotInMemory) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
