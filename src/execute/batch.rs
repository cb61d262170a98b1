//! Running a batch of commands whose keys are all this shard's: at once where possible, and
//! otherwise with the waiting that a command needs, in order.

use std::rc::Rc;
use std::time::Instant;

use basalt_shard::resp::ReplyBuffer;
use basalt_shard::shard::REPLIES_BYTES_MAX;

use crate::execute::attempt::{Done, Obstacle, attempt};
use crate::execute::patience;
use crate::thread::batch::{Batch, Executed};
use crate::thread::shard_thread::ShardThread;

/// Where a batch could not go on at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halt {
    /// The command that could not run.
    next: usize,
    why: Obstacle,
}

/// Runs a whole batch, with all the waiting it needs.
pub(crate) async fn run(shard_thread: &Rc<ShardThread>, batch: &Batch) -> Executed {
    let mut reply = ReplyBuffer::new(batch.protocol);
    let mut executed = Executed::default();
    let halt = run_ready(shard_thread, batch, 0, &mut reply, &mut executed);
    finish(shard_thread, batch, halt, reply, executed).await
}

/// Tries commands from `first` on until one has to wait, or their replies have become long.
pub(crate) fn run_ready(
    shard_thread: &ShardThread,
    batch: &Batch,
    first: usize,
    reply: &mut ReplyBuffer,
    executed: &mut Executed,
) -> Option<Halt> {
    let mut moment = Instant::now();
    for next in first..batch.len() {
        if reply.len() >= REPLIES_BYTES_MAX {
            executed.rest = batch.rest(next);
            return None;
        }
        let (command, args) = batch.command(next);
        match attempt(shard_thread, command, args, (batch.caller, &mut moment), reply) {
            Ok(done) => note(done, reply, executed),
            Err(why) => return Some(Halt { next, why }),
        }
    }
    None
}

/// Runs what is left of a batch from where it came to a halt.
pub(crate) async fn finish(
    shard_thread: &Rc<ShardThread>,
    batch: &Batch,
    mut halt: Option<Halt>,
    mut reply: ReplyBuffer,
    mut executed: Executed,
) -> Executed {
    while let Some(Halt { next, why }) = halt {
        let (command, args) = batch.command(next);
        let how = (batch.caller, why);
        let done = patience::run(shard_thread, command, args, how, &mut reply).await;
        note(done, &reply, &mut executed);
        halt = run_ready(shard_thread, batch, next + 1, &mut reply, &mut executed);
    }
    executed.replies = reply.take();
    executed
}

fn note(Done { ticket, slow }: Done, reply: &ReplyBuffer, executed: &mut Executed) {
    executed.slow.extend(slow.map(|slow| *slow));
    executed.ends.push((reply.len(), ticket));
}

/// Takes copies of what was read for another shard's thread.
pub(crate) fn copy_for_others(shard_thread: &ShardThread, batch: &Batch, executed: &mut Executed) {
    let mut shard = shard_thread.shard.borrow_mut();
    for (index, (_, ticket)) in executed.ends.iter().enumerate() {
        if *ticket != 0 {
            continue;
        }
        let (command, args) = batch.command(index);
        let when = (batch.caller, 0);
        executed
            .copies
            .extend(shard_thread.with_call(command, args, when, |call| shard.copy(call)));
    }
}
