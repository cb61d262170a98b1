//! The compaction filter that gives back the space of orphaned elements.
//!
//! Deleting or overwriting a large collection only replaces its head record; its elements stay
//! under a version that no head names any more. Whenever RocksDB rewrites elements anyway, this
//! filter asks the heads whether the version is still alive and drops the ones that are not.
//!
//! What a compaction drops is gone for good, while the deletion that it saw may still be in the
//! log's buffer: a power cut would bring the head back without its elements. So nothing is dropped
//! before the log is durable up to what RocksDB has; where that fails, nothing is dropped at all.

use std::ffi::CStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};

use rocksdb::DB;
use rocksdb::compaction_filter::{CompactionFilter, Decision};
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};

use crate::keyspace::{head, layout};
use crate::log::format::Lsn;
use crate::log::{Access, Log};

/// What the filters of a database share with its engine.
#[derive(Default)]
pub(super) struct FilterContext {
    /// The database that is filtered, for it has the heads too. Set when it is open.
    database: OnceLock<Weak<DB>>,
    /// Set when the log has begun; nothing is dropped before that.
    log: OnceLock<Weak<Log>>,
    /// A filter could not make the log durable. That is as final as when the engine cannot.
    pub(super) log_failed: AtomicBool,
    /// RocksDB has, or is being given, nothing that is newer than this batch.
    stored: AtomicU64,
}

impl FilterContext {
    /// The database that is filtered.
    pub(super) fn set_database(&self, database: &Arc<DB>) {
        // Set exactly once: opening is the only place that has the cell at this time.
        let _ = self.database.set(Arc::downgrade(database));
    }

    /// Where the changes are that the filters see.
    pub(super) fn set_log(&self, log: &Arc<Log>) {
        let _ = self.log.set(Arc::downgrade(log));
    }

    /// Everything up to this batch is about to be written into RocksDB.
    pub(super) fn note_stored(&self, last: Lsn) {
        self.stored.fetch_max(last, Ordering::AcqRel);
    }

    /// Makes durable in the log what was read in RocksDB before. Whether it is.
    fn make_durable(&self, log: &Log) -> bool {
        if log.durable() >= self.stored.load(Ordering::Acquire) {
            return true;
        }
        let is_durable = log.sync(Access::Buffered).is_ok();
        if !is_durable {
            self.log_failed.store(true, Ordering::Release);
        }
        is_durable
    }
}

/// Makes one filter a compaction.
pub(super) struct OrphanFilterFactory {
    context: Arc<FilterContext>,
}

impl OrphanFilterFactory {
    pub(super) fn new(context: Arc<FilterContext>) -> Self {
        Self { context }
    }
}

impl CompactionFilterFactory for OrphanFilterFactory {
    type Filter = OrphanFilter;

    fn create(&mut self, _context: CompactionFilterContext) -> OrphanFilter {
        OrphanFilter {
            database: self.context.database.get().and_then(Weak::upgrade),
            log: self.context.log.get().and_then(Weak::upgrade),
            context: self.context.clone(),
            collection: Vec::new(),
            alive: true,
        }
    }

    fn name(&self) -> &CStr {
        c"basalt.orphans"
    }
}

/// Decides element by element; elements of one collection stand together, so the last answer is
/// remembered.
pub(super) struct OrphanFilter {
    database: Option<Arc<DB>>,
    log: Option<Arc<Log>>,
    context: Arc<FilterContext>,
    /// Key and version that `alive` speaks of.
    collection: Vec<u8>,
    alive: bool,
}

impl OrphanFilter {
    /// Whether the head of the collection `prefix` still names its version. Anything that cannot
    /// be told for certain counts as alive.
    fn is_alive(&self, prefix: &layout::ElementPrefix<'_>) -> bool {
        let (Some(database), Some(log)) = (&self.database, &self.log) else { return true };
        let Some(heads) = database.cf_handle("heads") else { return true };
        let seems_alive = match database.get_pinned_cf(heads, prefix.head_key()) {
            Ok(None) => false,
            Ok(Some(record)) => match head::version_of(&record) {
                Ok(version) => version == Some(prefix.version),
                Err(_) => true,
            },
            Err(_) => true,
        };
        seems_alive || !self.context.make_durable(log)
    }
}

impl CompactionFilter for OrphanFilter {
    fn filter(&mut self, _level: u32, key: &[u8], _value: &[u8]) -> Decision {
        let Some(prefix) = layout::ElementPrefix::parse(key) else { return Decision::Keep };
        let collection = prefix.bytes(key);
        if self.collection != collection {
            self.alive = self.is_alive(&prefix);
            self.collection.clear();
            self.collection.extend_from_slice(collection);
        }
        if self.alive { Decision::Keep } else { Decision::Remove }
    }

    fn name(&self) -> &CStr {
        c"basalt.orphans"
    }
}
