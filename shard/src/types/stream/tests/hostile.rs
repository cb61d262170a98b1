//! Records that nobody wrote like that: every command ends, with whatever reply.

use std::ops::ControlFlow;

use bytes::Bytes;

use crate::engine::{Direction, Engine, Family, Range, ReadTier};
use crate::oracle::Random;
use crate::testing::TestShard;

const ROUNDS: usize = 3000;

const COMMANDS: &[&str] = &[
    "XADD s * f v",
    "XADD s MAXLEN ~ 3 * f v",
    "XLEN s",
    "XRANGE s - +",
    "XREVRANGE s + - COUNT 5",
    "XREAD STREAMS s 0",
    "XDEL s 5-0 6-0 30-0",
    "XTRIM s MAXLEN ~ 12",
    "XTRIM s MINID ~ 20",
    "XTRIM s MAXLEN 3",
    "XSETID s 999999999999999",
    "XINFO STREAM s FULL COUNT 0",
    "XINFO STREAM s",
    "XINFO GROUPS s",
    "XINFO CONSUMERS s g",
    "XGROUP CREATE s new 0",
    "XGROUP SETID s g 0",
    "XGROUP CREATECONSUMER s g new",
    "XGROUP DELCONSUMER s g c1",
    "XGROUP DESTROY s g",
    "XREADGROUP GROUP g c1 STREAMS s >",
    "XREADGROUP GROUP g c2 COUNT 9 STREAMS s 0",
    "XREADGROUP GROUP h c3 STREAMS s >",
    "XACK s g 3-0 4-0 9-0",
    "XPENDING s g",
    "XPENDING s g - + 1000",
    "XPENDING s g - + 1000 c1",
    "XCLAIM s g c2 0 7-0 8-0 50-0 FORCE",
    "XAUTOCLAIM s g c0 0 - COUNT 30",
    "DUMP s",
    "MEMORY USAGE s",
];

type Records = Vec<(Family, Vec<u8>, Bytes)>;

fn records(shard: &TestShard) -> Records {
    let mut found = Vec::new();
    for family in [Family::Heads, Family::Elements] {
        let (direction, tier) = (Direction::Forward, ReadTier::Disk);
        let range = Range { family, lower: &[], upper: &[], direction, tier };
        let mut visit = |key: &[u8], value: &[u8]| {
            found.push((family, key.to_vec(), Bytes::copy_from_slice(value)));
            ControlFlow::Continue(())
        };
        shard.engine.range(range, &mut visit).unwrap();
    }
    found
}

fn restore(shard: &mut TestShard, whole: &Records) {
    let there = records(shard);
    let mut write = |writes: &mut dyn crate::engine::Writes| {
        for (family, key, _) in &there {
            writes.delete(*family, key);
        }
        for (family, key, value) in whole {
            writes.put(*family, key, value);
        }
    };
    shard.engine.write(&mut write).unwrap();
    shard.shard.cache().clear();
}

fn damaged(value: &Bytes, random: &mut Random) -> Bytes {
    let mut bytes = value.to_vec();
    for _ in 0..=random.below(2) {
        let at = random.below(bytes.len().max(1));
        match random.below(4) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at.min(bytes.len()), random.below(256) as u8),
            2 if at < bytes.len() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][random.below(5)],
            _ if at < bytes.len() => bytes[at] ^= 1 << random.below(8),
            _ => {}
        }
    }
    Bytes::from(bytes)
}

#[test]
fn every_command_ends_on_damaged_records() {
    let mut random = Random::new();
    let mut shard = TestShard::new();
    shard.settings.stream_node_max_entries = 5;
    for number in 1..=60 {
        shard.run(&format!("XADD s {number}-0 field a-value-that-is-somewhat-longer-{number}"));
    }
    for group in ["g", "h"] {
        shard.run(&format!("XGROUP CREATE s {group} 0"));
        for consumer in 0..4 {
            shard.run(&format!("XREADGROUP GROUP {group} c{consumer} COUNT 12 STREAMS s >"));
        }
    }
    let whole = records(&shard);
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let (family, key, value) = &whole[random.below(whole.len())];
        let value = damaged(value, &mut random);
        shard.engine.write(&mut |writes| writes.put(*family, key, &value)).unwrap();
        shard.shard.cache().clear();
        for _ in 0..4 {
            let reply = shard.run(random.pick(COMMANDS));
            refused += usize::from(reply.starts_with("-CORRUPTED"));
        }
        restore(&mut shard, &whole);
    }
    assert!(refused > ROUNDS / 10, "only {refused}");
}
