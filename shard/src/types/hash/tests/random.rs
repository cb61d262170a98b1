//! HRANDFIELD: its shapes, and that it is as random as it says.

use std::collections::{BTreeMap, BTreeSet};

use super::{both_forms, check, chill};
use crate::resp::Protocol;
use crate::testing::TestShard;

fn filled(mut shard: TestShard, fields: usize) -> TestShard {
    let pairs: Vec<String> = (0..fields).map(|index| format!("f{index} v{index}")).collect();
    shard.run(&format!("HSET h {}", pairs.join(" ")));
    shard
}

/// The fields of a reply without values.
fn fields(shard: &mut TestShard, arguments: &str) -> Vec<String> {
    let reply = shard.run(&format!("HRANDFIELD h {arguments}"));
    let fields: Vec<String> =
        reply.split(' ').skip(1).skip(1).step_by(2).map(str::to_owned).collect();
    assert!(reply.starts_with(&format!("*{}", fields.len())), "{reply}");
    fields
}

#[test]
fn the_reply_has_the_shape_of_its_protocol() {
    for mut shard in both_forms() {
        shard.run("HSET h f v");
        check(
            &mut shard,
            &[
                ("HRANDFIELD h", "$1 f"),
                ("HRANDFIELD h 0", "*0"),
                ("HRANDFIELD h 5", "*1 $1 f"),
                ("HRANDFIELD h -2", "*2 $1 f $1 f"),
                ("HRANDFIELD h 5 withvalues", "*2 $1 f $1 v"),
                ("HRANDFIELD h -2 WITHVALUES", "*4 $1 f $1 v $1 f $1 v"),
            ],
        );
        shard.protocol = Protocol::Resp3;
        check(
            &mut shard,
            &[
                ("HRANDFIELD h 5", "*1 $1 f"),
                ("HRANDFIELD h 5 WITHVALUES", "*1 *2 $1 f $1 v"),
                ("HRANDFIELD h -2 WITHVALUES", "*2 *2 $1 f $1 v *2 $1 f $1 v"),
                ("HRANDFIELD h 0 WITHVALUES", "*0"),
            ],
        );
    }
}

#[test]
fn counts_beyond_reason_are_refused() {
    for mut shard in both_forms() {
        shard.run("HSET h f v");
        let range = "-ERR value is out of range, value must between -9223372036854775807 and \
                     9223372036854775807";
        check(
            &mut shard,
            &[
                ("HRANDFIELD h 9223372036854775807", "*1 $1 f"),
                ("HRANDFIELD h -9223372036854775808", range),
                ("HRANDFIELD h -9223372036854775808 x", range),
                ("HRANDFIELD h -9223372036854775807 WITHVALUES", "-ERR value is out of range"),
                ("HRANDFIELD h 4611686018427387904 WITHVALUES", "-ERR value is out of range"),
                ("HRANDFIELD h 1 x", "-ERR syntax error"),
                ("HRANDFIELD h 1 WITHVALUES x", "-ERR syntax error"),
                ("HRANDFIELD h x", "-ERR value is not an integer or out of range"),
            ],
        );
        shard.settings.proto_max_bulk_len = 1000;
        let too_long = "-ERR the reply would be longer than proto-max-bulk-len";
        check(
            &mut shard,
            &[
                ("HRANDFIELD h -9223372036854775807", too_long),
                ("HRANDFIELD h -4611686018427387903 WITHVALUES", too_long),
                ("HRANDFIELD h -900", too_long),
            ],
        );
        assert_eq!(fields(&mut shard, "-100").len(), 100);
    }
}

#[test]
fn a_positive_count_gives_different_fields() {
    for shard in both_forms() {
        let mut shard = filled(shard, 2000);
        for cold in [false, true] {
            if cold {
                chill(&mut shard);
            }
            for count in [1, 10, 31, 500, 1999, 2000, 2001] {
                let drawn = fields(&mut shard, &count.to_string());
                let different: BTreeSet<&String> = drawn.iter().collect();
                assert_eq!(drawn.len(), count.min(2000));
                assert_eq!(different.len(), drawn.len(), "count {count}");
            }
            for count in [1, 20, 40, 3000] {
                assert_eq!(fields(&mut shard, &format!("-{count}")).len(), count);
            }
        }
    }
}

#[test]
fn values_belong_to_their_fields() {
    for shard in both_forms() {
        let mut shard = filled(shard, 700);
        for count in [5, 300, -5, -300] {
            let reply = shard.run(&format!("HRANDFIELD h {count} WITHVALUES"));
            let words: Vec<&str> = reply.split(' ').skip(2).step_by(2).collect();
            assert_eq!(words.len(), 2 * i32::abs(count) as usize);
            assert!(words.chunks(2).all(|pair| pair[0][1..] == pair[1][1..]), "{reply}");
        }
    }
}

/// Draws until every field should have come 200 times, and looks at the spread.
fn check_uniform(shard: &mut TestShard, size: usize, count: i64, per_call: usize) {
    let draws = size * 200;
    let mut drawn: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..draws / per_call {
        let found = if count == 0 {
            vec![shard.run("HRANDFIELD h")[1..].split(' ').nth(1).unwrap().to_owned()]
        } else {
            fields(shard, &count.to_string())
        };
        assert_eq!(found.len(), per_call);
        for field in found {
            *drawn.entry(field).or_default() += 1;
        }
    }
    assert_eq!(drawn.len(), size);
    let expected = (draws / per_call * per_call) as f64 / size as f64;
    let chi_square: f64 =
        drawn.values().map(|times| (f64::from(*times) - expected).powi(2) / expected).sum();
    let freedom = (size - 1) as f64;
    let limit = freedom + 6.0 * (2.0 * freedom).sqrt() + 1.0;
    assert!(chi_square < limit, "size {size}, count {count}: {chi_square}");
}

#[test]
fn every_field_is_equally_likely() {
    for shard in both_forms() {
        let mut shard = filled(shard, 100);
        for (count, per_call) in [(0, 1), (1, 1), (-1, 1), (-50, 50), (10, 10), (90, 90)] {
            check_uniform(&mut shard, 100, count, per_call);
        }
    }
    // Large enough that counts are drawn one by one.
    let [_, large] = both_forms();
    let mut shard = filled(large, 640);
    for (count, per_call) in [(-9, 9), (9, 9), (-100, 100), (100, 100)] {
        check_uniform(&mut shard, 640, count, per_call);
    }
}
