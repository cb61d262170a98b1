//! One shard: runs commands against its database and commits what they change.
//!
//! Owned by one thread. A command is tried on the loop first, over memory only; when that does not
//! do, the caller locks its keys, runs it on another thread ([`run_in_sequence`]) and commits the
//! outcome here. Every commit gets a ticket; what shows its effects may be told to a client when
//! the ticket is as durable as was promised.

mod commit;
mod expiry;
mod key_counts;
mod sequence;

use std::ops::ControlFlow;
use std::sync::Arc;

use bytes::Bytes;

use crate::command::{Args, BeginSearch, CommandSpec, FindKeys, Handler, flag, key_flag, keys};
use crate::engine::{Engine, EngineError, Family, ReadTier};
use crate::error::{CommandError, write_error};
use crate::keyspace::access::Uses;
use crate::keyspace::cache::{Discarded, HotCache, Touch};
use crate::keyspace::copies::{COPIED_BYTES_MAX, Copies, Copy};
use crate::keyspace::counts::{Change, Counts, SlotCount};
use crate::keyspace::dirty::{DirtyKeys, Ticket};
use crate::keyspace::layout::{self, RecordKey};
use crate::keyspace::{sample, scan, ttl};
use crate::locks::{LockId, LockTable, Mode, Scope};
use crate::random::Random;
use crate::resp::{Protocol, ReplyBuffer};
use crate::settings::Settings;
use crate::topology::{ShardId, Topology};
use crate::view::{Changes, Context, Outcome, Use, View};

pub use commit::{Commit, Finish};
pub use expiry::{DeadlineRange, load_deadlines};
pub use key_counts::KeyCounts;
pub use sequence::{REPLIES_BYTES_MAX, Sequence, run_in_sequence};

/// A command to run.
#[derive(Clone, Copy)]
pub struct Call<'a> {
    /// Its description.
    pub spec: &'static CommandSpec,
    /// Its handler.
    pub handler: Handler,
    /// Its arguments.
    pub args: Args<'a>,
    /// Which physical database stands for each logical one.
    pub databases: &'a [u8],
    /// The connection's logical database.
    pub db: usize,
    /// Whether it counts as a use of its keys (CLIENT NO-TOUCH).
    pub touch: Touch,
    /// Now, in ms since 1970.
    pub now_ms: u64,
    /// The clock of uses, in ms since the process started; nobody sets it.
    pub steady_ms: u64,
    /// Thresholds and limits.
    pub settings: &'a Settings,
}

impl<'a> Call<'a> {
    fn context(&self, topology: &'a Topology) -> Context<'a> {
        Context {
            topology,
            settings: self.settings,
            databases: self.databases,
            db: self.db,
            now_ms: self.now_ms,
            steady_ms: self.steady_ms,
            touch: self.touch,
        }
    }

    /// The key of a command that reads exactly one, its first argument.
    fn copyable_key(&self) -> Option<&'a [u8]> {
        let [key] = self.spec.keys else { return None };
        let is_first = matches!(
            (key.begin, key.find),
            (BeginSearch::Index(1), FindKeys::Range { last: 0, .. })
        );
        (is_first && self.spec.has(flag::READONLY)).then(|| self.args.get(1))
    }

    /// The locks that this command needs, with the shard of each: every key once, exclusive when
    /// the command may change it.
    pub fn locks(&self, topology: &Topology) -> Vec<(ShardId, RecordKey, Mode)> {
        let mut found = Vec::new();
        // Arguments that do not have the form of keys lead to an error reply; nothing to lock.
        let _ = keys::extract(self.spec, self.args, &mut found);
        let mut locks: Vec<(ShardId, RecordKey, Mode)> = Vec::with_capacity(found.len());
        for key in found {
            let reads = self.spec.has(flag::READONLY) || key.flags & key_flag::RO != 0;
            let mode = if reads { Mode::Shared } else { Mode::Exclusive };
            let name = self.args.get(key.index);
            let position = layout::position(name);
            let shard = topology.shard_of_slot(layout::slot_of(position));
            locks.push((shard, lock_key(position, name), mode));
        }
        locks.sort_by(|left, right| {
            (left.0, &left.1, left.2 == Mode::Shared).cmp(&(
                right.0,
                &right.1,
                right.2 == Mode::Shared,
            ))
        });
        // Of equal keys the first, which is the exclusive one if there is any.
        locks.dedup_by(|later, first| later.0 == first.0 && later.1 == first.1);
        locks
    }
}

/// What a key is locked under: its position and name, whatever the database (MOVE and COPY touch
/// the same name in two).
fn lock_key(position: u64, name: &[u8]) -> RecordKey {
    let mut key = RecordKey::from_slice(&position.to_be_bytes());
    key.extend_from_slice(name);
    key
}

/// How a try on the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The reply is written; it may leave when this batch is durable enough (0: at once).
    Done(Ticket),
    /// The command needs the disk or more time than the loop has: run it off the loop.
    OffLoop,
    /// Another command holds one of its keys: ask for the lock.
    Locked,
    /// The engine takes no writes at the moment: try again later.
    Stalled,
}

/// Head keys, each with the key's deadline.
type KeysWithDeadlines = Vec<(RecordKey, Option<u64>)>;

/// Databases of up to this many keys are flushed key by key.
const FLUSHED_ONE_BY_ONE_MAX: u64 = 512;

/// One in so many reads that a copy would answer goes to the key's owner all the same, so that it
/// knows that the key is used.
const LEFT_TO_OWNER: u32 = 64;

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
    counts: Counts,
    /// Keys per physical database, for every thread to add up.
    key_counts: Arc<KeyCounts>,
    /// Locks on this shard's keys.
    pub locks: LockTable,
    dirty: DirtyKeys,
    track_dirty: bool,
    random: Random,
    written: Ticket,
    /// A commit runs elsewhere: nobody else may write until it is finished.
    is_committing: bool,
    /// Per physical database: no deadline is earlier than this.
    next_deadline_ms: Vec<u64>,
    /// Per physical database: no deadline's record stands before this. Without it every look for
    /// what is due would walk over the tombstones of what has gone.
    deadlines_from: Vec<RecordKey>,
    /// Per physical database: deadlines before this record had passed when they were last counted;
    /// what still stands there, `due` of them, is counted as due, and not as a key.
    counted_to: Vec<RecordKey>,
    due: Vec<u64>,
    /// Reads that copies of other shards' keys could answer.
    copies_read: u32,
    /// Changes since the start, as [`Changes::count`] counts them.
    changes_made: u64,
    /// Counters for INFO.
    pub statistics: Statistics,
}

/// A commit that did not happen.
pub struct Refused {
    /// Why.
    pub error: EngineError,
    /// What was to be committed, for another try.
    pub changes: Box<Changes>,
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
        let counts = Counts::load(engine.as_ref())?;
        let written = engine.written();
        let key_counts = Arc::new(KeyCounts::new());
        for db in 0..=u8::MAX {
            key_counts.set(db, counts.total(db), 0, 0);
        }
        Ok(Self {
            id,
            topology,
            engine,
            cache: HotCache::new(cache_bytes, seed),
            discarded: Vec::new(),
            counts,
            key_counts,
            locks: LockTable::default(),
            dirty: DirtyKeys::default(),
            track_dirty: false,
            random: Random::new(seed),
            written,
            is_committing: false,
            next_deadline_ms: vec![0; 256],
            deadlines_from: vec![RecordKey::new(); 256],
            counted_to: vec![RecordKey::new(); 256],
            due: vec![0; 256],
            copies_read: 0,
            changes_made: 0,
            statistics: Statistics::default(),
        })
    }

    /// Number of this shard.
    pub fn id(&self) -> ShardId {
        self.id
    }

    /// How many changes were made since the start, as Redis counts what a snapshot would be
    /// without: by commands, that is; a key whose time came is none.
    pub fn changes_made(&self) -> u64 {
        self.changes_made
    }

    /// A change was made that is none of keys.
    pub fn note_change(&mut self) {
        self.changes_made += 1;
    }

    /// Keys per physical database, for other threads.
    pub fn key_counts(&self) -> Arc<KeyCounts> {
        self.key_counts.clone()
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

    /// Keys of one slot.
    pub fn slot_count(&self, db: u8, slot: u16) -> SlotCount {
        self.counts.slot(db, slot)
    }

    /// The newest batch.
    pub fn written(&self) -> Ticket {
        self.written
    }

    /// Whether readers have to wait for what is not durable (`appendfsync always`).
    pub fn track_dirty(&mut self, track: bool) {
        if track && !self.track_dirty {
            // What was written before may not be durable either, nor what was copied.
            self.dirty.mark_everything(self.written);
            self.topology.versions(self.id).note_everything();
        }
        self.track_dirty = track;
        if !track {
            self.dirty.settle(Ticket::MAX);
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

    /// Tries a command whose keys are all this shard's.
    pub fn execute(&mut self, call: &Call<'_>, reply: &mut ReplyBuffer) -> Attempt {
        if !self.locks.is_empty() && self.is_locked(call) {
            return Attempt::Locked;
        }
        self.execute_locked(call, reply)
    }

    /// The same for a command that holds the locks on its keys.
    pub fn execute_locked(&mut self, call: &Call<'_>, reply: &mut ReplyBuffer) -> Attempt {
        let start = reply.len();
        let mut view =
            View::on_loop(call.context(&self.topology), &mut self.random, self.id, &mut self.cache)
                .of_read(call.spec.has(flag::READONLY))
                .gated_by(&self.dirty);
        let result = (call.handler)(&mut view, call.args, reply);
        let Outcome { changes, gate, lookups, used, .. } = view.finish();
        let ticket = match result {
            Ok(()) if changes.is_empty() => gate,
            Ok(()) => match self.commit(changes) {
                Ok(ticket) => ticket,
                Err(Refused { error, .. }) => {
                    reply.truncate(start);
                    if error == EngineError::Stalled {
                        self.statistics.stalls += 1;
                        return Attempt::Stalled;
                    }
                    write_error(&CommandError::Storage(error), reply);
                    0
                }
            },
            Err(CommandError::OffLoop) => {
                reply.truncate(start);
                self.statistics.off_loop_runs += 1;
                return Attempt::OffLoop;
            }
            Err(error) => {
                reply.truncate(start);
                write_error(&error, reply);
                gate
            }
        };
        // Not before it is sure that this run counts.
        self.count_lookups(lookups);
        self.note_uses(&used);
        Attempt::Done(ticket)
    }

    /// Counts keys that reading lookups found, and did not find, wherever that was.
    pub fn count_lookups(&mut self, (hits, misses): (u64, u64)) {
        self.statistics.keyspace_hits += hits;
        self.statistics.keyspace_misses += misses;
    }

    /// Notes the uses of this shard's keys that its hot cache has not noted. To be told when what
    /// the commands made of the keys is committed.
    pub fn note_uses(&mut self, used: &[Use]) {
        if used.is_empty() {
            return;
        }
        let last_s = self.cache.clock.now_s();
        for Use { record_key, is_new, .. } in used.iter().filter(|it| it.shard == self.id) {
            if *is_new {
                self.cache.note_uses(record_key, Uses { times: 1, last_s });
            } else {
                self.cache.touch_again(record_key);
            }
        }
    }

    /// Asks for a lock on this shard's keys; see [`LockTable::lock`].
    pub fn lock(&mut self, scope: Scope) -> (LockId, bool) {
        match &scope {
            Scope::Keys(keys) => self.note_locks(keys),
            Scope::Everything => self.topology.versions(self.id).note_everything(),
        }
        self.locks.lock(scope)
    }

    /// Asks for a lock on keys, unless it would have to be waited for.
    pub fn try_lock(&mut self, keys: Vec<(RecordKey, Mode)>) -> Option<LockId> {
        self.note_locks(&keys);
        self.locks.try_lock(keys)
    }

    /// Whoever waits for a transaction at one shard must not find older values at another.
    fn note_locks(&self, keys: &[(RecordKey, Mode)]) {
        let versions = self.topology.versions(self.id);
        for (key, mode) in keys {
            if *mode == Mode::Exclusive
                && let Some((position, _)) = key.split_first_chunk::<8>()
            {
                versions.note(u64::from_be_bytes(*position));
            }
        }
    }

    /// A copy for another thread of the one key that `call` has just read. `None`: there is none,
    /// or it might not be committed for good.
    pub fn copy(&mut self, call: &Call<'_>) -> Option<Copy> {
        let name = call.copyable_key()?;
        let position = layout::position(name);
        let is_locked =
            !self.locks.is_empty() && self.locks.conflicts(&lock_key(position, name), Mode::Shared);
        if is_locked || self.is_committing {
            return None;
        }
        let physical = *call.databases.get(call.db)?;
        let stamp = self.topology.versions(self.id).stamp(position)?;
        let record_key = layout::head_key_at(physical, position, name);
        if self.dirty.ticket(&record_key) != 0 {
            return None;
        }
        let record =
            self.cache.get(&record_key, Touch::No).filter(|it| it.len() <= COPIED_BYTES_MAX)?;
        Some(Copy { record_key, record, stamp })
    }

    /// Answers a command that reads one key of another shard's out of a copy. False: it cannot be
    /// done, and nothing was written.
    pub fn read_copy(
        &mut self,
        call: &Call<'_>,
        copies: &mut Copies,
        reply: &mut ReplyBuffer,
    ) -> bool {
        let Some(name) = call.copyable_key() else { return false };
        let Some(physical) = call.databases.get(call.db) else { return false };
        let position = layout::position(name);
        let owner = self.topology.shard_of_slot(layout::slot_of(position));
        let Some(now) = self.topology.versions(owner).stamp(position) else { return false };
        let record_key = layout::head_key_at(*physical, position, name);
        let Some(copy) = copies.get(&record_key, now) else { return false };
        self.copies_read = self.copies_read.wrapping_add(1);
        if self.copies_read.is_multiple_of(LEFT_TO_OWNER) {
            return false;
        }
        let start = reply.len();
        let context = call.context(&self.topology);
        let mut view = View::of_copy(context, &mut self.random, &record_key, &copy.record);
        if let Err(error) = (call.handler)(&mut view, call.args, reply) {
            reply.truncate(start);
            if matches!(error, CommandError::OffLoop) {
                return false;
            }
            write_error(&error, reply);
        }
        let Outcome { lookups, uses_copy, .. } = view.finish();
        self.count_lookups(lookups);
        if uses_copy {
            self.cache.hot_keys.note(&record_key);
            self.cache.clock.add_to(&copy.uses);
        }
        copies.hits += 1;
        true
    }

    /// Runs commands whose keys are all this shard's at once, as one: all of them, or none. `None`:
    /// it takes the disk, or time, or its replies are long, or somebody holds one of the keys.
    /// `locked`: the caller holds the locks on them. With the replies comes the batch that they all
    /// wait for.
    pub fn execute_all<'a>(
        &mut self,
        (calls, commands): (impl Iterator<Item = Call<'a>> + Clone, usize),
        protocol: Protocol,
        locked: bool,
    ) -> Option<(Sequence, Ticket)> {
        if !locked && !self.locks.is_empty() && calls.clone().any(|call| self.is_locked(&call)) {
            return None;
        }
        let home = (self.id, &mut self.cache);
        let mut sequence =
            run_in_sequence(calls, &self.topology, &mut self.random, Some(home), protocol, None)?;
        let changes = std::mem::take(&mut sequence.changes);
        let mut ticket = if self.dirty.is_empty() { 0 } else { self.written };
        if changes.is_long() || sequence.ends.len() < commands {
            return None;
        }
        if !changes.is_empty() {
            ticket = self.commit(changes).ok()?;
        }
        self.count_lookups(sequence.lookups);
        self.note_uses(&sequence.used);
        Some((sequence, ticket))
    }

    fn is_locked(&self, call: &Call<'_>) -> bool {
        let locks = call.locks(&self.topology);
        locks.iter().any(|(_, key, mode)| self.locks.conflicts(key, *mode))
    }

    /// Commits changes of this shard's keys as one batch. On an error nothing is changed, and the
    /// changes come back for another try.
    pub fn commit(&mut self, changes: Changes) -> Result<Ticket, Refused> {
        let mut commit = self.begin_commit(changes)?;
        let written = commit.write();
        let mut finish = self.end_write(commit, written)?;
        self.finish_commit(&mut finish, usize::MAX);
        Ok(finish.ticket)
    }

    /// Tells the other threads how many keys there are, and up to when that holds.
    fn publish_counts(&self, db: u8) {
        let index = usize::from(db);
        let (standing, due) = (self.counts.total(db), self.due[index]);
        self.key_counts.set(db, standing, due, self.next_deadline_ms[index]);
    }

    /// Keys and deadlines of a physical database, without those that are counted as due.
    pub fn live_keys(&self, db: u8) -> SlotCount {
        let (standing, due) = (self.counts.total(db), self.due[usize::from(db)]);
        SlotCount {
            keys: standing.keys.saturating_sub(due),
            expires: standing.expires.saturating_sub(due),
        }
    }

    /// The new counts of the slots whose number of keys or deadlines changes.
    fn count(&self, changes: &Changes) -> Vec<(u8, u16, SlotCount)> {
        let mut by_slot: Vec<(u8, u16, Change)> = Vec::new();
        for head in changes.heads() {
            let keys = i64::from(head.after.is_some()) - i64::from(head.before.existed);
            let expires = i64::from(head.deadline_ms.is_some())
                - i64::from(head.before.deadline_ms.is_some());
            if keys == 0 && expires == 0 {
                continue;
            }
            let Some((db, position, _)) = layout::parse_head_key(&head.record_key) else {
                continue;
            };
            by_slot.push((db, layout::slot_of(position), Change { keys, expires }));
        }
        by_slot.sort_by_key(|(db, slot, _)| (*db, *slot));
        by_slot.dedup_by(|later, first| {
            let same = (later.0, later.1) == (first.0, first.1);
            if same {
                first.2.keys += later.2.keys;
                first.2.expires += later.2.expires;
            }
            same
        });
        by_slot
            .into_iter()
            .map(|(db, slot, change)| (db, slot, self.counts.after(db, slot, change)))
            .collect()
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

    /// Takes over the database as it is after it was opened anew, with its counts. The caller holds
    /// the lock on everything.
    pub fn reload(&mut self, counts: Counts) {
        self.written = self.engine.written();
        self.counts = counts;
        self.topology.versions(self.id).note_everything();
        self.cache.clear();
        self.dirty = DirtyKeys::default();
        self.next_deadline_ms.fill(0);
        self.deadlines_from.fill(RecordKey::new());
        self.counted_to.fill(RecordKey::new());
        self.due.fill(0);
        for db in 0..=u8::MAX {
            self.publish_counts(db);
        }
    }

    /// The database of this shard.
    pub fn engine(&self) -> &Arc<dyn Engine> {
        &self.engine
    }

    /// Removes every key of a physical database. The caller holds the lock on everything. Says
    /// whether a whole range was dropped, whose disk space is to be reclaimed.
    ///
    /// A few keys go one by one: a range tombstone costs every later read a little until it is
    /// compacted away, and tests flush thousands of times.
    pub fn flush_database(&mut self, db: u8) -> Result<bool, EngineError> {
        if self.is_committing {
            return Err(EngineError::Stalled);
        }
        let keys = self.counts.total(db).keys;
        let one_by_one =
            if keys <= FLUSHED_ONE_BY_ONE_MAX { self.keys_to_flush(db)? } else { None };
        let end = layout::prefix_end(&[db]);
        let counts_end = layout::prefix_end(&[b'c', db]);
        self.topology.versions(self.id).note_everything();
        self.written = self.engine.write(&mut |writes| match &one_by_one {
            Some(records) => {
                for (head, deadline) in records {
                    writes.delete(Family::Heads, head);
                    if let Some(deadline) = deadline {
                        let name = &head[layout::HEAD_PREFIX_BYTES..];
                        writes.delete(Family::Expiry, &layout::expiry_key(db, *deadline, name));
                    }
                    if let Some((_, position, _)) = layout::parse_head_key(head) {
                        let slot = layout::slot_of(position);
                        Counts::record(writes, db, slot, SlotCount::default());
                    }
                }
            }
            None => {
                for family in [Family::Heads, Family::Elements, Family::Expiry] {
                    writes.delete_range(family, &[db], &end);
                }
                writes.delete_range(Family::Meta, &[b'c', db], &counts_end);
            }
        })?;
        if self.track_dirty {
            self.dirty.mark_everything(self.written);
        }
        self.changes_made += self.live_keys(db).keys;
        self.counts.clear(db);
        self.next_deadline_ms[usize::from(db)] = u64::MAX;
        self.deadlines_from[usize::from(db)] = RecordKey::new();
        self.counted_to[usize::from(db)] = RecordKey::new();
        self.due[usize::from(db)] = 0;
        self.publish_counts(db);
        self.discarded.extend(self.cache.discard());
        Ok(one_by_one.is_none())
    }

    /// What flushing left of the hot cache, to be dropped elsewhere.
    pub fn take_discarded(&mut self) -> Vec<Discarded> {
        std::mem::take(&mut self.discarded)
    }

    /// The head keys and deadlines of a small database; `None` when they are not in memory.
    fn keys_to_flush(&self, db: u8) -> Result<Option<KeysWithDeadlines>, EngineError> {
        let mut records = Vec::new();
        let engine = self.engine.as_ref();
        let everything = (0, None);
        let walked = scan::walk(engine, db, everything, u64::MAX, 0, ReadTier::Memory, |visited| {
            records.push((layout::head_key(db, visited.key), visited.deadline_ms));
            ControlFlow::Continue(())
        });
        match walked {
            Ok(_) => Ok(Some(records)),
            Err(EngineError::NotInMemory) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How many deadlines stand in a physical database, and how many of them are counted as due.
    pub fn standing_deadlines(&self, db: u8) -> (u64, u64) {
        (self.counts.total(db).expires, self.due[usize::from(db)])
    }

    /// Which of a physical database's deadlines are to be looked at for an idea of all.
    pub fn ttl_sample(&mut self, db: u8) -> ttl::Sample {
        let expires = self.counts.total(db).expires;
        if expires <= ttl::ALL_READ_MAX {
            return ttl::Sample::All;
        }
        let ranks: Vec<u64> = (0..ttl::SAMPLES).map(|_| self.random.below(expires)).collect();
        ttl::Sample::Slots(self.counts.slots_of_deadlines(db, ranks))
    }

    /// The slot of the key number `rank` of a physical database, and how many keys it has.
    pub fn slot_of_rank(&self, db: u8, rank: u64) -> Option<(u16, u64)> {
        let slot = self.counts.slot_of_rank(db, rank)?;
        Some((slot, self.counts.slot(db, slot).keys))
    }
}

/// One of the `keys` keys of a slot of a physical database, each equally likely. `None` when the
/// one drawn has expired.
pub fn random_key_in_slot(
    engine: &dyn Engine,
    random: &mut Random,
    (db, slot): (u8, u16),
    keys: u64,
    now_ms: u64,
    tier: ReadTier,
) -> Result<Option<Vec<u8>>, EngineError> {
    let base = u64::from(slot) << layout::HASH_BITS;
    let drawn = sample::draw(random, keys, layout::HASH_BITS, |first, last| {
        let mut found = Vec::new();
        let range = (base + first, (base + last).checked_add(1));
        // As of the beginning of time nothing has expired: every record is met.
        scan::walk(engine, db, range, u64::MAX, 0, tier, |visited| {
            let live = visited.deadline_ms.is_none_or(|deadline| deadline > now_ms);
            found.push(live.then(|| visited.key.to_vec()));
            ControlFlow::Continue(())
        })?;
        Ok::<_, EngineError>(found)
    })?;
    Ok(drawn.flatten())
}

/// The scope of the locks of one shard out of those of a command.
pub fn scope_of(locks: &[(ShardId, RecordKey, Mode)], shard: ShardId) -> Scope {
    Scope::Keys(
        locks
            .iter()
            .filter(|(owner, _, _)| *owner == shard)
            .map(|(_, key, mode)| (key.clone(), *mode))
            .collect(),
    )
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
