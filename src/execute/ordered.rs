//! A pipeline of commands over this shard and one other, in order.
//!
//! Nobody may see a later command of a connection without the earlier ones. So the keys that are
//! here are locked, the other shard runs its commands at once, as one, and then the ones here run
//! and the locks go: whoever has seen anything of it waits for the rest. One hop, and no lock
//! there.
//!
//! Nothing waits for a lock: where one is in the way, or the other shard cannot run its part at
//! once, all of it is a transaction instead. So two such pipelines cannot wait for each other.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use basalt_shard::error::text;
use basalt_shard::keyspace::layout::RecordKey;
use basalt_shard::locks::{LockId, Mode};
use basalt_shard::topology::ShardId;

use crate::execute::as_one;
use crate::execute::room::RoomWait;
use crate::thread::batch::{Batch, Executed};
use crate::thread::loop_counters::LoopCounters;
use crate::thread::message::Message;
use crate::thread::shard_thread::ShardThread;

/// A lock of this shard, given back whatever happens.
struct Locked<'a> {
    shard_thread: &'a ShardThread,
    lock: LockId,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.shard_thread.unlock(self.lock);
    }
}

/// Runs `here` on this shard and `there` on the shard `other`; what both came to. `None`: it has to
/// be a transaction, and nothing was run.
pub(crate) async fn run(
    shard_thread: &Rc<ShardThread>,
    here: Batch,
    other: ShardId,
    there: Batch,
) -> Option<(Executed, Executed)> {
    let keys = keys(shard_thread, &here);
    let lock = shard_thread.shard.borrow_mut().locks.try_lock(keys)?;
    let _locked = Locked { shard_thread, lock };
    LoopCounters::add(&shard_thread.counters.hops, 1);
    let (asked, reply_to) = shard_thread.ask();
    let message = Message::ExecuteAtOnce { batch: Box::new(there), reply_to };
    shard_thread.turn.post(other, message);
    let there = asked.await?;
    let here = match as_one::run_at_once(shard_thread, &here, true) {
        Some(executed) => executed,
        None => run_with_disk(shard_thread, here).await,
    };
    Some((here, there))
}

/// The keys of a batch, each once.
fn keys(shard_thread: &ShardThread, batch: &Batch) -> Vec<(RecordKey, Mode)> {
    let mut keys: Vec<(RecordKey, Mode)> = Vec::with_capacity(batch.len());
    for index in 0..batch.len() {
        let (command, args) = batch.command(index);
        let when = (batch.caller, 0);
        let locks = shard_thread
            .with_call(command, args, when, |call| call.locks(&shard_thread.node.topology));
        keys.extend(locks.into_iter().map(|(_, key, mode)| (key, mode)));
    }
    keys.sort_unstable_by(|left, right| {
        (&left.0, left.1 == Mode::Shared).cmp(&(&right.0, right.1 == Mode::Shared))
    });
    // Of equal keys the first, which is the exclusive one if there is any.
    keys.dedup_by(|later, first| later.0 == first.0);
    keys
}

/// Runs a batch whose keys are locked with all the waiting that it needs. None of the replies can
/// leave before, so together they are bounded as a single one is.
async fn run_with_disk(shard_thread: &Rc<ShardThread>, batch: Batch) -> Executed {
    let mut rest = Some(Box::new(batch));
    let mut all = Executed::default();
    while let Some(batch) = rest {
        let mut next = if all.replies.len() < shard_thread.settings().reply_bytes_max {
            run_some_with_disk(shard_thread, *batch).await
        } else {
            let text = text::REPLY_TOO_LONG.as_bytes();
            as_one::all_failed(shard_thread, &batch, Instant::now(), text)
        };
        let base = all.replies.len();
        rest = next.rest.take();
        all.ends.extend(next.ends.iter().map(|(end, ticket)| (base + end, *ticket)));
        if base == 0 {
            all.replies = next.replies;
        } else {
            all.replies.append(&mut next.replies);
        }
        all.slow.append(&mut next.slow);
    }
    all
}

async fn run_some_with_disk(shard_thread: &Rc<ShardThread>, batch: Batch) -> Executed {
    let batch = Arc::new(batch);
    let shown = shard_thread.shard.borrow().written();
    let mut wait = RoomWait::new();
    loop {
        // With the keys locked: the other shard has done its part.
        match as_one::run_here(shard_thread, &batch, shown, &mut wait).await {
            Ok(executed) => return executed,
            Err(lack) => wait.for_room(shard_thread, lack).await,
        }
    }
}
