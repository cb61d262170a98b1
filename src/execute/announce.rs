//! Publishing what has happened to keys.
//!
//! A shard's commits put events into a queue, in their order ([`EventQueue`]); here they wait until
//! their batches are as durable as `appendfsync` promises, as replies do, and go to the threads
//! that have subscribers. A thread has at most one piece of a shard's events at a time: where it
//! cannot keep up, they gather in the queue, and when that is full, who writes waits. What was lost
//! with its batch is not published.
//!
//! [`EventQueue`]: basalt_shard::shard::EventQueue

use std::rc::Rc;
use std::sync::Arc;

use basalt_shard::keyspace::dirty::Ticket;
use basalt_shard::view::Told;

use crate::execute::publish;
use crate::pubsub::key_events;
use crate::runtime;
use crate::thread::shard_thread::ShardThread;
use crate::thread::turn;

/// Events that are published before others have their turn, and bytes of them.
const PIECE_EVENTS: usize = 256;
const PIECE_BYTES: usize = 256 << 10;

/// Publishes a shard's events, for ever.
pub(crate) async fn announce(shard_thread: Rc<ShardThread>) {
    loop {
        let first = std::future::poll_fn(|context| {
            shard_thread.shard.borrow_mut().listeners.events.poll_first(context)
        })
        .await;
        // Whether it was lost is asked of each.
        let _ = turn::settled(&shard_thread, shard_thread.id, first).await;
        let piece = take_piece(&shard_thread, first);
        publish_all(&shard_thread, &piece).await;
        runtime::yield_now().await;
    }
}

/// The first events of the queue whose batches, as that of the very first, have settled.
fn take_piece(shard_thread: &ShardThread, first: Ticket) -> Vec<Told> {
    let log = &shard_thread.node.storage.logs[shard_thread.id];
    let settled = first.max(log.promised(shard_thread.node.storage.durability_mode()));
    let mut shard = shard_thread.shard.borrow_mut();
    let (mut piece, mut bytes) = (Vec::new(), 0);
    let mut latest = (0, false);
    while piece.len() < PIECE_EVENTS
        && bytes < PIECE_BYTES
        && let Some((ticket, told)) = shard.listeners.events.pop(settled)
    {
        if ticket != latest.0 {
            latest = (ticket, log.loss_of(ticket).is_some());
        }
        let (_, is_lost) = latest;
        if !is_lost {
            bytes += told.key.len();
            piece.push(told);
        }
    }
    piece
}

/// Publishes events in order, and returns when all threads have taken them over. This shard stands
/// in for the homes of their channels: all that happens to its keys comes in one order, whichever
/// channels a client hears it on.
async fn publish_all(shard_thread: &Rc<ShardThread>, piece: &[Told]) {
    let mut is_elsewhere = false;
    for publication in piece.iter().flat_map(key_events::publications) {
        let receivers = publish::hand_on(shard_thread, Arc::new(publication));
        is_elsewhere |= receivers.threads.iter().any(|thread| *thread != shard_thread.id);
    }
    if is_elsewhere {
        publish::threads_have_heard(shard_thread).await;
    }
}
