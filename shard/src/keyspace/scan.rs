//! Walking over the keys of one shard in order of position.

use std::ops::ControlFlow;

use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier};
use crate::keyspace::head::{self, Kind};
use crate::keyspace::layout;

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
/// (`None`: to the last), at least `at_least` records unless there are fewer, and always all keys
/// of an equal position, until `visit` breaks. Returns where to go on; `None` when the range is
/// done, or was broken off.
pub fn walk(
    engine: &dyn Engine,
    db: u8,
    (from, end): (u64, Option<u64>),
    at_least: usize,
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
    let mut seen = 0usize;
    let mut last = None;
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
        if seen >= at_least && last != Some(position) {
            end = Ok(Some(position));
            return ControlFlow::Break(());
        }
        seen += 1;
        last = Some(position);
        if deadline_ms.is_none_or(|deadline| deadline > now_ms) {
            return visit(Visited { key, kind, deadline_ms });
        }
        ControlFlow::Continue(())
    })?;
    end
}
