//! The database of one shard.

pub mod glob;
pub mod number;
#[cfg(test)]
mod oracle;
pub mod resp;
