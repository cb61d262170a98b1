//! What must hold for the description of every command, and for its handler by the description.

use std::collections::BTreeSet;

use super::*;
use crate::command::row::more_of;
use crate::command::{BeginSearch, FindKeys, Group, flag, key_flag};
use crate::random::Random;
use crate::resp::Span;
use crate::testing::{TestShard, TouchedKeys};

const CALLS_PER_COMMAND: usize = 3000;

/// Commands that take more or fewer arguments than their description in COMMAND DOCS says, which
/// is Redis's.
const ARITY_UNLIKE_DOCS: &[&str] = &["bitfield", "object|help", "memory|help"];

fn entries() -> Vec<Entry> {
    Table::of_shards().entries
}

fn is_of_shard(entry: &Entry) -> bool {
    matches!(entry.run, Run::Shard(_))
}

/// Words of the name as a client sends them.
fn name_words(entry: &Entry) -> Vec<&str> {
    entry.full_name.split('|').collect()
}

#[test]
fn every_name_is_found_and_is_there_once() {
    let table = Table::of_shards();
    let mut seen = BTreeSet::new();
    for entry in table.entries() {
        let name = &entry.full_name;
        assert!(seen.insert(name.clone()), "{name} is there twice");
        assert!(
            name.bytes().all(|byte| byte.is_ascii_lowercase() || b"_-|".contains(&byte)),
            "{name}"
        );
        let found = table.by_full_name(name.to_ascii_uppercase().as_bytes());
        assert_eq!(found.map(|entry| entry.id), Some(entry.id), "{name}");
    }
    assert!(seen.len() > 30);
}

#[test]
fn rows_of_the_process_stand_beside_those_of_shards() {
    const ROWS: &[Command<u8>] = &[
        Command::new("alone", 1, Run::Process(1)),
        Command::new("both", -1, Run::Process(2)).subcommands(OF_BOTH),
        more_of("object", &[Command::new("age", 3, Run::Process(4))]),
    ];
    const OF_BOTH: &[Command<u8>] = &[Command::new("sub", 2, Run::Process(3))];
    let table = Table::new(ROWS);
    let function = |name: &str| match table.by_full_name(name.as_bytes()).map(|entry| entry.run) {
        Some(Run::Process(number)) => Some(number),
        _ => None,
    };
    assert_eq!(function("alone"), Some(1));
    assert_eq!(function("Both"), Some(2));
    assert_eq!(function("both|sub"), Some(3));
    assert_eq!(function("object|AGE"), Some(4));
    assert_eq!(function("both|age"), None);
    let object = table.by_name(b"object").unwrap();
    assert_eq!(object.spec.docs.since, "2.2.3");
    let names: Vec<&str> = table.subcommands(object).map(|entry| entry.spec.name).collect();
    assert_eq!(names, ["encoding", "freq", "help", "idletime", "refcount", "age"]);
    assert_eq!(table.top_level().filter(|entry| entry.spec.name == "object").count(), 1);
    assert!(matches!(table.by_name(b"get").unwrap().run, Run::Shard(_)));
}

#[test]
fn flags_agree_with_keys_and_containers() {
    for entry in entries() {
        let (spec, name) = (entry.spec, &entry.full_name);
        let is_container = matches!(entry.run, Run::Container);
        assert_eq!(is_container, !entry.subcommands.is_empty(), "{name}: subcommands");
        let (writes, reads) = (spec.has(flag::WRITE), spec.has(flag::READONLY));
        assert!(!(writes && reads), "{name} says that it writes and that it does not");
        assert!(reads || !is_of_shard(&entry) || writes || spec.keys.is_empty(), "{name}");
        assert!(writes || !spec.has(flag::DENYOOM), "{name}: denyoom is for writers");
        for key in spec.keys {
            let kinds = [key_flag::RO, key_flag::RW, key_flag::OW, key_flag::RM];
            let stated = kinds.iter().filter(|kind| key.flags & **kind != 0).count();
            assert_eq!(stated, 1, "{name}: one out of RO, RW, OW, RM for each key");
            // PFCOUNT keeps the estimate that it has made.
            let changes = writes || name == "pfcount";
            assert!(changes || key.flags & key_flag::RO != 0, "{name} changes keys");
        }
        assert!(
            !writes
                || spec
                    .keys
                    .iter()
                    .any(|key| key.flags & (key_flag::RO | key_flag::CHANGES) != key_flag::RO),
            "{name} writes to no key"
        );
    }
}

#[test]
fn keys_stand_within_the_least_number_of_arguments() {
    for entry in entries().iter().filter(|entry| is_of_shard(entry)) {
        let (spec, name) = (entry.spec, &entry.full_name);
        let least = spec.arity.unsigned_abs() as usize;
        assert!(least >= name_words(entry).len(), "{name}");
        for key in spec.keys {
            let BeginSearch::Index(begin) = key.begin else { continue };
            let last = match key.find {
                FindKeys::Range { last, .. } if last >= 0 => begin + last.unsigned_abs() as usize,
                FindKeys::Range { .. } => begin,
                FindKeys::KeyNumber { index, .. } => begin + index,
            };
            assert!(begin >= name_words(entry).len(), "{name}: the name is no key");
            // PFMERGE may come with a destination alone.
            assert!(last < least || name == "pfmerge", "{name}: a key may be missing");
        }
    }
}

#[test]
fn docs_are_there_and_agree_with_the_arity() {
    for entry in entries() {
        let (docs, name) = (&entry.spec.docs, &entry.full_name);
        assert!(!docs.summary.is_empty() && !docs.summary.ends_with('.'), "{name}: summary");
        assert!(!docs.complexity.is_empty(), "{name}: complexity");
        assert_eq!(docs.since.split('.').count(), 3, "{name}: since {}", docs.since);
        let (least, is_open) = sample_calls::least(docs.arguments);
        if !is_of_shard(&entry) || ARITY_UNLIKE_DOCS.contains(&name.as_str()) {
            continue;
        }
        let least = i32::try_from(least + name_words(&entry).len()).unwrap();
        let expected = if is_open { -least } else { least };
        assert_eq!(entry.spec.arity, expected, "{name}: arity by its docs");
    }
}

/// The keys that a call declares, with all flags of each.
fn declared(entry: &Entry, words: &[&[u8]]) -> Option<Vec<(Vec<u8>, u32)>> {
    let mut frame = Vec::new();
    let mut spans = Vec::new();
    for word in words {
        spans.push(Span { start: frame.len() as u32, len: word.len() as u32 });
        frame.extend_from_slice(word);
    }
    let args = Args::new(&frame, &spans);
    let mut found = Vec::new();
    crate::command::keys::extract(entry.spec, args, &mut found).ok()?;
    Some(found.iter().map(|key| (args.get(key.index).to_vec(), key.flags)).collect())
}

/// The keys among `declared` with any of `flags`.
fn with_flags(declared: &[(Vec<u8>, u32)], flags: u32) -> BTreeSet<Vec<u8>> {
    let chosen = declared.iter().filter(|(_, own)| own & flags != 0);
    chosen.map(|(key, _)| key.clone()).collect()
}

fn text(keys: &BTreeSet<Vec<u8>>) -> String {
    let quoted: Vec<String> = keys.iter().map(|key| format!("'{}'", key.escape_ascii())).collect();
    quoted.join(" ")
}

/// Without entries that are pending, hardly any call on a group changes anything.
fn make_stream(shard: &mut TestShard) {
    shard.engine.set_cold(false);
    for line in [
        "DEL stream",
        "XADD stream 1-1 f v",
        "XADD stream 2-1 f v",
        "XGROUP CREATE stream g 0",
        "XREADGROUP GROUP g c COUNT 1 STREAMS stream >",
    ] {
        shard.run(line);
    }
}

#[test]
fn commands_touch_the_keys_that_they_declare() {
    let seed = match std::env::var("BASALT_TEST_SEED") {
        Ok(seed) => seed.parse().expect("BASALT_TEST_SEED is a number"),
        Err(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
    };
    println!("random test: repeat with BASALT_TEST_SEED={seed}");
    let mut random = Random::new(seed);
    let mut shard = TestShard::new();
    let commands: Vec<Entry> = entries().into_iter().filter(is_of_shard).collect();
    // Per command: calls that opened all their keys, calls that changed a key.
    let mut complete = vec![(0usize, 0usize); commands.len()];
    for _ in 0..CALLS_PER_COMMAND {
        for (entry, complete) in commands.iter().zip(&mut complete) {
            let mut words = name_words(entry);
            let docs = &entry.spec.docs;
            let own_key = docs.group.name();
            words.extend(sample_calls::arguments(docs.arguments, own_key, &mut random));
            if !entry.spec.accepts(words.len()) {
                continue;
            }
            let shown = words.join(" ");
            let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
            let Some(declared) = declared(entry, &words) else { continue };
            let all = with_flags(&declared, u32::MAX);
            let writing = key_flag::RW | key_flag::OW | key_flag::RM | key_flag::CHANGES;
            let may_change = with_flags(&declared, writing);
            if entry.spec.docs.group == Group::Stream && random.below(2) == 0 {
                make_stream(&mut shard);
            }
            let cold = random.below(4) == 0;
            if cold {
                shard.shard.cache().clear();
            }
            shard.engine.set_cold(cold);
            TouchedKeys::take();
            let reply = shard.run_bytes(&words);
            let touched = TouchedKeys::take();
            let names = (text(&touched.opened), text(&touched.changed));
            assert!(touched.opened.is_subset(&all), "{shown} opened {}", names.0);
            assert!(touched.changed.is_subset(&may_change), "{shown} changed {}", names.1);
            assert!(touched.changed.is_subset(&touched.opened), "{shown}: changed unopened");
            if entry.spec.only_reads() {
                assert!(touched.changed.is_empty(), "{shown} changed {}", names.1);
            }
            if reply.first() != Some(&b'-') {
                complete.0 += usize::from(touched.opened == all);
                complete.1 += usize::from(!touched.changed.is_empty());
            }
        }
        shard.now_ms += random.below(1000);
    }
    for (entry, complete) in commands.iter().zip(complete) {
        let name = &entry.full_name;
        assert!(complete.0 > 0, "{name}: no call opened all its keys");
        assert!(complete.1 > 0 || !entry.spec.has(flag::WRITE), "{name}: no call changed a key");
    }
}
