//! What a server has under the keys of a ledger.

use std::collections::{BTreeMap, HashMap};

use crate::family::Family;

/// What the server has under one key. No entry: it has no such key.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Content {
    /// The value of a string or a counter.
    pub(super) value: Option<Vec<u8>>,
    /// The fields of a hash.
    pub(super) fields: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(super) deadline_ms: Option<u64>,
}

/// By the keys that are there.
pub(super) type Observed = HashMap<(Family, u64), Content>;
