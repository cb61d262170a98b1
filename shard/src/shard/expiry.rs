//! Keys whose time has come: first all that are due are counted, which is quick and makes them gone
//! for everybody, then they are removed piece by piece.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::effects::Event;
use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier};
use crate::keyspace::layout::{self, RecordKey};
use crate::locks::Mode;
use crate::shard::deadlines::{DeadlineRange, due_to};
use crate::shard::{Refused, Shard};
use crate::view::{Changes, Told};

/// What is due, and what stands behind it.
struct Found {
    /// Keys that are due and that nobody works on: record keys of heads, and deadlines.
    due: Vec<(RecordKey, Option<u64>)>,
    /// Records that were looked at.
    seen: usize,
    /// The first record that stays, and the earliest deadline of those that do.
    from: Option<RecordKey>,
    next_ms: u64,
}

impl Found {
    fn stays(&mut self, record_key: &[u8], deadline_ms: u64) {
        self.next_ms = self.next_ms.min(deadline_ms);
        self.from.get_or_insert_with(|| RecordKey::from_slice(record_key));
    }
}

impl Shard {
    /// The deadlines that [`Shard::count_due`] looks at.
    pub fn deadlines_to_count(&self, db: u8, now_ms: u64) -> DeadlineRange {
        self.census.deadlines(db).to_count(now_ms)
    }

    /// The deadlines that [`Shard::expire`] looks at.
    pub fn deadlines_to_remove(&self, db: u8, now_ms: u64) -> DeadlineRange {
        self.census.deadlines(db).to_remove(now_ms)
    }

    /// Counts up to `max` deadlines that have passed since the last time: from here on their keys
    /// are counted as gone, and as expired. When the clock was put back, counts up to `max` as not
    /// passed again. Returns how many there were; fewer than `max`: the counts are right as of
    /// `now_ms`. `NotInMemory`: read the deadlines into memory first ([`load_deadlines`]).
    /// `Stalled`: a commit runs elsewhere; later.
    pub fn count_due(&mut self, db: u8, now_ms: u64, max: usize) -> Result<usize, EngineError> {
        if self.is_committing {
            // Its keys' deadlines are counted when it is finished.
            return Err(EngineError::Stalled);
        }
        let due_to = due_to(db, now_ms);
        let deadlines = self.census.deadlines(db);
        if deadlines.is_counted_beyond(&due_to) {
            return self.count_as_not_due(db, due_to, max);
        }
        if deadlines.next_ms() > now_ms {
            return Ok(0);
        }
        let lower = deadlines.counted_to();
        if lower >= due_to {
            return Ok(0);
        }
        let mut seen = 0;
        let mut counted_to = due_to.clone();
        let range = deadlines_in(&lower, &due_to, Direction::Forward, ReadTier::Memory);
        self.engine.range(range, &mut |record_key, _| {
            if seen == max {
                counted_to = RecordKey::from_slice(record_key);
                return ControlFlow::Break(());
            }
            seen += 1;
            ControlFlow::Continue(())
        })?;
        self.census.deadlines_mut(db).count_to(counted_to, seen as u64);
        self.statistics.expired_keys += seen as u64;
        if seen > 0 {
            self.census.tell(db);
        }
        Ok(seen)
    }

    /// The clock was put back: deadlines from `due_to` on were counted too early. Those that still
    /// stand are counted back, the latest first.
    fn count_as_not_due(
        &mut self,
        db: u8,
        due_to: RecordKey,
        max: usize,
    ) -> Result<usize, EngineError> {
        let (mut seen, mut counted_to) = (0, due_to.clone());
        let deadlines = self.census.deadlines(db);
        if deadlines.due() > 0 {
            let upper = deadlines.counted_to();
            let range = deadlines_in(&due_to, &upper, Direction::Backward, ReadTier::Memory);
            self.engine.range(range, &mut |record_key, _| {
                seen += 1;
                if seen == max {
                    counted_to = RecordKey::from_slice(record_key);
                    return ControlFlow::Break(());
                }
                ControlFlow::Continue(())
            })?;
        }
        self.census.deadlines_mut(db).count_back_to(counted_to, seen as u64);
        let expired_keys = &mut self.statistics.expired_keys;
        *expired_keys = expired_keys.saturating_sub(seen as u64);
        self.census.tell(db);
        Ok(seen)
    }

    /// Removes up to `max` keys whose time has come of a database, given by its number for clients
    /// and the physical one. Returns how many records it looked at; fewer than `max`: none is due
    /// any more. `NotInMemory`: read the deadlines into memory first ([`load_deadlines`]).
    /// `Stalled`: later.
    pub fn expire(
        &mut self,
        (number, db): (usize, u8),
        now_ms: u64,
        max: usize,
    ) -> Result<usize, EngineError> {
        if self.is_committing {
            return Err(EngineError::Stalled);
        }
        if self.census.deadlines(db).next_ms() > now_ms {
            return Ok(0);
        }
        let due_to = due_to(db, now_ms);
        loop {
            let is_all = self.count_due(db, now_ms, max)? < max;
            let deadlines = self.census.deadlines(db);
            if deadlines.is_counted_beyond(&due_to) {
                // The clock was put back, and not everything is counted back yet.
                return Ok(max);
            }
            if is_all || deadlines.due() > max as u64 {
                break;
            }
        }
        let Found { due, seen, from, next_ms } = self.find_due(db, max)?;
        if !due.is_empty() {
            let events = self.expirations(number, &due);
            let mut changes = Changes::expiring(self.id, due.into_iter());
            changes.effects.events = events;
            // It is no change to who counts them.
            changes.effects.count = Some(0);
            self.commit(changes).map_err(|Refused { error, .. }| error)?;
        }
        // Nothing stays: the end of the range is as good a place as any.
        let from = from.unwrap_or_else(|| layout::prefix_end(&[db]));
        self.census.deadlines_mut(db).begin_at(from, next_ms);
        self.census.tell(db);
        Ok(seen)
    }

    fn find_due(&self, db: u8, max: usize) -> Result<Found, EngineError> {
        let deadlines = self.census.deadlines(db);
        let (lower, counted_to) = (deadlines.standing_from(), deadlines.counted_to());
        let upper = layout::prefix_end(&[db]);
        let mut found = Found { due: Vec::new(), seen: 0, from: None, next_ms: u64::MAX };
        let mut damage = None;
        let range = deadlines_in(&lower, &upper, Direction::Forward, ReadTier::Memory);
        self.engine.range(range, &mut |record_key, _| {
            let Some((_, deadline, name)) = layout::parse_expiry_key(record_key) else {
                damage = Some(EngineError::Corrupted("expiry key".into()));
                return ControlFlow::Break(());
            };
            if *record_key >= counted_to[..] || found.seen == max {
                found.stays(record_key, deadline);
                return ControlFlow::Break(());
            }
            found.seen += 1;
            let position = layout::position(name);
            if self.locks.forbid_key(position, name, Mode::Exclusive) {
                // Somebody is at work on it; the next round will find it again.
                found.stays(record_key, deadline);
            } else {
                found.due.push((layout::head_key_at(db, position, name), Some(deadline)));
            }
            ControlFlow::Continue(())
        })?;
        damage.map_or(Ok(found), Err)
    }

    /// What there is to tell of keys that expire, if anybody wants to hear it.
    fn expirations(&self, number: usize, due: &[(RecordKey, Option<u64>)]) -> Vec<Told> {
        let wanted = self.topology.listening().wanted();
        if !wanted.meets(Event::EXPIRED.class) {
            return Vec::new();
        }
        let told = |(head, _): &(RecordKey, Option<u64>)| Told {
            shard: self.id,
            event: Event::EXPIRED,
            db: number,
            key: Bytes::copy_from_slice(&head[layout::HEAD_PREFIX_BYTES..]),
            wanted,
        };
        due.iter().map(told).collect()
    }
}

/// Reads up to `max` deadlines into memory, so that [`Shard::count_due`] and [`Shard::expire`] find
/// them there. Blocks.
pub fn load_deadlines(
    engine: &dyn Engine,
    wanted: &DeadlineRange,
    max: usize,
) -> Result<(), EngineError> {
    let DeadlineRange { lower, upper, direction, due_to } = wanted;
    let mut left = max;
    engine.range(deadlines_in(lower, upper, *direction, ReadTier::Disk), &mut |record_key, _| {
        left = left.saturating_sub(1);
        let is_next = *direction == Direction::Forward && *record_key >= due_to[..];
        if is_next || left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
}

fn deadlines_in<'a>(
    lower: &'a [u8],
    upper: &'a [u8],
    direction: Direction,
    tier: ReadTier,
) -> Range<'a> {
    Range { family: Family::Expiry, lower, upper, direction, tier }
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
        while test.shard.expire((0, 0), deadline, 3) == Ok(3) {}
        assert_eq!(now(&test), (2, 0, deadline));
        assert_eq!(test.run("EXISTS key3 stays key1"), ":2");
        assert_eq!(test.shard.statistics.expired_keys, 10);
        assert_eq!(test.shard.census.standing(0).keys, 2);
        test.run(&format!("SET late v PXAT {}", deadline + 5));
        test.now_ms += 5;
        assert_eq!(test.shard.expire((0, 0), deadline + 5, 3), Ok(1));
        assert_eq!(now(&test), (2, 0, deadline + 5));
    }

    fn count_all(test: &mut TestShard, max: usize) {
        while test.shard.count_due(0, test.now_ms, max) == Ok(max) {}
    }

    #[test]
    fn a_clock_that_went_ahead_and_back_leaves_no_key_uncounted() {
        const HOUR_MS: u64 = 3_600_000;
        for max in [1, 2, 100] {
            let mut test = TestShard::new();
            let counts = test.shard.key_counts();
            test.run("SET short v EX 10");
            for key in 0..5 {
                test.run(&format!("SET k{key} v EX 100"));
            }
            test.now_ms += HOUR_MS;
            count_all(&mut test, max);
            assert_eq!(counts.get(0).keys, 0);
            assert_eq!(test.shard.statistics.expired_keys, 6);
            test.now_ms -= HOUR_MS;
            // Nobody has looked since: what is set now has a deadline that was counted as passed.
            test.run("SET k v EX 100");
            test.run("DEL k0");
            assert_eq!(counts.exact(0, test.now_ms), None);
            count_all(&mut test, max);
            assert_eq!(test.shard.live_keys(0).keys, 6);
            assert_eq!(test.shard.statistics.expired_keys, 0, "none is gone");
            assert_eq!(test.shard.expire((0, 0), test.now_ms, max), Ok(0));
            assert_eq!(counts.exact(0, test.now_ms).map(|count| count.expires), Some(6));
            assert_eq!(counts.exact(0, test.now_ms + 10_000), None, "one is due by then");
            test.now_ms += 10_000;
            count_all(&mut test, max);
            assert_eq!(test.shard.live_keys(0).keys, 5);
            while test.shard.expire((0, 0), test.now_ms, max) == Ok(max) {}
            assert_eq!(counts.exact(0, test.now_ms).map(|count| count.keys), Some(5));
        }
    }

    #[test]
    fn keys_removed_while_the_clock_is_put_back_are_those_that_are_due() {
        let mut test = TestShard::new();
        for key in 0..10 {
            test.run(&format!("SET k{key} v EX {}", 10 + key));
        }
        test.now_ms += 100_000;
        assert_eq!(test.shard.count_due(0, test.now_ms, 100), Ok(10));
        test.now_ms -= 85_000;
        // In pieces, and not one too many.
        let mut rounds = 0;
        while test.shard.expire((0, 0), test.now_ms, 2) == Ok(2) {
            rounds += 1;
            assert!(rounds < 100);
        }
        assert_eq!(test.run("EXISTS k0 k1 k2 k3 k4 k5 k6 k7 k8 k9"), ":4");
        assert_eq!(test.shard.census.standing(0).keys, 4);
        assert_eq!(test.shard.live_keys(0).keys, 4);
    }

    /// Whatever is done, by whatever clock: the count is what a look at every key finds.
    #[test]
    fn counts_are_what_is_there_while_the_clock_jumps_and_keys_come_and_go() {
        use crate::engine::ReadTier;
        use crate::keyspace::scan;
        use crate::oracle::Random;
        use std::ops::ControlFlow;

        let mut random = Random::new();
        let mut test = TestShard::new();
        let counts = test.shard.key_counts();
        test.now_ms += 1_000_000;
        for step in 0..4_000 {
            let key = random.below(40);
            match random.below(12) {
                0 => test.now_ms += random.below(300) as u64,
                1 => test.now_ms -= random.below(300).min(test.now_ms as usize) as u64,
                2..6 => {
                    let line = format!("SET k{key} v PX {}", 1 + random.below(400));
                    assert_eq!(test.run(&line), "+OK");
                }
                6 => {
                    let line = format!("SET k{key} v PXAT {}", test.now_ms - 50);
                    assert_eq!(test.run(&line), "+OK");
                }
                7 => drop(test.run(&format!("PERSIST k{key}"))),
                8 => drop(test.run(&format!("DEL k{key} k{}", key + 1))),
                9 => drop(test.run(&format!("MSET k{key} v k{} v", key + 1))),
                10 if random.below(20) == 0 => {
                    test.shard.flush_database(0).unwrap();
                }
                _ => {
                    test.shard.expire((0, 0), test.now_ms, 1 + random.below(5)).unwrap();
                }
            }
            let max = 1 + random.below(5);
            let exact = counts.exact(0, test.now_ms);
            if exact.is_none() {
                count_all(&mut test, max);
            }
            let counted = exact.unwrap_or_else(|| test.shard.live_keys(0));
            let (mut keys, mut expires) = (0, 0);
            let engine = test.engine.as_ref();
            let tier = ReadTier::Disk;
            scan::walk(engine, 0, (0, None), u64::MAX, test.now_ms, tier, |visited| {
                keys += 1;
                expires += u64::from(visited.deadline_ms.is_some());
                ControlFlow::Continue(())
            })
            .unwrap();
            assert_eq!((counted.keys, counted.expires), (keys, expires), "step {step}");
        }
    }

    #[test]
    fn a_key_whose_deadline_has_passed_is_never_stored() {
        let mut test = TestShard::new();
        let past = test.now_ms;
        assert_eq!(test.run(&format!("SET new v PXAT {past}")), "+OK");
        assert_eq!(test.shard.census.standing(0).keys, 0);
        let written = test.shard.written();
        assert_eq!(test.run(&format!("SET new v PXAT {past}")), "+OK");
        assert_eq!(test.shard.written(), written, "nothing is written for it");
        for line in ["SET old v PXAT", "PEXPIREAT old", "GETEX old PXAT"] {
            test.run("SET old v EX 1000");
            test.run(&format!("{line} {past}"));
            assert_eq!(test.shard.census.standing(0).keys, 0, "{line}");
            assert_eq!(test.shard.census.standing(0).expires, 0, "{line}");
        }
    }
}
