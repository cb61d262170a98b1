//! Keys as records: where they stand (`layout`), what a key's record says (`head`; strings are
//! written through `draft`), how many there are (`counts`), which are hot (`cache`) and how they
//! are used (`access`, `hot_keys`), which are not durable yet (`dirty`), copies of other shards'
//! (`copies`, `versions`), and ways over them (`scan` with its `cursor`, `sample`, and `mend`
//! after a loss).

pub mod access;
pub mod cache;
mod cache_key;
pub mod copies;
pub mod counts;
pub mod cursor;
pub mod dirty;
pub mod draft;
pub mod head;
pub mod hot_keys;
pub mod layout;
pub mod mend;
mod parted;
pub mod pieces;
pub mod sample;
pub mod scan;
pub mod ttl;
pub mod versions;
