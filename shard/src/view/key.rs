//! A key that a handler opened.

use crate::keyspace::head::Head;
use crate::keyspace::layout::{self, RecordKey};
use crate::topology::ShardId;
use crate::view::changes::Before;

/// A key that a handler opened.
pub struct Key {
    pub(super) record_key: RecordKey,
    pub(super) shard: ShardId,
    /// What stood there before the command.
    pub(super) before: Before,
    /// The live head: `None` when the key does not exist or has expired.
    pub head: Option<Head>,
}

impl Key {
    /// Whether there is a live value.
    pub fn exists(&self) -> bool {
        self.head.is_some()
    }

    /// The deadline of the live value.
    pub fn deadline_ms(&self) -> Option<u64> {
        self.head.as_ref().and_then(|head| head.deadline_ms)
    }

    /// The key's name.
    pub fn name(&self) -> &[u8] {
        &self.record_key[layout::HEAD_PREFIX_BYTES..]
    }

    /// Where an element of a large collection stands that has this key and version.
    #[inline]
    pub(super) fn element_key(&self, version: u64, element: &[u8]) -> RecordKey {
        let mut element_key = layout::element_prefix(&self.record_key, version);
        element_key.extend_from_slice(element);
        element_key
    }
}
