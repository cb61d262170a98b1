//! Tests of the sorted-set commands, in both forms and both protocols: what redis-server 7.0
//! cannot be asked (`commands`), the two forms and damaged records (`forms`), ranges by member
//! (`members`), what is drawn at random (`random`), DUMP and RESTORE (`dump`), and random programs
//! against a model (`model`) and against redis-server (`oracle`).

mod commands;
mod dump;
mod forms;
mod members;
mod model;
mod oracle;
mod random;

use crate::testing::TestShard;

/// A shard whose sorted sets are small, and one whose are large from the first member on.
fn both_forms() -> [TestShard; 2] {
    let small = TestShard::new();
    let mut large = TestShard::new();
    large.settings.zset_max_listpack_entries = 0;
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
