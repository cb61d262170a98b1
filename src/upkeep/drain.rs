//! Draining the write buffers: a thread a shard that hands what has gathered to the database, so
//! that no loop does.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use basalt_shard::topology::ShardId;

use crate::thread::node::Node;
use crate::upkeep::guarded::guarded;

/// How long it waits for work, and how long after a failure before it tries again.
const PATIENCE: Duration = Duration::from_secs(1);

/// Starts the draining thread of `shard`. It ends with the process.
pub(crate) fn start(node: &Arc<Node>, shard: ShardId) -> std::io::Result<()> {
    let node = node.clone();
    std::thread::Builder::new().name(format!("drain-{shard}")).stack_size(256 << 10).spawn(
        move || {
            let engine = node.topology.engine(shard).clone();
            while !node.storage.is_stopping.load(Ordering::Acquire) {
                guarded(&node, shard, || {
                    // The keeper sees a failure, and reports it.
                    if engine.drain(PATIENCE).is_err() {
                        std::thread::sleep(PATIENCE);
                    }
                });
            }
        },
    )?;
    Ok(())
}
