//! What one shard's thread has (`shard_loop`), what all threads share (`node`), what they say to
//! each other (`message`, `mailbox`), the end of a turn (`turn`), and what a command that no shard
//! runs works with (`process_command`).

pub(crate) mod mailbox;
pub(crate) mod message;
pub(crate) mod node;
pub(crate) mod process_command;
pub(crate) mod shard_loop;
pub(crate) mod turn;
