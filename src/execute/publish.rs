//! Publishing and subscribing: between the thread of a client, the home shards of channels and the
//! threads of the subscribers. `pubsub` says how it works together.
//!
//! A client is told before the first message of a channel that it has subscribed to it: its thread
//! takes it in at once, its homes answer, and what is pushed meanwhile waits behind the reply.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use basalt_shard::topology::ShardId;
use bytes::Bytes;

use crate::client::Session;
use crate::client::subscriptions::Kind;
use crate::execute::eviction;
use crate::pubsub::Publication;
use crate::shared::client_memory::COUNTED_FROM;
use crate::thread::message::{Message, SubscriptionChange};
use crate::thread::questions::{Asked, ReplyTo};
use crate::thread::shard_loop::ShardLoop;

/// Shards that have to know of a subscription.
fn homes(shard_loop: &ShardLoop, kind: Kind, name: &[u8]) -> std::ops::Range<ShardId> {
    let topology = &shard_loop.node.topology;
    match kind {
        Kind::Pattern => 0..topology.shards(),
        Kind::Channel | Kind::ShardChannel => {
            let home = topology.shard_of(name);
            home..home + 1
        }
    }
}

/// Subscribes a client to names, and calls `confirm` with each and the number of subscriptions
/// then. Returns when everything that is published from now on gets there.
pub(crate) async fn subscribe(
    shard_loop: &Rc<ShardLoop>,
    session: &Rc<Session>,
    kind: Kind,
    names: impl Iterator<Item = Bytes>,
    mut confirm: impl FnMut(&[u8], usize),
) {
    let mut changes: BTreeMap<ShardId, Vec<SubscriptionChange>> = BTreeMap::new();
    for name in names {
        let mut subscriptions = session.subscriptions.borrow_mut();
        if subscriptions.add(kind, name.clone()) {
            shard_loop.subscribers.borrow_mut().add(kind, name.clone(), session);
            for home in homes(shard_loop, kind, &name) {
                let change = SubscriptionChange { kind, name: name.clone(), change: 1 };
                changes.entry(home).or_default().push(change);
            }
        }
        confirm(&name, subscriptions.count_like(kind));
    }
    session.note_subscriptions();
    let mut questions = Vec::new();
    for (home, changes) in changes {
        questions.extend(tell_home(shard_loop, home, changes, true));
    }
    for asked in questions {
        asked.await;
    }
}

/// Takes subscriptions back; `confirm` as for [`subscribe`]. Nothing of what they brought is pushed
/// afterwards.
pub(crate) fn unsubscribe(
    shard_loop: &ShardLoop,
    session: &Session,
    kind: Kind,
    names: impl Iterator<Item = Bytes>,
    mut confirm: impl FnMut(&[u8], usize),
) {
    for name in names {
        let mut subscriptions = session.subscriptions.borrow_mut();
        if subscriptions.remove(kind, &name) {
            drop_one(shard_loop, session, kind, &name);
        }
        confirm(&name, subscriptions.count_like(kind));
    }
    session.note_subscriptions();
}

/// Takes back all that a client has subscribed to.
pub(crate) fn forget(shard_loop: &ShardLoop, session: &Session) {
    if !session.is_subscriber() {
        return;
    }
    let all = session.subscriptions.borrow_mut().take();
    session.note_subscriptions();
    for (kind, name) in all {
        drop_one(shard_loop, session, kind, &name);
    }
}

fn drop_one(shard_loop: &ShardLoop, session: &Session, kind: Kind, name: &Bytes) {
    shard_loop.subscribers.borrow_mut().remove(kind, name, session.id);
    for home in homes(shard_loop, kind, name) {
        let change = SubscriptionChange { kind, name: name.clone(), change: -1 };
        tell_home(shard_loop, home, vec![change], false);
    }
}

/// Tells a home of subscriptions of this thread's clients; the question, if it is to answer.
fn tell_home(
    shard_loop: &ShardLoop,
    home: ShardId,
    changes: Vec<SubscriptionChange>,
    answers: bool,
) -> Option<Asked<()>> {
    if home == shard_loop.id {
        take_changes(shard_loop, shard_loop.id, &changes);
        return None;
    }
    let (asked, reply_to) = answers.then(|| shard_loop.ask()).unzip();
    let message = Message::Subscriptions { origin: shard_loop.id, changes, reply_to };
    shard_loop.turn.post(home, message);
    asked
}

/// Subscriptions of another thread's clients, or of this one's.
pub(crate) fn take_changes(shard_loop: &ShardLoop, of: ShardId, changes: &[SubscriptionChange]) {
    let mut home = shard_loop.home.borrow_mut();
    for SubscriptionChange { kind, name, change } in changes {
        home.change(*kind, name, of, *change);
    }
}

/// Publishes on a channel whose home is here. Returns how many subscriptions it meets.
pub(crate) fn publish_here(shard_loop: &ShardLoop, publication: Arc<Publication>) -> u64 {
    let home = shard_loop.home.borrow();
    let receivers = home.receivers(publication.world, &publication.channel);
    drop(home);
    for thread in receivers.threads {
        if thread == shard_loop.id {
            deliver(shard_loop, &publication);
        } else {
            shard_loop.turn.post_first(thread, Message::Published(publication.clone()));
        }
    }
    receivers.count
}

/// Publishes on a channel whose home is another shard; the question how many subscriptions it
/// meets.
pub(crate) fn publish_there(
    shard_loop: &ShardLoop,
    home: ShardId,
    publication: Publication,
) -> Asked<u64> {
    let (asked, reply_to) = shard_loop.ask();
    let publication = Arc::new(publication);
    shard_loop.turn.post(home, Message::Publish { publication, reply_to });
    asked
}

/// Publishes for another shard's thread, and answers it.
pub(crate) fn publish_for(
    shard_loop: &ShardLoop,
    publication: Arc<Publication>,
    reply_to: ReplyTo<u64>,
) {
    let count = publish_here(shard_loop, publication);
    shard_loop.answer(reply_to, count);
}

/// Pushes a publication to this thread's subscribers. Who does not read is closed when what waits
/// for it is over `client-output-buffer-limit pubsub`, or when others need the memory.
pub(crate) fn deliver(shard_loop: &ShardLoop, publication: &Publication) {
    let limit = shard_loop.hot_settings.get().pubsub_output_hard_bytes;
    let memory = &shard_loop.node.client_memory;
    shard_loop.subscribers.borrow().deliver(publication, |session, message| {
        if session.killed.get() {
            return;
        }
        let pushed = session.push(message);
        memory.count_replies(&session.pushed_bytes, pushed);
        let waiting = pushed + session.output_bytes.get();
        if limit > 0 && waiting as u64 > limit {
            tracing::warn!(client = session.id, waiting, "closed: output buffer limit reached");
            session.kill();
        } else if waiting >= COUNTED_FROM && memory.is_over() && may_go(session) {
            tracing::warn!(client = session.id, waiting, "closed: clients hold too much memory");
            eviction::count(shard_loop);
            session.kill();
        }
    });
}

/// Whether a client does not read, and may be closed for it when memory is wanted.
fn may_go(session: &Session) -> bool {
    session.awaits_reader.get() && !session.no_evict.get()
}
