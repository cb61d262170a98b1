//! A shard's database after a loss that was accepted. What could be saved may be of different
//! times, or a table of another shard that stood in a wrong place, so what is said twice may not
//! agree: keys that belong to another shard go, and deadlines and counts are made anew from the
//! keys that are there. (Elements without a head go with the next compaction, as always.)

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;

use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier};
use crate::keyspace::counts::{Counts, SlotCount};
use crate::keyspace::head;
use crate::keyspace::layout::{self, RecordKey};

/// Records that are looked at, and then changed, at a time.
const PIECE: usize = 10_000;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Keys that are there.
    pub keys: u64,
    /// Keys of other shards, which were removed.
    pub foreign: u64,
}

/// Changes to the records of one family: a value to be put, or `None`.
type Changes = Vec<(Family, RecordKey, Option<Bytes>)>;

/// See the module; `is_own` tells whether a slot is this shard's. Blocks, for as long as reading
/// every key takes.
pub fn mend(engine: &dyn Engine, is_own: &dyn Fn(u16) -> bool) -> Result<Mended, EngineError> {
    let mut mended = Mended::default();
    let mut counts = BTreeMap::<(u8, u16), SlotCount>::new();
    over(engine, Family::Heads, (b"", b""), &mut |record_key, record, changes| {
        let Some((db, position, key)) = layout::parse_head_key(record_key) else { return Ok(()) };
        let slot = layout::slot_of(position);
        if !is_own(slot) {
            mended.foreign += 1;
            changes.push((Family::Heads, record_key.into(), None));
            return Ok(());
        }
        mended.keys += 1;
        let count = counts.entry((db, slot)).or_default();
        count.keys += 1;
        // What cannot be read is an error to whoever asks for it, and stays.
        if let Ok((_, Some(deadline_ms))) = head::peek(record) {
            count.expires += 1;
            let deadline = layout::expiry_key(db, deadline_ms, key);
            if engine.get(Family::Expiry, &deadline, ReadTier::Disk)?.is_none() {
                changes.push((Family::Expiry, deadline, Some(Bytes::new())));
            }
        }
        Ok(())
    })?;
    over(engine, Family::Expiry, (b"", b""), &mut |record_key, _, changes| {
        let Some((db, deadline_ms, key)) = layout::parse_expiry_key(record_key) else {
            return Ok(());
        };
        let head = engine.get(Family::Heads, &layout::head_key(db, key), ReadTier::Disk)?;
        let deadline = head.and_then(|record| head::peek(&record).ok()?.1);
        if deadline != Some(deadline_ms) {
            changes.push((Family::Expiry, record_key.into(), None));
        }
        Ok(())
    })?;
    over(engine, Family::Meta, (b"c", b"d"), &mut |record_key, _, changes| {
        changes.push((Family::Meta, record_key.into(), None));
        Ok(())
    })?;
    let counts: Vec<_> = counts.into_iter().collect();
    for piece in counts.chunks(PIECE) {
        engine.write(&mut |writes| {
            for ((db, slot), count) in piece {
                Counts::record(writes, *db, *slot, *count);
            }
        })?;
        engine.drain(Duration::ZERO)?;
    }
    engine.flush_log_off_loop()?;
    Ok(mended)
}

/// Takes a record, and adds what is to be changed.
type Look<'a> = dyn FnMut(&[u8], &[u8], &mut Changes) -> Result<(), EngineError> + 'a;

/// Looks at every record of a family from the first bound up to the second.
fn over(
    engine: &dyn Engine,
    family: Family,
    (from, upper): (&[u8], &[u8]),
    look: &mut Look<'_>,
) -> Result<(), EngineError> {
    let mut lower = RecordKey::from_slice(from);
    loop {
        let (mut seen, mut changes, mut failed) = (0, Changes::new(), None);
        let range = Range {
            family,
            lower: &lower.clone(),
            upper,
            direction: Direction::Forward,
            tier: ReadTier::Disk,
        };
        engine.range(range, &mut |record_key, record| {
            failed = look(record_key, record, &mut changes).err();
            seen += 1;
            // The next piece begins right behind it.
            lower = RecordKey::from_slice(record_key);
            lower.push(0);
            if failed.is_some() || seen == PIECE {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
        if !changes.is_empty() {
            engine.write(&mut |writes| {
                for (family, key, value) in &changes {
                    match value {
                        Some(value) => writes.put(*family, key, value),
                        None => writes.delete(*family, key),
                    }
                }
            })?;
            engine.drain(Duration::ZERO)?;
        }
        if seen < PIECE {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::map_engine::MemoryEngine;
    use crate::keyspace::head::Head;

    #[test]
    fn what_does_not_agree_is_made_to() {
        let engine = MemoryEngine::default();
        let head = |deadline| Head::string(Bytes::from_static(b"v")).with_deadline(deadline);
        let own = |key: &[u8]| layout::slot(key) < 8000;
        let keys: Vec<String> = (0..2 * PIECE + 7).map(|key| format!("key:{key}")).collect();
        engine
            .write(&mut |writes| {
                for key in &keys {
                    let record = head(None).encode();
                    writes.put(Family::Heads, &layout::head_key(3, key.as_bytes()), &record);
                }
                for (key, deadline) in [(&b"bar"[..], 50), (b"hello", 60)] {
                    let record = head(Some(deadline)).encode();
                    writes.put(Family::Heads, &layout::head_key(0, key), &record);
                }
                // A deadline that is no longer the key's, and one of a key that is not there.
                for (deadline, key) in [(40, &b"bar"[..]), (60, b"hello"), (60, b"gone")] {
                    let empty = Bytes::new();
                    writes.put(Family::Expiry, &layout::expiry_key(0, deadline, key), &empty);
                }
                let wrong = SlotCount { keys: 9, expires: 9 };
                Counts::record(writes, 0, 12_000, wrong);
                Counts::record(writes, 0, layout::slot(b"bar"), wrong);
            })
            .unwrap();
        let mended = mend(&engine, &|slot| slot < 8000).unwrap();
        let counts = Counts::load(&engine).unwrap();
        let owned = keys.iter().filter(|key| own(key.as_bytes())).count() as u64;
        assert!(own(b"bar") && own(b"hello"));
        assert_eq!(mended, Mended { keys: owned + 2, foreign: keys.len() as u64 - owned });
        assert_eq!(counts.total(3), SlotCount { keys: owned, expires: 0 });
        assert_eq!(counts.total(0), SlotCount { keys: 2, expires: 2 });
        let mut deadlines = Vec::new();
        over(&engine, Family::Expiry, (b"", b""), &mut |record_key, _, _| {
            deadlines.push(RecordKey::from_slice(record_key));
            Ok(())
        })
        .unwrap();
        let expected = [layout::expiry_key(0, 50, b"bar"), layout::expiry_key(0, 60, b"hello")];
        assert_eq!(deadlines, expected);
        // What agrees stays as it is.
        let again = mend(&engine, &|slot| slot < 8000).unwrap();
        assert_eq!(again, Mended { foreign: 0, ..mended });
    }
}
