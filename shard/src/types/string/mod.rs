//! Strings. The value stands in the head record as it is; see `keyspace::head`.

mod commands;
mod specs;

pub use specs::SPECS;
