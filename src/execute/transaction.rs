//! Commands over keys of several shards.
//!
//! The connection's own thread runs them: it locks their keys on every shard involved, in the order
//! of the shards (so that two transactions never wait for each other), runs the handlers over a
//! view of all shards (engines may be read from any thread), sends each owner its part of the
//! changes, and gives the locks back. Nobody sees a part of it: who asks for one of the keys waits.
//!
//! Each shard has a log of its own, and a crash may leave one part without the other. So where a
//! command takes a value away that it has put on another shard ([`Changes::gaining`]), the part of
//! that shard is written first and synced, in every mode of `appendfsync`: a crash leaves the
//! value where it was, where it went, or in both places. What only adds or deletes pays nothing.
//!
//! The same serves a pipeline of single-key commands that go to different shards: run together
//! under their locks, no one can see a later one without the earlier ones. For the most frequent
//! of these there is a shorter way, `ordered`.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use basalt_shard::engine::EngineError;
use basalt_shard::error::storage_error_reply;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::keyspace::layout::RecordKey;
use basalt_shard::locks::{LockId, Mode, Scope};
use basalt_shard::topology::ShardId;
use basalt_shard::view::Changes;

use crate::execute::patience::give_way;
use crate::execute::room::RoomWait;
use crate::execute::{as_one, commit};
use crate::thread::batch::{Batch, Executed};
use crate::thread::loop_counters::LoopCounters;
use crate::thread::message::Message;
use crate::thread::shard_thread::ShardThread;
use crate::thread::turn;

/// The outcome of a transaction.
pub(crate) struct Outcome {
    /// The replies.
    pub(crate) executed: Executed,
    /// What they have to wait for.
    pub(crate) tickets: Tickets,
}

/// Batches, with the shards that wrote them.
type Tickets = Vec<(ShardId, Ticket)>;

/// Runs all commands of a batch as one transaction, or as many as have replies of bounded length.
pub(crate) async fn run(shard_thread: &Rc<ShardThread>, batch: Batch) -> Outcome {
    LoopCounters::add(&shard_thread.counters.transactions, 1);
    let batch = Arc::new(batch);
    let mut wait = RoomWait::new();
    let (mut locks, start, sequence) = loop {
        let locks = lock_all(shard_thread, &batch).await;
        let start = Instant::now();
        let ran = match as_one::run_in_memory(shard_thread, &batch) {
            Some(sequence) => Ok(Some(sequence)),
            None => as_one::run_with_disk(shard_thread, &batch, &mut wait).await,
        };
        match ran {
            Ok(sequence) => break (locks, start, sequence),
            Err(lack) => {
                release(shard_thread, locks);
                wait.for_room(shard_thread, lack).await;
            }
        }
    };
    let commit = async |changes: Changes| {
        give_way(changes.heads().len()).await;
        commit_everywhere(shard_thread, &mut locks, changes).await
    };
    let done = as_one::complete(shard_thread, &batch, start, sequence, commit).await;
    release(shard_thread, locks);
    match done {
        Ok((executed, tickets)) => Outcome { executed, tickets },
        Err(executed) => Outcome { executed, tickets: Vec::new() },
    }
}

/// Locks the keys of a batch on all shards, in their order.
async fn lock_all(shard_thread: &Rc<ShardThread>, batch: &Batch) -> BTreeMap<ShardId, LockId> {
    let mut locks = BTreeMap::new();
    let mut keys_count = 0;
    for (shard, keys) in needed_locks(shard_thread, batch) {
        keys_count += keys.len();
        give_way(keys.len()).await;
        locks.insert(shard, lock(shard_thread, shard, Scope::Keys(keys)).await);
    }
    give_way(keys_count).await;
    locks
}

fn needed_locks(
    shard_thread: &ShardThread,
    batch: &Batch,
) -> BTreeMap<ShardId, Vec<(RecordKey, Mode)>> {
    let mut merged: BTreeMap<(ShardId, RecordKey), Mode> = BTreeMap::new();
    for index in 0..batch.len() {
        let (command, args) = batch.command(index);
        let when = (batch.caller, 0);
        let locks = shard_thread
            .with_call(command, args, when, |call| call.locks(&shard_thread.node.topology));
        for (shard, key, mode) in locks {
            let merged = merged.entry((shard, key)).or_insert(mode);
            if mode == Mode::Exclusive {
                *merged = Mode::Exclusive;
            }
        }
    }
    let mut by_shard: BTreeMap<ShardId, Vec<(RecordKey, Mode)>> = BTreeMap::new();
    for ((shard, key), mode) in merged {
        by_shard.entry(shard).or_default().push((key, mode));
    }
    by_shard
}

/// Locks a scope on any shard.
pub(crate) async fn lock(shard_thread: &Rc<ShardThread>, shard: ShardId, scope: Scope) -> LockId {
    if shard == shard_thread.id {
        return shard_thread.lock(scope).await.0;
    }
    LoopCounters::add(&shard_thread.counters.hops, 1);
    let (asked, reply_to) = shard_thread.ask();
    shard_thread.turn.post(shard, Message::Lock { scope, reply_to });
    asked.await
}

/// Gives locks on any shards back.
pub(crate) fn release(shard_thread: &ShardThread, locks: BTreeMap<ShardId, LockId>) {
    for (shard, lock) in locks {
        if shard == shard_thread.id {
            shard_thread.unlock(lock);
        } else {
            shard_thread.turn.post(shard, Message::Unlock(lock));
        }
    }
}

/// Has every owner commit its part; other shards whose last part this is get their locks back with
/// it. What the replies have to wait for; or the error reply, when a part of it may be missing.
async fn commit_everywhere(
    shard_thread: &Rc<ShardThread>,
    locks: &mut BTreeMap<ShardId, LockId>,
    changes: Changes,
) -> Result<Tickets, String> {
    // What was read may not be durable: wait for whatever has been written so far, also on shards
    // where nothing changes.
    let written = |shard: ShardId| shard_thread.node.topology.engine(shard).written();
    let mut tickets: Tickets = locks.keys().map(|shard| (*shard, written(*shard))).collect();
    let gaining = changes.gaining();
    let mut parts = if changes.is_long() {
        shard_thread.off_loop(move || changes.by_shard()).await.ok_or_else(failed_write)?
    } else {
        changes.by_shard()
    };
    if parts.iter().any(|(shard, _)| !locks.contains_key(shard)) {
        // A handler changed a key that its command does not declare: never in silence.
        let error = EngineError::Io("a key of an unlocked shard was changed".into());
        return Err(storage_error_reply(&error));
    }
    if let Some(gaining) = gaining {
        // Its lock is not given back yet: who has seen what came must not see what has yet to go.
        let gains = parts.extract_if(.., |(shard, _)| *shard == gaining).collect();
        for (shard, ticket) in commit_parts(shard_thread, gains, &mut BTreeMap::new()).await? {
            turn::synced(shard_thread, shard, ticket).await?;
            tickets.push((shard, ticket));
        }
    }
    tickets.extend(commit_parts(shard_thread, parts, locks).await?);
    Ok(tickets)
}

/// Has the owners commit these parts, and other shards give back those of these `locks`. Waits
/// until all have.
async fn commit_parts(
    shard_thread: &Rc<ShardThread>,
    parts: Vec<(ShardId, Changes)>,
    locks: &mut BTreeMap<ShardId, LockId>,
) -> Result<Tickets, String> {
    let mut tickets = Vec::new();
    let mut failure = None;
    let mut questions = Vec::new();
    let mut own = None;
    for (shard, part) in parts {
        if shard == shard_thread.id {
            own = Some(part);
            continue;
        }
        LoopCounters::add(&shard_thread.counters.hops, 1);
        let (asked, reply_to) = shard_thread.ask();
        let (lock, changes) = (locks.remove(&shard), Box::new(part));
        shard_thread.turn.post(shard, Message::Commit { lock, changes, reply_to });
        questions.push((shard, asked));
    }
    if let Some(part) = own {
        match commit::commit(shard_thread, part).await {
            Ok(ticket) => tickets.push((shard_thread.id, ticket)),
            Err(error) => failure = Some(storage_error_reply(&error)),
        }
    }
    for (shard, asked) in questions {
        match asked.await {
            Ok(ticket) => tickets.push((shard, ticket)),
            Err(error) => failure = Some(storage_error_reply(&error)),
        }
    }
    failure.map_or(Ok(tickets), Err)
}

fn failed_write() -> String {
    storage_error_reply(&EngineError::Io("a write failed in the server; this is a bug".into()))
}
