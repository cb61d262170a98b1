//! The commands on several sets: what they answer and what they leave, whichever way they take to
//! find it out.

use std::collections::BTreeSet;

use super::{both_forms, check, chill, form, sorted};
use crate::oracle::Random;
use crate::resp::Protocol;
use crate::testing::TestShard;

#[test]
fn sets_are_combined() {
    for mut shard in both_forms() {
        shard.run("SADD a 1 2 3 x");
        shard.run("SADD b 2 3 y");
        shard.run("SADD c 3 z");
        for (command, expected) in [
            ("SUNION a b n c", "1 2 3 x y z"),
            ("SUNION n", ""),
            ("SUNION a a", "1 2 3 x"),
            ("SINTER a b c", "3"),
            ("SINTER a b", "2 3"),
            ("SINTER a a", "1 2 3 x"),
            ("SINTER a n b", ""),
            ("SDIFF a b c", "1 x"),
            ("SDIFF a n", "1 2 3 x"),
            ("SDIFF n a", ""),
            ("SDIFF a a", ""),
            ("SDIFF a b a", ""),
        ] {
            for protocol in [Protocol::Resp2, Protocol::Resp3] {
                shard.protocol = protocol;
                let reply = shard.run(command);
                assert_eq!(sorted(&reply).join(" "), expected, "{command}");
                assert_eq!(reply.starts_with('~'), protocol == Protocol::Resp3);
            }
        }
        check(
            &mut shard,
            &[
                ("SINTERCARD 2 a b", ":2"),
                ("SINTERCARD 2 a b LIMIT 1", ":1"),
                ("SINTERCARD 2 a b limit 0", ":2"),
                ("SINTERCARD 2 a b LIMIT 9 LIMIT 1", ":1"),
                ("SINTERCARD 1 a", ":4"),
                ("SINTERCARD 2 a n", ":0"),
                ("SINTERCARD 0 a", "-ERR numkeys should be greater than 0"),
                ("SINTERCARD x a", "-ERR numkeys should be greater than 0"),
                ("SINTERCARD 2 a", "-ERR Number of keys can't be greater than number of args"),
                ("SINTERCARD 1 a LIMIT", "-ERR syntax error"),
                ("SINTERCARD 1 a b", "-ERR syntax error"),
                ("SINTERCARD 1 a LIMIT -1", "-ERR LIMIT can't be negative"),
                ("SINTERCARD 1 a LIMIT x", "-ERR LIMIT can't be negative"),
            ],
        );
    }
}

#[test]
fn results_take_the_place_of_whatever_was_there() {
    for mut shard in both_forms() {
        shard.run("SADD a 1 2 3");
        shard.run("SADD b 2 3 4");
        for (command, count, expected) in [
            ("SUNIONSTORE d a b", ":4", "1 2 3 4"),
            ("SINTERSTORE d a b", ":2", "2 3"),
            ("SDIFFSTORE d a b", ":1", "1"),
            ("SUNIONSTORE d d a", ":3", "1 2 3"),
            ("SINTERSTORE d d b", ":2", "2 3"),
            ("SDIFFSTORE d b d", ":1", "4"),
        ] {
            shard.run("PEXPIRE d 1000");
            assert_eq!(shard.run(command), count, "{command}");
            assert_eq!(sorted(&shard.run("SMEMBERS d")).join(" "), expected, "{command}");
            assert_eq!(shard.run("PTTL d"), ":-1", "{command}");
        }
        for command in [
            "SUNIONSTORE d n m",
            "SINTERSTORE d a n",
            "SINTERSTORE d n a",
            "SDIFFSTORE d n a",
            "SDIFFSTORE d a a",
        ] {
            shard.run("SET d string");
            assert_eq!(shard.run(command), ":0", "{command}");
            check(&mut shard, &[("EXISTS d", ":0"), (command, ":0")]);
        }
        shard.run("HSET d f v");
        check(&mut shard, &[("SUNIONSTORE d a", ":3"), ("TYPE d", "+set")]);
        check(&mut shard, &[("SDIFFSTORE a a b", ":1"), ("SMEMBERS a", "*1 $1 1")]);
        check(&mut shard, &[("SINTERSTORE a a b", ":0"), ("EXISTS a", ":0")]);
    }
}

#[test]
fn integers_come_in_their_order() {
    let mut shard = TestShard::new();
    shard.run("SADD a 3 70000");
    shard.run("SADD b -1 20 3");
    check(
        &mut shard,
        &[
            ("SUNION a b", "*4 $2 -1 $1 3 $2 20 $5 70000"),
            ("SDIFF b a", "*2 $2 -1 $2 20"),
            ("SUNIONSTORE d a b", ":4"),
            ("SMEMBERS d", "*4 $2 -1 $1 3 $2 20 $5 70000"),
        ],
    );
    assert_eq!(form(&mut shard, "d"), "intset");
}

#[test]
fn a_result_has_the_form_that_redis_gives_it() {
    let many: String = (0..600).map(|number| format!(" {number}")).collect();
    let few: String = (0..50).map(|number| format!(" {number}")).collect();
    let mut shard = TestShard::new();
    for setup in [&format!("SADD many{many}")[..], &format!("SADD few{few}"), "SADD text a b 7"] {
        shard.run(setup);
    }
    shard.run("SADD was-many x");
    shard.run(&format!("SADD was-many{many}"));
    shard.run(&format!("SREM was-many{}", &many[50..]));
    let long = "x".repeat(65);
    shard.run(&format!("SADD long {long}"));
    for (command, expected) in [
        ("SUNIONSTORE d few", "intset"),
        ("SUNIONSTORE d many", "hashtable"),
        ("SUNIONSTORE d few text", "listpack"),
        ("SUNIONSTORE d text few", "listpack"),
        ("SUNIONSTORE d text many", "hashtable"),
        ("SUNIONSTORE d few long", "hashtable"),
        ("SUNIONSTORE d was-many", "listpack"),
        ("SINTERSTORE d many few", "intset"),
        ("SINTERSTORE d many text", "intset"),
        ("SINTERSTORE d text", "listpack"),
        ("SINTERSTORE d many many", "hashtable"),
        ("SINTERSTORE d was-many few", "intset"),
        ("SDIFFSTORE d few text", "intset"),
        ("SDIFFSTORE d text few", "listpack"),
        // The members of all of the first set were added before the others' were removed.
        ("SDIFFSTORE d many few n", "hashtable"),
    ] {
        shard.run(command);
        assert_eq!(form(&mut shard, "d"), expected, "{command}");
    }
    let most: String = (40..600).map(|number| format!(" {number}")).collect();
    for key in ["p", "q", "r", "t"] {
        shard.run(&format!("SADD {key}{most}"));
    }
    shard.run("SDIFFSTORE d many p q r t");
    assert_eq!((form(&mut shard, "d").as_str(), shard.run("SCARD d").as_str()), ("intset", ":40"));
    shard.run("SDIFFSTORE d many p text text text text text");
    assert_eq!(form(&mut shard, "d"), "hashtable", "removed, not looked for");
}

/// Every way to a result: small and large sets, of sizes that make looking for members cheaper and
/// that make going through all of them cheaper.
#[test]
fn results_are_those_of_ordered_sets() {
    let mut random = Random::new();
    for round in 0..30 {
        let mut shard = TestShard::new();
        shard.settings.set_max_intset_entries = 1 + random.below(100);
        let mut models: Vec<BTreeSet<String>> = Vec::new();
        for key in 0..4 {
            let sizes: &[usize] = if round % 3 == 0 { &[0, 1, 5, 90] } else { &[2, 300, 2500] };
            let size = sizes[random.below(sizes.len())];
            let spread = size.max(1) * (1 + random.below(3));
            let prefix = if random.below(2) == 0 { "" } else { "member:" };
            let members: BTreeSet<String> =
                (0..size).map(|_| format!("{prefix}{}", random.below(spread))).collect();
            if !members.is_empty() {
                let words: Vec<&str> = members.iter().map(String::as_str).collect();
                shard.run(&format!("SADD k{key} {}", words.join(" ")));
            }
            models.push(members);
        }
        for _ in 0..12 {
            if random.below(3) == 0 {
                shard.shard.cache().clear();
            }
            shard.engine.set_cold(random.below(3) == 0);
            let chosen: Vec<usize> = (0..=random.below(4)).map(|_| random.below(4)).collect();
            let names: Vec<String> = chosen.iter().map(|key| format!("k{key}")).collect();
            let names = names.join(" ");
            let mut sets = chosen.iter().map(|key| &models[*key]);
            let first = sets.next().unwrap().clone();
            let (verb, expected) = match random.below(3) {
                0 => ("SUNION", sets.fold(first, |all, set| &all | set)),
                1 => ("SINTER", sets.fold(first, |all, set| &all & set)),
                _ => ("SDIFF", sets.fold(first, |all, set| &all - set)),
            };
            let expected: Vec<String> = expected.into_iter().collect();
            assert_eq!(sorted(&shard.run(&format!("{verb} {names}"))), expected, "{verb} {names}");
            let stored = shard.run(&format!("{verb}STORE d {names}"));
            assert_eq!(stored, format!(":{}", expected.len()), "{verb}STORE {names}");
            assert_eq!(sorted(&shard.run("SMEMBERS d")), expected, "{verb}STORE {names}");
            assert_eq!(shard.run("SCARD d"), stored);
            if verb == "SINTER" {
                let command = format!("SINTERCARD {} {names}", chosen.len());
                assert_eq!(shard.run(&command), stored);
                let limited = shard.run(&format!("{command} LIMIT 3"));
                assert_eq!(limited, format!(":{}", expected.len().min(3)));
            }
        }
    }
}

#[test]
fn few_members_are_looked_for_and_many_are_gone_through() {
    let [_, mut shard] = both_forms();
    let members: String = (0..5000).map(|number| format!(" m{number}")).collect();
    shard.run(&format!("SADD big{members}"));
    shard.run(&format!("SADD other{} more", &members[..20_000]));
    shard.run("SADD few m1 m2 x");
    chill(&mut shard);
    for (command, most) in [
        ("SINTER big few other", 5),
        ("SDIFF few big other", 5),
        ("SINTERCARD 2 big other LIMIT 10", 2100),
        ("SINTER big other", 10_000),
        ("SDIFF big other", 10_000),
        ("SUNION big other few", 10_005),
    ] {
        let before = shard.engine.visited();
        shard.run(command);
        let visited = shard.engine.visited() - before;
        assert!(visited <= most, "{command}: {visited}");
    }
}

/// A result that cannot be held is refused before anything is gathered.
#[test]
fn a_result_needs_room() {
    let [_, mut shard] = both_forms();
    let members: String = (0..5000).map(|number| format!(" m{number}")).collect();
    shard.run(&format!("SADD big{members}"));
    let reservation = {
        let mut reservation = crate::room::Reservation::default();
        reservation.grow(shard.topology.room(), u64::MAX / 2);
        reservation
    };
    shard.topology.room().resize(1000);
    for command in ["SUNIONSTORE d big", "SINTERSTORE d big big", "SDIFFSTORE d big n"] {
        assert_eq!(shard.run(command), "", "{command} has to wait");
    }
    drop(reservation);
    assert_eq!(shard.run("EXISTS d"), ":0");
    assert_eq!(shard.run("SUNIONSTORE d big"), ":5000");
}
