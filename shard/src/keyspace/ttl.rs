//! How long the keys with a deadline have to live on average. Few deadlines are all read; of many,
//! a sample, as Redis takes one: the first key with a deadline behind random places of the hash
//! space, in slots drawn in proportion to their deadlines.

use std::ops::ControlFlow;

use crate::engine::{Direction, Engine, EngineError, Family, Range, ReadTier};
use crate::keyspace::{head, layout};
use crate::random::Random;

/// So many deadlines are all read.
pub(crate) const ALL_READ_MAX: u64 = 1_000;
/// Slots that are looked into.
pub(crate) const SAMPLES: usize = 32;
/// Bytes of records that are read from a place before there is a key with a deadline.
const WALKED_BYTES_MAX: usize = 64 << 10;

/// What to look at.
pub enum Sample {
    /// All deadlines.
    All,
    /// Keys of these slots.
    Slots(Vec<u16>),
}

/// The mean time to live of the keys in a sample, in ms; `None`: there were none. Blocks.
pub fn mean_ms(
    engine: &dyn Engine,
    random: &mut Random,
    db: u8,
    sample: &Sample,
    now_ms: u64,
) -> Result<Option<f64>, EngineError> {
    let (mut sum_ms, mut count) = (0.0, 0u64);
    let mut take = |deadline_ms: u64| {
        if deadline_ms > now_ms {
            sum_ms += (deadline_ms - now_ms) as f64;
            count += 1;
        }
    };
    match sample {
        Sample::All => {
            let range = Range {
                family: Family::Expiry,
                lower: &layout::expiry_key(db, now_ms.saturating_add(1), b""),
                upper: &layout::prefix_end(&[db]),
                direction: Direction::Forward,
                tier: ReadTier::Disk,
            };
            let mut left = ALL_READ_MAX;
            engine.range(range, &mut |record_key, _| {
                if let Some((_, deadline_ms, _)) = layout::parse_expiry_key(record_key) {
                    take(deadline_ms);
                }
                left -= 1;
                if left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
        }
        Sample::Slots(slots) => {
            for slot in slots {
                let first = u64::from(*slot) << layout::HASH_BITS;
                let from = first + random.below(1 << layout::HASH_BITS);
                let end = first.checked_add(1 << layout::HASH_BITS);
                for range in [(from, end), (first, Some(from))] {
                    if let Some(deadline_ms) = first_deadline(engine, db, range)? {
                        take(deadline_ms);
                        break;
                    }
                }
            }
        }
    }
    Ok((count > 0).then(|| sum_ms / count as f64))
}

/// The first deadline of a key between two positions, if it comes soon.
fn first_deadline(
    engine: &dyn Engine,
    db: u8,
    (from, end): (u64, Option<u64>),
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
        tier: ReadTier::Disk,
    };
    let mut found = Ok(None);
    let mut walked = 0;
    engine.range(range, &mut |record_key, record| {
        walked += record_key.len() + record.len();
        found = head::peek(record).map(|(_, deadline_ms)| deadline_ms);
        if matches!(found, Ok(None)) && walked < WALKED_BYTES_MAX {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    })?;
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestShard;

    #[test]
    fn few_deadlines_are_all_read_and_many_are_sampled() {
        for keys in [1u64, 100, 3_000] {
            let mut test = TestShard::new();
            for key in 0..keys {
                // Between 500 and 1,500 seconds, 1,000 on average.
                test.run(&format!("SET key{key} v PX {}", 500_000 + key * 1_000_000 / keys));
                test.run(&format!("SET forever{key} v"));
            }
            test.run("SET past v PX 1");
            test.now_ms += 10;
            let sample = test.shard.ttl_sample(0);
            assert_eq!(matches!(sample, Sample::All), keys < 1_000, "{keys}");
            let engine = test.engine.clone();
            let mut random = Random::new(3);
            let mean = mean_ms(engine.as_ref(), &mut random, 0, &sample, test.now_ms);
            let mean = mean.unwrap().unwrap();
            let expected = if keys == 1 { 500_000.0 } else { 1_000_000.0 };
            // Of a sample of 32: five standard deviations of its mean.
            assert!((mean - expected).abs() < 260_000.0, "{keys}: {mean}");
            let nobody = mean_ms(engine.as_ref(), &mut random, 1, &Sample::All, test.now_ms);
            assert_eq!(nobody, Ok(None));
        }
    }
}
