//! Drawing one of a shard's keys.

use std::ops::ControlFlow;

use crate::engine::{Engine, EngineError, ReadTier};
use crate::keyspace::{layout, sample, scan};
use crate::random::Random;

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
