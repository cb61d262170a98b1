//! Whatever is done with an ordered collection, it is what a vector is, until its records are
//! damaged: from then on every operation ends somehow.

#![no_main]

use std::collections::HashMap;
use std::ops::ControlFlow;

use basalt_shard_fuzz::tree::{Damaged, Limits, Nodes, Order, Side, Tree};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

#[derive(Default)]
struct Records(HashMap<Vec<u8>, Bytes>);

impl Nodes for Records {
    type Error = Damaged;

    fn get(&mut self, name: &[u8]) -> Result<Option<Bytes>, Damaged> {
        Ok(self.0.get(name).cloned())
    }

    fn put(&mut self, name: &[u8], record: Bytes) {
        self.0.insert(name.to_vec(), record);
    }

    fn delete(&mut self, name: &[u8]) {
        self.0.remove(name);
    }
}

const TINY: Limits = Limits { leaf_bytes: 24, children: 4, separator_bytes: 24 };
const ENTRIES_MAX: u64 = 2000;

/// Does one thing; whether it could be done.
fn change(
    tree: &mut Tree,
    records: &mut Records,
    model: &mut Vec<Vec<u8>>,
    is_sorted: bool,
    &[action, at, byte]: &[u8; 3],
) -> Result<(), Damaged> {
    let entry = vec![byte; 1 + usize::from(at % 12)];
    let rank = (model.len() * usize::from(at) / 255) as u64;
    let to = rank + u64::from(byte);
    let side = if at & 1 == 0 { Side::Front } else { Side::Back };
    match action % 8 {
        0..3 if tree.len() > ENTRIES_MAX => {}
        0..3 if is_sorted => {
            let is_new = tree.insert(records, &entry)?;
            let place = model.binary_search(&entry);
            if let Err(at) = place {
                model.insert(at, entry);
            }
            assert_eq!(is_new, place.is_err());
        }
        0 | 1 => {
            tree.insert_at(records, rank, &entry)?;
            model.insert(rank as usize, entry);
        }
        2 => {
            tree.push(records, side, &entry)?;
            model.insert(if side == Side::Front { 0 } else { model.len() }, entry);
        }
        3 => {
            let old = tree.remove_at(records, rank)?;
            assert_eq!(old.is_some(), (rank as usize) < model.len());
            if let Some(old) = old {
                assert_eq!(model.remove(rank as usize), old);
            }
        }
        4 => {
            if let Some(old) = tree.pop(records, side)? {
                let at = if side == Side::Front { 0 } else { model.len() - 1 };
                assert_eq!(model.remove(at), old);
            }
        }
        5 => {
            let count = tree.remove_range(records, rank..to)?;
            let end = (to as usize).min(model.len());
            assert_eq!(model.drain(rank as usize..end).len() as u64, count);
        }
        6 if is_sorted => {
            let sought = tree.seek(records, &entry)?;
            assert_eq!(sought.rank as usize, model.partition_point(|other| *other < entry));
        }
        _ => {
            let mut seen = Vec::new();
            tree.range(records, rank..to, side, |entry| {
                seen.push(entry.to_vec());
                ControlFlow::Continue(())
            })?;
            if side == Side::Front {
                seen.reverse();
            }
            assert_eq!(seen, model[rank as usize..(to as usize).min(model.len())]);
        }
    }
    Ok(())
}

fuzz_target!(|data: &[u8]| {
    let [options, count, rest @ ..] = data else { return };
    let is_sorted = options & 1 == 1;
    let order = if is_sorted { Order::Entry } else { Order::Rank };
    let mut tree = Tree::new(order).with_limits(TINY);
    let (mut records, mut model) = (Records::default(), Vec::new());
    let mut actions = rest.chunks_exact(3).filter_map(|chunk| chunk.first_chunk::<3>());
    for action in actions.by_ref().take(4 * usize::from(*count)) {
        change(&mut tree, &mut records, &mut model, is_sorted, action).expect("sound records");
    }
    assert_eq!(tree.len() as usize, model.len());
    assert_eq!(tree.records() as usize, records.0.len());
    let root = tree.root();
    tree = Tree::open(order, &root, tree.len(), tree.entry_bytes()).expect("as it was kept");
    tree = tree.with_limits(TINY);

    // A record becomes another, and nobody believes what comes of it.
    let mut names: Vec<Vec<u8>> = records.0.keys().cloned().collect();
    names.sort();
    for &[which, at, byte] in actions.by_ref().take(1 + usize::from(options >> 5)) {
        let Some(name) = names.get(names.len() * usize::from(which) / 256) else { break };
        let Some(mut record) = records.0.remove(name).map(Vec::from) else { continue };
        let at = record.len() * usize::from(at) / 256;
        match (byte, record.get_mut(at)) {
            (0..8, _) => record.truncate(at),
            (255, _) | (_, None) => continue,
            (_, Some(place)) => *place = byte,
        }
        records.0.insert(name.clone(), Bytes::from(record));
    }
    for &[action, at, byte] in actions {
        let (rank, to) = (u64::from(at), u64::from(at) + u64::from(byte));
        let side = if byte & 1 == 0 { Side::Front } else { Side::Back };
        let entry = [byte];
        let records = &mut records;
        let is_done = match action % 9 {
            0 if is_sorted => tree.insert(records, &entry).is_ok(),
            0 => tree.insert_at(records, rank, &entry).is_ok(),
            1 => tree.push(records, side, &entry).is_ok(),
            2 => tree.remove_at(records, rank).is_ok(),
            3 => tree.pop(records, side).is_ok(),
            4 => tree.remove_range(records, rank..to).is_ok(),
            5 => tree.seek(records, &entry).is_ok(),
            6 => tree.replace_at(records, rank, &entry).is_ok(),
            7 => tree.remove(records, &entry).is_ok(),
            _ => tree.range(records, rank..to, side, |_| ControlFlow::Continue(())).is_ok(),
        };
        if !is_done {
            break;
        }
    }
});
