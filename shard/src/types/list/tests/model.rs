//! Random programs of list commands against a model that is too simple to be wrong, in memory and
//! on the disk, with elements of all lengths.

use std::collections::{BTreeMap, VecDeque};

use super::{TestShard, array, head, large, records};
use crate::keyspace::head::Body;
use crate::oracle::Random;
use crate::types::list::apart::SHORT_BYTES_MAX;

const PROGRAMS: usize = 40;
const COMMANDS: usize = 250;
const KEYS: [&str; 3] = ["l", "m", "another"];

type Model = VecDeque<String>;

fn element(random: &mut Random) -> String {
    match random.below(60) {
        0 => "L".repeat(SHORT_BYTES_MAX + 1 + random.below(2)),
        1 | 2 => "m".repeat(400 + random.below(400)),
        3..=20 => format!("element:{}", random.below(1_000_000)),
        _ => random.pick(&["a", "b", "c", "d"]).to_owned(),
    }
}

fn shown(element: Option<&String>) -> String {
    element.map_or("$-1".to_owned(), |element| format!("${} {element}", element.len()))
}

fn shown_all(elements: &[String]) -> String {
    array(&elements.join(" "))
}

/// An index, mostly of an element.
fn index(random: &mut Random, len: usize) -> i64 {
    random.below(2 * len + 3) as i64 - len as i64 - 1
}

/// The ranks of a part, as LRANGE takes it.
fn part(len: usize, start: i64, stop: i64) -> std::ops::Range<usize> {
    let len = len as i64;
    let at = |index: i64| if index < 0 { index + len } else { index };
    let (start, stop) = (at(start).max(0), at(stop).min(len - 1));
    if start > stop { 0..0 } else { start as usize..stop as usize + 1 }
}

fn push(random: &mut Random, key: &str, list: &mut Model) -> (String, String) {
    let is_front = random.below(2) == 0;
    let mut command = format!("{} {key}", if is_front { "LPUSH" } else { "RPUSH" });
    let many = if random.below(12) == 0 { 120 } else { 4 };
    for _ in 0..=random.below(many) {
        let element = element(random);
        command += &format!(" {element}");
        if is_front { list.push_front(element) } else { list.push_back(element) }
    }
    (command, format!(":{}", list.len()))
}

fn pop(random: &mut Random, key: &str, list: &mut Model) -> (String, String) {
    let is_front = random.below(2) == 0;
    let take = |list: &mut Model| if is_front { list.pop_front() } else { list.pop_back() };
    let name = if is_front { "LPOP" } else { "RPOP" };
    if random.below(2) == 0 {
        return (format!("{name} {key}"), shown(take(list).as_ref()));
    }
    let is_none = list.is_empty();
    let count = random.below(40);
    let popped: Vec<String> = (0..count).map_while(|_| take(list)).collect();
    let expected = if is_none { "*-1".to_owned() } else { shown_all(&popped) };
    (format!("{name} {key} {count}"), expected)
}

fn remove(random: &mut Random, key: &str, list: &mut Model) -> (String, String) {
    let wanted = element(random);
    let count = random.below(5) as i64 - 2;
    let max = if count == 0 { usize::MAX } else { count.unsigned_abs() as usize };
    let mut removed = 0;
    let mut keeps = |element: &String| {
        let goes = *element == wanted && removed < max;
        removed += usize::from(goes);
        !goes
    };
    if count < 0 {
        let kept: Vec<String> = list.drain(..).rev().filter(|element| keeps(element)).collect();
        list.extend(kept.into_iter().rev());
    } else {
        list.retain(|element| keeps(element));
    }
    (format!("LREM {key} {count} {wanted}"), format!(":{removed}"))
}

fn positions(random: &mut Random, key: &str, list: &Model) -> (String, String) {
    let (wanted, rank) = (element(random), random.below(5) as i64 - 2);
    let rank = if rank == 0 { 1 } else { rank };
    let (count, maxlen) = (random.below(3), random.below(30));
    let looked_at = if maxlen == 0 { usize::MAX } else { maxlen };
    let ranks: Vec<usize> = match rank {
        1.. => (0..list.len()).collect(),
        _ => (0..list.len()).rev().collect(),
    };
    let found = ranks.into_iter().take(looked_at).filter(|rank| list[*rank] == wanted);
    let wanted_count = if count == 0 { usize::MAX } else { count };
    let found: Vec<String> = found
        .skip(rank.unsigned_abs() as usize - 1)
        .take(wanted_count)
        .map(|rank| format!(" :{rank}"))
        .collect();
    let command = format!("LPOS {key} {wanted} RANK {rank} COUNT {count} MAXLEN {maxlen}");
    (command, format!("*{}{}", found.len(), found.concat()))
}

/// A command on one list, with the reply that the model gives.
fn step(random: &mut Random, key: &str, list: &mut Model) -> (String, String) {
    let len = list.len();
    match random.below(14) {
        0..=2 => push(random, key, list),
        3 | 4 => pop(random, key, list),
        5 => remove(random, key, list),
        6 => positions(random, key, list),
        7 => {
            let (index, element) = (index(random, len), element(random));
            let command = format!("LSET {key} {index} {element}");
            let place = part(len, index, index)
                .next()
                .filter(|_| (-(len as i64)..len as i64).contains(&index));
            match place {
                _ if len == 0 => (command, "-ERR no such key".to_owned()),
                None => (command, "-ERR index out of range".to_owned()),
                Some(place) => {
                    list[place] = element;
                    (command, "+OK".to_owned())
                }
            }
        }
        8 => {
            let (pivot, element, behind) = (element(random), element(random), random.below(2));
            let side = ["BEFORE", "AFTER"][behind];
            let command = format!("LINSERT {key} {side} {pivot} {element}");
            match list.iter().position(|own| *own == pivot) {
                _ if len == 0 => (command, ":0".to_owned()),
                None => (command, ":-1".to_owned()),
                Some(place) => {
                    list.insert(place + behind, element);
                    (command, format!(":{}", len + 1))
                }
            }
        }
        9 => {
            let (start, stop) = (index(random, len) / 4, index(random, len));
            let stop = if random.below(2) == 0 { -1 - stop.rem_euclid(5) } else { stop };
            let kept = part(len, start, stop);
            *list = list.drain(..).skip(kept.start).take(kept.len()).collect();
            (format!("LTRIM {key} {start} {stop}"), "+OK".to_owned())
        }
        10 => {
            let index = index(random, len);
            let is_there = (-(len as i64)..len as i64).contains(&index);
            let place = part(len, index, index).next().filter(|_| is_there);
            (format!("LINDEX {key} {index}"), shown(place.map(|place| &list[place])))
        }
        11 | 12 => {
            let (start, stop) = (index(random, len), index(random, len));
            let elements: Vec<String> = list.range(part(len, start, stop)).cloned().collect();
            (format!("LRANGE {key} {start} {stop}"), shown_all(&elements))
        }
        _ => (format!("LLEN {key}"), format!(":{len}")),
    }
}

/// From one list to another, with the reply that the model gives.
fn move_element(
    random: &mut Random,
    models: &mut BTreeMap<&str, Model>,
    (from, to): (&'static str, &'static str),
) -> (String, String) {
    let sides = ["LEFT", "RIGHT"];
    let (take, put) = (random.below(2), random.below(2));
    let source = models.entry(from).or_default();
    let element = if take == 0 { source.pop_front() } else { source.pop_back() };
    if let Some(element) = &element {
        let target = models.entry(to).or_default();
        let element = element.clone();
        if put == 0 { target.push_front(element) } else { target.push_back(element) }
    }
    (format!("LMOVE {from} {to} {} {}", sides[take], sides[put]), shown(element.as_ref()))
}

#[test]
fn random_programs_do_as_the_model_says() {
    let mut random = Random::new();
    for _ in 0..PROGRAMS {
        let mut shard = TestShard::new();
        shard.settings.list_max_listpack_size = [-2, 1, 20][random.below(3)];
        let mut models: BTreeMap<&str, Model> = BTreeMap::new();
        for number in 0..COMMANDS {
            if random.below(10) == 0 {
                shard.shard.cache().clear();
            }
            shard.engine.set_cold(random.below(3) == 0);
            let (key, other) = (KEYS[random.below(3)], KEYS[random.below(3)]);
            let (command, expected) = match random.below(20) {
                0 | 1 => move_element(&mut random, &mut models, (key, other)),
                2 if key != other && models.get(key).is_some_and(|list| !list.is_empty()) => {
                    let old = models.remove(key).unwrap_or_default();
                    models.insert(other, old);
                    (format!("RENAME {key} {other}"), "+OK".to_owned())
                }
                _ => step(&mut random, key, models.entry(key).or_default()),
            };
            let shown = &command[..command.len().min(100)];
            assert_eq!(shard.run(&command), expected, "command {number}: {shown}");
            for (key, model) in &models {
                check_records(&shard, key, model, shown);
            }
        }
        let existing = models.values().filter(|model| !model.is_empty()).count();
        assert_eq!(shard.shard.key_counts().get(0).keys, existing as u64);
        for (key, model) in &models {
            let all: Vec<String> = model.iter().cloned().collect();
            assert_eq!(shard.run(&format!("LRANGE {key} 0 -1")), shown_all(&all));
        }
    }
}

/// What the records say about a list: how long it is, and that none is left over.
fn check_records(shard: &TestShard, key: &str, model: &Model, command: &str) {
    let head = head(shard, key);
    assert_eq!(head.is_some(), !model.is_empty(), "{command}");
    let Some(head) = head else { return };
    if matches!(head.body, Body::Inline(_)) {
        assert!(model.iter().map(|element| element.len() + 1).sum::<usize>() <= 1024, "{command}");
        return;
    }
    let Some((large, extra)) = large(shard, key) else { return };
    assert_eq!(large.count, model.len() as u64, "{command}");
    let long = model.iter().filter(|element| element.len() > SHORT_BYTES_MAX);
    let lengths: Vec<u64> = long.map(|element| element.len() as u64).collect();
    let counted = (extra.apart.count, extra.apart.bytes);
    assert_eq!(counted, (lengths.len() as u64, lengths.iter().sum()), "{command}");
    assert_eq!(records(shard, key).len() as u64, extra.records(), "{command}");
}
