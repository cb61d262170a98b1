//! Committing what commands changed, and telling the owners of keys that they were used.

use std::time::Duration;

use basalt_shard::engine::EngineError;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::shard::Refused;
use basalt_shard::view::{Changes, Use};

use crate::runtime;
use crate::thread::message::Message;
use crate::thread::shard_thread::ShardThread;

/// How long to wait before trying again while the engine takes no writes.
pub(crate) const STALL_PAUSE: Duration = Duration::from_millis(1);
/// Keys of a long commit that caches and indices are told of before others have their turn.
const FINISH_PIECE: usize = 512;

/// Commits changes of this shard's keys, waiting while the engine stalls.
pub(crate) async fn commit(
    shard_thread: &ShardThread,
    changes: Changes,
) -> Result<Ticket, EngineError> {
    if changes.is_nothing() {
        return Ok(0);
    }
    let mut changes = changes;
    loop {
        let result = if changes.is_long() {
            commit_off_loop(shard_thread, changes).await
        } else {
            shard_thread.shard.borrow_mut().commit(changes)
        };
        match result {
            Ok(ticket) => {
                shard_thread.turn.schedule();
                return Ok(ticket);
            }
            Err(Refused { error: EngineError::Stalled, changes: back }) => {
                changes = *back;
                runtime::sleep(STALL_PAUSE).await;
            }
            Err(Refused { error, .. }) => return Err(error),
        }
    }
}

/// Commits changes that would keep the loop too long: the batch is made and written on another
/// thread. Until it is done everybody else may read, and who wants to write waits.
async fn commit_off_loop(shard_thread: &ShardThread, changes: Changes) -> Result<Ticket, Refused> {
    // What others wrote in this turn goes to the kernel first: it must not wait for this.
    shard_thread.flush_log();
    let mut commit = shard_thread.shard.borrow_mut().begin_commit(changes)?;
    let done = shard_thread
        .off_loop(move || {
            let written = commit.write();
            (commit, written)
        })
        .await;
    let Some((commit, written)) = done else {
        shard_thread.shard.borrow_mut().abandon_commit();
        let error = EngineError::Io("a write failed in the server; this is a bug".into());
        return Err(Refused { error, changes: Box::default() });
    };
    let mut finish = shard_thread.shard.borrow_mut().end_write(commit, written)?;
    while !shard_thread.shard.borrow_mut().finish_commit(&mut finish, FINISH_PIECE) {
        runtime::yield_now().await;
    }
    Ok(finish.ticket)
}

/// Tells the owners of keys of uses that their hot caches have not noted. After what the commands
/// made of the keys is committed.
pub(crate) fn tell_uses(shard_thread: &ShardThread, used: Vec<Use>) {
    shard_thread.shard.borrow_mut().note_uses(&used);
    let mut others: Vec<Vec<Use>> = Vec::new();
    others.resize_with(shard_thread.node.topology.shards(), Vec::new);
    for mut it in used.into_iter().filter(|it| it.shard != shard_thread.id) {
        // No try looks into another shard's hot cache.
        it.is_new = true;
        others[it.shard].push(it);
    }
    for (shard, used) in others.into_iter().enumerate().filter(|(_, used)| !used.is_empty()) {
        shard_thread.turn.post(shard, Message::Used(used));
    }
}
