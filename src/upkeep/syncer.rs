//! The threads that make logs durable. One serves two shards: while it syncs the log of one, the
//! other's writes gather, so that the sync after it is for more of them. While it syncs, the loops
//! go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_shard::engine::Engine;
use basalt_shard::topology::ShardId;

use crate::shared::log_sync::{EVERY, LogSync};
use crate::shared::syncer_bell::Bell;
use crate::thread::node::Node;
use crate::upkeep::guarded::guarded;

/// Shards whose logs one thread syncs.
const SHARDS_PER_SYNCER: usize = 2;

/// The logs of shards whose newest batches are these, and durable.
pub(crate) fn logs(newest: &[u64]) -> Vec<LogSync> {
    let groups = newest.chunks(SHARDS_PER_SYNCER);
    groups
        .flat_map(|group| {
            let bell = Arc::<Bell>::default();
            group.iter().map(move |written| LogSync::new(newest.len(), *written, bell.clone()))
        })
        .collect()
}

/// Starts the syncing threads. They end with the process.
pub(crate) fn start(node: &Arc<Node>) -> std::io::Result<()> {
    let shards: Vec<ShardId> = (0..node.topology.shards()).collect();
    for group in shards.chunks(SHARDS_PER_SYNCER) {
        let (node, group) = (node.clone(), group.to_vec());
        let name = format!("sync-{}", group[0]);
        std::thread::Builder::new()
            .name(name)
            .stack_size(256 << 10)
            .spawn(move || run(&node, &group))?;
    }
    Ok(())
}

struct Served<'a> {
    shard: ShardId,
    engine: Arc<dyn Engine>,
    log: &'a LogSync,
    last_due: Instant,
}

fn run(node: &Node, shards: &[ShardId]) {
    let mut served: Vec<Served<'_>> = shards
        .iter()
        .map(|shard| Served {
            shard: *shard,
            engine: node.topology.engine(*shard).clone(),
            log: &node.storage.logs[*shard],
            last_due: Instant::now(),
        })
        .collect();
    let Some(first) = served.first().map(|first| first.log) else { return };
    loop {
        let mode = node.storage.durability_mode();
        let slept_at_most = served.iter().map(|it| EVERY.saturating_sub(it.last_due.elapsed()));
        let most = slept_at_most.min().unwrap_or(EVERY).max(Duration::from_millis(1));
        first.bell().wait(|| served.iter().any(|it| it.log.has_work(mode)), most);
        for Served { shard, engine, log, last_due } in &mut served {
            guarded(node, *shard, || {
                let is_due = last_due.elapsed() >= EVERY;
                if is_due {
                    *last_due = Instant::now();
                }
                if is_due || log.has_work(mode) {
                    log.work_off(engine.as_ref(), mode, *shard, is_due);
                    node.tell_subscribers(*shard);
                }
            });
        }
    }
}
