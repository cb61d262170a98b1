//! Ranges by member, in both forms, against a list that is gone through from one end to the other.

use super::{both_forms, chill};
use crate::oracle::Random;

const MEMBERS: usize = 300;

fn bound(random: &mut Random) -> String {
    let prefix = *random.pick(&["[", "(", "[", "(", "-", "+"].each_ref());
    match prefix {
        "-" | "+" => prefix.to_owned(),
        _ => format!("{prefix}m{:03}", random.below(MEMBERS + 20)),
    }
}

fn is_from(member: &str, bound: &str) -> bool {
    match bound.split_at(1) {
        ("-", _) => true,
        ("[", min) => member >= min,
        ("(", min) => member > min,
        _ => false,
    }
}

fn is_to(member: &str, bound: &str) -> bool {
    match bound.split_at(1) {
        ("+", _) => true,
        ("[", max) => member <= max,
        ("(", max) => member < max,
        _ => false,
    }
}

#[test]
fn members_of_one_score_are_found_by_their_names() {
    let mut random = Random::new();
    for mut shard in both_forms() {
        shard.settings.zset_max_listpack_entries *= 10;
        let mut members: Vec<String> = (0..MEMBERS).map(|n| format!("m{n:03}")).collect();
        let pairs: Vec<String> = members.iter().map(|member| format!("-1.5 {member}")).collect();
        shard.run(&format!("ZADD z {}", pairs.join(" ")));
        for round in 0..300 {
            let (min, max) = (bound(&mut random), bound(&mut random));
            if round % 20 == 0 {
                chill(&mut shard);
            }
            let found: Vec<&String> = members
                .iter()
                .filter(|member| is_from(member, &min) && is_to(member, &max))
                .collect();
            let count = shard.run(&format!("ZLEXCOUNT z {min} {max}"));
            assert_eq!(count, format!(":{}", found.len()), "{min} {max}");
            let (skip, take) = (random.below(5), random.below(7));
            let array = |items: Vec<&&String>| {
                let items: Vec<String> = items.iter().map(|item| format!(" $4 {item}")).collect();
                format!("*{}{}", items.len(), items.concat())
            };
            assert_eq!(
                shard.run(&format!("ZRANGE z {min} {max} BYLEX LIMIT {skip} {take}")),
                array(found.iter().skip(skip).take(take).collect()),
                "{min} {max}"
            );
            assert_eq!(
                shard.run(&format!("ZREVRANGEBYLEX z {max} {min} LIMIT {skip} {take}")),
                array(found.iter().rev().skip(skip).take(take).collect()),
                "{min} {max}"
            );
            shard.engine.set_cold(false);
            if found.len() < 4 {
                let gone: Vec<String> = found.into_iter().cloned().collect();
                let reply = shard.run(&format!("ZREMRANGEBYLEX z {min} {max}"));
                assert_eq!(reply, format!(":{}", gone.len()));
                members.retain(|member| !gone.contains(member));
            }
        }
    }
}

#[test]
fn members_of_many_scores_are_looked_for_as_if_they_had_one() {
    for mut shard in both_forms() {
        // In order of their names all the same.
        shard.run("ZADD z 1 a 2 b 3 c 4 d 5 e");
        assert_eq!(shard.run("ZRANGE z [b (e BYLEX"), "*3 $1 b $1 c $1 d");
        assert_eq!(shard.run("ZRANGE z (e [b BYLEX REV LIMIT 1 1"), "*1 $1 c");
        assert_eq!(shard.run("ZLEXCOUNT z - +"), ":5");
    }
}
