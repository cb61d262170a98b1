//! The database of one shard: protocol, command table, data types, key space and storage.
//!
//! A synchronous library. There are no sockets, threads, executors or clocks in it: time and
//! randomness are passed in with every command, and the storage engine stands behind a trait, so
//! a shard runs the same in a test on one thread as it does under the server.
//!
//! Layers, lowest first; a layer never imports one above it:
//! `rdb` (Redis's format of values, for itself),
//! `log` (batches in order, made durable) → `engine` (bytes on disk) → `keyspace` (keys, head
//! records, counts, expiry) → `view` (what one command sees and changes) → `tree` (ordered
//! collections) → `command` (how a command is described) → `types` and `generic` (the commands) →
//! `table` (all of them); and beside the commands, above `command`: `shard` (locks, execution,
//! commit).

pub mod command;
pub mod effects;
pub mod engine;
pub mod error;
pub mod generic;
pub mod glob;
pub mod keyspace;
pub mod locks;
pub mod log;
pub mod number;
pub mod random;
pub mod rdb;
pub mod resp;
pub mod room;
pub mod settings;
pub mod shard;
pub mod table;
pub mod topology;
pub mod tree;
pub mod types;
pub mod view;

#[cfg(test)]
mod oracle;
#[cfg(test)]
pub(crate) mod testing;
