//! Keys that were written but are not durable yet, so that a reply which shows one can wait.
//! Empty when nothing is in flight: a clean read pays one comparison.

use std::collections::VecDeque;

use crate::keyspace::layout::{self, PositionMap, RecordKey};

/// Number of a batch in the order of writing, per shard. 0: nothing to wait for.
pub type Ticket = u64;

/// See the module.
#[derive(Default)]
pub struct DirtyKeys {
    tickets: PositionMap<Ticket>,
    in_order: VecDeque<(Ticket, RecordKey)>,
    /// The last batch that may have changed any key.
    everything: Ticket,
    /// Whether readers have to wait at all; nothing is noted otherwise.
    is_tracked: bool,
}

impl DirtyKeys {
    /// The batch that a reader of `key` has to wait for; 0 for none.
    pub fn ticket(&self, key: &[u8]) -> Ticket {
        self.tickets.get(key).copied().unwrap_or(0).max(self.everything)
    }

    /// Says whether readers have to wait for what is not durable. True: they do from now on, and
    /// for everything up to batch `written`.
    pub fn track(&mut self, track: bool, written: Ticket) -> bool {
        let begins = track && !self.is_tracked;
        self.is_tracked = track;
        if begins {
            self.mark_everything(written);
        }
        if !track {
            self.settle(Ticket::MAX);
        }
        begins
    }

    /// Everything is durable as it is now.
    pub fn forget(&mut self) {
        *self = Self { is_tracked: self.is_tracked, ..Self::default() };
    }

    /// Batch `ticket`, the newest, wrote `key`.
    pub fn mark(&mut self, key: &RecordKey, ticket: Ticket) {
        if !self.is_tracked {
            return;
        }
        self.tickets.insert(key.clone(), ticket);
        self.in_order.push_back((ticket, key.clone()));
    }

    /// Batch `ticket`, the newest, may have changed any key (a database was flushed).
    pub fn mark_everything(&mut self, ticket: Ticket) {
        if self.is_tracked {
            self.everything = ticket;
        }
    }

    /// Every batch up to `ticket` is durable.
    pub fn settle(&mut self, ticket: Ticket) {
        if self.everything <= ticket {
            self.everything = 0;
        }
        while let Some((written, key)) =
            self.in_order.pop_front_if(|(written, _)| *written <= ticket)
        {
            if self.tickets.get(&key) == Some(&written) {
                self.tickets.remove(&key);
            }
        }
        if layout::release_if_empty(&mut self.tickets) {
            self.in_order = VecDeque::new();
        }
    }

    /// Number of keys that are not durable.
    pub fn len(&self) -> usize {
        self.tickets.len()
    }

    /// Whether every key is durable.
    pub fn is_empty(&self) -> bool {
        self.tickets.is_empty() && self.everything == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_dirty_until_its_last_batch_is_durable() {
        let mut dirty = DirtyKeys::default();
        dirty.track(true, 0);
        let key = RecordKey::from_slice(b"k");
        dirty.mark(&key, 1);
        dirty.mark(&RecordKey::from_slice(b"other"), 2);
        dirty.mark(&key, 3);
        dirty.settle(2);
        assert_eq!((dirty.ticket(b"k"), dirty.ticket(b"other"), dirty.len()), (3, 0, 1));
        dirty.settle(3);
        assert!(dirty.is_empty());
    }

    #[test]
    fn memory_for_many_keys_is_given_back() {
        let mut dirty = DirtyKeys::default();
        dirty.track(true, 0);
        for number in 0..30_000_u32 {
            dirty.mark(&RecordKey::from_slice(&number.to_be_bytes()), 1);
        }
        assert!(dirty.tickets.capacity() >= 30_000);
        dirty.settle(1);
        assert_eq!((dirty.tickets.capacity(), dirty.in_order.capacity()), (0, 0));
    }
}
