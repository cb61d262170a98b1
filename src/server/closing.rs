//! Closing the databases of all shards, on a full disk too.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use basalt_shard::engine::EngineError;
use basalt_shard::topology::ShardId;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use crate::server::opening::newest_batches;
use crate::shared::reserve;
use crate::thread::node::Node;
use crate::upkeep::disk;

/// Makes everything durable. The process ends right after, which closes the databases' files; they
/// need no more than their logs.
pub(super) fn close(node: &Arc<Node>) -> Result<(), String> {
    let mut result = Ok(());
    node.storage.is_stopping.store(true, Ordering::Release);
    let closing: Vec<_> =
        (0..node.topology.shards()).map(|shard| close_shard(node, shard)).collect();
    for (shard, closing) in closing.into_iter().enumerate() {
        match await_closing(node, &closing) {
            Ok(()) => {}
            Err(EngineError::DiskFull) => tracing::warn!(
                shard,
                "the disk is full: the next start takes what was not written into table files \
                 from the log; nothing is lost"
            ),
            Err(error) => result = Err(format!("shard {shard} could not be closed: {error}")),
        }
    }
    if result.is_ok() {
        match node.storage.data_directory.set_opened(newest_batches(&node.topology)) {
            Ok(()) => {}
            // It says what must be there at least, and goes on saying what it said.
            Err(error) if reserve::is_full(&error) => {
                tracing::warn!(%error, "the manifest is that of the start");
            }
            Err(error) => result = Err(format!("cannot write the manifest: {error}")),
        }
    }
    disk::settle(node);
    result
}

/// How long a full disk may hold up a stop.
const FULL_PATIENCE: Duration = Duration::from_secs(5);

fn close_shard(node: &Arc<Node>, shard: ShardId) -> Receiver<Result<(), EngineError>> {
    let (closed, closing) = bounded(1);
    let engine = node.topology.engine(shard).clone();
    let close = move || {
        // Nobody waits for it any more: the process ends.
        let _ = closed.send(engine.close());
    };
    // Without the thread the channel closes at once.
    let _ = std::thread::Builder::new().name(format!("close-{shard}")).spawn(close);
    closing
}

/// The log is synced first; tables are written after that, and RocksDB waits for room as long as
/// there is none.
fn await_closing(
    node: &Node,
    closing: &Receiver<Result<(), EngineError>>,
) -> Result<(), EngineError> {
    let start = Instant::now();
    loop {
        match closing.recv_timeout(Duration::from_millis(100)) {
            Ok(closed) => return closed,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                return Err(EngineError::Io("closing failed in the server; this is a bug".into()));
            }
        }
        if start.elapsed() > FULL_PATIENCE && node.storage.disk_full.load(Ordering::Relaxed) {
            return Err(EngineError::DiskFull);
        }
    }
}
