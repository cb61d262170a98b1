//! Random programs of hash commands against a model that is too simple to be wrong, over every
//! threshold between the two forms, in memory and on the disk.

use std::collections::BTreeMap;

use super::{TestShard, head, large};
use crate::keyspace::layout;
use crate::number::{Extended, format_i64, parse_i64};
use crate::oracle::Random;
use crate::types::hash::encoding;

const PROGRAMS: usize = 60;
const COMMANDS: usize = 400;
const KEYS: [&str; 3] = ["h", "i", "another"];
const FIELDS: [&str; 12] =
    ["a", "b", "cc", "dd", "eee", "fff", "gggg", "h5", "iiiiii", "j", "kkkkkkk", "l"];

/// Fields with their values, in the order in which they came.
#[derive(Clone, Default)]
struct Model {
    pairs: Vec<(String, String)>,
    large: bool,
}

struct Limits {
    entries: usize,
    value: usize,
}

impl Model {
    fn get(&self, field: &str) -> Option<&String> {
        self.pairs.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    fn set(&mut self, field: &str, value: &str, limits: &Limits) -> bool {
        let old = self.pairs.iter_mut().find(|(name, _)| name == field);
        let is_new = old.is_none();
        match old {
            Some(pair) => value.clone_into(&mut pair.1),
            None => self.pairs.push((field.to_owned(), value.to_owned())),
        }
        self.large |= field.len().max(value.len()) > limits.value;
        self.large |= self.pairs.len() > limits.entries;
        is_new
    }

    fn remove(&mut self, field: &str) -> bool {
        let before = self.pairs.len();
        self.pairs.retain(|(name, _)| name != field);
        if self.pairs.is_empty() {
            self.large = false;
        }
        self.pairs.len() < before
    }

    /// The pairs in the order of HGETALL.
    fn ordered(&self) -> Vec<(String, String)> {
        let mut pairs = self.pairs.clone();
        if self.large {
            pairs.sort_by_key(|(field, _)| layout::hash(field.as_bytes()));
        }
        pairs
    }
}

fn bulk(text: Option<&String>) -> String {
    text.map_or("$-1".to_owned(), |text| format!("${} {text}", text.len()))
}

fn array<'a>(items: impl IntoIterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.into_iter().map(|item| bulk(Some(item))).collect();
    format!("*{} {}", items.len(), items.join(" ")).trim_end().to_owned()
}

fn value(random: &mut Random) -> String {
    match random.below(4) {
        0 => random.below(1000).to_string(),
        1 => "-7.25".to_owned(),
        2 => "v".repeat(random.below(9) + 1),
        _ => "9223372036854775000".to_owned(),
    }
}

/// A command, with the reply that the model gives.
fn step(random: &mut Random, key: &str, model: &mut Model, limits: &Limits) -> (String, String) {
    let field = *random.pick(&FIELDS.each_ref());
    match random.below(15) {
        0..=2 => {
            let mut command = format!("HSET {key}");
            let mut added = 0;
            for _ in 0..=random.below(3) {
                let (field, value) = (*random.pick(&FIELDS.each_ref()), value(random));
                added += i32::from(model.set(field, &value, limits));
                command += &format!(" {field} {value}");
            }
            (command, format!(":{added}"))
        }
        3 => {
            let value = value(random);
            let is_new = model.get(field).is_none() && model.set(field, &value, limits);
            (format!("HSETNX {key} {field} {value}"), format!(":{}", i32::from(is_new)))
        }
        4 => {
            let fields: Vec<&str> =
                (0..=random.below(4)).map(|_| *random.pick(&FIELDS.each_ref())).collect();
            let removed = fields.iter().filter(|field| model.remove(field)).count();
            (format!("HDEL {key} {}", fields.join(" ")), format!(":{removed}"))
        }
        5 if random.below(8) == 0 => {
            let removed = FIELDS.iter().filter(|field| model.remove(field)).count();
            (format!("HDEL {key} {}", FIELDS.join(" ")), format!(":{removed}"))
        }
        5 | 6 => {
            let increment = random.below(2000) as i64 - 500;
            let command = format!("HINCRBY {key} {field} {increment}");
            let old = model.get(field).map_or(Some(0), |old| parse_i64(old.as_bytes()));
            let Some(old) = old else {
                return (command, "-ERR hash value is not an integer".to_owned());
            };
            let Some(new) = old.checked_add(increment) else {
                let error = "-ERR increment or decrement would overflow";
                return (command, error.to_owned());
            };
            let text = String::from_utf8(format_i64(new).as_bytes().to_vec()).unwrap();
            model.set(field, &text, limits);
            (command, format!(":{new}"))
        }
        7 => {
            let command = format!("HINCRBYFLOAT {key} {field} 0.25");
            let zero = Some(Extended::from_f64(0.0));
            let old = model.get(field).map_or(zero, |old| Extended::parse(old.as_bytes()));
            let Some(old) = old else {
                return (command, "-ERR hash value is not a float".to_owned());
            };
            let new = (old + Extended::from_f64(0.25)).to_human();
            model.set(field, &new, limits);
            (command, bulk(Some(&new)))
        }
        8 => (format!("HGET {key} {field}"), bulk(model.get(field))),
        9 => {
            let other = *random.pick(&FIELDS.each_ref());
            let reply = format!("*2 {} {}", bulk(model.get(field)), bulk(model.get(other)));
            (format!("HMGET {key} {field} {other}"), reply)
        }
        10 => {
            let length = model.get(field).map_or(0, String::len);
            (format!("HSTRLEN {key} {field}"), format!(":{length}"))
        }
        11 => {
            let found = i32::from(model.get(field).is_some());
            (format!("HEXISTS {key} {field}"), format!(":{found}"))
        }
        12 => {
            let pairs = model.ordered();
            let flat = pairs.iter().flat_map(|(field, value)| [field, value]);
            let reply = array(flat);
            match random.below(3) {
                0 => (format!("HGETALL {key}"), reply),
                1 => (format!("HRANDFIELD {key} 99 WITHVALUES"), reply),
                _ => (format!("HSCAN {key} 0 COUNT 99"), format!("*2 $1 0 {reply}")),
            }
        }
        13 => {
            let pairs = model.ordered();
            let (fields, values): (Vec<_>, Vec<_>) = pairs.into_iter().unzip();
            match random.below(2) {
                0 => (format!("HKEYS {key}"), array(&fields)),
                _ => (format!("HVALS {key}"), array(&values)),
            }
        }
        _ => (format!("HLEN {key}"), format!(":{}", model.pairs.len())),
    }
}

#[test]
fn random_programs_do_as_the_model_says() {
    let mut random = Random::new();
    for _ in 0..PROGRAMS {
        let limits = Limits { entries: random.below(14), value: 1 + random.below(25) };
        let mut shard = TestShard::new();
        shard.settings.hash_max_listpack_entries = limits.entries;
        shard.settings.hash_max_listpack_value = limits.value;
        let mut models: BTreeMap<&str, Model> = BTreeMap::new();
        for number in 0..COMMANDS {
            if random.below(10) == 0 {
                shard.shard.cache().clear();
            }
            shard.engine.set_cold(random.below(3) == 0);
            let key = *random.pick(&KEYS.each_ref());
            if random.below(20) == 0 {
                let other = *random.pick(&KEYS.each_ref());
                rename_or_delete(&mut shard, &mut models, key, other);
            }
            let model = models.entry(key).or_default();
            let (command, expected) = step(&mut random, key, model, &limits);
            assert_eq!(shard.run(&command), expected, "command {number}: {command}");
            check_record(&shard, key, model, &command);
        }
        let existing = models.values().filter(|model| !model.pairs.is_empty()).count();
        assert_eq!(shard.shard.key_counts().get(0).keys, existing as u64);
    }
}

/// Gives a hash to another key, or deletes it if the other is the same.
fn rename_or_delete<'k>(
    shard: &mut TestShard,
    models: &mut BTreeMap<&'k str, Model>,
    key: &'k str,
    other: &'k str,
) {
    let exists = models.get(key).is_some_and(|model| !model.pairs.is_empty());
    let old = models.remove(key).unwrap_or_default();
    if key == other {
        assert_eq!(shard.run(&format!("DEL {key}")), format!(":{}", i32::from(exists)));
    } else if exists {
        assert_eq!(shard.run(&format!("RENAME {key} {other}")), "+OK");
        models.insert(other, old);
    }
}

/// What the head says about the hash.
fn check_record(shard: &TestShard, key: &str, model: &Model, command: &str) {
    let head = head(shard, key);
    assert_eq!(head.is_some(), !model.pairs.is_empty(), "{command}");
    let Some(head) = head else { return };
    let expected = if model.large { "hashtable" } else { "listpack" };
    assert_eq!(encoding(&head), expected, "{command}");
    if let Some(large) = large(shard, key) {
        let bytes: usize = model.pairs.iter().map(|(field, value)| field.len() + value.len()).sum();
        let counted = (large.count, large.bytes);
        assert_eq!(counted, (model.pairs.len() as u64, bytes as u64), "{command}");
    }
}
