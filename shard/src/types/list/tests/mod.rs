//! Tests of the list commands, in both forms and both protocols: replies and errors (`commands`),
//! the two forms (`forms`), long elements (`long`), lists on several shards (`several`), and random
//! programs against a model (`model`) and against redis-server (`oracle`).

mod commands;
mod forms;
mod long;
mod model;
mod oracle;
mod several;

use std::ops::ControlFlow;

use super::encoding::Extra;
use crate::engine::{Direction, Engine, Family, Range, ReadTier};
use crate::keyspace::head::{Body, Head, Large};
use crate::keyspace::layout;
use crate::testing::TestShard;

/// A shard whose lists are small, and one whose lists are large from the second element on.
fn both_forms() -> [TestShard; 2] {
    let small = TestShard::new();
    let mut large = TestShard::new();
    large.settings.list_max_listpack_size = 1;
    [small, large]
}

/// Runs the commands one after the other and compares the replies.
#[track_caller]
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
    let record_key = layout::head_key(0, key.as_bytes());
    let record = shard.engine.get(Family::Heads, &record_key, ReadTier::Disk).unwrap();
    record.map(|record| Head::decode(record).unwrap())
}

/// What a large list has in its head.
fn large(shard: &TestShard, key: &str) -> Option<(Large, Extra)> {
    match head(shard, key)?.body {
        Body::Large(large, extension) => {
            Some((large, Extra::decode(&large, &extension).ok().unwrap()))
        }
        Body::Inline(_) => None,
    }
}

/// The names of the records of a large list, in order.
fn records(shard: &TestShard, key: &str) -> Vec<Vec<u8>> {
    let Some((large, _)) = large(shard, key) else { return Vec::new() };
    let prefix = layout::element_prefix(&layout::head_key(0, key.as_bytes()), large.version);
    let range = Range {
        family: Family::Elements,
        lower: &prefix,
        upper: &layout::prefix_end(&prefix),
        direction: Direction::Forward,
        tier: ReadTier::Disk,
    };
    let mut names = Vec::new();
    let collect = &mut |place: &[u8], _: &[u8]| {
        names.push(place[prefix.len()..].to_vec());
        ControlFlow::Continue(())
    };
    shard.engine.range(range, collect).unwrap();
    names
}

/// Elements as words, `prefix` and a number in each.
fn words(prefix: &str, numbers: std::ops::Range<usize>) -> String {
    numbers.map(|number| format!("{prefix}{number}")).collect::<Vec<_>>().join(" ")
}

/// An array of these words as it is shown.
fn array(words: &str) -> String {
    let all: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
    let items: String = all.iter().map(|word| format!(" ${} {word}", word.len())).collect();
    format!("*{}{items}", all.len())
}
