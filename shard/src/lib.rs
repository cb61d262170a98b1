//! The database of one shard.

pub mod number;
pub mod resp;
