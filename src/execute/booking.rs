//! What is noted of every command that has ended, whichever way it ran: its statistics, that it is
//! one more, what it kept the loop busy with, and whether it was slow.

use std::time::{Duration, Instant};

use basalt_shard::command::Args;
use basalt_shard::table::CommandId;

use crate::execute::slowness;
use crate::runtime;
use crate::telemetry::slowness::Slow;
use crate::thread::batch::{Batch, Executed};
use crate::thread::loop_counters::LoopCounters;
use crate::thread::shard_thread::ShardThread;

/// Where a command spent its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Spent {
    /// On the loop, which did nothing else meanwhile.
    OnLoop,
    /// On another thread, or waiting.
    Elsewhere,
}

/// A command that has ended, booked.
pub(crate) struct Booked {
    /// When it ended; in a pipeline the next begins then: one look at the clock a command.
    pub(crate) end: Instant,
    /// What the slow log or the latency monitor has to be told.
    pub(crate) slow: Option<Box<Slow>>,
}

/// A command that began at `start` has ended now, with this reply.
#[inline]
pub(crate) fn ended(
    shard_thread: &ShardThread,
    (id, args): (CommandId, Args<'_>),
    (start, spent): (Instant, Spent),
    reply: &[u8],
) -> Booked {
    let end = Instant::now();
    let took_ns = nanoseconds(end.saturating_duration_since(start));
    let slow = book(shard_thread, (id, args), (took_ns, spent), reply);
    Booked { end, slow }
}

/// The commands of a batch that have replies ran as one since `start`: each has its share of the
/// time.
pub(crate) fn ended_as_one(
    shard_thread: &ShardThread,
    batch: &Batch,
    (start, spent): (Instant, Spent),
    executed: &mut Executed,
) {
    let share_ns = nanoseconds(start.elapsed()) / executed.ends.len().max(1) as u64;
    for index in 0..executed.ends.len() {
        let (command, args) = batch.command(index);
        let reply = executed.reply(index);
        let slow = book(shard_thread, (command.id(), args), (share_ns, spent), reply);
        executed.slow.extend(slow.map(|slow| *slow));
    }
}

/// A command was refused before it ran, with this reply; `None`: there is no such command.
pub(crate) fn refused(shard_thread: &ShardThread, id: Option<CommandId>, reply: &[u8]) {
    shard_thread.statistics.borrow_mut().reject(id, reply);
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[inline]
fn book(
    shard_thread: &ShardThread,
    (id, args): (CommandId, Args<'_>),
    (took_ns, spent): (u64, Spent),
    reply: &[u8],
) -> Option<Box<Slow>> {
    shard_thread.statistics.borrow_mut().count(id, took_ns, reply);
    LoopCounters::add(&shard_thread.counters.commands, 1);
    let busy_for_ns = if spent == Spent::OnLoop { took_ns } else { 0 };
    runtime::note_command(id, busy_for_ns);
    slowness::check(shard_thread, id, args, took_ns / 1000)
}
