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

use basalt_shard::error::{storage_error_reply, text};
use basalt_shard::keyspace::layout::RecordKey;
use basalt_shard::locks::{LockId, Mode};
use basalt_shard::topology::ShardId;

use crate::execute::run;
use crate::execute::run::RoomWait;
use crate::thread::message::{Answer, Batch, Executed, FAILED, Message};
use crate::thread::shard_loop::{LoopCounters, ShardLoop};

/// A lock of this shard, given back whatever happens.
struct Locked<'a> {
    shard_loop: &'a ShardLoop,
    lock: LockId,
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        self.shard_loop.unlock(self.lock);
    }
}

/// Runs `here` on this shard and `there` on the shard `other`; what both came to. `None`: it has to
/// be a transaction, and nothing was run.
pub(crate) async fn run(
    shard_loop: &Rc<ShardLoop>,
    here: Batch,
    other: ShardId,
    there: Batch,
) -> Option<(Executed, Executed)> {
    let keys = keys(shard_loop, &here);
    let lock = shard_loop.shard.borrow_mut().try_lock(keys)?;
    let _locked = Locked { shard_loop, lock };
    LoopCounters::add(&shard_loop.counters.hops, 1);
    let exchange = shard_loop.ask();
    let message =
        Message::ExecuteAtOnce { origin: shard_loop.id, exchange, batch: Box::new(there) };
    shard_loop.turn.post(other, message);
    let Answer::Executed(there) = shard_loop.answer(exchange).await else { return None };
    let here = match run::run_at_once(shard_loop, &here, true) {
        Some(executed) => executed,
        None => run_with_disk(shard_loop, here).await,
    };
    Some((here, *there))
}

/// The keys of a batch, each once.
fn keys(shard_loop: &ShardLoop, batch: &Batch) -> Vec<(RecordKey, Mode)> {
    let mut keys: Vec<(RecordKey, Mode)> = Vec::with_capacity(batch.len());
    for index in 0..batch.len() {
        let (id, args) = batch.command(index);
        let locks = shard_loop
            .with_call(id, args, (batch.caller, 0), |call| call.locks(&shard_loop.node.topology))
            .unwrap_or_default();
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
async fn run_with_disk(shard_loop: &Rc<ShardLoop>, batch: Batch) -> Executed {
    let mut rest = Some(Box::new(batch));
    let mut all = Executed::default();
    while let Some(batch) = rest {
        let mut next = if all.replies.len() < shard_loop.settings().reply_bytes_max {
            run_some_with_disk(shard_loop, *batch).await
        } else {
            let text = text::REPLY_TOO_LONG.as_bytes();
            run::all_failed(shard_loop, &batch, Instant::now(), text)
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

async fn run_some_with_disk(shard_loop: &Rc<ShardLoop>, batch: Batch) -> Executed {
    let batch = Arc::new(batch);
    let timer = Instant::now();
    let shown = shard_loop.shard.borrow().written();
    let mut wait = RoomWait::new();
    let ran = loop {
        // With the keys locked: the other shard has done its part.
        match run::run_with_disk(shard_loop, batch.clone(), &mut wait).await {
            Ok(ran) => break ran,
            Err(lack) => wait.for_room(shard_loop, lack).await,
        }
    };
    let Some(mut sequence) = ran else {
        return run::all_failed(shard_loop, &batch, timer, FAILED);
    };
    shard_loop.shard.borrow_mut().warm(sequence.loaded);
    shard_loop.shard.borrow_mut().count_lookups(sequence.lookups);
    match run::commit(shard_loop, sequence.changes).await {
        Ok(ticket) => {
            run::tell_uses(shard_loop, sequence.used);
            let ticket = ticket.max(shown);
            let ends = sequence.ends.into_iter().map(|end| (end, ticket)).collect();
            let mut executed =
                Executed { replies: sequence.reply.take(), ends, ..Executed::default() };
            run::count_shares(shard_loop, &batch, timer, &mut executed);
            executed.rest = batch.rest(executed.ends.len());
            executed
        }
        Err(error) => {
            let text = storage_error_reply(&error);
            run::all_failed(shard_loop, &batch, timer, text.as_bytes())
        }
    }
}
