//! The clients of one thread that have subscribed, and how they are told.

use std::rc::Rc;

use basalt_shard::glob::glob_match;
use basalt_shard::resp::{Protocol, ReplyBuffer};
use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::client::Session;
use crate::client::subscriptions::Kind;
use crate::pubsub::{Publication, World};

/// Clients by their numbers.
type Clients = FxHashMap<u64, Rc<Session>>;

/// See the module.
#[derive(Default)]
pub(crate) struct Subscribers {
    channels: FxHashMap<Bytes, Clients>,
    patterns: FxHashMap<Bytes, Clients>,
    shard_channels: FxHashMap<Bytes, Clients>,
}

/// A message, made once for each protocol that is wanted.
struct Encoded<'a> {
    parts: &'a [&'a [u8]],
    made: [Option<ReplyBuffer>; 2],
}

impl<'a> Encoded<'a> {
    fn new(parts: &'a [&'a [u8]]) -> Self {
        Self { parts, made: [None, None] }
    }

    fn of(&mut self, protocol: Protocol) -> &[u8] {
        let parts = self.parts;
        let made = &mut self.made[usize::from(protocol == Protocol::Resp3)];
        let make = || {
            let mut message = ReplyBuffer::new(protocol);
            message.push(parts.len());
            parts.iter().for_each(|part| message.bulk(part));
            message
        };
        made.get_or_insert_with(make).as_bytes()
    }
}

impl Subscribers {
    fn of_mut(&mut self, kind: Kind) -> &mut FxHashMap<Bytes, Clients> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::ShardChannel => &mut self.shard_channels,
        }
    }

    /// A client gets from now on what is published under this name.
    pub(crate) fn add(&mut self, kind: Kind, name: Bytes, session: &Rc<Session>) {
        self.of_mut(kind).entry(name).or_default().insert(session.id, session.clone());
    }

    /// And this one no more.
    pub(crate) fn remove(&mut self, kind: Kind, name: &[u8], client: u64) {
        let names = self.of_mut(kind);
        let Some(clients) = names.get_mut(name) else { return };
        clients.remove(&client);
        if clients.is_empty() {
            names.remove(name);
        }
    }

    /// Calls `tell` with every client that gets a publication, once for each subscription, and with
    /// the message in the client's protocol.
    pub(crate) fn deliver(
        &self,
        publication: &Publication,
        mut tell: impl FnMut(&Rc<Session>, &[u8]),
    ) {
        let Publication { world, channel, payload } = publication;
        let (channels, word): (_, &[u8]) = match world {
            World::All => (&self.channels, b"message"),
            World::Shard => (&self.shard_channels, b"smessage"),
        };
        if let Some(clients) = channels.get(channel) {
            let parts: [&[u8]; 3] = [word, channel, payload];
            let mut message = Encoded::new(&parts);
            for session in clients.values() {
                tell(session, message.of(session.protocol.get()));
            }
        }
        if *world == World::Shard {
            return;
        }
        for (pattern, clients) in &self.patterns {
            if glob_match(pattern, channel, false) {
                let parts: [&[u8]; 4] = [b"pmessage", pattern, channel, payload];
                let mut message = Encoded::new(&parts);
                for session in clients.values() {
                    tell(session, message.of(session.protocol.get()));
                }
            }
        }
    }
}
