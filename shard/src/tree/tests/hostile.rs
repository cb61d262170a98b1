//! Whatever the records say: every operation ends, with an error or an answer.

use bytes::Bytes;

use super::{MapNodes, SMALL, TINY, build};
use crate::random::Random;
use crate::tree::{Limits, Order, Side, Tree};

const ROUNDS: u64 = 2000;

/// Makes a record another one: a byte changed, a part cut off or said twice, another record.
fn damage(random: &mut Random, nodes: &mut MapNodes) {
    let names: Vec<Vec<u8>> = nodes.records.keys().cloned().collect();
    let name = &names[random.below(names.len() as u64) as usize];
    let other = &names[random.below(names.len() as u64) as usize];
    let mut record = nodes.records[name].to_vec();
    let at = random.below(record.len() as u64 + 1) as usize;
    match random.below(8) {
        0 => record.truncate(at),
        1 => record.insert(at, random.below(256) as u8),
        2 => record.extend_from_within(at..),
        3 => record = nodes.records[other].to_vec(),
        4 => {
            nodes.records.remove(name);
            return;
        }
        _ if at < record.len() => record[at] = random.below(256) as u8,
        _ => {}
    }
    nodes.records.insert(name.clone(), Bytes::from(record));
}

/// Does everything that can be done, one after the other as long as it can be; what comes of it
/// is of no interest.
fn use_all(random: &mut Random, tree: &Tree, nodes: &MapNodes) {
    let key = random.below(1000).to_string();
    let key = key.as_bytes();
    let rank = random.below(tree.len() + 2);
    let other = random.below(tree.len() + 2);
    let side = if random.below(2) == 0 { Side::Front } else { Side::Back };
    let ranks = rank.min(other)..rank.max(other);
    let reads = &mut nodes.clone();
    let _ = tree.get(reads, rank);
    let _ = tree.seek(reads, key);
    let _ = tree.find(reads, key);
    let _ = tree.count_between(reads, b"3", b"7");
    let _ = tree.range(reads, ranks.clone(), side, |_| std::ops::ControlFlow::Continue(()));
    if let Ok(mut cursor) = tree.cursor_at_key(reads, key, side) {
        while let Ok(Some(_)) = cursor.next(reads) {}
    }
    for first in 0..6 {
        let (mut tree, mut nodes) = (tree.clone(), nodes.clone());
        let nodes = &mut nodes;
        for action in first..first + 8 {
            let is_done = match action % 6 {
                0 => tree.remove_range(nodes, ranks.clone()).is_ok(),
                1 if tree.order == Order::Rank => tree.insert_at(nodes, rank, key).is_ok(),
                1 => tree.insert(nodes, key).is_ok(),
                2 => tree.remove_at(nodes, rank).is_ok(),
                3 => tree.remove(nodes, key).is_ok(),
                4 => tree.pop(nodes, side).is_ok(),
                _ => tree.push(nodes, side, key).is_ok(),
            };
            if !is_done {
                break;
            }
        }
    }
}

#[test]
fn damaged_records_never_panic() {
    let limits = [TINY, SMALL, Limits { leaf_bytes: 16, children: 64, separator_bytes: 64 }];
    for round in 0..ROUNDS {
        let mut random = Random::new(round);
        let order = [Order::Rank, Order::Entry, Order::Prefix(2)][random.below(3) as usize];
        let count = 1 + random.below(150);
        let mut entries: Vec<Vec<u8>> =
            (0..count).map(|number| (number * 7).to_string().into_bytes()).collect();
        entries.sort();
        entries.dedup_by(|one, other| order != Order::Rank && order.key(one) == order.key(other));
        let limits = limits[random.below(3) as usize];
        let (tree, mut nodes) = build(limits, order, entries);
        println!("round {round}");
        for _ in 0..1 + random.below(3) {
            if !nodes.records.is_empty() {
                damage(&mut random, &mut nodes);
            }
        }
        use_all(&mut random, &tree, &nodes);
    }
}

#[test]
fn damaged_roots_never_panic() {
    for round in 0..ROUNDS {
        println!("round {round}");
        let mut random = Random::new(round);
        let (tree, nodes) = build(TINY, Order::Entry, (100..200).map(|n| n.to_string().into()));
        let mut root = tree.root().to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(root.len() as u64) as usize;
            root[at] =
                if random.below(2) == 0 { random.below(12) } else { random.below(256) } as u8;
        }
        let len = if random.below(4) == 0 { random.next_u64() >> random.below(64) } else { 100 };
        if let Ok(opened) = Tree::open(Order::Entry, &root, len.min(5000), 300) {
            use_all(&mut random, &opened.with_limits(TINY), &nodes);
        }
    }
}
