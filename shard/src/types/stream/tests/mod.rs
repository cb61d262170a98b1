//! Tests of the stream commands: replies, forms and damage (`commands`), nodes (`nodes`), DUMP and
//! RESTORE (`dump`), records that nobody wrote (`hostile`), and random programs against
//! redis-server (`oracle`).

mod commands;
mod dump;
mod hostile;
mod nodes;
mod oracle;

use std::ops::ControlFlow;

use crate::engine::{Direction, Engine, Family, Range, ReadTier};
use crate::keyspace::head::Head;
use crate::keyspace::layout;
use crate::testing::TestShard;

/// Runs the commands one after the other and compares the replies.
fn check(shard: &mut TestShard, dialogue: &[(&str, &str)]) {
    for (command, reply) in dialogue {
        assert_eq!(shard.run(command), *reply, "{command}");
    }
}

/// From now on everything stands on the disk.
fn chill(shard: &mut TestShard) {
    shard.shard.cache().clear();
    shard.engine.set_cold(true);
}

/// What the record of a key says.
fn head(shard: &TestShard, key: &str) -> Option<Head> {
    let record_key = layout::head_key(0, key.as_bytes());
    let record = shard.engine.get(Family::Heads, &record_key, ReadTier::Disk).unwrap();
    record.map(|record| Head::decode(record).unwrap())
}

/// Number of element records, of all keys.
fn elements(shard: &TestShard) -> usize {
    let range = Range {
        family: Family::Elements,
        lower: &[],
        upper: &[],
        direction: Direction::Forward,
        tier: ReadTier::Disk,
    };
    let mut count = 0;
    let mut visit = |_: &[u8], _: &[u8]| {
        count += 1;
        ControlFlow::Continue(())
    };
    shard.engine.range(range, &mut visit).unwrap();
    count
}
