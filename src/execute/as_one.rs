//! Running commands one after the other as one: each sees what those before it did, and nobody sees
//! a part of it. Their keys are locked, or all of them are this shard's and none is.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use basalt_shard::error::storage_error_reply;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::random::Random;
use basalt_shard::room::Place;
use basalt_shard::settings::Settings;
use basalt_shard::shard::{Call, Sequence, run_in_sequence};
use basalt_shard::view::Changes;

use crate::clock::{now_ms, steady_ms};
use crate::execute::booking;
use crate::execute::booking::Spent;
use crate::execute::commit;
use crate::execute::room::{Lack, RoomWait};
use crate::thread::batch::{Batch, Executed, FAILED};
use crate::thread::shard_command::Setting;
use crate::thread::shard_thread::ShardThread;

/// The commands of a batch, ready to be run.
fn calls<'a>(
    batch: &'a Batch,
    databases: &'a [u8],
    settings: &'a Settings,
) -> impl Iterator<Item = Call<'a>> + Clone {
    let setting = Setting { databases, settings, now_ms: now_ms(), steady_ms: steady_ms() };
    (0..batch.len()).map(move |index| {
        let (command, args) = batch.command(index);
        command.call(args, batch.caller, setting)
    })
}

/// Runs a whole batch of this shard's at once: all of it, or nothing (`None`); see
/// [`Shard::execute_all`].
///
/// [`Shard::execute_all`]: basalt_shard::shard::Shard::execute_all
pub(crate) fn run_at_once(
    shard_thread: &ShardThread,
    batch: &Batch,
    locked: bool,
) -> Option<Executed> {
    let start = Instant::now();
    let (databases, settings) = (shard_thread.databases(), shard_thread.settings());
    let calls = (calls(batch, &databases, &settings), batch.len());
    let (sequence, ticket) =
        shard_thread.shard.borrow_mut().execute_all(calls, batch.protocol, locked)?;
    if ticket != 0 {
        shard_thread.turn.schedule();
    }
    Some(answered(shard_thread, batch, (start, Spent::OnLoop), sequence, ticket))
}

/// Runs a batch whose keys are locked with the disk, and commits what it changed. All its keys are
/// this shard's, and its replies show the batch `shown` at the most. `Err`: there was no room for
/// big values, and nothing was done.
pub(crate) async fn run_here(
    shard_thread: &Rc<ShardThread>,
    batch: &Arc<Batch>,
    shown: Ticket,
    wait: &mut RoomWait,
) -> Result<Executed, Lack> {
    let start = Instant::now();
    let sequence = run_with_disk(shard_thread, batch, wait).await?;
    let commit = async |changes| {
        commit::commit(shard_thread, changes).await.map_err(|error| storage_error_reply(&error))
    };
    Ok(match complete(shard_thread, batch, start, sequence, commit).await {
        Ok((mut executed, ticket)) => {
            let ticket = ticket.max(shown);
            executed.ends.iter_mut().for_each(|(_, waits_for)| *waits_for = ticket);
            executed
        }
        Err(failed) => failed,
    })
}

/// What is left to do when a batch has run (`None`: a handler panicked) since `start`: the caches
/// learn what was read, `commit` has the changes written, and the commands are booked. `Err`: all
/// commands have failed. What the replies wait for is told by what `commit` comes to.
pub(crate) async fn complete<T>(
    shard_thread: &ShardThread,
    batch: &Batch,
    start: Instant,
    sequence: Option<Sequence>,
    commit: impl AsyncFnOnce(Changes) -> Result<T, String>,
) -> Result<(Executed, T), Executed> {
    let Some(mut sequence) = sequence else {
        return Err(all_failed(shard_thread, batch, start, FAILED));
    };
    {
        let mut shard = shard_thread.shard.borrow_mut();
        shard.warm(std::mem::take(&mut sequence.loaded));
        shard.count_lookups(sequence.lookups);
    }
    match commit(std::mem::take(&mut sequence.changes)).await {
        Ok(committed) => {
            commit::tell_uses(shard_thread, std::mem::take(&mut sequence.used));
            let spent = (start, Spent::Elsewhere);
            Ok((answered(shard_thread, batch, spent, sequence, 0), committed))
        }
        Err(text) => Err(all_failed(shard_thread, batch, start, text.as_bytes())),
    }
}

/// The replies of a sequence that is committed.
fn answered(
    shard_thread: &ShardThread,
    batch: &Batch,
    spent: (Instant, Spent),
    mut sequence: Sequence,
    ticket: Ticket,
) -> Executed {
    let ends = sequence.ends.iter().map(|end| (*end, ticket)).collect();
    let mut executed = Executed { replies: sequence.reply.take(), ends, ..Executed::default() };
    booking::ended_as_one(shard_thread, batch, spent, &mut executed);
    executed.rest = batch.rest(executed.ends.len());
    executed
}

/// Answers all commands of a batch with an error, and books them as failed.
pub(crate) fn all_failed(
    shard_thread: &ShardThread,
    batch: &Batch,
    start: Instant,
    text: &[u8],
) -> Executed {
    let mut executed = Executed::all_with(batch, text);
    booking::ended_as_one(shard_thread, batch, (start, Spent::Elsewhere), &mut executed);
    executed
}

/// Runs a batch whose keys are locked on the loop, over memory. `None`: that does not do.
pub(crate) fn run_in_memory(shard_thread: &ShardThread, batch: &Batch) -> Option<Sequence> {
    let (databases, settings) = (shard_thread.databases(), shard_thread.settings());
    let calls = calls(batch, &databases, &settings);
    let mut shard = shard_thread.shard.borrow_mut();
    let (random, cache) = shard.random_and_cache();
    let home = (shard_thread.id, cache);
    run_in_sequence(calls, &shard_thread.node.topology, random, Some(home), batch.protocol, None)
}

/// Runs a batch whose keys are locked on a thread that may block. `Ok(None)`: a handler panicked.
/// `Err`: there was no room for the big values that the commands read or write, and nothing was
/// done.
pub(crate) async fn run_with_disk(
    shard_thread: &Rc<ShardThread>,
    batch: &Arc<Batch>,
    wait: &mut RoomWait,
) -> Result<Option<Sequence>, Lack> {
    let ran = run_once_with_disk(shard_thread, batch.clone(), wait.place()).await;
    let Some(mut sequence) = ran else { return Ok(None) };
    sequence.held.leave_line();
    if !sequence.lacks_room {
        // It has what it needs: while that is committed another may be the next.
        wait.leave_line();
        return Ok(Some(sequence));
    }
    if !wait.is_over() {
        return Err(Lack { bytes: sequence.held.wanted() });
    }
    Ok(Some(Sequence::without_room(batch.len(), batch.protocol)))
}

async fn run_once_with_disk(
    shard_thread: &Rc<ShardThread>,
    batch: Arc<Batch>,
    place: Option<Arc<Place>>,
) -> Option<Sequence> {
    let topology = shard_thread.node.topology.clone();
    let (databases, settings) = (shard_thread.databases(), shard_thread.settings());
    let seed = shard_thread.shard.borrow_mut().random_and_cache().0.next_u64();
    shard_thread
        .off_loop(move || {
            let mut random = Random::new(seed);
            let calls = calls(&batch, &databases, &settings);
            run_in_sequence(calls, &topology, &mut random, None, batch.protocol, place)
        })
        .await
        .flatten()
}
