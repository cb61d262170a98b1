//! Random programs of commands on large sets against a model that is too simple to be wrong, in
//! memory and on the disk.

use std::collections::BTreeMap;

use super::{TestShard, chill};
use crate::oracle::Random;

const COMMANDS: usize = 4000;
const MEMBERS: usize = 900;
const SCORES: i64 = 120;

/// Members with their scores.
#[derive(Default)]
struct Model(BTreeMap<String, i64>);

impl Model {
    fn ordered(&self) -> Vec<(i64, String)> {
        let mut members: Vec<(i64, String)> =
            self.0.iter().map(|(member, score)| (*score, member.clone())).collect();
        members.sort();
        members
    }

    fn remove_all<'m>(&mut self, members: impl Iterator<Item = &'m String>) {
        for member in members {
            self.0.remove(member);
        }
    }
}

fn bulk(text: &str) -> String {
    format!(" ${} {text}", text.len())
}

fn pairs(members: &[(i64, String)]) -> String {
    let items: Vec<String> =
        members.iter().map(|(score, member)| bulk(member) + &bulk(&score.to_string())).collect();
    format!("*{}{}", 2 * items.len(), items.concat())
}

fn score(random: &mut Random) -> i64 {
    random.below(SCORES as usize) as i64 - SCORES / 2
}

/// A command, with the reply that the model gives.
fn step(random: &mut Random, model: &mut Model) -> (String, String) {
    let member = format!("m{}", random.below(MEMBERS));
    let (first, second) = (score(random), score(random));
    let (low, high) = (first.min(second), first.max(second));
    match random.below(16) {
        0..=4 => {
            let mut command = "ZADD z".to_owned();
            let mut added = 0;
            for _ in 0..=random.below(20) {
                let (member, score) = (format!("m{}", random.below(MEMBERS)), score(random));
                command += &format!(" {score} {member}");
                added += usize::from(model.0.insert(member, score).is_none());
            }
            (command, format!(":{added}"))
        }
        5 => {
            let new = model.0.get(&member).unwrap_or(&0) + first;
            model.0.insert(member.clone(), new);
            (format!("ZINCRBY z {first} {member}"), bulk(&new.to_string()).trim_start().to_owned())
        }
        6 => {
            let removed = usize::from(model.0.remove(&member).is_some());
            (format!("ZREM z {member}"), format!(":{removed}"))
        }
        7 => {
            let high = low + 2;
            let gone: Vec<String> = model
                .0
                .iter()
                .filter(|(_, score)| (low..=high).contains(score))
                .map(|(member, _)| member.clone())
                .collect();
            model.remove_all(gone.iter());
            (format!("ZREMRANGEBYSCORE z {low} ({}", high + 1), format!(":{}", gone.len()))
        }
        8 => {
            let ordered = model.ordered();
            let start = random.below(ordered.len() + 10);
            let stop = start + random.below(20);
            let gone: Vec<_> = ordered.iter().skip(start).take(stop - start + 1).collect();
            model.remove_all(gone.iter().map(|(_, member)| member));
            (format!("ZREMRANGEBYRANK z {start} {stop}"), format!(":{}", gone.len()))
        }
        9 => {
            let count = random.below(4) + 1;
            let mut ordered = model.ordered();
            let is_max = random.below(2) == 0;
            if is_max {
                ordered.reverse();
            }
            ordered.truncate(count);
            model.remove_all(ordered.iter().map(|(_, member)| member));
            let name = if is_max { "ZPOPMAX" } else { "ZPOPMIN" };
            (format!("{name} z {count}"), pairs(&ordered))
        }
        10 => {
            let rank = model.ordered().iter().position(|(_, name)| *name == member);
            let reply = rank.map_or("$-1".to_owned(), |rank| format!(":{rank}"));
            (format!("ZRANK z {member}"), reply)
        }
        11 => {
            let score = model.0.get(&member).map(|score| bulk(&score.to_string()));
            let reply = score.map_or("$-1".to_owned(), |text| text.trim_start().to_owned());
            (format!("ZSCORE z {member}"), reply)
        }
        12 => {
            let count = model.0.values().filter(|score| (low..=high).contains(*score)).count();
            (format!("ZCOUNT z {low} {high}"), format!(":{count}"))
        }
        13 => {
            let mut ordered = model.ordered();
            ordered.retain(|(score, _)| (low..=high).contains(score));
            let (skip, take) = (random.below(20), random.below(50));
            let is_reverse = random.below(2) == 0;
            if is_reverse {
                ordered.reverse();
            }
            let found: Vec<_> = ordered.into_iter().skip(skip).take(take).collect();
            let (bounds, rev) = if is_reverse {
                (format!("{high} {low}"), "REV ")
            } else {
                (format!("{low} {high}"), "")
            };
            let command = format!("ZRANGE z {bounds} BYSCORE {rev}LIMIT {skip} {take} WITHSCORES");
            (command, pairs(&found))
        }
        14 => {
            let mut ordered = model.ordered();
            let (start, stop) = (random.below(ordered.len() + 5), random.below(ordered.len() + 5));
            ordered.truncate(stop + 1);
            let found = ordered.get(start..).unwrap_or_default();
            (format!("ZRANGE z {start} {stop} WITHSCORES"), pairs(found))
        }
        _ => ("ZCARD z".to_owned(), format!(":{}", model.0.len())),
    }
}

#[test]
fn random_programs_do_as_the_model_says() {
    let mut random = Random::new();
    let mut shard = TestShard::new();
    shard.settings.zset_max_listpack_entries = 8;
    let mut model = Model::default();
    let mut most = 0;
    for number in 0..COMMANDS {
        match random.below(8) {
            0 => chill(&mut shard),
            1 => shard.engine.set_cold(false),
            _ => {}
        }
        let (command, expected) = step(&mut random, &mut model);
        assert_eq!(shard.run(&command), expected, "command {number}: {command}");
        most = most.max(model.0.len());
        if number % 100 == 0 {
            scan_all(&mut shard, &model);
        }
    }
    assert!(most > 300, "it never was large: {most}");
}

/// ZSCAN comes by every member once.
fn scan_all(shard: &mut TestShard, model: &Model) {
    let mut found = BTreeMap::new();
    let mut cursor = "0".to_owned();
    loop {
        let reply = shard.run(&format!("ZSCAN z {cursor} COUNT 50"));
        let words: Vec<&str> = reply.split(' ').collect();
        cursor = words[2].to_owned();
        for pair in words[4..].chunks_exact(4) {
            let again = found.insert(pair[1].to_owned(), pair[3].parse::<i64>().unwrap());
            assert_eq!(again, None, "{} came twice", pair[1]);
        }
        if cursor == "0" {
            break;
        }
    }
    assert_eq!(found, model.0);
}
