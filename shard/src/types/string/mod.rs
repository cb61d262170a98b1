//! Strings. The value stands in the head record as it is; see `keyspace::head`.

mod commands;
mod encoding;
mod specs;

pub use encoding::encoding;
pub use specs::SPECS;
