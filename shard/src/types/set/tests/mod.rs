//! Tests of the set commands, in all forms and both protocols: replies and errors (`commands`),
//! the forms (`forms`), commands on several sets (`several`), SSCAN (`scan`), SPOP and SRANDMEMBER
//! (`random`), and random programs against a model (`model`) and against redis-server (`oracle`).

mod commands;
mod forms;
mod model;
mod oracle;
mod random;
mod scan;
mod several;

use crate::keyspace::head::{Body, Head, Large};
use crate::testing::TestShard;

/// A shard whose sets are small, and one whose sets are large from the first member on.
fn both_forms() -> [TestShard; 2] {
    let small = TestShard::new();
    let mut large = TestShard::new();
    large.settings.set_max_intset_entries = 0;
    large.settings.set_max_listpack_entries = 0;
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

/// What OBJECT ENCODING says of a key.
fn form(shard: &mut TestShard, key: &str) -> String {
    shard.run(&format!("OBJECT ENCODING {key}")).split(' ').next_back().unwrap().to_owned()
}

/// The elements of a reply that is one array or set of them.
fn elements(reply: &str) -> Vec<String> {
    reply.split(' ').skip(2).step_by(2).map(str::to_owned).collect()
}

/// The same in the order of their bytes.
fn sorted(reply: &str) -> Vec<String> {
    let mut elements = elements(reply);
    elements.sort();
    elements
}
