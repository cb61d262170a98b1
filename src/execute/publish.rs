//! Publishing and subscribing: between the thread of a client, the home shards of channels and the
//! threads of the subscribers. `pubsub` says how it works together.
//!
//! A client is told before the first message of a channel that it has subscribed to it: its thread
//! takes it in at once, its homes answer, and what is pushed meanwhile waits behind the reply.
//!
//! A client is told that it has left when its homes have answered that they do not count it any
//! more: whatever is published after that, by anybody and on any thread, is counted by a home that
//! knows. Until a home has answered, its thread pushes what comes; and what a home counted the
//! client for, it has sent there before its answer. So a client gets what it was counted for, and
//! before it is told that it has left.
//!
//! Who goes without asking (closed, killed) is taken off the books by its thread. The homes hear of
//! it before anybody who hears of it by a message from there (`Turn::post_first`).

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use basalt_shard::topology::ShardId;
use bytes::Bytes;

use crate::client::Session;
use crate::client::subscriptions::Kind;
use crate::execute::eviction;
use crate::pubsub::home::{Home, Receivers};
use crate::pubsub::{Publication, World, key_events};
use crate::shared::client_memory::COUNTED_FROM;
use crate::thread::message::{Message, SubscriptionChange};
use crate::thread::questions::{Asked, ReplyTo};
use crate::thread::shard_thread::ShardThread;

/// Shards that have to know of a subscription.
fn homes(shard_thread: &ShardThread, kind: Kind, name: &[u8]) -> std::ops::Range<ShardId> {
    let topology = &shard_thread.node.topology;
    match kind {
        Kind::Pattern => 0..topology.shards(),
        // Every shard publishes there what happens to its keys.
        Kind::Channel if key_events::may_meet(kind, name) => 0..topology.shards(),
        Kind::Channel | Kind::ShardChannel => {
            let home = topology.shard_of(name);
            home..home + 1
        }
    }
}

/// What the homes are to be told.
#[derive(Default)]
struct News(BTreeMap<ShardId, Vec<SubscriptionChange>>);

impl News {
    fn add(&mut self, shard_thread: &ShardThread, kind: Kind, name: &Bytes, change: i32) {
        for home in homes(shard_thread, kind, name) {
            let change = SubscriptionChange { kind, name: name.clone(), change };
            self.0.entry(home).or_default().push(change);
        }
    }

    /// Tells the homes, and returns when they know. All that one thread says of its clients goes
    /// the same way, so that homes hear it in order.
    async fn tell(self, shard_thread: &ShardThread) {
        let told = self.0.into_iter().filter_map(|(home, changes)| {
            let (asked, reply_to) = (home != shard_thread.id).then(|| shard_thread.ask()).unzip();
            send(shard_thread, home, reply_to, changes);
            asked
        });
        let questions: Vec<Asked<()>> = told.collect();
        for asked in questions {
            asked.await;
        }
    }

    /// Tells the homes, and does not wait for them.
    fn tell_in_passing(self, shard_thread: &ShardThread) {
        for (home, changes) in self.0 {
            send(shard_thread, home, None, changes);
        }
    }
}

fn send(
    shard_thread: &ShardThread,
    home: ShardId,
    reply_to: Option<ReplyTo<()>>,
    changes: Vec<SubscriptionChange>,
) {
    if home == shard_thread.id {
        return take_changes(shard_thread, shard_thread.id, &changes);
    }
    let message = Message::Subscriptions { origin: shard_thread.id, changes, reply_to };
    shard_thread.turn.post_first(home, message);
}

/// Subscribes a client to names, and calls `confirm` with each and the number of subscriptions
/// then. Returns when everything that is published from now on gets there.
pub(crate) async fn subscribe(
    shard_thread: &Rc<ShardThread>,
    session: &Rc<Session>,
    kind: Kind,
    names: impl Iterator<Item = Bytes>,
    mut confirm: impl FnMut(&[u8], usize),
) {
    let mut news = News::default();
    for name in names {
        let mut subscriptions = session.subscriptions.borrow_mut();
        if subscriptions.add(kind, name.clone()) {
            shard_thread.subscribers.borrow_mut().add(kind, name.clone(), session);
            if key_events::may_meet(kind, &name) {
                shard_thread.node.topology.listening().add_subscription();
            }
            news.add(shard_thread, kind, &name, 1);
        }
        confirm(&name, subscriptions.count_like(kind));
    }
    session.note_subscriptions();
    news.tell(shard_thread).await;
}

/// Takes subscriptions back; `confirm` as for [`subscribe`]. Returns when nothing that is published
/// from now on is counted for the client, nor pushed to it.
pub(crate) async fn unsubscribe(
    shard_thread: &ShardThread,
    session: &Session,
    kind: Kind,
    names: impl Iterator<Item = Bytes>,
    mut confirm: impl FnMut(&[u8], usize),
) {
    let mut left = Vec::new();
    for name in names {
        let mut subscriptions = session.subscriptions.borrow_mut();
        if subscriptions.remove(kind, &name) {
            left.push((kind, name.clone()));
        }
        confirm(&name, subscriptions.count_like(kind));
    }
    leave(shard_thread, session, left).await;
}

/// Takes back all that a client has subscribed to, as [`unsubscribe`] does.
pub(crate) async fn unsubscribe_all(shard_thread: &ShardThread, session: &Session) {
    let all = session.subscriptions.borrow_mut().take();
    leave(shard_thread, session, all).await;
}

/// What is left is no longer among the subscriptions of the session: whoever takes it off the books
/// meanwhile does not tell the homes once more.
async fn leave(shard_thread: &ShardThread, session: &Session, left: Vec<(Kind, Bytes)>) {
    let mut news = News::default();
    for (kind, name) in &left {
        news.add(shard_thread, *kind, name, -1);
    }
    news.tell(shard_thread).await;
    drop_all(shard_thread, session, &left);
}

/// Takes a client off the books that is to be closed, and says whether it had subscribed to
/// anything.
pub(crate) fn forget(shard_thread: &ShardThread, session: &Session) -> bool {
    if !session.is_subscriber() {
        return false;
    }
    let all = session.subscriptions.borrow_mut().take();
    let mut news = News::default();
    for (kind, name) in &all {
        news.add(shard_thread, *kind, name, -1);
    }
    news.tell_in_passing(shard_thread);
    drop_all(shard_thread, session, &all);
    true
}

fn drop_all(shard_thread: &ShardThread, session: &Session, left: &[(Kind, Bytes)]) {
    let mut subscribers = shard_thread.subscribers.borrow_mut();
    for (kind, name) in left {
        subscribers.remove(*kind, name, session.id);
        if key_events::may_meet(*kind, name) {
            shard_thread.node.topology.listening().remove_subscription();
        }
    }
    drop(subscribers);
    session.note_subscriptions();
}

/// Returns when all threads have heard what was said to them before.
pub(crate) async fn threads_have_heard(shard_thread: &Rc<ShardThread>) {
    shard_thread.on_every_shard(|_| ()).await;
}

/// Subscriptions of another thread's clients, or of this one's.
pub(crate) fn take_changes(
    shard_thread: &ShardThread,
    of: ShardId,
    changes: &[SubscriptionChange],
) {
    let mut home = shard_thread.home.borrow_mut();
    for SubscriptionChange { kind, name, change } in changes {
        home.change(*kind, name, of, *change);
    }
}

/// Publishes on a channel whose home is here. Returns how many subscriptions it meets.
pub(crate) fn publish_here(shard_thread: &ShardThread, publication: Arc<Publication>) -> u64 {
    hand_on(shard_thread, publication).count
}

/// Hands a publication to the threads with subscribers that this shard knows of, and says which.
pub(crate) fn hand_on(shard_thread: &ShardThread, publication: Arc<Publication>) -> Receivers {
    let home = shard_thread.home.borrow();
    let receivers = home.receivers(publication.world, &publication.channel);
    drop(home);
    for thread in &receivers.threads {
        if *thread == shard_thread.id {
            deliver(shard_thread, &publication);
        } else {
            shard_thread.turn.post_first(*thread, Message::Published(publication.clone()));
        }
    }
    receivers
}

/// The channels with subscribers whose home is here: of those on which events of keys are published
/// every shard knows.
pub(crate) fn channels_at_home<'a>(
    shard_thread: &ShardThread,
    home: &'a Home,
    world: World,
) -> impl Iterator<Item = &'a Bytes> {
    home.channels(world).filter(|name| shard_thread.node.topology.shard_of(name) == shard_thread.id)
}

/// Their number.
pub(crate) fn channel_count(shard_thread: &ShardThread, world: World) -> u64 {
    channels_at_home(shard_thread, &shard_thread.home.borrow(), world).count() as u64
}

/// Publishes on a channel whose home is another shard; the question how many subscriptions it
/// meets.
pub(crate) fn publish_there(
    shard_thread: &ShardThread,
    home: ShardId,
    publication: Publication,
) -> Asked<u64> {
    let (asked, reply_to) = shard_thread.ask();
    let publication = Arc::new(publication);
    shard_thread.turn.post(home, Message::Publish { publication, reply_to });
    asked
}

/// Publishes for another shard's thread, and answers it.
pub(crate) fn publish_for(
    shard_thread: &ShardThread,
    publication: Arc<Publication>,
    reply_to: ReplyTo<u64>,
) {
    let count = publish_here(shard_thread, publication);
    shard_thread.answer(reply_to, count);
}

/// Pushes a publication to this thread's subscribers. Who does not read is closed when what waits
/// for it is over `client-output-buffer-limit pubsub`, or when others need the memory.
pub(crate) fn deliver(shard_thread: &ShardThread, publication: &Publication) {
    let limit = shard_thread.hot_settings.get().pubsub_output_hard_bytes;
    let memory = &shard_thread.node.clients.memory;
    shard_thread.subscribers.borrow().deliver(publication, |session, message| {
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
            eviction::count(shard_thread);
            session.kill();
        }
    });
}

/// Whether a client does not read, and may be closed for it when memory is wanted.
fn may_go(session: &Session) -> bool {
    session.awaits_reader.get() && !session.no_evict.get()
}
