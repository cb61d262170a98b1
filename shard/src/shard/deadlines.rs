//! What is known of the deadlines of one database without a look at them.
//!
//! Invariants, of the deadlines whose records stand:
//! - none is earlier than `next_ms`;
//! - none of their records is before `from`;
//! - those before `counted_to` are `due` many: they have passed, and are not counted as keys.

use crate::engine::Direction;
use crate::keyspace::layout::{self, RecordKey};
use crate::view::HeadChange;

/// See the module.
pub(super) struct Deadlines {
    db: u8,
    next_ms: u64,
    /// Without it every look for what is due would walk over the tombstones of what has gone.
    /// Empty: it may be anywhere.
    from: RecordKey,
    /// Empty: nothing was counted.
    counted_to: RecordKey,
    due: u64,
}

impl Deadlines {
    /// Of physical database `db`, of which nothing is known.
    pub(super) fn unknown(db: u8) -> Self {
        Self { db, next_ms: 0, from: RecordKey::new(), counted_to: RecordKey::new(), due: 0 }
    }

    /// Of an empty database.
    pub(super) fn none(db: u8) -> Self {
        Self { next_ms: u64::MAX, ..Self::unknown(db) }
    }

    /// No deadline is earlier than this.
    pub(super) fn next_ms(&self) -> u64 {
        self.next_ms
    }

    /// How many are counted as due.
    pub(super) fn due(&self) -> u64 {
        self.due
    }

    /// A deadline is about to be written.
    pub(super) fn expect(&mut self, deadline_ms: u64) {
        self.next_ms = self.next_ms.min(deadline_ms);
    }

    /// A key was changed, perhaps one whose deadline was counted, and perhaps its new deadline has
    /// passed already.
    pub(super) fn note(&mut self, change: &HeadChange) {
        let (old, new) = (change.before.deadline_ms, change.deadline_ms);
        if (old.is_none() && new.is_none()) || (self.from.is_empty() && self.counted_to.is_empty())
        {
            return;
        }
        let name = &change.record_key[layout::HEAD_PREFIX_BYTES..];
        let record_key = |deadline_ms| layout::expiry_key(self.db, deadline_ms, name);
        let (old_key, new_key) = (old.map(record_key), new.map(record_key));
        if old != new {
            let is_counted = |key: &RecordKey| *key < self.counted_to;
            let has_gone = u64::from(old_key.as_ref().is_some_and(is_counted));
            let has_come = u64::from(new_key.as_ref().is_some_and(is_counted));
            self.due = self.due.saturating_sub(has_gone) + has_come;
        }
        if let Some(new_key) = new_key
            && new_key < self.from
        {
            self.from = new_key;
        }
    }

    /// Where those begin whose keys are not removed.
    pub(super) fn standing_from(&self) -> RecordKey {
        if self.from.is_empty() { layout::expiry_key(self.db, 0, b"") } else { self.from.clone() }
    }

    /// Where those begin that are not counted as due.
    pub(super) fn counted_to(&self) -> RecordKey {
        if self.counted_to.is_empty() { self.standing_from() } else { self.counted_to.clone() }
    }

    /// Whether some behind this record were counted as due, before the clock was put back.
    pub(super) fn is_counted_beyond(&self, due_to: &RecordKey) -> bool {
        *due_to < self.counted_to
    }

    /// So many more are due: all before this record are counted now.
    pub(super) fn count_to(&mut self, counted_to: RecordKey, more: u64) {
        self.counted_to = counted_to;
        self.due += more;
    }

    /// So many were counted too early: from this record on none is counted any more.
    pub(super) fn count_back_to(&mut self, counted_to: RecordKey, fewer: u64) {
        self.counted_to = counted_to;
        self.due = self.due.saturating_sub(fewer);
    }

    /// What was due is removed: what stands begins at this record, and no deadline is earlier than
    /// this one.
    pub(super) fn begin_at(&mut self, from: RecordKey, next_ms: u64) {
        self.from = from;
        self.next_ms = next_ms;
    }

    /// Those that have to be looked at to count what is due at `now_ms`.
    pub(super) fn to_count(&self, now_ms: u64) -> DeadlineRange {
        let due_to = due_to(self.db, now_ms);
        if self.is_counted_beyond(&due_to) {
            return DeadlineRange {
                lower: due_to.clone(),
                upper: self.counted_to.clone(),
                direction: Direction::Backward,
                due_to,
            };
        }
        DeadlineRange::due_from(self.db, self.counted_to(), now_ms)
    }

    /// Those that have to be looked at to remove what is due at `now_ms`.
    pub(super) fn to_remove(&self, now_ms: u64) -> DeadlineRange {
        DeadlineRange::due_from(self.db, self.standing_from(), now_ms)
    }
}

/// Deadlines to be read into memory.
pub struct DeadlineRange {
    pub(super) lower: RecordKey,
    pub(super) upper: RecordKey,
    pub(super) direction: Direction,
    /// Who goes forward reads the first that stands from here on, and no more.
    pub(super) due_to: RecordKey,
}

impl DeadlineRange {
    /// From the record `lower` on what is due at `now_ms`, and the first that is not, which may be
    /// far away behind deadlines that are gone: whoever removes what is due looks for it.
    pub fn due_from(db: u8, lower: RecordKey, now_ms: u64) -> Self {
        Self {
            lower,
            upper: layout::prefix_end(&[db]),
            direction: Direction::Forward,
            due_to: due_to(db, now_ms),
        }
    }
}

/// Behind everything that is due at `now_ms`.
pub(super) fn due_to(db: u8, now_ms: u64) -> RecordKey {
    layout::expiry_key(db, now_ms.saturating_add(1), b"")
}
