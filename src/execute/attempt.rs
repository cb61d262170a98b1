//! Trying one command on the loop: it is done at once, or something is in its way.

use std::time::Instant;

use basalt_shard::command::Args;
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::resp::ReplyBuffer;
use basalt_shard::shard::{Attempt, Call, Shard};

use crate::client::Caller;
use crate::clock::time_ms;
use crate::execute::booking;
use crate::execute::booking::{Booked, Spent};
use crate::telemetry::slowness::Slow;
use crate::thread::shard_command::ShardCommand;
use crate::thread::shard_thread::ShardThread;

/// A command that has its reply.
pub(crate) struct Done {
    /// The batch that the reply waits for.
    pub(crate) ticket: Ticket,
    /// It took long.
    pub(crate) slow: Option<Box<Slow>>,
}

/// What is in the way of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// It needs the disk, or more time than the loop has.
    OffLoop,
    /// Another command holds one of its keys.
    Locked,
    /// The engine takes no writes at the moment.
    Stalled,
}

/// Tries a command of this shard. What it wrote is flushed at the end of the turn. `moment` is now,
/// and then the moment of the command's end.
pub(crate) fn attempt(
    shard_thread: &ShardThread,
    command: ShardCommand,
    args: Args<'_>,
    when: (Caller, &mut Instant),
    reply: &mut ReplyBuffer,
) -> Result<Done, Obstacle> {
    try_on_loop(shard_thread, command, args, when, reply, Shard::execute)
}

/// The same for a command that holds the locks on its keys.
pub(crate) fn attempt_locked(
    shard_thread: &ShardThread,
    command: ShardCommand,
    args: Args<'_>,
    when: (Caller, &mut Instant),
    reply: &mut ReplyBuffer,
) -> Result<Done, Obstacle> {
    try_on_loop(shard_thread, command, args, when, reply, Shard::execute_locked)
}

/// Answers a read of one key of another shard's out of a copy, if there is one that counts; else
/// its owner has to be asked.
pub(crate) fn attempt_copy(
    shard_thread: &ShardThread,
    command: ShardCommand,
    args: Args<'_>,
    when: (Caller, &mut Instant),
    reply: &mut ReplyBuffer,
) -> Option<Done> {
    let mut copies = shard_thread.copies.borrow_mut();
    let read = |shard: &mut Shard, call: &Call<'_>, reply: &mut ReplyBuffer| {
        if shard.read_copy(call, &mut copies, reply) { Attempt::Done(0) } else { Attempt::OffLoop }
    };
    try_on_loop(shard_thread, command, args, when, reply, read).ok()
}

#[inline]
fn try_on_loop(
    shard_thread: &ShardThread,
    command: ShardCommand,
    args: Args<'_>,
    (caller, moment): (Caller, &mut Instant),
    reply: &mut ReplyBuffer,
    run: impl FnOnce(&mut Shard, &Call<'_>, &mut ReplyBuffer) -> Attempt,
) -> Result<Done, Obstacle> {
    let start = reply.len();
    let when = (caller, time_ms(*moment));
    let mut shard = shard_thread.shard.borrow_mut();
    let attempt = shard_thread.with_call(command, args, when, |call| run(&mut shard, call, reply));
    drop(shard);
    let ticket = match attempt {
        Attempt::Done(ticket) => ticket,
        Attempt::OffLoop => return Err(Obstacle::OffLoop),
        Attempt::Locked => return Err(Obstacle::Locked),
        Attempt::Stalled => return Err(Obstacle::Stalled),
    };
    if ticket != 0 {
        shard_thread.turn.schedule();
    }
    let reply = &reply.as_bytes()[start..];
    let spent = (*moment, Spent::OnLoop);
    let Booked { end, slow } = booking::ended(shard_thread, (command.id(), args), spent, reply);
    *moment = end;
    Ok(Done { ticket, slow })
}
