//! Tests of the hash commands, in both forms and both protocols: replies and errors (`commands`),
//! the two forms (`forms`), fields in the hot cache (`hot`), HSCAN (`scan`), HRANDFIELD
//! (`random`), and random programs against a model (`model`) and against redis-server (`oracle`).

mod commands;
mod forms;
mod hot;
mod model;
mod oracle;
mod random;
mod scan;

use crate::keyspace::head::{Body, Head, Large};
use crate::testing::TestShard;

/// A shard whose hashes are small, and one whose hashes are large from the first field on.
fn both_forms() -> [TestShard; 2] {
    let small = TestShard::new();
    let mut large = TestShard::new();
    large.settings.hash_max_listpack_entries = 0;
    [small, large]
}

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

/// What the record of a key says, expired or not.
fn head(shard: &TestShard, key: &str) -> Option<Head> {
    use crate::engine::{Engine, Family, ReadTier};
    let record_key = crate::keyspace::layout::head_key(0, key.as_bytes());
    let record = shard.engine.get(Family::Heads, &record_key, ReadTier::Disk).unwrap();
    record.map(|record| Head::decode(record).unwrap())
}

fn large(shard: &TestShard, key: &str) -> Option<Large> {
    match head(shard, key)?.body {
        Body::Large(large, _) => Some(large),
        Body::Inline(_) => None,
    }
}
