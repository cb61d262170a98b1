//! Channels: who has subscribed to them (`subscribers`), and where what is published on them is put
//! into one order (`home`).
//!
//! A channel has a home shard, as a key has. Whoever publishes sends it there; the home hands it on
//! to the threads that have subscribers, to each in the same order, and says how many clients get
//! it. A thread tells the home of a channel how many of its clients have subscribed. Patterns have
//! no home: every shard knows the patterns of all threads. What happens to keys is published on
//! channels as well (`key_events`).

pub(crate) mod home;
pub(crate) mod key_events;
pub(crate) mod subscribers;

use bytes::Bytes;

/// Channels of PUBLISH and of SPUBLISH are two worlds: equal names have nothing in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum World {
    /// Those of PUBLISH.
    All,
    /// Those of SPUBLISH, which in a cluster stay within a shard.
    Shard,
}

/// What is published.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Publication {
    pub(crate) world: World,
    pub(crate) channel: Bytes,
    pub(crate) payload: Bytes,
}
