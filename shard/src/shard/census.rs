//! How many keys there are: the exact counts of the slots, what is known of deadlines, and what
//! other threads are told of both.
//!
//! Invariant: what other threads are told is told anew whenever a count or what is due has changed,
//! before anybody can be told of the change itself.

use std::sync::Arc;

use crate::engine::{Engine, EngineError};
use crate::keyspace::counts::{Change, Counts, SlotCount};
use crate::keyspace::layout;
use crate::keyspace::ttl;
use crate::random::Random;
use crate::shard::deadlines::Deadlines;
use crate::shard::key_counts::KeyCounts;
use crate::view::{Changes, HeadChange};

/// New counts of slots, by physical database.
pub(super) type Counted = Vec<(u8, u16, SlotCount)>;

/// See the module.
pub(super) struct Census {
    counts: Counts,
    /// By physical database.
    deadlines: Vec<Deadlines>,
    told: Arc<KeyCounts>,
}

impl Census {
    /// Reads the counts of a database. Blocks.
    pub(super) fn load(engine: &dyn Engine) -> Result<Self, EngineError> {
        let mut census = Self {
            counts: Counts::load(engine)?,
            deadlines: Vec::new(),
            told: Arc::new(KeyCounts::new()),
        };
        census.know_no_deadlines();
        Ok(census)
    }

    /// Takes over counts that were read anew.
    pub(super) fn replace(&mut self, counts: Counts) {
        self.counts = counts;
        self.know_no_deadlines();
    }

    fn know_no_deadlines(&mut self) {
        self.deadlines = (0..=u8::MAX).map(Deadlines::unknown).collect();
        for db in 0..=u8::MAX {
            self.tell(db);
        }
    }

    /// Keys per physical database, for other threads.
    pub(super) fn told(&self) -> Arc<KeyCounts> {
        self.told.clone()
    }

    /// Tells the other threads how many keys there are, and up to when that holds.
    pub(super) fn tell(&self, db: u8) {
        let deadlines = self.deadlines(db);
        self.told.set(db, self.counts.total(db), deadlines.due(), deadlines.next_ms());
    }

    /// What is known of the deadlines of a physical database.
    pub(super) fn deadlines(&self, db: u8) -> &Deadlines {
        &self.deadlines[usize::from(db)]
    }

    /// The same, to be changed; then to be told.
    pub(super) fn deadlines_mut(&mut self, db: u8) -> &mut Deadlines {
        &mut self.deadlines[usize::from(db)]
    }

    /// Keys and deadlines that stand in a physical database.
    pub(super) fn standing(&self, db: u8) -> SlotCount {
        self.counts.total(db)
    }

    /// The same, without those that are counted as due.
    pub(super) fn live(&self, db: u8) -> SlotCount {
        let (standing, due) = (self.counts.total(db), self.deadlines(db).due());
        SlotCount {
            keys: standing.keys.saturating_sub(due),
            expires: standing.expires.saturating_sub(due),
        }
    }

    /// Keys of one slot.
    pub(super) fn slot(&self, db: u8, slot: u16) -> SlotCount {
        self.counts.slot(db, slot)
    }

    /// The slot of the key number `rank` of a physical database, and how many keys it has.
    pub(super) fn slot_of_rank(&self, db: u8, rank: u64) -> Option<(u16, u64)> {
        let slot = self.counts.slot_of_rank(db, rank)?;
        Some((slot, self.counts.slot(db, slot).keys))
    }

    /// Which of a physical database's deadlines are to be looked at for an idea of all.
    pub(super) fn ttl_sample(&self, db: u8, random: &mut Random) -> ttl::Sample {
        let expires = self.counts.total(db).expires;
        if expires <= ttl::ALL_READ_MAX {
            return ttl::Sample::All;
        }
        let ranks: Vec<u64> = (0..ttl::SAMPLES).map(|_| random.below(expires)).collect();
        ttl::Sample::Slots(self.counts.slots_of_deadlines(db, ranks))
    }

    /// The new counts of the slots whose number of keys or deadlines changes.
    pub(super) fn count(&self, changes: &Changes) -> Counted {
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

    /// Takes over counts that are written.
    pub(super) fn set(&mut self, counted: Counted) {
        for (db, slot, count) in counted {
            self.counts.set(db, slot, count);
        }
    }

    /// A key was changed, and its slot's counts are set.
    pub(super) fn note(&mut self, change: &HeadChange) {
        let Some(&db) = change.record_key.first() else { return };
        self.deadlines_mut(db).note(change);
        if change.before.existed != change.after.is_some()
            || change.before.deadline_ms != change.deadline_ms
        {
            self.tell(db);
        }
    }

    /// Nothing is left in a physical database.
    pub(super) fn clear(&mut self, db: u8) {
        self.counts.clear(db);
        *self.deadlines_mut(db) = Deadlines::none(db);
        self.tell(db);
    }
}
