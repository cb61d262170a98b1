//! What was told: it goes with the changes of who told it.

use bytes::Bytes;

use crate::effects::{Classes, Event};
use crate::topology::ShardId;

/// An event, as it was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The shard that owns the key.
    pub shard: ShardId,
    /// What has happened.
    pub event: Event,
    /// The key's logical database then.
    pub db: usize,
    /// The key's name.
    pub key: Bytes,
    /// Those who wanted to hear of it, with the channels.
    pub wanted: Classes,
}

/// What commands did beside changing records.
#[derive(Debug, Default)]
pub struct Effects {
    /// In the order in which it happened.
    pub(crate) events: Vec<Told>,
    /// How many changes these are to whoever counts changes, if it is not one for each key.
    pub(crate) count: Option<u64>,
}

impl Effects {
    /// Whether nobody has to be told anything.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.count.unwrap_or_default() == 0
    }

    /// What is left of them when the command fails: that it looked for keys in vain.
    pub(super) fn of_lookups(mut self) -> Self {
        self.events.retain(|told| told.event == Event::KEY_MISS);
        Self { events: self.events, count: None }
    }
}
