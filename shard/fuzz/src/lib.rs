//! The modules of the shard library that fuzz targets feed, compiled from their own files.
//!
//! Depending on the library itself would compile RocksDB with the fuzzer's instrumentation first,
//! a quarter of an hour for modules that need none of it.
//!
//! `cargo fuzz run resp` (or `glob`, `number`, `rdb`, `tree`) runs a target.

#[path = "../../src/glob.rs"]
pub mod glob;
#[path = "../../src/number/mod.rs"]
pub mod number;
#[path = "../../src/rdb/mod.rs"]
pub mod rdb;
#[path = "../../src/resp/mod.rs"]
pub mod resp;
#[path = "../../src/tree/mod.rs"]
pub mod tree;

/// What the records of a tree are made of.
#[path = "../../src/types"]
pub mod types {
    pub mod packed;
}
