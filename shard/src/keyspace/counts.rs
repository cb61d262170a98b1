//! How many keys there are: exactly, at all times, per physical database and slot.
//!
//! The number of a slot is written in the same batch as the keys that change it, so it is as
//! durable and as right as they are; at start the slots are read back and added up. Tables stay in
//! memory per database that was ever used, with a prefix-sum tree for drawing a slot in proportion
//! to its keys.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier, Writes};
use crate::keyspace::layout::{self, SLOTS};

/// Keys of one slot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlotCount {
    /// All keys, expired ones that were not removed yet included.
    pub keys: u64,
    /// Those with a deadline.
    pub expires: u64,
}

impl std::iter::Sum for SlotCount {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::default(), |sum, count| Self {
            keys: sum.keys + count.keys,
            expires: sum.expires + count.expires,
        })
    }
}

/// Change of a slot's count by one command.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Keys added less keys removed.
    pub keys: i64,
    /// Deadlines added less deadlines removed.
    pub expires: i64,
}

struct Database {
    slots: Vec<SlotCount>,
    /// Fenwick tree over `keys` by slot, 1-based.
    tree: Vec<u64>,
    total: SlotCount,
}

impl Database {
    fn new() -> Self {
        let slots = usize::from(SLOTS);
        Self {
            slots: vec![SlotCount::default(); slots],
            tree: vec![0; slots + 1],
            total: SlotCount::default(),
        }
    }

    fn set(&mut self, slot: u16, count: SlotCount) {
        let old = std::mem::replace(&mut self.slots[usize::from(slot)], count);
        self.total.keys = self.total.keys - old.keys + count.keys;
        self.total.expires = self.total.expires - old.expires + count.expires;
        let mut node = usize::from(slot) + 1;
        while node < self.tree.len() {
            self.tree[node] = self.tree[node] - old.keys + count.keys;
            node += node & node.wrapping_neg();
        }
    }

    /// The slot that holds the key number `rank` (from 0) in order of slots.
    fn slot_of_rank(&self, mut rank: u64) -> u16 {
        let mut node = 0;
        let mut step = usize::from(SLOTS);
        while step > 0 {
            let next = node + step;
            if next < self.tree.len() && self.tree[next] <= rank {
                rank -= self.tree[next];
                node = next;
            }
            step /= 2;
        }
        // `node` slots lie wholly below the rank.
        node.min(usize::from(SLOTS) - 1) as u16
    }
}

/// Database, slot and count out of a record.
fn parse(key: &[u8], value: &[u8]) -> Result<(u8, u16, SlotCount), EngineError> {
    let (&[_, db, high, low], [keys @ .., _, _, _, _, _, _, _, _]) = (
        <&[u8; 4]>::try_from(key).map_err(|_| damaged())?,
        <&[u8; 16]>::try_from(value).map_err(|_| damaged())?,
    );
    let slot = u16::from_be_bytes([high, low]);
    if slot >= SLOTS {
        return Err(damaged());
    }
    let mut expires = [0; 8];
    expires.copy_from_slice(&value[8..]);
    let count = SlotCount { keys: u64::from_le_bytes(*keys), expires: u64::from_le_bytes(expires) };
    Ok((db, slot, count))
}

/// The counts of one shard.
#[derive(Default)]
pub struct Counts {
    databases: Vec<Option<Box<Database>>>,
}

impl Counts {
    /// Reads the counts of a shard from its database. Blocks.
    pub fn load(engine: &dyn Engine) -> Result<Self, EngineError> {
        let mut counts = Counts::default();
        let mut damage = None;
        let range = Range {
            family: Family::Meta,
            lower: b"c",
            upper: b"d",
            direction: Direction::Forward,
            tier: ReadTier::Disk,
        };
        engine.range(range, &mut |key, value| match parse(key, value) {
            Ok((db, slot, count)) => {
                counts.database(db).set(slot, count);
                ControlFlow::Continue(())
            }
            Err(error) => {
                damage = Some(error);
                ControlFlow::Break(())
            }
        })?;
        if let Some(error) = damage {
            return Err(error);
        }
        Ok(counts)
    }

    fn database(&mut self, db: u8) -> &mut Database {
        let index = usize::from(db);
        if self.databases.len() <= index {
            self.databases.resize_with(index + 1, || None);
        }
        self.databases[index].get_or_insert_with(|| Box::new(Database::new()))
    }

    /// Keys and deadlines of a whole database.
    pub fn total(&self, db: u8) -> SlotCount {
        self.databases
            .get(usize::from(db))
            .and_then(Option::as_ref)
            .map_or_else(SlotCount::default, |database| database.total)
    }

    /// Keys and deadlines of one slot.
    pub fn slot(&self, db: u8, slot: u16) -> SlotCount {
        self.databases
            .get(usize::from(db))
            .and_then(Option::as_ref)
            .and_then(|database| database.slots.get(usize::from(slot)).copied())
            .unwrap_or_default()
    }

    /// The slot of the key number `rank` of the database, counted in order of slots.
    pub fn slot_of_rank(&self, db: u8, rank: u64) -> Option<u16> {
        let database = self.databases.get(usize::from(db))?.as_ref()?;
        (rank < database.total.keys).then(|| database.slot_of_rank(rank))
    }

    /// The slots of the deadlines with these numbers, counted in order of slots.
    pub fn slots_of_deadlines(&self, db: u8, mut ranks: Vec<u64>) -> Vec<u16> {
        ranks.sort_unstable();
        let mut ranks = ranks.into_iter().peekable();
        let mut found = Vec::with_capacity(ranks.len());
        let mut end = 0;
        for slot in 0..SLOTS {
            end += self.slot(db, slot).expires;
            while ranks.next_if(|rank| *rank < end).is_some() {
                found.push(slot);
            }
        }
        found
    }

    /// What the count of a slot will be after `change`.
    pub fn after(&self, db: u8, slot: u16, change: Change) -> SlotCount {
        let now = self.slot(db, slot);
        SlotCount {
            keys: now.keys.saturating_add_signed(change.keys),
            expires: now.expires.saturating_add_signed(change.expires),
        }
    }

    /// Adds the record of a slot's new count to a batch.
    pub fn record(writes: &mut dyn Writes, db: u8, slot: u16, count: SlotCount) {
        let key = layout::counts_key(db, slot);
        if count == SlotCount::default() {
            writes.delete(Family::Meta, &key);
            return;
        }
        let mut value = [0; 16];
        value[..8].copy_from_slice(&count.keys.to_le_bytes());
        value[8..].copy_from_slice(&count.expires.to_le_bytes());
        writes.put(Family::Meta, &key, &Bytes::copy_from_slice(&value));
    }

    /// Takes over a count whose batch was written.
    pub fn set(&mut self, db: u8, slot: u16, count: SlotCount) {
        self.database(db).set(slot, count);
    }

    /// Forgets a database that was flushed.
    pub fn clear(&mut self, db: u8) {
        if let Some(database) = self.databases.get_mut(usize::from(db)) {
            *database = None;
        }
    }
}

fn damaged() -> EngineError {
    EngineError::Corrupted("counts record".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::map_engine::MemoryEngine;

    #[test]
    fn counts_survive_a_reload() {
        let engine = MemoryEngine::default();
        let mut counts = Counts::default();
        for (db, slot, change) in [
            (0, 7, Change { keys: 3, expires: 1 }),
            (0, 16383, Change { keys: 1, expires: 0 }),
            (5, 0, Change { keys: 2, expires: 2 }),
            (5, 0, Change { keys: -2, expires: -2 }),
        ] {
            let after = counts.after(db, slot, change);
            engine.write(&mut |writes| Counts::record(writes, db, slot, after)).unwrap();
            counts.set(db, slot, after);
        }
        let loaded = Counts::load(&engine).unwrap();
        for counts in [&counts, &loaded] {
            assert_eq!(counts.total(0), SlotCount { keys: 4, expires: 1 });
            assert_eq!(counts.total(5), SlotCount::default());
            assert_eq!(counts.slot(0, 7), SlotCount { keys: 3, expires: 1 });
        }
    }

    #[test]
    fn every_rank_finds_its_slot() {
        let mut counts = Counts::default();
        let filled = [(0u16, 2), (1, 1), (900, 5), (16383, 3)];
        for (slot, keys) in filled {
            counts.set(0, slot, SlotCount { keys, expires: 0 });
        }
        let expected: Vec<u16> = filled
            .iter()
            .flat_map(|(slot, keys)| std::iter::repeat_n(*slot, *keys as usize))
            .collect();
        let found: Vec<u16> = (0..11).map(|rank| counts.slot_of_rank(0, rank).unwrap()).collect();
        assert_eq!(found, expected);
        assert_eq!(counts.slot_of_rank(0, 11), None);
        assert_eq!(counts.slot_of_rank(1, 0), None);
    }
}
