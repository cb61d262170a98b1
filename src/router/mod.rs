//! From a request to the shard that owns its keys and back: messages between the shards' threads
//! (`message`, `mailbox`), what one thread has (`shard_loop`), the end of its turn (`turn`),
//! running commands that cannot run at once (`execute`), and commands over several shards
//! (`transaction`; `ordered` is the shorter way for pipelines over two), waiting for memory
//! (`waiting`).

pub(crate) mod execute;
pub(crate) mod mailbox;
pub(crate) mod message;
pub(crate) mod ordered;
pub(crate) mod shard_loop;
pub(crate) mod transaction;
pub(crate) mod turn;
pub(crate) mod waiting;
