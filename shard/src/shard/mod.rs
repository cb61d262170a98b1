//! One shard: runs commands against its database and commits what they change.
//!
//! Owned by one thread. A command is tried on the loop first, over memory only (`run`); when that
//! does not do, the caller locks its keys, runs it on another thread ([`run_in_sequence`]) and
//! commits the outcome here. Every commit (`commit`) gets a ticket; what shows its effects may be
//! told to a client when the ticket is as durable as was promised.
//!
//! A shard is made of parts that each keep their own promises: how many keys there are (`census`)
//! and which are due (`deadlines`), who may write what (`key_locks`), and who listens
//! (`listeners`). What works on several of them is here and beside: expiring (`expiry`), emptying
//! (`flush`), copies for other threads (`copying`).

mod call;
mod census;
mod commit;
mod copying;
mod deadlines;
mod draw;
mod expiry;
mod flush;
mod key_counts;
mod key_locks;
mod listeners;
mod run;
mod sequence;

use std::sync::Arc;

use bytes::Bytes;

use crate::engine::{Engine, EngineError};
use crate::keyspace::cache::{Discarded, HotCache};
use crate::keyspace::counts::{Counts, SlotCount};
use crate::keyspace::dirty::{DirtyKeys, Ticket};
use crate::keyspace::layout::RecordKey;
use crate::keyspace::ttl;
use crate::locks::Mode;
use crate::random::Random;
use crate::shard::census::Census;
use crate::topology::{ShardId, Topology};

pub use call::{Call, scope_of};
pub use commit::{Commit, Finish, Refused};
pub use deadlines::DeadlineRange;
pub use draw::random_key_in_slot;
pub use expiry::load_deadlines;
pub use key_counts::KeyCounts;
pub use key_locks::KeyLocks;
pub use listeners::{EventQueue, Listeners};
pub use run::Attempt;
pub use sequence::{REPLIES_BYTES_MAX, Sequence, run_in_sequence};

/// Counters for INFO.
#[derive(Clone, Copy, Debug, Default)]
pub struct Statistics {
    pub keyspace_hits: u64,
    pub keyspace_misses: u64,
    pub expired_keys: u64,
    /// Batches written.
    pub batches: u64,
    /// Commands that had to run off the loop.
    pub off_loop_runs: u64,
    /// Writes that were put off because the engine stalled.
    pub stalls: u64,
}

/// See the module.
pub struct Shard {
    id: ShardId,
    topology: Arc<Topology>,
    engine: Arc<dyn Engine>,
    cache: HotCache,
    /// Of the hot cache, what takes time to be dropped.
    discarded: Vec<Discarded>,
    census: Census,
    /// Locks on this shard's keys.
    pub locks: KeyLocks,
    dirty: DirtyKeys,
    random: Random,
    written: Ticket,
    /// A commit runs elsewhere: nobody else may write until it is finished.
    is_committing: bool,
    /// Who hears what is committed.
    pub listeners: Listeners,
    /// Counters for INFO.
    pub statistics: Statistics,
}

impl Shard {
    /// Takes over the database of shard `id`. Blocks while the counts are read.
    pub fn open(
        id: ShardId,
        topology: Arc<Topology>,
        cache_bytes: u64,
        seed: u64,
    ) -> Result<Self, EngineError> {
        let engine = topology.engine(id).clone();
        Ok(Self {
            id,
            cache: HotCache::new(cache_bytes, seed),
            discarded: Vec::new(),
            census: Census::load(engine.as_ref())?,
            locks: KeyLocks::new(id, topology.clone()),
            dirty: DirtyKeys::default(),
            random: Random::new(seed),
            written: engine.written(),
            is_committing: false,
            listeners: Listeners::default(),
            statistics: Statistics::default(),
            topology,
            engine,
        })
    }

    /// Number of this shard.
    pub fn id(&self) -> ShardId {
        self.id
    }

    /// The database of this shard.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Time passes: to be told some times a second, by the steady clock.
    pub fn set_time(&mut self, steady_ms: u64) {
        self.cache.clock.set_time(steady_ms);
    }

    /// The hot cache.
    pub fn cache(&mut self) -> &mut HotCache {
        &mut self.cache
    }

    /// The random numbers and the hot cache, for a run over several shards.
    pub fn random_and_cache(&mut self) -> (&mut Random, &mut HotCache) {
        (&mut self.random, &mut self.cache)
    }

    /// Takes records that a run off the loop read into the hot cache. The keys are still locked,
    /// and nothing was committed to them since.
    pub fn warm(&mut self, loaded: Vec<(ShardId, RecordKey, Bytes)>) {
        for (shard, key, record) in loaded {
            if shard == self.id {
                self.cache.update(&key, Some(record));
            }
        }
    }

    /// Keys per physical database, for other threads.
    pub fn key_counts(&self) -> Arc<KeyCounts> {
        self.census.told()
    }

    /// Keys and deadlines of a physical database, without those that are counted as due.
    pub fn live_keys(&self, db: u8) -> SlotCount {
        self.census.live(db)
    }

    /// Keys of one slot.
    pub fn slot_count(&self, db: u8, slot: u16) -> SlotCount {
        self.census.slot(db, slot)
    }

    /// The slot of the key number `rank` of a physical database, and how many keys it has.
    pub fn slot_of_rank(&self, db: u8, rank: u64) -> Option<(u16, u64)> {
        self.census.slot_of_rank(db, rank)
    }

    /// How many deadlines stand in a physical database, and how many of them are counted as due.
    pub fn standing_deadlines(&self, db: u8) -> (u64, u64) {
        (self.census.standing(db).expires, self.census.deadlines(db).due())
    }

    /// Which of a physical database's deadlines are to be looked at for an idea of all.
    pub fn ttl_sample(&mut self, db: u8) -> ttl::Sample {
        self.census.ttl_sample(db, &mut self.random)
    }

    /// The newest batch.
    pub fn written(&self) -> Ticket {
        self.written
    }

    /// Whether readers have to wait for what is not durable (`appendfsync always`).
    pub fn track_dirty(&mut self, track: bool) {
        if self.dirty.track(track, self.written) {
            // What others have copied may not be durable either.
            self.topology.versions(self.id).note_everything();
        }
    }

    /// Every batch up to `ticket` is durable.
    pub fn settle(&mut self, ticket: Ticket) {
        self.dirty.settle(ticket);
    }

    /// The batch that a reader of the keys of a command has to wait for, as long as they are
    /// locked. `locks` are the command's.
    pub fn gate(&self, call: &Call<'_>, locks: &[(ShardId, RecordKey, Mode)]) -> Ticket {
        let physical = call.databases.get(call.db).copied().unwrap_or_default();
        let own = locks.iter().filter(|(owner, _, _)| *owner == self.id);
        own.map(|(_, key, _)| {
            let mut head = RecordKey::from_slice(&[physical]);
            head.extend_from_slice(key);
            self.dirty.ticket(&head)
        })
        .max()
        .unwrap_or(0)
    }

    /// The batch that a reader of any keys has to wait for.
    fn seen(&self) -> Ticket {
        if self.dirty.is_empty() { 0 } else { self.written }
    }

    /// Takes over the database as it is after it was opened anew, with its counts. The caller holds
    /// the lock on everything.
    pub fn reload(&mut self, counts: Counts) {
        self.written = self.engine.written();
        self.topology.versions(self.id).note_everything();
        self.cache.clear();
        self.dirty.forget();
        self.census.replace(counts);
    }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn a_reply_waits_for_what_it_shows_and_for_nothing_else() {
        let mut test = TestShard::new();
        test.shard.track_dirty(true);
        let mut ticket_of = |words: &str| {
            test.run(words);
            test.ticket
        };
        assert_eq!(ticket_of("SET a 1"), 1);
        assert_eq!(ticket_of("SET b 1"), 2);
        assert_eq!(ticket_of("GET a"), 1);
        assert_eq!(ticket_of("STRLEN b"), 2);
        assert_eq!(ticket_of("MGET a b"), 2);
        assert_eq!(ticket_of("GET other"), 0);
        assert_eq!(ticket_of("DEL b"), 3);
        assert_eq!(ticket_of("GET b"), 3);
        test.shard.settle(2);
        test.run("GET a");
        assert_eq!(test.ticket, 0);
        test.run("GET b");
        assert_eq!(test.ticket, 3);
        test.shard.settle(3);
        test.shard.flush_database(0).unwrap();
        test.run("GET a");
        assert_eq!(test.ticket, 4, "that it is gone is not durable yet");
        test.shard.settle(4);
        test.run("GET a");
        assert_eq!(test.ticket, 0);
    }
}
