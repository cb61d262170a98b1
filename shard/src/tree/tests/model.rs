//! Random changes, against a vector and a map that are changed in the same way.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{MapNodes, SMALL, TINY, check, tree};
use crate::random::Random;
use crate::tree::{Limits, Order, Side, Tree};

const SEEDS: u64 = 6;
const STEPS: u64 = 1500;

/// An entry that is short mostly, and now and then longer than a leaf.
fn entry(random: &mut Random, number: u64) -> Vec<u8> {
    let len = match random.below(30) {
        0 => 20 + random.below(200),
        1..4 => random.below(30),
        _ => random.below(5),
    };
    let mut entry = number.to_string().into_bytes();
    entry.resize(entry.len() + len as usize, b'.');
    entry
}

fn side(random: &mut Random) -> Side {
    if random.below(2) == 0 { Side::Front } else { Side::Back }
}

/// A part of the ranks, short mostly, often at an end.
fn part(random: &mut Random, len: u64) -> std::ops::Range<u64> {
    let longest = if random.below(4) == 0 { len } else { len.min(12) };
    let part = random.below(longest + 1);
    let start = match random.below(4) {
        0 => 0,
        1 => len - part,
        _ => random.below(len - part + 1),
    };
    start..start + part
}

/// One random change to a list, in both. What to do more of goes by `phase`.
fn change_list(
    random: &mut Random,
    phase: u64,
    (tree, nodes): (&mut Tree, &mut MapNodes),
    model: &mut Vec<Vec<u8>>,
) {
    let len = model.len() as u64;
    let number = random.below(1000);
    let entry = entry(random, number);
    let grows = if phase.is_multiple_of(2) { 7 } else { 3 };
    let is_growing = random.below(10) < grows;
    match random.below(20) {
        0 if phase % 2 == 1 => {
            let part = part(random, len);
            let count = tree.remove_range(nodes, part.clone()).unwrap();
            assert_eq!(count, part.end - part.start);
            model.drain(part.start as usize..part.end as usize);
        }
        1 | 2 => {
            let rank = random.below(len + 1);
            let old = tree.replace_at(nodes, rank, &entry).unwrap();
            let place = model.get_mut(rank as usize);
            assert_eq!(old.as_deref(), place.as_deref().map(Vec::as_slice));
            if let Some(place) = place {
                *place = entry;
            }
        }
        3..11 if is_growing => {
            let rank = random.below(len + 1);
            tree.insert_at(nodes, rank, &entry).unwrap();
            model.insert(rank as usize, entry);
        }
        3..11 => {
            let rank = random.below(len + 1);
            let old = tree.remove_at(nodes, rank).unwrap();
            let expected = (rank < len).then(|| model.remove(rank as usize));
            assert_eq!(old.as_deref(), expected.as_deref());
        }
        _ if is_growing => {
            let side = side(random);
            tree.push(nodes, side, &entry).unwrap();
            let at = if side == Side::Front { 0 } else { model.len() };
            model.insert(at, entry);
        }
        _ => {
            let side = side(random);
            let old = tree.pop(nodes, side).unwrap();
            let expected = match side {
                Side::Front => (len > 0).then(|| model.remove(0)),
                Side::Back => model.pop(),
            };
            assert_eq!(old.as_deref(), expected.as_deref());
        }
    }
}

fn run_list(seed: u64, limits: Limits) -> u8 {
    let mut random = Random::new(seed);
    let (mut tree, mut nodes) = (tree(Order::Rank, limits), MapNodes::default());
    let mut model: Vec<Vec<u8>> = Vec::new();
    let mut height = 0;
    for step in 0..STEPS {
        let phase = step / 300;
        change_list(&mut random, phase, (&mut tree, &mut nodes), &mut model);
        height = height.max(tree.root.height);
        let entries = check(&tree, &nodes);
        assert!(entries.iter().eq(&model), "step {step}");
        let rank = random.below(model.len() as u64 + 2);
        let found = tree.get(&mut nodes, rank).unwrap();
        assert_eq!(found.as_deref(), model.get(rank as usize).map(Vec::as_slice), "step {step}");
    }
    height
}

#[test]
fn a_list_is_what_a_vector_is() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        let height = run_list(seed, TINY);
        assert!(height >= 3, "seed {seed}: {height} levels");
        run_list(seed + 100, SMALL);
    }
}

/// Keys with prefixes in common, some of them long.
fn key(random: &mut Random) -> Vec<u8> {
    let number = random.below(400);
    let common: &[u8] = match number % 5 {
        0 => b"",
        1 => b"a long prefix that many have in common ",
        2 => b"\x00",
        3 => b"\xff\xff",
        _ => b"a",
    };
    [common, number.to_string().as_bytes()].concat()
}

fn run_sorted(seed: u64, limits: Limits) {
    let mut random = Random::new(seed);
    let (mut tree, mut nodes) = (tree(Order::Entry, limits), MapNodes::default());
    let mut model: BTreeMap<Vec<u8>, ()> = BTreeMap::new();
    for step in 0..STEPS {
        let grows = if (step / 300).is_multiple_of(2) { 7 } else { 3 };
        let key = key(&mut random);
        match random.below(10) {
            0 if grows == 3 => {
                let part = part(&mut random, model.len() as u64);
                tree.remove_range(&mut nodes, part.clone()).unwrap();
                let keys: Vec<Vec<u8>> = model.keys().cloned().collect();
                for key in &keys[part.start as usize..part.end as usize] {
                    model.remove(key);
                }
            }
            1 => {
                let old = tree.pop(&mut nodes, Side::Front).unwrap();
                assert_eq!(old.as_deref(), model.pop_first().as_ref().map(|(key, ())| &key[..]));
            }
            action if action < grows => {
                let is_new = tree.insert(&mut nodes, &key).unwrap();
                assert_eq!(is_new, model.insert(key, ()).is_none());
            }
            _ => {
                let old = tree.remove(&mut nodes, &key).unwrap();
                assert_eq!(old.is_some(), model.remove(&key).is_some());
                assert!(old.is_none_or(|old| old == key));
            }
        }
        let entries = check(&tree, &nodes);
        assert!(entries.iter().eq(model.keys()), "step {step}");
        look(&mut random, (&tree, &mut nodes), &entries);
    }
}

/// Asks for a random key in all ways.
fn look(random: &mut Random, (tree, nodes): (&Tree, &mut MapNodes), entries: &[Bytes]) {
    let wanted = key(random);
    let rank = entries.partition_point(|entry| entry[..] < wanted[..]);
    let sought = tree.seek(nodes, &wanted).unwrap();
    let is_found = entries.get(rank).is_some_and(|entry| *entry == wanted);
    assert_eq!((sought.rank, sought.is_found), (rank as u64, is_found));
    assert_eq!(tree.find(nodes, &wanted).unwrap().is_some(), is_found);
    let to = key(random);
    let end = entries.partition_point(|entry| entry[..] < to[..]);
    let between = tree.count_between(nodes, &wanted, &to).unwrap();
    assert_eq!(between, end.saturating_sub(rank) as u64);
    let mut forwards = tree.cursor_at_key(nodes, &wanted, Side::Back).unwrap();
    let mut backwards = tree.cursor_at_key(nodes, &wanted, Side::Front).unwrap();
    for step in 0..20 {
        let next = forwards.next(nodes).unwrap();
        assert_eq!(next, entries.get(rank + step).map(|entry| &entry[..]));
        let before = rank.checked_sub(step + 1).and_then(|at| entries.get(at));
        assert_eq!(backwards.next(nodes).unwrap(), before.map(|entry| &entry[..]));
    }
}

#[test]
fn what_is_sorted_is_what_a_map_is() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        run_sorted(seed, TINY);
        run_sorted(seed + 100, SMALL);
    }
}

#[test]
fn entries_are_found_by_their_beginning() {
    let (mut tree, mut nodes) = (tree(Order::Prefix(2), SMALL), MapNodes::default());
    for number in (0..500u16).rev() {
        let entry = [&number.to_be_bytes()[..], b" payload"].concat();
        assert_eq!(tree.insert(&mut nodes, &entry), Ok(true));
    }
    check(&tree, &nodes);
    let key = 300u16.to_be_bytes();
    let entry = [&key[..], b" another and longer payload"].concat();
    assert_eq!(tree.insert(&mut nodes, &entry), Ok(false));
    assert_eq!(tree.find(&mut nodes, &key).unwrap().unwrap(), entry);
    assert_eq!(tree.get(&mut nodes, 300).unwrap().unwrap(), entry);
    let shorter = [&key[..], b"!"].concat();
    assert_eq!(tree.replace_at(&mut nodes, 300, &shorter).unwrap().unwrap(), entry);
    assert_eq!(tree.remove(&mut nodes, &key).unwrap().unwrap(), shorter);
    assert_eq!(tree.entry_bytes(), 499 * 10);
    check(&tree, &nodes);
}
