//! The database of one shard.
