//! Work that everybody relies on, and that goes on whatever happens in it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use basalt_shard::engine::EngineError;
use basalt_shard::topology::ShardId;

use crate::shared::log_sync::EVERY;
use crate::thread::node::Node;

/// Runs `work` of a thread that everybody relies on. If it panics the log counts as failed, and
/// the thread goes on: else all who wait for it would wait for ever.
pub(crate) fn guarded(node: &Node, shard: ShardId, work: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(work)).is_err() {
        let error = EngineError::Io("the server failed; this is a bug, please report it".into());
        node.storage.logs[shard].report(&error, node.storage.durability_mode(), shard);
        node.wake_waiters();
        std::thread::sleep(EVERY);
    }
}
