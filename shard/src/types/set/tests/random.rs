//! SPOP and SRANDMEMBER: their shapes, and that they are as random as they say.

use std::collections::{BTreeMap, BTreeSet};

use super::{both_forms, check, chill, elements};
use crate::resp::Protocol;
use crate::testing::TestShard;

fn filled(mut shard: TestShard, prefix: &str, count: usize) -> TestShard {
    let members: String = (0..count).map(|number| format!(" {prefix}{number}")).collect();
    shard.run(&format!("SADD s{members}"));
    shard
}

/// Sets of all forms with so many members, up to 500.
fn all_forms(count: usize) -> Vec<TestShard> {
    let mut packed = TestShard::new();
    packed.settings.set_max_listpack_entries = 500;
    let [integers, large] = both_forms();
    vec![filled(integers, "", count), filled(packed, "m", count), filled(large, "m", count)]
}

#[test]
fn the_reply_has_the_shape_of_its_protocol() {
    for mut shard in both_forms() {
        for protocol in [Protocol::Resp2, Protocol::Resp3] {
            shard.protocol = protocol;
            let set = if protocol == Protocol::Resp3 { "~" } else { "*" };
            check(
                &mut shard,
                &[
                    ("SADD s m", ":1"),
                    ("SRANDMEMBER s", "$1 m"),
                    ("SRANDMEMBER s 0", "*0"),
                    ("SRANDMEMBER s 5", "*1 $1 m"),
                    ("SRANDMEMBER s -2", "*2 $1 m $1 m"),
                    ("SPOP s 0", &format!("{set}0")),
                    ("SPOP s 5", &format!("{set}1 $1 m")),
                    ("SADD s m", ":1"),
                    ("SPOP s", "$1 m"),
                    ("EXISTS s", ":0"),
                ],
            );
        }
    }
}

#[test]
fn counts_beyond_reason_are_refused() {
    for mut shard in both_forms() {
        shard.run("SADD s m");
        let range = "-ERR value is out of range, value must between -9223372036854775807 and \
                     9223372036854775807";
        check(
            &mut shard,
            &[
                ("SRANDMEMBER s 9223372036854775807", "*1 $1 m"),
                ("SRANDMEMBER s -9223372036854775808", range),
                ("SPOP s -9223372036854775808", "-ERR value is out of range, must be positive"),
                ("SPOP s 9223372036854775808", "-ERR value is out of range, must be positive"),
            ],
        );
        shard.settings.proto_max_bulk_len = 1000;
        let too_long = "-ERR the reply would be longer than proto-max-bulk-len";
        check(
            &mut shard,
            &[
                ("SRANDMEMBER s -9223372036854775807", too_long),
                ("SRANDMEMBER s -900", too_long),
                ("SPOP s 9223372036854775807", "*1 $1 m"),
            ],
        );
    }
}

#[test]
fn what_is_popped_was_there_and_is_gone() {
    for mut shard in all_forms(500) {
        let mut left: BTreeSet<String> = elements(&shard.run("SMEMBERS s")).into_iter().collect();
        for cold in [false, true] {
            if cold {
                chill(&mut shard);
            }
            for count in [1, 0, 3, 40, 1, 60, 100] {
                let command = if count == 0 { "SPOP s".into() } else { format!("SPOP s {count}") };
                let reply = shard.run(&command);
                let popped = match count {
                    0 => vec![reply.split(' ').nth(1).unwrap().to_owned()],
                    _ => elements(&reply),
                };
                assert_eq!(popped.len(), count.max(1));
                for member in popped {
                    assert!(left.remove(&member), "{member}");
                }
                assert_eq!(shard.run("SCARD s"), format!(":{}", left.len()));
            }
        }
        let now: BTreeSet<String> = elements(&shard.run("SMEMBERS s")).into_iter().collect();
        assert_eq!(now, left);
        // Nearly all, and the rest.
        let popped = elements(&shard.run(&format!("SPOP s {}", left.len() - 2)));
        assert!(popped.iter().all(|member| left.remove(member)));
        let now: BTreeSet<String> = elements(&shard.run("SMEMBERS s")).into_iter().collect();
        assert_eq!((now.len(), &now), (2, &left));
    }
}

#[test]
fn a_positive_count_gives_different_members() {
    for mut shard in all_forms(450) {
        for count in [1, 10, 31, 300, 449, 450, 451] {
            let drawn = elements(&shard.run(&format!("SRANDMEMBER s {count}")));
            let different: BTreeSet<&String> = drawn.iter().collect();
            assert_eq!((drawn.len(), different.len()), (count.min(450), count.min(450)));
            assert_eq!(elements(&shard.run(&format!("SRANDMEMBER s -{count}"))).len(), count);
        }
    }
}

/// Draws until every member should have come 60 times, and looks at the spread.
fn check_uniform(shard: &mut TestShard, size: usize, command: &str, per_call: usize) {
    let draws = size * 60;
    let mut drawn: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..draws / per_call {
        let reply = shard.run(command);
        let found = match reply.starts_with('$') {
            true => vec![reply.split(' ').nth(1).unwrap().to_owned()],
            false => elements(&reply),
        };
        assert_eq!(found.len(), per_call, "{command}");
        if command.starts_with("SPOP") {
            shard.run(&format!("SADD s {}", found.join(" ")));
        }
        for member in found {
            *drawn.entry(member).or_default() += 1;
        }
    }
    assert_eq!(drawn.len(), size);
    let expected = (draws / per_call * per_call) as f64 / size as f64;
    let chi_square: f64 =
        drawn.values().map(|times| (f64::from(*times) - expected).powi(2) / expected).sum();
    let freedom = (size - 1) as f64;
    let limit = freedom + 6.0 * (2.0 * freedom).sqrt() + 1.0;
    assert!(chi_square < limit, "size {size}, {command}: {chi_square}");
}

#[test]
fn every_member_is_equally_likely() {
    for mut shard in all_forms(100) {
        for (arguments, per_call) in
            [("", 1), (" 1", 1), (" -1", 1), (" -50", 50), (" 10", 10), (" 90", 90)]
        {
            check_uniform(&mut shard, 100, &format!("SRANDMEMBER s{arguments}"), per_call);
        }
        for (arguments, per_call) in [("", 1), (" 1", 1), (" 10", 10), (" 60", 60), (" 95", 95)] {
            check_uniform(&mut shard, 100, &format!("SPOP s{arguments}"), per_call);
        }
    }
    // Large enough that counts are drawn one by one.
    let [_, large] = both_forms();
    let mut shard = filled(large, "m", 640);
    for (command, per_call) in
        [("SRANDMEMBER s -9", 9), ("SRANDMEMBER s 9", 9), ("SPOP s 9", 9), ("SPOP s 100", 100)]
    {
        check_uniform(&mut shard, 640, command, per_call);
    }
}

/// However many members there are, a draw touches a few of them.
#[test]
fn a_draw_from_a_million_members_visits_few_of_them() {
    const MEMBERS: usize = 1_000_000;
    let [_, mut shard] = both_forms();
    shard.run("SADD s m0");
    let large = super::large(&shard, "s").unwrap();
    let key = crate::keyspace::layout::head_key(0, b"s");
    {
        use crate::engine::{Engine, Family};
        use crate::keyspace::head::{Head, Kind, Large};
        use crate::keyspace::layout::element_prefix;
        let prefix = element_prefix(&key, large.version);
        let names: Vec<String> = (0..MEMBERS).map(|number| format!("m{number}")).collect();
        let bytes = names.iter().map(String::len).sum::<usize>() as u64;
        let head = Head::large(Kind::Set, Large { count: MEMBERS as u64, bytes, ..large }).encode();
        let fill = |writes: &mut dyn crate::engine::Writes| {
            for name in &names {
                let element = crate::types::hashed::element(name.as_bytes());
                let record_key = [&prefix[..], &element[..]].concat();
                writes.put(Family::Elements, &record_key, &bytes::Bytes::new());
            }
            writes.put(Family::Heads, &key, &head);
        };
        shard.engine.write(&mut { fill }).unwrap();
        shard.shard.cache().clear();
    }
    const DRAWS: u64 = 1000;
    let before = (shard.engine.ranges(), shard.engine.visited());
    for _ in 0..DRAWS / 2 {
        assert!(shard.run("SRANDMEMBER s").starts_with('$'));
        assert!(shard.run("SPOP s").starts_with('$'));
    }
    let ranges = (shard.engine.ranges() - before.0) / DRAWS;
    let visited = (shard.engine.visited() - before.1) / DRAWS;
    println!("a draw: {ranges} ranges of {visited} records together");
    assert!(ranges < 64 && visited < 64, "{ranges} ranges, {visited} records a draw");
    assert_eq!(shard.shard.statistics.off_loop_runs, 0);
    assert_eq!(shard.run("SCARD s"), format!(":{}", MEMBERS as u64 - DRAWS / 2));
    let visited = shard.engine.visited();
    assert_eq!(elements(&shard.run("SPOP s 100")).len(), 100);
    assert!(shard.engine.visited() - visited < 6400);
}
