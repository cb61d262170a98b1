//! Keys as records: where they stand (`layout`), what a key's record says (`head`; strings are
//! written through `draft`), how many there are (`counts`), which are hot (`cache`) or not durable
//! yet (`dirty`), copies of other shards' (`copies`, `versions`), and ways over them (`scan`,
//! `sample`).

pub mod cache;
pub mod copies;
pub mod counts;
pub mod dirty;
pub mod draft;
pub mod head;
pub mod layout;
pub mod sample;
pub mod scan;
pub mod versions;
