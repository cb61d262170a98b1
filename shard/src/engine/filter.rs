//! The compaction filter that gives back the space of orphaned elements.
//!
//! Deleting or overwriting a large collection only replaces its head record; its elements stay
//! under a version that no head names any more. Whenever RocksDB rewrites elements anyway, this
//! filter asks the heads whether the version is still alive and drops the ones that are not.

use std::ffi::CStr;
use std::sync::{Arc, OnceLock, Weak};

use rocksdb::DB;
use rocksdb::compaction_filter::{CompactionFilter, Decision};
use rocksdb::compaction_filter_factory::{CompactionFilterContext, CompactionFilterFactory};

use crate::keyspace::{head, layout};

/// Makes one filter a compaction.
pub(super) struct OrphanFilterFactory {
    database: Arc<OnceLock<Weak<DB>>>,
}

impl OrphanFilterFactory {
    pub(super) fn new(database: Arc<OnceLock<Weak<DB>>>) -> Self {
        Self { database }
    }
}

impl CompactionFilterFactory for OrphanFilterFactory {
    type Filter = OrphanFilter;

    fn create(&mut self, _context: CompactionFilterContext) -> OrphanFilter {
        let database = self.database.get().and_then(Weak::upgrade);
        OrphanFilter { database, collection: Vec::new(), alive: true }
    }

    fn name(&self) -> &CStr {
        c"basalt.orphans"
    }
}

/// Decides element by element; elements of one collection stand together, so the last answer is
/// remembered.
pub(super) struct OrphanFilter {
    database: Option<Arc<DB>>,
    /// Key and version that `alive` speaks of.
    collection: Vec<u8>,
    alive: bool,
}

impl OrphanFilter {
    /// Whether the head of the collection `prefix` still names its version. Anything that cannot
    /// be told for certain counts as alive.
    fn is_alive(&self, prefix: &layout::ElementPrefix<'_>) -> bool {
        let Some(database) = &self.database else { return true };
        let Some(heads) = database.cf_handle("heads") else { return true };
        match database.get_pinned_cf(heads, prefix.head_key()) {
            Ok(None) => false,
            Ok(Some(record)) => match head::version_of(&record) {
                Ok(version) => version == Some(prefix.version),
                Err(_) => true,
            },
            Err(_) => true,
        }
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
