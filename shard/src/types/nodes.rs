//! The nodes of an ordered collection ([`crate::tree`]) as element records of its key.
//!
//! ```text
//! element   … key | version | name of a node's record, which begins with 1 or 2   →   the record
//! ```
//!
//! Other records of the same collection have names that begin with other bytes.

use bytes::Bytes;

use crate::engine::EngineError;
use crate::error::CommandError;
use crate::tree::{Damaged, Nodes};
use crate::view::{Key, View};

impl From<Damaged> for CommandError {
    fn from(Damaged(what): Damaged) -> Self {
        EngineError::Corrupted(format!("ordered collection: {what}")).into()
    }
}

/// The nodes of the collection that a key has under a version.
pub struct ElementNodes<'n, 'v> {
    view: &'n mut View<'v>,
    key: &'n Key,
    version: u64,
}

impl<'n, 'v> ElementNodes<'n, 'v> {
    /// Nodes read and written through a view.
    pub fn new(view: &'n mut View<'v>, key: &'n Key, version: u64) -> Self {
        Self { view, key, version }
    }
}

impl Nodes for ElementNodes<'_, '_> {
    type Error = CommandError;

    fn get(&mut self, name: &[u8]) -> Result<Option<Bytes>, CommandError> {
        self.view.element(self.key, self.version, name)
    }

    fn put(&mut self, name: &[u8], record: Bytes) {
        self.view.put_element(self.key, self.version, name, record);
    }

    fn delete(&mut self, name: &[u8]) {
        self.view.remove_element(self.key, self.version, name);
    }
}

#[cfg(test)]
mod tests;
