//! What a client has subscribed to.

use std::collections::BTreeSet;

use bytes::Bytes;

/// What is subscribed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    /// A channel of PUBLISH.
    Channel,
    /// All channels of PUBLISH whose names match.
    Pattern,
    /// A channel of SPUBLISH.
    ShardChannel,
}

/// The names that a client has subscribed to, of each kind.
#[derive(Debug, Default)]
pub(crate) struct Subscriptions {
    channels: BTreeSet<Bytes>,
    patterns: BTreeSet<Bytes>,
    shard_channels: BTreeSet<Bytes>,
}

impl Subscriptions {
    fn of_mut(&mut self, kind: Kind) -> &mut BTreeSet<Bytes> {
        match kind {
            Kind::Channel => &mut self.channels,
            Kind::Pattern => &mut self.patterns,
            Kind::ShardChannel => &mut self.shard_channels,
        }
    }

    /// The names of one kind.
    pub(crate) fn of(&self, kind: Kind) -> &BTreeSet<Bytes> {
        match kind {
            Kind::Channel => &self.channels,
            Kind::Pattern => &self.patterns,
            Kind::ShardChannel => &self.shard_channels,
        }
    }

    /// Whether it is new.
    pub(crate) fn add(&mut self, kind: Kind, name: Bytes) -> bool {
        self.of_mut(kind).insert(name)
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, kind: Kind, name: &[u8]) -> bool {
        self.of_mut(kind).remove(name)
    }

    /// The number that confirmations show: of shard channels, or of channels and patterns together.
    pub(crate) fn count_like(&self, kind: Kind) -> usize {
        match kind {
            Kind::ShardChannel => self.shard_channels.len(),
            Kind::Channel | Kind::Pattern => self.channels.len() + self.patterns.len(),
        }
    }

    /// Whether there are any: then a client of RESP2 is a subscriber and nothing else.
    pub(crate) fn is_empty(&self) -> bool {
        self.channels.is_empty() && self.patterns.is_empty() && self.shard_channels.is_empty()
    }

    /// All of them, which are no more.
    pub(crate) fn take(&mut self) -> Vec<(Kind, Bytes)> {
        let mut all = Vec::new();
        for kind in [Kind::Channel, Kind::Pattern, Kind::ShardChannel] {
            let names = std::mem::take(self.of_mut(kind));
            all.extend(names.into_iter().map(|name| (kind, name)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_channels_are_counted_apart() {
        let mut subscriptions = Subscriptions::default();
        let name = |name: &'static str| Bytes::from_static(name.as_bytes());
        assert!(subscriptions.is_empty());
        assert!(subscriptions.add(Kind::Channel, name("a")));
        assert!(!subscriptions.add(Kind::Channel, name("a")));
        assert!(subscriptions.add(Kind::Pattern, name("a")));
        assert!(subscriptions.add(Kind::ShardChannel, name("a")));
        assert_eq!(subscriptions.count_like(Kind::Channel), 2);
        assert_eq!(subscriptions.count_like(Kind::ShardChannel), 1);
        assert!(subscriptions.remove(Kind::Pattern, b"a") && !subscriptions.is_empty());
        assert!(!subscriptions.remove(Kind::Pattern, b"a"));
        let taken = subscriptions.take();
        assert_eq!(taken, [(Kind::Channel, name("a")), (Kind::ShardChannel, name("a"))]);
        assert!(subscriptions.is_empty());
    }
}
