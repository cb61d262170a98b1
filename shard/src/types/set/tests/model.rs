//! Random programs of set commands against a model that is too simple to be wrong, over every
//! threshold between the forms, in memory and on the disk. It is told what Redis 7.2 does with
//! encodings, which no older redis-server can be asked.

use std::collections::BTreeMap;

use super::{TestShard, elements, form, head, large};
use crate::keyspace::layout;
use crate::number::parse_i64;
use crate::oracle::Random;

const PROGRAMS: usize = 60;
const COMMANDS: usize = 400;
const KEYS: [&str; 4] = ["s", "t", "another", "u"];
const MEMBERS: [&str; 16] = [
    "1",
    "2",
    "3",
    "-4",
    "50000",
    "7000000000",
    "8",
    "9",
    "007",
    "a",
    "b",
    "cc",
    "dd",
    "eeeeee",
    "ffffffffffff",
    "-0",
];

#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
enum Encoding {
    #[default]
    Intset,
    Listpack,
    Hashtable,
}

/// Members in the order in which they came.
#[derive(Clone, Default)]
struct Model {
    members: Vec<String>,
    encoding: Encoding,
}

#[derive(Clone, Copy)]
struct Limits {
    integers: usize,
    entries: usize,
    value: usize,
}

fn is_integer(member: &str) -> bool {
    parse_i64(member.as_bytes()).is_some()
}

impl Model {
    fn has(&self, member: &str) -> bool {
        self.members.iter().any(|own| own == member)
    }

    fn of(encoding: Encoding) -> Self {
        Self { members: Vec::new(), encoding }
    }

    /// Before so many members are added.
    fn expect(&mut self, first: &str, count: usize, limits: &Limits) {
        if self.members.is_empty() {
            self.encoding = if is_integer(first) && count <= limits.integers {
                Encoding::Intset
            } else if count <= limits.entries {
                Encoding::Listpack
            } else {
                Encoding::Hashtable
            };
        }
        let most = match self.encoding {
            Encoding::Intset => limits.integers,
            Encoding::Listpack => limits.entries,
            Encoding::Hashtable => usize::MAX,
        };
        if count > most {
            self.encoding = Encoding::Hashtable;
        }
    }

    fn add(&mut self, member: &str, limits: &Limits) -> bool {
        if self.has(member) {
            return false;
        }
        let count = self.members.len();
        let fits = count < limits.entries && member.len() <= limits.value;
        match self.encoding {
            Encoding::Intset if is_integer(member) && count < limits.integers => {}
            Encoding::Intset if is_integer(member) => self.encoding = Encoding::Hashtable,
            Encoding::Intset => {
                // They have been in their order so far.
                self.members.sort_by_key(|member| parse_i64(member.as_bytes()));
                let longest = self.members.iter().map(String::len).max().unwrap_or(0);
                let fits = fits && longest <= limits.value;
                self.encoding = if fits { Encoding::Listpack } else { Encoding::Hashtable };
            }
            Encoding::Listpack if !fits => self.encoding = Encoding::Hashtable,
            _ => {}
        }
        self.members.push(member.to_owned());
        true
    }

    fn remove(&mut self, member: &str) -> bool {
        let before = self.members.len();
        self.members.retain(|own| own != member);
        self.members.len() < before
    }

    /// The members in the order of SMEMBERS.
    fn ordered(&self) -> Vec<String> {
        let mut members = self.members.clone();
        match self.encoding {
            Encoding::Intset => members.sort_by_key(|member| parse_i64(member.as_bytes())),
            Encoding::Listpack => {}
            Encoding::Hashtable => members.sort_by_key(|member| layout::hash(member.as_bytes())),
        }
        members
    }
}

fn array(items: &[String]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("${} {item}", item.len())).collect();
    format!("*{} {}", items.len(), items.join(" ")).trim_end().to_owned()
}

fn sorted(mut members: Vec<String>) -> Vec<String> {
    members.sort();
    members
}

struct World {
    shard: TestShard,
    models: BTreeMap<&'static str, Model>,
    limits: Limits,
}

impl World {
    fn model(&mut self, key: &'static str) -> &mut Model {
        self.models.entry(key).or_default()
    }

    fn expect(&mut self, command: &str, reply: &str) {
        assert_eq!(self.shard.run(command), reply, "{command}");
    }

    fn step(&mut self, random: &mut Random) {
        let key = *random.pick(&KEYS.each_ref());
        let other = *random.pick(&KEYS.each_ref());
        let member = *random.pick(&MEMBERS.each_ref());
        let limits = self.limits;
        let several = |random: &mut Random| -> Vec<&'static str> {
            (0..=random.below(4)).map(|_| *random.pick(&MEMBERS.each_ref())).collect()
        };
        match random.below(16) {
            0..=4 => {
                let members = several(random);
                let model = self.model(key);
                model.expect(members[0], members.len(), &limits);
                let added = members.iter().filter(|member| model.add(member, &limits)).count();
                self.expect(&format!("SADD {key} {}", members.join(" ")), &format!(":{added}"));
            }
            5 | 6 => {
                let members = several(random);
                let model = self.model(key);
                let removed = members.iter().filter(|member| model.remove(member)).count();
                self.expect(&format!("SREM {key} {}", members.join(" ")), &format!(":{removed}"));
            }
            7 => {
                let moved = match key == other {
                    true => self.model(key).has(member),
                    false => {
                        let moved = self.model(key).remove(member);
                        let target = self.model(other);
                        if moved && target.members.is_empty() {
                            target.expect(member, 1, &limits);
                        }
                        if moved {
                            target.add(member, &limits);
                        }
                        moved
                    }
                };
                let reply = format!(":{}", u8::from(moved));
                self.expect(&format!("SMOVE {key} {other} {member}"), &reply);
            }
            8 => self.pop(random, key),
            9 => {
                let model = self.model(key).clone();
                let found = u8::from(model.has(member));
                self.expect(&format!("SISMEMBER {key} {member}"), &format!(":{found}"));
                let both = format!("*2 :{found} :{found}");
                self.expect(&format!("SMISMEMBER {key} {member} {member}"), &both);
                self.expect(&format!("SCARD {key}"), &format!(":{}", model.members.len()));
            }
            10 | 11 => {
                let all = array(&self.model(key).ordered());
                self.expect(&format!("SMEMBERS {key}"), &all);
                self.expect(&format!("SSCAN {key} 0 COUNT 99"), &format!("*2 $1 0 {all}"));
                self.expect(&format!("SRANDMEMBER {key} 99"), &all);
            }
            12 if key != other => {
                let exists = !self.model(key).members.is_empty();
                if exists {
                    self.expect(&format!("RENAME {key} {other}"), "+OK");
                    let model = std::mem::take(self.model(key));
                    self.models.insert(other, model);
                }
            }
            _ => self.combine(random, key),
        }
        for key in [key, other] {
            self.check_record(key);
        }
    }

    fn pop(&mut self, random: &mut Random, key: &'static str) {
        let count = random.below(14);
        let total = self.model(key).members.len();
        let (command, popped) = match count {
            0 => {
                let reply = self.shard.run(&format!("SPOP {key}"));
                let member = reply.split(' ').nth(1).map(str::to_owned);
                ("SPOP".to_owned(), member.into_iter().collect())
            }
            _ => {
                (format!("SPOP {count}"), elements(&self.shard.run(&format!("SPOP {key} {count}"))))
            }
        };
        assert_eq!(popped.len(), count.max(1).min(total), "{command} of {total}");
        let limits = self.limits;
        let model = self.model(key);
        for member in &popped {
            assert!(model.remove(member), "{command}: {member}");
        }
        let left = model.members.len();
        if count > 0 && left * 5 <= popped.len() && model.encoding == Encoding::Hashtable {
            let mut new = Model::of(Encoding::Listpack);
            for member in model.ordered() {
                new.add(&member, &limits);
            }
            *model = new;
        }
    }

    fn combine(&mut self, random: &mut Random, destination: &'static str) {
        let names: Vec<&'static str> =
            (0..=random.below(3)).map(|_| *random.pick(&KEYS.each_ref())).collect();
        let sources: Vec<Model> = names.iter().map(|key| self.model(key).clone()).collect();
        let limits = self.limits;
        let verb = random.pick(&["SUNION", "SINTER", "SDIFF"]);
        let result = match verb {
            "SUNION" => {
                let mut result = Model::of(Encoding::Intset);
                for member in sources.iter().flat_map(Model::ordered) {
                    result.add(&member, &limits);
                }
                result
            }
            "SINTER" => intersection(&sources, &limits),
            _ => difference(&names, &sources, &limits),
        };
        let words = names.join(" ");
        let found = elements(&self.shard.run(&format!("{verb} {words}")));
        assert_eq!(sorted(found), sorted(result.members.clone()), "{verb} {words}");
        let count = result.members.len();
        self.expect(&format!("{verb}STORE {destination} {words}"), &format!(":{count}"));
        self.models.insert(destination, result);
    }

    /// What the head says about the set.
    fn check_record(&mut self, key: &'static str) {
        let model = self.model(key).clone();
        let head = head(&self.shard, key);
        assert_eq!(head.is_some(), !model.members.is_empty(), "{key}");
        if head.is_none() {
            return;
        }
        let expected = format!("{:?}", model.encoding).to_lowercase();
        assert_eq!(form(&mut self.shard, key), expected, "{key}: {:?}", model.members);
        if let Some(large) = large(&self.shard, key) {
            let bytes: usize = model.members.iter().map(String::len).sum();
            assert_eq!((large.count, large.bytes), (model.members.len() as u64, bytes as u64));
        }
    }
}

fn intersection(sources: &[Model], limits: &Limits) -> Model {
    if sources.iter().any(|source| source.members.is_empty()) {
        return Model::default();
    }
    let smallest = sources.iter().min_by_key(|source| source.members.len()).unwrap();
    let mut result = Model::of(match smallest.encoding {
        Encoding::Intset => Encoding::Intset,
        _ => Encoding::Listpack,
    });
    for member in smallest.ordered() {
        if sources.iter().all(|source| source.has(&member)) {
            result.add(&member, limits);
        }
    }
    let is_integers = result.members.iter().all(|member| is_integer(member));
    if is_integers && result.members.len() <= limits.integers {
        result.encoding = Encoding::Intset;
    }
    result
}

fn difference(names: &[&str], sources: &[Model], limits: &Limits) -> Model {
    let mut result = Model::of(Encoding::Intset);
    let (first, others) = sources.split_first().unwrap();
    if names[1..].contains(&names[0]) || first.members.is_empty() {
        return result;
    }
    let there = sources.iter().filter(|source| !source.members.is_empty());
    let (looking, removing) = there.fold((0, 0), |(looking, removing), source| {
        (looking + first.members.len(), removing + source.members.len())
    });
    let in_others = |member: &String| others.iter().any(|other| other.has(member));
    if looking / 2 <= removing {
        for member in first.ordered().iter().filter(|member| !in_others(member)) {
            result.add(member, limits);
        }
        return result;
    }
    for member in first.ordered() {
        result.add(&member, limits);
    }
    for member in others.iter().flat_map(Model::ordered) {
        result.remove(&member);
    }
    result
}

#[test]
fn random_programs_do_as_the_model_says() {
    let mut random = Random::new();
    for _ in 0..PROGRAMS {
        let limits = Limits {
            integers: random.below(10),
            entries: random.below(12),
            value: 1 + random.below(14),
        };
        let mut world = World { shard: TestShard::new(), models: BTreeMap::new(), limits };
        world.shard.settings.set_max_intset_entries = limits.integers;
        world.shard.settings.set_max_listpack_entries = limits.entries;
        world.shard.settings.set_max_listpack_value = limits.value;
        for _ in 0..COMMANDS {
            if random.below(10) == 0 {
                world.shard.shard.cache().clear();
            }
            world.shard.engine.set_cold(random.below(3) == 0);
            world.step(&mut random);
        }
        let existing = world.models.values().filter(|model| !model.members.is_empty()).count();
        assert_eq!(world.shard.shard.key_counts().get(0).keys, existing as u64);
    }
}
