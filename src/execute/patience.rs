//! Running a command of this shard that could not run at once: it waits for the locks on its keys,
//! for the disk, for room in memory, or until the engine takes writes.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use basalt_shard::command::Args;
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::shard::scope_of;

use crate::client::Caller;
use crate::clock::now_ms;
use crate::execute::as_one;
use crate::execute::attempt::{Done, Obstacle, attempt, attempt_locked};
use crate::execute::commit::STALL_PAUSE;
use crate::execute::room::{Lack, RoomWait};
use crate::runtime;
use crate::thread::batch::Batch;
use crate::thread::shard_command::ShardCommand;
use crate::thread::shard_thread::ShardThread;

/// Keys that a command may lock between two looks at the sockets.
const KEYS_PER_TURN: usize = 512;

/// Lets others have their turn after a step of a command on very many keys.
pub(crate) async fn give_way(keys: usize) {
    if keys > KEYS_PER_TURN {
        runtime::yield_now().await;
    }
}

/// Runs one command; `why` is what was in its way.
pub(crate) async fn run(
    shard_thread: &Rc<ShardThread>,
    command: ShardCommand,
    args: Args<'_>,
    (caller, mut why): (Caller, Obstacle),
    reply: &mut ReplyBuffer,
) -> Done {
    let mut wait = RoomWait::new();
    loop {
        if why == Obstacle::Stalled {
            runtime::sleep(STALL_PAUSE).await;
            match attempt(shard_thread, command, args, (caller, &mut Instant::now()), reply) {
                Ok(done) => return done,
                Err(next) => why = next,
            }
            continue;
        }
        let needed = shard_thread.with_call(command, args, (caller, now_ms()), |call| {
            call.locks(&shard_thread.node.topology)
        });
        let keys = needed.len();
        give_way(keys).await;
        let (lock, at_once) = shard_thread.lock(scope_of(&needed, shard_thread.id)).await;
        drop(needed);
        give_way(keys).await;
        // Who waited may find in memory what another command has loaded meanwhile.
        let ran = if why == Obstacle::OffLoop && at_once {
            None
        } else {
            run_locked_here(shard_thread, command, args, caller, reply).await
        };
        let done = match ran {
            Some(done) => Ok(done),
            None => {
                let how = (caller, &mut wait);
                // Boxed, or every connection would have room for it all the time.
                Box::pin(run_locked_off_loop(shard_thread, command, args, how, reply)).await
            }
        };
        give_way(keys).await;
        shard_thread.unlock(lock);
        match done {
            Ok(done) => return done,
            // Not with its keys locked: whoever wants all of them would wait, too, and
            // everybody behind that.
            Err(lack) => wait.for_room(shard_thread, lack).await,
        }
        why = Obstacle::OffLoop;
    }
}

/// Runs a command whose locks are held, on the loop. `None`: that needs the disk.
async fn run_locked_here(
    shard_thread: &Rc<ShardThread>,
    command: ShardCommand,
    args: Args<'_>,
    caller: Caller,
    reply: &mut ReplyBuffer,
) -> Option<Done> {
    loop {
        let when = (caller, &mut Instant::now());
        match attempt_locked(shard_thread, command, args, when, reply) {
            Ok(done) => return Some(done),
            Err(Obstacle::Stalled | Obstacle::Locked) => runtime::sleep(STALL_PAUSE).await,
            Err(Obstacle::OffLoop) => return None,
        }
    }
}

/// Runs a command whose locks are held, with the disk.
async fn run_locked_off_loop(
    shard_thread: &Rc<ShardThread>,
    command: ShardCommand,
    args: Args<'_>,
    (caller, wait): (Caller, &mut RoomWait),
    reply: &mut ReplyBuffer,
) -> Result<Done, Lack> {
    // Its keys are locked: what it will see of them is what is there now.
    let shown = shard_thread.with_call(command, args, (caller, now_ms()), |call| {
        let locks = call.locks(&shard_thread.node.topology);
        shard_thread.shard.borrow().gate(call, &locks)
    });
    let mut batch = Batch::new(caller, reply.protocol());
    batch.push(command, args);
    let mut executed = as_one::run_here(shard_thread, &Arc::new(batch), shown, wait).await?;
    let (ticket, slow) = (executed.newest_ticket(), executed.slow.pop());
    reply.adopt(executed.replies);
    Ok(Done { ticket, slow: slow.map(Box::new) })
}
