//! What one shard's thread has (`shard_thread`, `loop_counters`), what all threads share (`node`),
//! what they say to each other (`message`, `mailbox`; with `questions` and their answers, and
//! commands in a `batch`), the end of a turn (`turn`), what runs on a shard (`shard_command`), and
//! what a command that no shard runs works with (`process_command`).

pub(crate) mod batch;
pub(crate) mod loop_counters;
pub(crate) mod mailbox;
pub(crate) mod message;
pub(crate) mod node;
pub(crate) mod process_command;
pub(crate) mod questions;
pub(crate) mod shard_command;
pub(crate) mod shard_thread;
pub(crate) mod turn;
