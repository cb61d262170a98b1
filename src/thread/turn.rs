//! The end of a turn of the loop, where everything that gathered during it is done at once: the
//! log goes to the kernel (or to the syncer), the outboxes go out with one wake-up each, and the
//! replies that waited for it are released.

pub(crate) mod gathered;

use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::topology::ShardId;

use crate::runtime;
use crate::shared::log_sync::Mode;
use crate::thread::batch::Executed;
use crate::thread::loop_counters::LoopCounters;
use crate::thread::message::{AnswerWhen, Message};
use crate::thread::questions::ReplyTo;
use crate::thread::shard_thread::ShardThread;
use crate::thread::turn::gathered::Line;

/// What somebody waits for.
#[derive(Clone, Copy)]
enum Wanted {
    /// As durable as `appendfsync` promises before a reply.
    Settled = 0,
    /// Synced, whatever `appendfsync` says.
    Synced = 1,
}

impl Wanted {
    const ALL: [Self; 2] = [Self::Settled, Self::Synced];

    /// Whether batch `ticket` of `shard` is, or never will be.
    fn is_reached(self, shard_thread: &ShardThread, shard: ShardId, ticket: Ticket) -> bool {
        match self {
            Self::Settled => shard_thread.is_settled(shard, ticket),
            Self::Synced => shard_thread.is_as_durable_as(Mode::Always, shard, ticket),
        }
    }
}

/// Ends the turns of a loop, for ever.
pub(crate) async fn run(shard_thread: Rc<ShardThread>) {
    std::future::poll_fn(|context: &mut Context<'_>| -> Poll<()> {
        let turn = &shard_thread.turn;
        let mut waker = turn.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|known| known.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        drop(waker);
        if turn.scheduled.replace(false) {
            end(&shard_thread);
        }
        Poll::Pending
    })
    .await;
}

fn end(shard_thread: &ShardThread) {
    LoopCounters::add(&shard_thread.counters.turns, 1);
    shard_thread.flush_log();
    post_deferred(shard_thread);
    let turn = &shard_thread.turn;
    for (shard, message) in turn.first.borrow_mut().drain(..) {
        shard_thread.node.mailboxes[shard].send(message);
    }
    for (shard, outbox) in turn.outboxes.borrow_mut().iter_mut().enumerate() {
        if !outbox.is_empty() {
            shard_thread.node.mailboxes[shard].send_all(outbox.drain(..));
        }
    }
    release(shard_thread);
    runtime::give_way();
}

/// Sends what a batch of another shard's came to.
pub(crate) fn post_executed(
    shard_thread: &ShardThread,
    reply_to: ReplyTo<Executed>,
    executed: Executed,
    when: AnswerWhen,
) {
    let ticket = match when {
        AnswerWhen::Run => 0,
        AnswerWhen::Settled => executed.newest_ticket(),
    };
    if ticket == 0 {
        return shard_thread.answer(reply_to, executed);
    }
    let to = reply_to.origin;
    let answer = Message::Answer(reply_to.answer(executed));
    // The log is written at the end of the turn, at the earliest.
    shard_thread.turn.deferred.borrow_mut().push((ticket, to, answer));
    shard_thread.turn.schedule();
}

/// A log has become durable further than before.
pub(crate) fn note_durable(shard_thread: &ShardThread) {
    release(shard_thread);
    if !shard_thread.turn.deferred.borrow().is_empty() {
        shard_thread.turn.schedule();
    }
}

/// Puts the deferred answers that may go into the outboxes.
fn post_deferred(shard_thread: &ShardThread) {
    let turn = &shard_thread.turn;
    let mut deferred = turn.deferred.borrow_mut();
    if deferred.is_empty() {
        return;
    }
    let id = shard_thread.id;
    let mut outboxes = turn.outboxes.borrow_mut();
    let settled = deferred.extract_if(.., |(ticket, _, _)| shard_thread.is_settled(id, *ticket));
    for (_, to, answer) in settled {
        outboxes[to].push(answer);
    }
    if !deferred.is_empty() {
        shard_thread.node.storage.logs[id].subscribe(id);
        if deferred.iter().any(|(ticket, _, _)| shard_thread.is_settled(id, *ticket)) {
            // It became so just before the subscription: the next turn sends it.
            turn.schedule();
        }
    }
}

/// Wakes whoever waited for something that is durable enough by now. For those who still wait,
/// the logs are asked for news again: a subscription ends with the first news.
fn release(shard_thread: &ShardThread) {
    for (shard, lines) in shard_thread.turn.waiting.iter().enumerate() {
        for (wanted, line) in Wanted::ALL.into_iter().zip(lines) {
            let mut line = line.borrow_mut();
            loop {
                let is_reached = |ticket| wanted.is_reached(shard_thread, shard, ticket);
                if let Some((_, waker)) = line.pop_front_if(|(ticket, _)| is_reached(*ticket)) {
                    waker.wake();
                    continue;
                }
                let Some((ticket, _)) = line.front() else { break };
                shard_thread.node.storage.logs[shard].subscribe(shard_thread.id);
                // It may have become durable just before the subscription.
                if !is_reached(*ticket) {
                    break;
                }
            }
        }
    }
}

/// Puts a waiter into the line of a shard: mostly at its end.
fn wait_in_line(line: &mut Line, ticket: Ticket, waker: Waker) {
    let behind = line.iter().rev().take_while(|(other, _)| *other > ticket).count();
    line.insert(line.len() - behind, (ticket, waker));
}

/// Waits until batch `ticket` of `shard` is as durable as `appendfsync` promises. An error: it
/// never will be, and that is what to tell the client.
pub(crate) async fn settled(
    shard_thread: &ShardThread,
    shard: ShardId,
    ticket: Ticket,
) -> Result<(), String> {
    wait(shard_thread, Wanted::Settled, shard, ticket).await;
    shard_thread.node.storage.logs[shard].loss_of(ticket).map_or(Ok(()), Err)
}

/// Has batch `ticket` of `shard` synced, whatever `appendfsync` says. An error as for [`settled`].
pub(crate) async fn synced(
    shard_thread: &ShardThread,
    shard: ShardId,
    ticket: Ticket,
) -> Result<(), String> {
    let log = &shard_thread.node.storage.logs[shard];
    log.want_sync(ticket);
    wait(shard_thread, Wanted::Synced, shard, ticket).await;
    log.sync_loss_of(ticket).map_or(Ok(()), Err)
}

async fn wait(shard_thread: &ShardThread, wanted: Wanted, shard: ShardId, ticket: Ticket) {
    std::future::poll_fn(|context: &mut Context<'_>| {
        if wanted.is_reached(shard_thread, shard, ticket) {
            return Poll::Ready(());
        }
        let line = &shard_thread.turn.waiting[shard][wanted as usize];
        wait_in_line(&mut line.borrow_mut(), ticket, context.waker().clone());
        shard_thread.node.storage.logs[shard].subscribe(shard_thread.id);
        if wanted.is_reached(shard_thread, shard, ticket) {
            return Poll::Ready(());
        }
        shard_thread.turn.schedule();
        Poll::Pending
    })
    .await;
}
