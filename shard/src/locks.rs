//! Key locks of one shard.
//!
//! A command that runs in one go on the shard's loop needs none. Locks are for those that cannot:
//! runs off the loop, and transactions over several shards. They are granted first come, first
//! served, per key; a lock on everything waits for all before it and holds up all after it. With
//! nobody holding or waiting the table is empty and asking costs one comparison.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::keyspace::layout::{self, PositionMap, RecordKey};

/// How a key is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// With other readers.
    Shared,
    /// Alone.
    Exclusive,
}

/// Names a lock that was asked for.
pub type LockId = u64;

/// What is locked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// These keys, each once. A key is named by its position and name, in whatever database.
    Keys(Vec<(RecordKey, Mode)>),
    /// The whole shard.
    Everything,
}

/// Who holds a key or waits for it, in order: mostly one.
type Queue = SmallVec<[(LockId, Mode); 1]>;

struct Request {
    keys: Vec<(RecordKey, Mode)>,
    /// Keys that are not granted yet.
    missing: usize,
}

/// See the module.
#[derive(Default)]
pub struct LockTable {
    next_id: LockId,
    queues: PositionMap<Queue>,
    requests: FxHashMap<LockId, Request>,
    /// Who holds everything.
    everything: Option<LockId>,
    /// Requests that came after one for everything, that one included, in order.
    backlog: VecDeque<(LockId, Scope)>,
}

fn is_granted(queue: &Queue, index: usize) -> bool {
    index == 0 || queue.iter().take(index + 1).all(|(_, mode)| *mode == Mode::Shared)
}

impl LockTable {
    /// Nobody holds or waits for anything.
    pub fn is_empty(&self) -> bool {
        self.requests.is_empty() && self.everything.is_none() && self.backlog.is_empty()
    }

    /// Number of requests, granted or waiting.
    pub fn len(&self) -> usize {
        self.requests.len() + self.backlog.len() + usize::from(self.everything.is_some())
    }

    /// Whether a command may not touch `key` in `mode` now without asking for a lock.
    pub fn conflicts(&self, key: &[u8], mode: Mode) -> bool {
        if self.everything.is_some() || !self.backlog.is_empty() {
            return true;
        }
        self.queues.get(key).is_some_and(|queue| {
            mode == Mode::Exclusive || queue.iter().any(|(_, held)| *held == Mode::Exclusive)
        })
    }

    /// Asks for a lock. The answer says whether it is granted at once; if not, its id will be
    /// among those that some later [`LockTable::unlock`] returns.
    pub fn lock(&mut self, scope: Scope) -> (LockId, bool) {
        self.next_id += 1;
        let id = self.next_id;
        let must_queue = self.everything.is_some() || !self.backlog.is_empty();
        match scope {
            Scope::Keys(keys) if !must_queue => (id, self.admit(id, keys)),
            scope => {
                self.backlog.push_back((id, scope));
                let granted = self.admit_backlog();
                (id, granted.contains(&id))
            }
        }
    }

    /// Asks for a lock on keys, unless it would have to be waited for.
    pub fn try_lock(&mut self, keys: Vec<(RecordKey, Mode)>) -> Option<LockId> {
        let is_free = self.everything.is_none()
            && self.backlog.is_empty()
            && (self.requests.is_empty()
                || !keys.iter().any(|(key, mode)| self.conflicts(key, *mode)));
        is_free.then(|| self.lock(Scope::Keys(keys)).0)
    }

    fn admit(&mut self, id: LockId, keys: Vec<(RecordKey, Mode)>) -> bool {
        let mut missing = 0;
        for (key, mode) in &keys {
            let queue = self.queues.entry(key.clone()).or_default();
            queue.push((id, *mode));
            if !is_granted(queue, queue.len() - 1) {
                missing += 1;
            }
        }
        self.requests.insert(id, Request { keys, missing });
        missing == 0
    }

    fn admit_backlog(&mut self) -> Vec<LockId> {
        let mut granted = Vec::new();
        while self.everything.is_none() {
            match self.backlog.front() {
                Some((_, Scope::Everything)) if !self.requests.is_empty() => break,
                Some(_) => {}
                None => break,
            }
            match self.backlog.pop_front() {
                Some((id, Scope::Everything)) => {
                    self.everything = Some(id);
                    granted.push(id);
                }
                Some((id, Scope::Keys(keys))) => {
                    if self.admit(id, keys) {
                        granted.push(id);
                    }
                }
                None => break,
            }
        }
        granted
    }

    /// Gives a lock back, or takes a request for one back. Returns the requests that are granted
    /// by it.
    pub fn unlock(&mut self, id: LockId) -> Vec<LockId> {
        let mut granted = Vec::new();
        if self.everything == Some(id) {
            self.everything = None;
        }
        self.backlog.retain(|(waiting, _)| *waiting != id);
        if let Some(request) = self.requests.remove(&id) {
            for (key, _) in request.keys {
                self.leave(id, &key, &mut granted);
            }
        }
        granted.extend(self.admit_backlog());
        layout::release_if_empty(&mut self.queues);
        granted
    }

    fn leave(&mut self, id: LockId, key: &RecordKey, granted: &mut Vec<LockId>) {
        let Some(queue) = self.queues.get_mut(key) else { return };
        if queue.len() == 1 && queue[0].0 == id {
            self.queues.remove(key);
            return;
        }
        let before: Vec<bool> = (0..queue.len()).map(|index| is_granted(queue, index)).collect();
        let Some(index) = queue.iter().position(|(holder, _)| *holder == id) else { return };
        queue.remove(index);
        for place in 0..queue.len() {
            let was = before[if place < index { place } else { place + 1 }];
            if !was && is_granted(queue, place) {
                let waiter = queue[place].0;
                if let Some(request) = self.requests.get_mut(&waiter) {
                    request.missing -= 1;
                    if request.missing == 0 {
                        granted.push(waiter);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &[(&str, Mode)]) -> Scope {
        Scope::Keys(
            names
                .iter()
                .map(|(name, mode)| (RecordKey::from_slice(name.as_bytes()), *mode))
                .collect(),
        )
    }

    use Mode::{Exclusive, Shared};

    #[test]
    fn readers_share_and_writers_wait_their_turn() {
        let mut table = LockTable::default();
        let (first, granted) = table.lock(keys(&[("a", Shared)]));
        assert!(granted);
        let (second, granted) = table.lock(keys(&[("a", Shared)]));
        assert!(granted);
        assert!(!table.conflicts(b"a", Shared));
        assert!(table.conflicts(b"a", Exclusive));
        let (writer, granted) = table.lock(keys(&[("a", Exclusive), ("b", Exclusive)]));
        assert!(!granted);
        let (late_reader, granted) = table.lock(keys(&[("a", Shared)]));
        assert!(!granted, "a reader does not overtake a writer");
        assert!(table.conflicts(b"a", Shared));
        assert_eq!(table.unlock(first), vec![]);
        assert_eq!(table.unlock(second), vec![writer]);
        assert_eq!(table.unlock(writer), vec![late_reader]);
        assert_eq!(table.unlock(late_reader), vec![]);
        assert!(table.is_empty());
    }

    #[test]
    fn everything_waits_for_all_before_and_holds_all_after() {
        let mut table = LockTable::default();
        let (holder, _) = table.lock(keys(&[("a", Exclusive)]));
        let (all, granted) = table.lock(Scope::Everything);
        assert!(!granted);
        let (after, granted) = table.lock(keys(&[("z", Shared)]));
        assert!(!granted);
        assert!(table.conflicts(b"q", Shared));
        assert_eq!(table.unlock(holder), vec![all]);
        assert_eq!(table.unlock(all), vec![after]);
        assert_eq!(table.unlock(after), vec![]);
        assert!(table.is_empty());
        let (all, granted) = table.lock(Scope::Everything);
        assert!(granted);
        table.unlock(all);
        assert!(table.is_empty());
    }

    #[test]
    fn a_waiting_request_can_be_taken_back() {
        let mut table = LockTable::default();
        let (holder, _) = table.lock(keys(&[("a", Exclusive)]));
        let (waiting, _) = table.lock(keys(&[("a", Exclusive)]));
        let (last, _) = table.lock(keys(&[("a", Shared)]));
        assert_eq!(table.unlock(waiting), vec![]);
        assert_eq!(table.unlock(holder), vec![last]);
        table.unlock(last);
        assert!(table.is_empty());
    }

    #[test]
    fn memory_for_many_keys_is_given_back() {
        let mut table = LockTable::default();
        let all = |from: u32, to: u32| {
            let names = (from..to).map(|number| RecordKey::from_slice(&number.to_be_bytes()));
            Scope::Keys(names.map(|name| (name, Exclusive)).collect())
        };
        let (few, _) = table.lock(all(0, 10));
        let (many, _) = table.lock(all(10, 30_000));
        table.unlock(many);
        assert!(table.queues.capacity() >= 29_990, "somebody still has some");
        table.unlock(few);
        assert_eq!(table.queues.capacity(), 0);
        let (few, _) = table.lock(all(0, 10));
        table.unlock(few);
        assert!(table.queues.capacity() >= 10, "little is kept");
    }
}
