//! Keys whose time has come: first all that are due are counted, which is quick and makes them gone
//! for everybody, then they are removed piece by piece.

use std::ops::ControlFlow;

use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier};
use crate::keyspace::counts::{Change, Counts, SlotCount};
use crate::keyspace::layout::{self, RecordKey};
use crate::locks::Mode;
use crate::shard::{Shard, lock_key};
use crate::view::HeadChange;

impl Shard {
    /// Where the deadlines begin that are not counted as due.
    pub fn deadlines_to_count(&self, db: u8) -> RecordKey {
        let counted_to = &self.counted_to[usize::from(db)];
        if counted_to.is_empty() { self.deadlines_to_remove(db) } else { counted_to.clone() }
    }

    /// Where the deadlines begin whose keys are not removed.
    pub fn deadlines_to_remove(&self, db: u8) -> RecordKey {
        let from = &self.deadlines_from[usize::from(db)];
        if from.is_empty() { layout::expiry_key(db, 0, b"") } else { from.clone() }
    }

    /// Counts up to `max` deadlines that have passed since the last time: from here on their keys
    /// are counted as gone, and as expired. Returns how many there were; fewer than `max`: all.
    /// `NotInMemory`: read the deadlines into memory first ([`load_deadlines`]). `Stalled`: a
    /// commit runs elsewhere; later.
    pub fn count_due(&mut self, db: u8, now_ms: u64, max: usize) -> Result<usize, EngineError> {
        let index = usize::from(db);
        if self.is_committing {
            // Its keys' deadlines are counted when it is finished.
            return Err(EngineError::Stalled);
        }
        if self.next_deadline_ms[index] > now_ms {
            return Ok(0);
        }
        let lower = self.deadlines_to_count(db);
        let upper = layout::expiry_key(db, now_ms.saturating_add(1), b"");
        if lower >= upper {
            return Ok(0);
        }
        let engine = self.engine.clone();
        let mut seen = 0;
        let mut counted_to = upper.clone();
        engine.range(deadlines(&lower, &upper, ReadTier::Memory), &mut |record_key, _| {
            if seen == max {
                counted_to = RecordKey::from_slice(record_key);
                return ControlFlow::Break(());
            }
            seen += 1;
            ControlFlow::Continue(())
        })?;
        self.counted_to[index] = counted_to;
        self.due[index] += seen as u64;
        self.statistics.expired_keys += seen as u64;
        if seen > 0 {
            self.publish_counts(db);
        }
        Ok(seen)
    }

    /// Removes up to `max` keys of physical database `db` whose time has come. Returns how many
    /// records it looked at; fewer than `max`: none is due any more. `NotInMemory`: read the
    /// deadlines into memory first ([`load_deadlines`]).
    pub fn expire(&mut self, db: u8, now_ms: u64, max: usize) -> Result<usize, EngineError> {
        if self.is_committing {
            return Err(EngineError::Stalled);
        }
        if self.next_deadline_ms[usize::from(db)] > now_ms {
            return Ok(0);
        }
        while self.count_due(db, now_ms, max)? == max {
            if self.due[usize::from(db)] > max as u64 {
                break;
            }
        }
        let lower = self.deadlines_to_remove(db);
        let upper = layout::prefix_end(&[db]);
        let counted_to = self.counted_to[usize::from(db)].clone();
        let engine = self.engine.clone();
        let mut due: Vec<(RecordKey, RecordKey)> = Vec::new();
        let mut seen = 0;
        let mut next = u64::MAX;
        // Where the next look begins: at the first record that stays.
        let mut from: Option<RecordKey> = None;
        let mut damage = None;
        let locks = &self.locks;
        engine.range(deadlines(&lower, &upper, ReadTier::Memory), &mut |record_key, _| {
            let Some((_, deadline, name)) = layout::parse_expiry_key(record_key) else {
                damage = Some(EngineError::Corrupted("expiry key".into()));
                return ControlFlow::Break(());
            };
            if *record_key >= counted_to[..] || seen == max {
                next = next.min(deadline);
                from.get_or_insert_with(|| RecordKey::from_slice(record_key));
                return ControlFlow::Break(());
            }
            seen += 1;
            let position = layout::position(name);
            if !locks.is_empty() && locks.conflicts(&lock_key(position, name), Mode::Exclusive) {
                // Somebody is at work on it; the next round will find it again.
                next = next.min(deadline);
                from.get_or_insert_with(|| RecordKey::from_slice(record_key));
            } else {
                let head = layout::head_key_at(db, position, name);
                due.push((RecordKey::from_slice(record_key), head));
            }
            ControlFlow::Continue(())
        })?;
        if let Some(error) = damage {
            return Err(error);
        }
        if !due.is_empty() {
            self.remove_expired(db, due)?;
        }
        self.next_deadline_ms[usize::from(db)] = next;
        // Nothing stays: the end of the range is as good a place as any.
        self.deadlines_from[usize::from(db)] = from.unwrap_or(upper);
        Ok(seen)
    }

    fn remove_expired(
        &mut self,
        db: u8,
        due: Vec<(RecordKey, RecordKey)>,
    ) -> Result<(), EngineError> {
        let mut by_slot: Vec<(u16, i64)> = due
            .iter()
            .filter_map(|(_, head)| layout::parse_head_key(head))
            .map(|(_, position, _)| (layout::slot_of(position), 1))
            .collect();
        by_slot.sort_unstable();
        by_slot.dedup_by(|later, first| {
            let same = later.0 == first.0;
            if same {
                first.1 += later.1;
            }
            same
        });
        let counted: Vec<(u16, SlotCount)> = by_slot
            .into_iter()
            .map(|(slot, gone)| {
                (slot, self.counts.after(db, slot, Change { keys: -gone, expires: -gone }))
            })
            .collect();
        self.written = self.engine.write(&mut |writes| {
            for (deadline, head) in &due {
                writes.delete(Family::Expiry, deadline);
                writes.delete(Family::Heads, head);
            }
            for (slot, count) in &counted {
                Counts::record(writes, db, *slot, *count);
            }
        })?;
        for (slot, count) in counted {
            self.counts.set(db, slot, count);
        }
        let still_due = &mut self.due[usize::from(db)];
        *still_due = still_due.saturating_sub(due.len() as u64);
        self.publish_counts(db);
        for (_, head) in due {
            self.cache.update(&head, None);
        }
        Ok(())
    }

    /// A key whose deadline had passed was set anew before it was removed, or one is set that has
    /// passed already: the number of those that are due follows.
    pub(super) fn recount_due(&mut self, change: &HeadChange) {
        let key = &change.record_key;
        let (db, name) = (key[0], &key[layout::HEAD_PREFIX_BYTES..]);
        let counted_to = &self.counted_to[usize::from(db)];
        if counted_to.is_empty() || change.before.deadline_ms == change.deadline_ms {
            return;
        }
        let is_counted = |deadline: Option<u64>| {
            deadline.is_some_and(|deadline| layout::expiry_key(db, deadline, name) < *counted_to)
        };
        let due = &mut self.due[usize::from(db)];
        if is_counted(change.before.deadline_ms) {
            *due = due.saturating_sub(1);
        }
        if is_counted(change.deadline_ms) {
            *due += 1;
        }
    }
}

/// Reads up to `max` deadlines from the record `lower` on into memory, those that are due and the
/// first that is not, so that [`Shard::count_due`] and [`Shard::expire`] find them there. Blocks.
pub fn load_deadlines(
    engine: &dyn Engine,
    db: u8,
    lower: &[u8],
    now_ms: u64,
    max: usize,
) -> Result<(), EngineError> {
    let due_to = layout::expiry_key(db, now_ms.saturating_add(1), b"");
    // Not up to there only: whoever removes what is due looks for the next one too, which may be
    // far away behind deadlines that are gone.
    let upper = layout::prefix_end(&[db]);
    let mut left = max;
    engine.range(deadlines(lower, &upper, ReadTier::Disk), &mut |record_key, _| {
        left = left.saturating_sub(1);
        let is_last = left == 0 || *record_key >= due_to[..];
        if is_last { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn deadlines<'a>(lower: &'a [u8], upper: &'a [u8], tier: ReadTier) -> Range<'a> {
    Range { family: Family::Expiry, lower, upper, direction: Direction::Forward, tier }
}

#[cfg(test)]
mod tests {
    use crate::testing::TestShard;

    #[test]
    fn keys_that_are_due_are_not_counted_and_go_piece_by_piece() {
        let mut test = TestShard::new();
        let deadline = test.now_ms + 1000;
        for key in 0..10 {
            test.run(&format!("SET key{key} v PXAT {deadline}"));
        }
        test.run("SET stays v");
        let counts = test.shard.key_counts();
        let now = |test: &TestShard| (counts.get(0).keys, counts.get(0).expires, test.now_ms);
        assert_eq!(now(&test), (11, 10, deadline - 1000));
        assert_eq!(test.shard.count_due(0, deadline - 1, 100), Ok(0));
        test.now_ms = deadline;
        assert_eq!(test.shard.count_due(0, deadline, 6), Ok(6));
        assert_eq!(now(&test), (5, 4, deadline));
        assert_eq!(test.shard.count_due(0, deadline, 6), Ok(4));
        assert_eq!(now(&test), (1, 0, deadline));
        // Setting a key that is due brings it back; another gets a deadline that has passed.
        test.run("SET key3 again");
        assert_eq!(now(&test), (2, 0, deadline));
        assert_eq!(test.run("GET key4"), "$-1");
        while test.shard.expire(0, deadline, 3) == Ok(3) {}
        assert_eq!(now(&test), (2, 0, deadline));
        assert_eq!(test.run("EXISTS key3 stays key1"), ":2");
        assert_eq!(test.shard.statistics.expired_keys, 10);
        assert_eq!(test.shard.counts.total(0).keys, 2);
        test.run(&format!("SET late v PXAT {}", deadline + 5));
        test.now_ms += 5;
        assert_eq!(test.shard.expire(0, deadline + 5, 3), Ok(1));
        assert_eq!(now(&test), (2, 0, deadline + 5));
    }
}
