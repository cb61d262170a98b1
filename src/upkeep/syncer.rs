//! The threads that make logs durable. One serves two shards: while it syncs the log of one, the
//! other's writes gather, so that the sync after it is for more of them. While it syncs, the loops
//! go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use basalt_shard::engine::Engine;
use basalt_shard::topology::ShardId;

use crate::shared::log_sync::{EVERY, LogSync, Mode};
use crate::shared::syncer_bell::Bell;
use crate::thread::node::Node;
use crate::upkeep::guarded::guarded;

/// Shards whose logs one thread syncs.
const SHARDS_PER_SYNCER: usize = 2;

/// A log that the disk has no room for is tried again so often, and so long.
const FULL_PAUSE: Duration = Duration::from_millis(20);
const FULL_PATIENCE: Duration = Duration::from_secs(15);

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
    /// Since when it waits for room on the disk, and when it was last tried.
    full: Option<(Instant, Instant)>,
}

impl Served<'_> {
    fn may_be_tried(&self) -> bool {
        self.full.is_none_or(|(_, tried)| tried.elapsed() >= FULL_PAUSE)
    }

    /// One round, if there is something to do.
    fn work_off(&mut self, node: &Node, mode: Mode) {
        let is_due = self.last_due.elapsed() >= EVERY;
        if is_due {
            self.last_due = Instant::now();
        }
        if !is_due && !self.log.has_work(mode) {
            return;
        }
        self.log.work_off(self.engine.as_ref(), mode, self.shard, is_due);
        let now = Instant::now();
        self.full = match self.full {
            _ if !self.log.waits_for_room() => None,
            Some((since, _)) if now - since > FULL_PATIENCE => {
                self.log.give_up_waiting(self.engine.as_ref(), mode, self.shard);
                None
            }
            full => Some((full.map_or(now, |(since, _)| since), now)),
        };
        node.tell_subscribers(self.shard);
    }
}

fn run(node: &Node, shards: &[ShardId]) {
    let mut served: Vec<Served<'_>> = shards
        .iter()
        .map(|shard| Served {
            shard: *shard,
            engine: node.topology.engine(*shard).clone(),
            log: &node.storage.logs[*shard],
            last_due: Instant::now(),
            full: None,
        })
        .collect();
    let Some(first) = served.first().map(|first| first.log) else { return };
    loop {
        let mode = node.storage.durability_mode();
        let slept_at_most = served.iter().map(|it| EVERY.saturating_sub(it.last_due.elapsed()));
        let mut most = slept_at_most.min().unwrap_or(EVERY).max(Duration::from_millis(1));
        if served.iter().any(|it| it.full.is_some()) {
            most = most.min(FULL_PAUSE);
        }
        let has_work = |it: &Served<'_>| it.may_be_tried() && it.log.has_work(mode);
        first.bell().wait(|| served.iter().any(has_work), most);
        for it in &mut served {
            if it.may_be_tried() {
                guarded(node, it.shard, || it.work_off(node, mode));
            }
        }
    }
}
