//! What a shard knows as the home of channels: on which threads they have how many subscribers.

use basalt_shard::glob::glob_match;
use basalt_shard::topology::ShardId;
use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::client::subscriptions::Kind;
use crate::pubsub::World;

/// Subscriptions by thread.
#[derive(Debug, Default)]
struct ByThread(Vec<u32>);

impl ByThread {
    fn change(&mut self, thread: ShardId, change: i32) {
        if self.0.len() <= thread {
            self.0.resize(thread + 1, 0);
        }
        self.0[thread] = self.0[thread].saturating_add_signed(change);
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    fn threads(&self) -> impl Iterator<Item = ShardId> + '_ {
        self.0.iter().enumerate().filter(|(_, count)| **count > 0).map(|(thread, _)| thread)
    }
}

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Home {
    channels: FxHashMap<Bytes, ByThread>,
    shard_channels: FxHashMap<Bytes, ByThread>,
    /// Of all threads, whatever channels they match.
    patterns: FxHashMap<Bytes, ByThread>,
}

/// Who gets what is published on a channel.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Receivers {
    /// Subscriptions, which is the reply of PUBLISH.
    pub(crate) count: u64,
    /// Threads that have some, each once.
    pub(crate) threads: Vec<ShardId>,
}

impl Receivers {
    fn add(&mut self, subscriptions: &ByThread) {
        self.count += subscriptions.total();
        for thread in subscriptions.threads() {
            if !self.threads.contains(&thread) {
                self.threads.push(thread);
            }
        }
    }
}

impl Home {
    fn of_mut(&mut self, kind: Kind) -> &mut FxHashMap<Bytes, ByThread> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::ShardChannel => &mut self.shard_channels,
        }
    }

    /// The clients of a thread have subscribed to a name so many times more (or fewer).
    pub(crate) fn change(&mut self, kind: Kind, name: &Bytes, thread: ShardId, change: i32) {
        let names = self.of_mut(kind);
        let subscriptions = names.entry(name.clone()).or_default();
        subscriptions.change(thread, change);
        if subscriptions.total() == 0 {
            names.remove(name);
        }
    }

    /// Who gets what is published on a channel.
    pub(crate) fn receivers(&self, world: World, channel: &[u8]) -> Receivers {
        let mut receivers = Receivers::default();
        let channels = match world {
            World::All => &self.channels,
            World::Shard => &self.shard_channels,
        };
        if let Some(subscriptions) = channels.get(channel) {
            receivers.add(subscriptions);
        }
        if world == World::All {
            let matching = self.patterns.iter().filter(|(it, _)| glob_match(it, channel, false));
            matching.for_each(|(_, subscriptions)| receivers.add(subscriptions));
        }
        receivers
    }

    /// The channels that this shard knows to have subscribers.
    pub(crate) fn channels(&self, world: World) -> impl Iterator<Item = &Bytes> {
        match world {
            World::All => self.channels.keys(),
            World::Shard => self.shard_channels.keys(),
        }
    }

    /// Subscribers of a channel whose home this is, those of patterns not counted.
    pub(crate) fn subscribers(&self, world: World, channel: &[u8]) -> u64 {
        let names = match world {
            World::All => &self.channels,
            World::Shard => &self.shard_channels,
        };
        names.get(channel).map_or(0, ByThread::total)
    }

    /// Different patterns, of all clients.
    pub(crate) fn pattern_count(&self) -> usize {
        self.patterns.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &'static str) -> Bytes {
        Bytes::from_static(name.as_bytes())
    }

    #[test]
    fn counts_come_and_go_with_the_clients() {
        let mut home = Home::default();
        home.change(Kind::Channel, &name("news"), 0, 2);
        home.change(Kind::Channel, &name("news"), 3, 1);
        home.change(Kind::Pattern, &name("n*"), 3, 1);
        home.change(Kind::Pattern, &name("other*"), 1, 1);
        home.change(Kind::ShardChannel, &name("news"), 1, 5);
        let all = home.receivers(World::All, b"news");
        assert_eq!(all, Receivers { count: 4, threads: vec![0, 3] });
        let shard = home.receivers(World::Shard, b"news");
        assert_eq!(shard, Receivers { count: 5, threads: vec![1] });
        assert_eq!(home.subscribers(World::All, b"news"), 3);
        assert_eq!((home.channels(World::All).count(), home.pattern_count()), (1, 2));
        assert_eq!(home.channels(World::All).collect::<Vec<_>>(), [&name("news")]);
        home.change(Kind::Channel, &name("news"), 0, -2);
        home.change(Kind::Channel, &name("news"), 3, -1);
        home.change(Kind::Pattern, &name("n*"), 3, -1);
        assert_eq!(home.receivers(World::All, b"news"), Receivers::default());
        assert_eq!((home.channels(World::All).count(), home.pattern_count()), (0, 1));
    }
}
