//! Running a batch of commands whose keys are all this shard's: at once where possible, and
//! otherwise with the waiting that a command needs (a lock, the disk, a stall), in order.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use basalt_shard::command::Args;
use basalt_shard::command::Run;
use basalt_shard::engine::EngineError;
use basalt_shard::error::{CommandError, storage_error_reply};
use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::random::Random;
use basalt_shard::resp::{Protocol, ReplyBuffer};
use basalt_shard::room::{Place, Reservation};
use basalt_shard::settings::Settings;
use basalt_shard::shard::{
    Attempt, Call, REPLIES_BYTES_MAX, Refused, Sequence, run_in_sequence, scope_of,
};
use basalt_shard::table::CommandId;
use basalt_shard::view::{Changes, Use};

use crate::client::Caller;
use crate::clock::{now_ms, steady_ms, time_ms};
use crate::execute::eviction;
use crate::execute::eviction::Needed;
use crate::execute::slowness;
use crate::execute::waiting::wait_in_line;
use crate::runtime;
use crate::thread::message::{Batch, Executed, Message};
use crate::thread::node::Node;
use crate::thread::shard_loop::{LoopCounters, ShardLoop};

/// How long to wait before trying again while the engine takes no writes.
const STALL_PAUSE: Duration = Duration::from_millis(1);
/// How long to wait for room in memory.
const ROOM_PATIENCE: Duration = Duration::from_secs(30);

/// Tries commands from `first` on until one has to wait, or their replies have become long.
pub(crate) fn run_ready(
    shard_loop: &ShardLoop,
    batch: &Batch,
    first: usize,
    reply: &mut ReplyBuffer,
    done: &mut Executed,
) -> Option<Halt> {
    let mut moment = Instant::now();
    for next in first..batch.len() {
        if reply.len() >= REPLIES_BYTES_MAX {
            done.rest = batch.rest(next);
            return None;
        }
        let (id, args) = batch.command(next);
        match attempt(shard_loop, id, args, (batch.caller, &mut moment), reply) {
            Attempt::Done(ticket) => {
                note_slowness(shard_loop, id, args, done);
                done.ends.push((reply.len(), ticket));
            }
            why => return Some(Halt { next, why }),
        }
    }
    None
}

/// Where a batch could not go on at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Halt {
    /// The command that could not run.
    next: usize,
    /// How its try ended.
    why: Attempt,
}

/// Answers a read of one key of another shard's out of a copy, if there is one that counts.
/// `moment` is as for [`attempt`].
pub(crate) fn attempt_copy(
    shard_loop: &ShardLoop,
    id: CommandId,
    args: Args<'_>,
    (caller, moment): (Caller, &mut Instant),
    reply: &mut ReplyBuffer,
) -> bool {
    let start = reply.len();
    let now_ms = time_ms(*moment);
    let mut shard = shard_loop.shard.borrow_mut();
    let mut copies = shard_loop.copies.borrow_mut();
    let is_answered = shard_loop
        .with_call(id, args, (caller, now_ms), |call| shard.read_copy(call, &mut copies, reply))
        .unwrap_or(false);
    if is_answered {
        let mut statistics = shard_loop.statistics.borrow_mut();
        *moment = statistics.finish(id, *moment, &reply.as_bytes()[start..]);
        LoopCounters::add(&shard_loop.counters.commands, 1);
    }
    is_answered
}

/// Takes copies of what was read for another shard's thread.
pub(crate) fn copy_for_others(shard_loop: &ShardLoop, batch: &Batch, done: &mut Executed) {
    let mut shard = shard_loop.shard.borrow_mut();
    for (index, (_, ticket)) in done.ends.iter().enumerate() {
        if *ticket != 0 {
            continue;
        }
        let (id, args) = batch.command(index);
        let copy = shard_loop.with_call(id, args, (batch.caller, 0), |call| shard.copy(call));
        done.copies.extend(copy.flatten());
    }
}

/// Keeps what there is to say of the time that the latest command took.
fn note_slowness(shard_loop: &ShardLoop, id: CommandId, args: Args<'_>, done: &mut Executed) {
    done.slow.extend(slowness::check(shard_loop, id, args, last_duration_us(shard_loop)));
}

/// How long the command took that has just ended.
fn last_duration_us(shard_loop: &ShardLoop) -> u64 {
    shard_loop.statistics.borrow().last_duration_ns / 1000
}

/// Tries one command on the loop. What it wrote is flushed at the end of the turn. `moment` is now,
/// and then the moment of the command's end.
pub(crate) fn attempt(
    shard_loop: &ShardLoop,
    id: CommandId,
    args: Args<'_>,
    (caller, moment): (Caller, &mut Instant),
    reply: &mut ReplyBuffer,
) -> Attempt {
    let start = reply.len();
    let mut shard = shard_loop.shard.borrow_mut();
    let now_ms = time_ms(*moment);
    let attempt = shard_loop
        .with_call(id, args, (caller, now_ms), |call| shard.execute(call, reply))
        .unwrap_or(Attempt::Done(0));
    if let Attempt::Done(ticket) = attempt {
        let mut statistics = shard_loop.statistics.borrow_mut();
        *moment = statistics.finish(id, *moment, &reply.as_bytes()[start..]);
        runtime::note_command(id, statistics.last_duration_ns);
        LoopCounters::add(&shard_loop.counters.commands, 1);
        if ticket != 0 {
            shard_loop.turn.schedule();
        }
    }
    attempt
}

/// Runs a whole batch, with all the waiting it needs.
pub(crate) async fn run_batch(shard_loop: &Rc<ShardLoop>, batch: &Batch) -> Executed {
    let protocol = batch.protocol.unwrap_or(Protocol::Resp2);
    let mut reply = ReplyBuffer::new(protocol);
    let mut done = Executed::default();
    let halt = run_ready(shard_loop, batch, 0, &mut reply, &mut done);
    finish_batch(shard_loop, batch, halt, reply, done).await
}

/// Runs what is left of a batch from where it came to a halt.
pub(crate) async fn finish_batch(
    shard_loop: &Rc<ShardLoop>,
    batch: &Batch,
    mut halt: Option<Halt>,
    mut reply: ReplyBuffer,
    mut done: Executed,
) -> Executed {
    while let Some(Halt { next, why }) = halt {
        let (id, args) = batch.command(next);
        let waited = run_waiting(shard_loop, id, args, (batch.caller, why), &mut reply).await;
        done.slow.extend(slowness::check(shard_loop, id, args, waited.duration_us));
        done.ends.push((reply.len(), waited.ticket));
        halt = run_ready(shard_loop, batch, next + 1, &mut reply, &mut done);
    }
    done.replies = reply.take();
    done
}

/// Keys that a command may lock between two looks at the sockets.
const KEYS_PER_TURN: usize = 512;

/// Lets others have their turn after a step of a command on very many keys.
pub(crate) async fn give_way(keys: usize) {
    if keys > KEYS_PER_TURN {
        runtime::yield_now().await;
    }
}

/// What a command came to that had to wait.
pub(crate) struct Waited {
    /// The batch that its reply waits for.
    pub(crate) ticket: Ticket,
    /// How long it ran: others may have run since it ended.
    pub(crate) duration_us: u64,
}

/// Runs one command of this shard that could not run at once; `why` is how that try ended.
pub(crate) async fn run_waiting(
    shard_loop: &Rc<ShardLoop>,
    id: CommandId,
    args: Args<'_>,
    (caller, mut why): (Caller, Attempt),
    reply: &mut ReplyBuffer,
) -> Waited {
    let mut wait = RoomWait::new();
    let waited = |ticket| Waited { ticket, duration_us: last_duration_us(shard_loop) };
    loop {
        match why {
            Attempt::Done(ticket) => return waited(ticket),
            Attempt::Stalled => {
                runtime::sleep(STALL_PAUSE).await;
                why = attempt(shard_loop, id, args, (caller, &mut Instant::now()), reply);
            }
            Attempt::Locked | Attempt::OffLoop => {
                let needed = shard_loop
                    .with_call(id, args, (caller, now_ms()), |call| {
                        call.locks(&shard_loop.node.topology)
                    })
                    .unwrap_or_default();
                let keys = needed.len();
                give_way(keys).await;
                let (lock, at_once) = shard_loop.lock(scope_of(&needed, shard_loop.id)).await;
                drop(needed);
                give_way(keys).await;
                // Who waited may find in memory what another command has loaded meanwhile.
                let ran = if why == Attempt::OffLoop && at_once {
                    None
                } else {
                    run_locked_here(shard_loop, id, args, caller, reply).await
                };
                let ticket = match ran {
                    Some(ticket) => Ok(ticket),
                    None => {
                        let how = (caller, &mut wait);
                        run_locked_off_loop(shard_loop, id, args, how, reply).await
                    }
                };
                let ticket = ticket.map(waited);
                give_way(keys).await;
                shard_loop.unlock(lock);
                match ticket {
                    Ok(ticket) => return ticket,
                    // Not with its keys locked: whoever wants all of them would wait, too, and
                    // everybody behind that.
                    Err(lack) => wait.for_room(shard_loop, lack).await,
                }
                why = Attempt::OffLoop;
            }
        }
    }
}

/// Runs one command of this shard whose locks are held, on the loop. `None`: that needs the disk.
async fn run_locked_here(
    shard_loop: &Rc<ShardLoop>,
    id: CommandId,
    args: Args<'_>,
    caller: Caller,
    reply: &mut ReplyBuffer,
) -> Option<Ticket> {
    loop {
        let start = reply.len();
        let tried = {
            let mut shard = shard_loop.shard.borrow_mut();
            let mut statistics = shard_loop.statistics.borrow_mut();
            let timer = Instant::now();
            let tried = shard_loop
                .with_call(id, args, (caller, now_ms()), |call| shard.execute_locked(call, reply));
            if let Some(Attempt::Done(_)) = tried {
                statistics.finish(id, timer, &reply.as_bytes()[start..]);
                LoopCounters::add(&shard_loop.counters.commands, 1);
            }
            tried
        };
        match tried {
            Some(Attempt::Done(ticket)) => {
                shard_loop.turn.schedule();
                return Some(ticket);
            }
            Some(Attempt::Stalled | Attempt::Locked) => runtime::sleep(STALL_PAUSE).await,
            Some(Attempt::OffLoop) => return None,
            None => return Some(0),
        }
    }
}

/// Runs one command of this shard whose locks are held, with the disk.
async fn run_locked_off_loop(
    shard_loop: &Rc<ShardLoop>,
    id: CommandId,
    args: Args<'_>,
    (caller, wait): (Caller, &mut RoomWait),
    reply: &mut ReplyBuffer,
) -> Result<Ticket, Lack> {
    let mut batch = Batch::new(caller, reply.protocol());
    batch.push(id, args);
    let timer = Instant::now();
    let start = reply.len();
    // Its keys are locked: what it will see of them is what is there now.
    let shown = shard_loop
        .with_call(id, args, (caller, now_ms()), |call| {
            let locks = call.locks(&shard_loop.node.topology);
            shard_loop.shard.borrow().gate(call, &locks)
        })
        .unwrap_or(0);
    let ran = run_with_disk(shard_loop, Arc::new(batch), wait).await?;
    runtime::note_command(id, 0);
    let ticket = match ran {
        None => {
            reply.error(b"ERR the command failed in the server; this is a bug, please report it");
            0
        }
        Some(mut sequence) => {
            reply.adopt(sequence.reply.take());
            shard_loop.shard.borrow_mut().warm(sequence.loaded);
            shard_loop.shard.borrow_mut().count_lookups(sequence.lookups);
            match commit(shard_loop, sequence.changes).await {
                Ok(ticket) => {
                    tell_uses(shard_loop, sequence.used);
                    ticket.max(shown)
                }
                Err(error) => {
                    reply.truncate(start);
                    reply.error(storage_error_reply(&error).as_bytes());
                    0
                }
            }
        }
    };
    shard_loop.statistics.borrow_mut().finish(id, timer, &reply.as_bytes()[start..]);
    LoopCounters::add(&shard_loop.counters.commands, 1);
    Ok(ticket)
}

/// The commands of a batch, ready to be run.
pub(crate) fn calls<'a>(
    node: &'a Node,
    batch: &'a Batch,
    databases: &'a [u8],
    settings: &'a Settings,
) -> impl Iterator<Item = Call<'a>> + Clone {
    let (now_ms, steady_ms) = (now_ms(), steady_ms());
    (0..batch.len()).filter_map(move |index| {
        let (id, args) = batch.command(index);
        let entry = node.table.entry(id);
        let (spec, Run::Shard(handler)) = (entry.spec, entry.run) else { return None };
        let Caller { db, touch } = batch.caller;
        Some(Call { spec, handler, args, databases, db, touch, now_ms, steady_ms, settings })
    })
}

/// Runs a whole batch at once, as one: all of it, or nothing; see [`Shard::execute_all`].
///
/// [`Shard::execute_all`]: basalt_shard::shard::Shard::execute_all
pub(crate) fn run_at_once(shard_loop: &ShardLoop, batch: &Batch, locked: bool) -> Option<Executed> {
    let timer = Instant::now();
    let (databases, settings) = (shard_loop.databases(), shard_loop.settings());
    let calls = calls(&shard_loop.node, batch, &databases, &settings);
    let protocol = batch.protocol.unwrap_or(Protocol::Resp2);
    let (mut sequence, ticket) =
        shard_loop.shard.borrow_mut().execute_all((calls, batch.len()), protocol, locked)?;
    if ticket != 0 {
        shard_loop.turn.schedule();
    }
    let ends = sequence.ends.into_iter().map(|end| (end, ticket)).collect();
    let mut executed = Executed { replies: sequence.reply.take(), ends, ..Executed::default() };
    count_shares(shard_loop, batch, timer, &mut executed);
    Some(executed)
}

/// Counts the commands of a batch that ran as one since `timer`: each has its share of the time.
pub(crate) fn count_shares(
    shard_loop: &ShardLoop,
    batch: &Batch,
    timer: Instant,
    executed: &mut Executed,
) {
    let commands = executed.ends.len().max(1) as u64;
    let share_ns = u64::try_from(timer.elapsed().as_nanos()).unwrap_or(u64::MAX) / commands;
    let mut statistics = shard_loop.statistics.borrow_mut();
    for index in 0..executed.ends.len() {
        let (id, args) = batch.command(index);
        statistics.count(id, share_ns, executed.reply(index));
        executed.slow.extend(slowness::check(shard_loop, id, args, share_ns / 1000));
    }
    LoopCounters::add(&shard_loop.counters.commands, executed.ends.len() as u64);
}

/// Answers all commands of a batch with an error, and counts them as failed.
pub(crate) fn all_failed(
    shard_loop: &ShardLoop,
    batch: &Batch,
    timer: Instant,
    text: &[u8],
) -> Executed {
    let mut executed = Executed::all_with(batch, text);
    count_shares(shard_loop, batch, timer, &mut executed);
    executed
}

/// Tells the owners of keys of uses that their hot caches have not noted. After what the commands
/// made of the keys is committed.
pub(crate) fn tell_uses(shard_loop: &ShardLoop, used: Vec<Use>) {
    shard_loop.shard.borrow_mut().note_uses(&used);
    let mut others: Vec<Vec<Use>> = Vec::new();
    others.resize_with(shard_loop.node.topology.shards(), Vec::new);
    for mut it in used.into_iter().filter(|it| it.shard != shard_loop.id) {
        // No try looks into another shard's hot cache.
        it.is_new = true;
        others[it.shard].push(it);
    }
    for (shard, used) in others.into_iter().enumerate().filter(|(_, used)| !used.is_empty()) {
        shard_loop.turn.post(shard, Message::Used(used));
    }
}

/// Runs the commands of a batch on a thread that may block. Their keys must be locked. `Ok(None)`:
/// a handler panicked. `Err`: there was no room for the big values that they read or write, and
/// nothing was done.
pub(crate) async fn run_with_disk(
    shard_loop: &Rc<ShardLoop>,
    batch: Arc<Batch>,
    wait: &mut RoomWait,
) -> Result<Option<Sequence>, Lack> {
    let ran = run_once_with_disk(shard_loop, batch.clone(), wait.place.clone()).await;
    let Some(mut sequence) = ran else { return Ok(None) };
    sequence.held.leave_line();
    if !sequence.lacks_room {
        // It has what it needs: while that is committed another may be the next.
        wait.place = None;
        return Ok(Some(sequence));
    }
    if Instant::now() < wait.given_up {
        return Err(Lack { bytes: sequence.held.wanted() });
    }
    let protocol = batch.protocol.unwrap_or(Protocol::Resp2);
    Ok(Some(Sequence::without_room(batch.len(), protocol)))
}

/// There was no room for so many bytes.
pub(crate) struct Lack {
    bytes: u64,
}

/// Waiting for room in memory for big values, from try to try.
pub(crate) struct RoomWait {
    given_up: Instant,
    place: Option<Arc<Place>>,
}

impl RoomWait {
    /// To begin with.
    pub(crate) fn new() -> Self {
        Self { given_up: Instant::now() + ROOM_PATIENCE, place: None }
    }

    /// Waits until another try may find room, or is the last.
    pub(crate) async fn for_room(&mut self, shard_loop: &Rc<ShardLoop>, lack: Lack) {
        let room = shard_loop.node.topology.room();
        if self.place.is_none() {
            self.place = room.line().join().map(Arc::new);
        }
        let Some(place) = &self.place else {
            // As many wait as may.
            self.given_up = Instant::now();
            return;
        };
        let may_go = || {
            let has_room = place.is_first() && room.may_have_room_for(lack.bytes);
            has_room.then_some(())
        };
        let lack_of_room = || eviction::Lack {
            bytes: lack.bytes.min(room.replies().load(Ordering::Relaxed)),
            needed: Needed::OfReplies,
            own_bytes: 0,
            is_urgent: false,
        };
        let how = (may_go, lack_of_room);
        wait_in_line(shard_loop, place, how, None, Some(self.given_up)).await;
    }
}

/// Runs `work` on a thread that may block, and again as long as it finds no room in memory for what
/// it gathers. `None`: it panicked.
pub(crate) async fn off_loop_with_room<T: Send + 'static>(
    shard_loop: &Rc<ShardLoop>,
    work: impl Fn(&mut Reservation) -> Result<T, CommandError> + Send + Sync + 'static,
) -> Option<Result<T, CommandError>> {
    let work = Arc::new(work);
    let mut wait = RoomWait::new();
    loop {
        let (work, place) = (work.clone(), wait.place.clone());
        let try_once = move || {
            let mut held = Reservation::at(place);
            let done = work(&mut held);
            (done, Lack { bytes: held.wanted() })
        };
        let (done, lack) = shard_loop.off_loop(try_once).await?;
        if !matches!(done, Err(CommandError::NoRoom)) || Instant::now() >= wait.given_up {
            return Some(done);
        }
        wait.for_room(shard_loop, lack).await;
    }
}

async fn run_once_with_disk(
    shard_loop: &Rc<ShardLoop>,
    batch: Arc<Batch>,
    place: Option<Arc<Place>>,
) -> Option<Sequence> {
    let node = shard_loop.node.clone();
    let databases = shard_loop.databases();
    let settings = shard_loop.settings();
    let seed = {
        let mut shard = shard_loop.shard.borrow_mut();
        shard.random_and_cache().0.next_u64()
    };
    shard_loop
        .off_loop(move || {
            let mut random = Random::new(seed);
            let calls = calls(&node, &batch, &databases, &settings);
            let protocol = batch.protocol.unwrap_or(Protocol::Resp2);
            run_in_sequence(calls, &node.topology, &mut random, None, protocol, place)
        })
        .await
        .flatten()
}

/// Keys of a long commit that caches and indices are told of before others have their turn.
const FINISH_PIECE: usize = 512;

/// Commits changes that would keep the loop too long: the batch is made and written on another
/// thread. Until it is done everybody else may read, and who wants to write waits.
async fn commit_off_loop(shard_loop: &ShardLoop, changes: Changes) -> Result<Ticket, Refused> {
    // What others wrote in this turn goes to the kernel first: it must not wait for this.
    shard_loop.flush_log();
    let mut commit = shard_loop.shard.borrow_mut().begin_commit(changes)?;
    let done = shard_loop
        .off_loop(move || {
            let written = commit.write();
            (commit, written)
        })
        .await;
    let Some((commit, written)) = done else {
        shard_loop.shard.borrow_mut().abandon_commit();
        let error = EngineError::Io("a write failed in the server; this is a bug".into());
        return Err(Refused { error, changes: Box::default() });
    };
    let mut finish = shard_loop.shard.borrow_mut().end_write(commit, written)?;
    while !shard_loop.shard.borrow_mut().finish_commit(&mut finish, FINISH_PIECE) {
        runtime::yield_now().await;
    }
    Ok(finish.ticket)
}

/// Commits changes of this shard's keys, waiting while the engine stalls.
pub(crate) async fn commit(
    shard_loop: &ShardLoop,
    changes: Changes,
) -> Result<Ticket, EngineError> {
    if changes.is_empty() {
        return Ok(0);
    }
    let mut changes = changes;
    loop {
        let result = if changes.is_long() {
            commit_off_loop(shard_loop, changes).await
        } else {
            shard_loop.shard.borrow_mut().commit(changes)
        };
        match result {
            Ok(ticket) => {
                shard_loop.turn.schedule();
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
