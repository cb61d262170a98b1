//! Walking over the keys of one shard in order of position.

use std::ops::ControlFlow;

use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier};
use crate::keyspace::cursor::Page;
use crate::keyspace::head::{self, Kind};
use crate::keyspace::layout;

/// Records that a walk in memory visits: beyond that it would keep the loop.
const VISITED_IN_MEMORY_MAX: u64 = 1024;

/// One key met on the way.
pub struct Visited<'a> {
    /// The key's name.
    pub key: &'a [u8],
    /// Its type.
    pub kind: Kind,
    /// Its deadline.
    pub deadline_ms: Option<u64>,
}

/// Visits the live keys of physical database `db` from position `from` on, below position `end`
/// (`None`: to the last), at least `at_least` records unless there are fewer, and always whole
/// groups, until `visit` breaks. Returns the cursor to go on with; `None` when the range is done,
/// or was broken off. In memory it ends with `NotInMemory` when there is too much to be visited.
pub fn walk(
    engine: &dyn Engine,
    db: u8,
    (from, end): (u64, Option<u64>),
    at_least: u64,
    now_ms: u64,
    tier: ReadTier,
    mut visit: impl FnMut(Visited<'_>) -> ControlFlow<()>,
) -> Result<Option<u64>, EngineError> {
    let lower = layout::head_key_at(db, from, b"");
    let upper = match end {
        Some(end) => layout::head_key_at(db, end, b""),
        None => layout::prefix_end(&[db]),
    };
    if !upper.is_empty() && lower >= upper {
        return Ok(None);
    }
    let range = Range {
        family: Family::Heads,
        lower: &lower,
        upper: &upper,
        direction: Direction::Forward,
        tier,
    };
    let seen_max = if tier == ReadTier::Disk { u64::MAX } else { VISITED_IN_MEMORY_MAX };
    let mut page = Page::new(at_least);
    let mut end = Ok(None);
    engine.range(range, &mut |record_key, record| {
        let parsed = layout::parse_head_key(record_key)
            .ok_or_else(|| EngineError::Corrupted("head key".into()))
            .and_then(|(_, position, key)| Ok((position, key, head::peek(record)?)));
        let (position, key, (kind, deadline_ms)) = match parsed {
            Ok(parsed) => parsed,
            Err(error) => {
                end = Err(error);
                return ControlFlow::Break(());
            }
        };
        if let Some(next) = page.ends_before(position) {
            end = Ok(Some(next));
            return ControlFlow::Break(());
        }
        if page.seen() > seen_max {
            end = Err(EngineError::NotInMemory);
            return ControlFlow::Break(());
        }
        if deadline_ms.is_none_or(|deadline| deadline > now_ms) {
            return visit(Visited { key, kind, deadline_ms });
        }
        ControlFlow::Continue(())
    })?;
    end
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::engine::map_engine::MemoryEngine;
    use crate::keyspace::cursor;
    use crate::keyspace::head::Head;

    /// An engine with keys `k0`, `k1` … at these positions.
    fn engine(positions: &[u64]) -> MemoryEngine {
        let engine = MemoryEngine::default();
        let record = Head::inline(Kind::String, Bytes::from_static(b"v")).encode();
        engine
            .write(&mut |writes| {
                for (index, position) in positions.iter().enumerate() {
                    let key = layout::head_key_at(0, *position, format!("k{index}").as_bytes());
                    writes.put(Family::Heads, &key, &record);
                }
            })
            .unwrap();
        engine
    }

    fn page(
        engine: &MemoryEngine,
        (cursor, count): (u64, u64),
        tier: ReadTier,
    ) -> Result<(Option<u64>, usize), EngineError> {
        let from = cursor::first_position(cursor).unwrap();
        let mut keys = 0;
        let next = walk(engine, 0, (from, None), count, 1, tier, |_| {
            keys += 1;
            ControlFlow::Continue(())
        })?;
        Ok((next, keys))
    }

    #[test]
    fn keys_that_share_a_cursor_come_together_however_few_are_wanted() {
        let group = 0x1234 << 11;
        let engine = engine(&[5, group, group + 1, group + 2047, group + 2048]);
        assert_eq!(page(&engine, (0, 1), ReadTier::Memory), Ok((Some(0x1234), 1)));
        assert_eq!(page(&engine, (0x1234, 1), ReadTier::Memory), Ok((Some(0x1235), 3)));
        assert_eq!(page(&engine, (0x1235, 1), ReadTier::Memory), Ok((None, 1)));
    }

    #[test]
    fn a_crowded_cursor_does_not_keep_the_loop() {
        let crowd = VISITED_IN_MEMORY_MAX + 1;
        let positions = (0..crowd).map(|index| index % 2048).chain([1 << 60]);
        let engine = engine(&positions.collect::<Vec<u64>>());
        assert_eq!(page(&engine, (0, 1), ReadTier::Memory), Err(EngineError::NotInMemory));
        let all_of_it = Ok((Some(cursor::at(1 << 60)), crowd as usize));
        assert_eq!(page(&engine, (0, 1), ReadTier::Disk), all_of_it);
    }
}
