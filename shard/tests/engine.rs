//! The engine over real files against an ordered map, while its write buffer is drained at any
//! moment, and after it ended without being closed.

#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

#[path = "common/mod.rs"]
#[expect(dead_code, unreachable_pub, reason = "each test program uses its own part of it")]
mod common;

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use basalt_shard::engine::options::{Budget, SharedResources};
use basalt_shard::engine::rocks::RocksEngine;
use basalt_shard::engine::{Direction, Engine, EngineError, Family, Range, ReadTier, Site, Writes};
use basalt_shard::keyspace::layout;
use basalt_shard::random::Random;
use basalt_shard::shard::{DeadlineRange, load_deadlines};
use bytes::Bytes;

use common::Directory;

/// An engine with tables of `table_bytes`.
fn open(directory: &Directory, epoch: u64, table_bytes: usize) -> RocksEngine {
    let budget =
        Budget { block_cache_bytes: 8 << 20, write_buffer_bytes: table_bytes * 7, shards: 1 };
    let shared = SharedResources::new(budget).unwrap();
    assert_eq!(shared.table_bytes(), table_bytes);
    loop {
        // A compaction that still runs holds the database which was dropped.
        match RocksEngine::open(Site::alone(directory.0.clone(), epoch), &shared) {
            Err(why) if why.contains("lock hold") => std::thread::sleep(Duration::from_millis(5)),
            opened => return opened.unwrap().0,
        }
    }
}

const FAMILIES: [Family; 2] = [Family::Heads, Family::Elements];

type Model = [BTreeMap<Vec<u8>, Vec<u8>>; 2];

fn collect(engine: &RocksEngine, family: Family, lower: &[u8], upper: &[u8]) -> Vec<Vec<u8>> {
    let mut both = [Vec::new(), Vec::new()];
    for (found, direction) in both.iter_mut().zip([Direction::Forward, Direction::Backward]) {
        let range = Range { family, lower, upper, direction, tier: ReadTier::Disk };
        engine
            .range(range, &mut |key, value| {
                found.push([key, b"=", value].concat());
                ControlFlow::Continue(())
            })
            .unwrap();
    }
    let [forward, mut backward] = both;
    backward.reverse();
    assert!(forward == backward);
    forward
}

fn check(engine: &RocksEngine, model: &Model, random: &mut Random) {
    for (family, map) in FAMILIES.into_iter().zip(model) {
        let (lower, upper) = (random_key(random), random_key(random));
        for (lower, upper) in [(&b""[..], &b""[..]), (&lower.min(upper.clone()), &upper)] {
            let bound = if upper.is_empty() { Bound::Unbounded } else { Bound::Excluded(upper) };
            let expected: Vec<Vec<u8>> = map
                .range::<[u8], _>((Bound::Included(lower), bound))
                .map(|(key, value)| [&key[..], b"=", value].concat())
                .collect();
            let found = collect(engine, family, lower, upper);
            let first = found.iter().zip(&expected).find(|(found, expected)| found != expected);
            assert!(found == expected, "{} for {}: {first:?}", found.len(), expected.len());
        }
        for _ in 0..20 {
            let key = random_key(random);
            let found = engine.get(family, &key, ReadTier::Disk).unwrap();
            assert_eq!(found.as_deref(), map.get(&key).map(Vec::as_slice), "{key:?}");
        }
    }
}

fn random_key(random: &mut Random) -> Vec<u8> {
    let length = 1 + random.below(24) as usize;
    let mut key = vec![b'k'; length];
    for byte in key.iter_mut().rev().take(3) {
        *byte = b'a' + random.below(6) as u8;
    }
    key
}

/// Writes a few random things to both.
fn write(engine: &RocksEngine, model: &mut Model, random: &mut Random) {
    let mut changed = model.clone();
    let state = random.next_u64();
    let written = engine.write(&mut |writes| {
        let mut random = Random::new(state);
        for _ in 0..1 + random.below(4) {
            let at = random.below(2) as usize;
            let key = random_key(&mut random);
            match random.below(60) {
                0 => {
                    let to = [&key[..], b"zz"].concat();
                    writes.delete_range(FAMILIES[at], &key, &to);
                    changed[at].retain(|known, _| *known < key || *known >= to);
                }
                1..15 => {
                    writes.delete(FAMILIES[at], &key);
                    changed[at].remove(&key);
                }
                _ => {
                    let value = random.next_u64().to_string().into_bytes();
                    writes.put(FAMILIES[at], &key, &Bytes::from(value.clone()));
                    changed[at].insert(key, value);
                }
            }
        }
    });
    match written {
        Ok(_) => *model = changed,
        Err(error) => {
            assert_eq!(error, EngineError::Stalled);
            engine.drain(Duration::ZERO).unwrap();
        }
    }
}

#[test]
fn it_does_what_an_ordered_map_does_however_it_is_drained_and_opened() {
    let seed = std::env::var("BASALT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(11);
    println!("BASALT_SEED={seed}");
    let mut random = Random::new(seed);
    let directory = Directory::new("engine-model");
    let mut model = Model::default();
    for epoch in 1..=6 {
        let engine = open(&directory, epoch, 64 << 10);
        check(&engine, &model, &mut random);
        for _ in 0..1500 {
            write(&engine, &mut model, &mut random);
            // What is not in the kernel does not outlive an opening.
            engine.flush_log_off_loop().unwrap();
            match random.below(200) {
                0..4 => engine.drain(Duration::ZERO).unwrap(),
                4 => engine.reopen().unwrap_or_else(|error| panic!("{error}")),
                5..10 => check(&engine, &model, &mut random),
                _ => {}
            }
        }
        check(&engine, &model, &mut random);
        if epoch % 2 == 0 {
            engine.close().unwrap();
        }
    }
}

/// Keys that are always there are visited exactly once and in order, while others come and go and
/// tables move into the database.
#[test]
fn ranges_miss_nothing_while_the_buffer_is_drained() {
    let directory = Directory::new("engine-ranges");
    let engine = open(&directory, 1, 32 << 10);
    let name = |number: u64| format!("{number:06}").into_bytes();
    let put = |number: u64, value: u64| loop {
        let value = Bytes::from(value.to_string());
        let key = name(number);
        match engine.write(&mut |writes| writes.put(Family::Heads, &key, &value)) {
            Ok(_) => break,
            Err(EngineError::Stalled) => std::thread::sleep(Duration::from_millis(1)),
            Err(error) => panic!("{error}"),
        }
    };
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stopped.load(Ordering::Relaxed) {
                engine.drain(Duration::from_millis(1)).unwrap();
            }
        });
        // Even numbers stay.
        (0..1000).for_each(|number| put(number * 2, 0));
        let reader = scope.spawn(|| {
            for round in 0..150u32 {
                let direction =
                    if round % 2 == 0 { Direction::Forward } else { Direction::Backward };
                let tier = ReadTier::Disk;
                let range =
                    Range { family: Family::Heads, lower: b"", upper: b"", direction, tier };
                let mut visited: Vec<Vec<u8>> = Vec::new();
                engine
                    .range(range, &mut |key, _| {
                        visited.push(key.to_vec());
                        ControlFlow::Continue(())
                    })
                    .unwrap();
                if direction == Direction::Backward {
                    visited.reverse();
                }
                assert!(visited.is_sorted_by(|left, right| left < right), "round {round}");
                visited.retain(|key| key[5].is_multiple_of(2));
                let expected: Vec<_> = (0..1000).map(|number| name(number * 2)).collect();
                assert!(visited == expected, "round {round}");
            }
        });
        let mut random = Random::new(3);
        let mut value = 1;
        while !reader.is_finished() {
            value += 1;
            put(random.below(1000) * 2, value);
            let odd = name(random.below(1000) * 2 + 1);
            let odd_value = Bytes::from_static(b"x");
            let remove = random.below(2) == 0;
            let _ = engine.write(&mut |writes| match remove {
                true => writes.delete(Family::Heads, &odd),
                false => writes.put(Family::Heads, &odd, &odd_value),
            });
        }
        stopped.store(true, Ordering::Relaxed);
    });
}

/// What was deleted costs a read on a loop as much time as what is there, wherever it stands.
#[test]
fn a_read_on_a_loop_does_not_pass_over_very_many_deleted_records() {
    let directory = Directory::new("engine-deleted");
    let engine = open(&directory, 1, 1 << 20);
    let name = |number: u32| format!("{number:06}").into_bytes();
    let first = |direction, tier| {
        let range = Range { family: Family::Heads, lower: b"", upper: b"", direction, tier };
        let mut first = None;
        let visited = engine.range(range, &mut |key, _| {
            first = Some(key.to_vec());
            ControlFlow::Break(())
        });
        visited.map(|()| first)
    };
    let delete = |numbers: std::ops::Range<u32>| {
        let fill = |writes: &mut dyn Writes| {
            numbers.clone().for_each(|number| writes.delete(Family::Heads, &name(number)));
        };
        engine.write(&mut { fill }).unwrap();
    };
    let put = |number| {
        let fill = |writes: &mut dyn Writes| {
            writes.put(Family::Heads, &name(number), &Bytes::from_static(b"v"));
        };
        engine.write(&mut { fill }).unwrap();
    };
    put(0);
    put(4000);
    delete(1..500);
    put(500);
    delete(0..1);
    assert_eq!(first(Direction::Forward, ReadTier::Memory), Ok(Some(name(500))));
    delete(500..4000);
    assert_eq!(first(Direction::Backward, ReadTier::Memory), Ok(Some(name(4000))));
    for draining in [false, true] {
        if draining {
            engine.drain(Duration::ZERO).unwrap();
        }
        let found = first(Direction::Forward, ReadTier::Memory);
        assert_eq!(found, Err(EngineError::NotInMemory));
        assert_eq!(first(Direction::Forward, ReadTier::Disk), Ok(Some(name(4000))));
    }
}

/// Whoever removes what is due looks for the next deadline too; were that not in memory, it would
/// be loaded again and again.
#[test]
fn the_deadline_behind_those_that_are_due_is_loaded_with_them() {
    let directory = Directory::new("engine-deadlines");
    let key = |deadline| layout::expiry_key(0, deadline, b"some key of ordinary length");
    let engine = open(&directory, 1, 4 << 20);
    let set = |writes: &mut dyn Writes| {
        (0..20_000).for_each(|at| writes.put(Family::Expiry, &key(at), &Bytes::new()));
    };
    engine.write(&mut { set }).unwrap();
    engine.compact(Family::Expiry).unwrap();
    let most_go = |writes: &mut dyn Writes| {
        (1..19_000).for_each(|at| writes.delete(Family::Expiry, &key(at)));
    };
    engine.write(&mut { most_go }).unwrap();
    engine.close().unwrap();
    drop(engine);

    let engine = open(&directory, 2, 4 << 20);
    let (lower, upper) = (key(0), layout::prefix_end(&[0]));
    let first_two = || {
        let (direction, tier) = (Direction::Forward, ReadTier::Memory);
        let range = Range { family: Family::Expiry, lower: &lower, upper: &upper, direction, tier };
        let mut found = Vec::new();
        let visited = engine.range(range, &mut |key, _| {
            found.push(key.to_vec());
            if found.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        visited.map(|()| found)
    };
    assert_eq!(first_two(), Err(EngineError::NotInMemory));
    load_deadlines(&engine, &DeadlineRange::due_from(0, lower.clone(), 5), 1000).unwrap();
    assert_eq!(first_two(), Ok(vec![key(0).to_vec(), key(19_000).to_vec()]));
}

/// Where reads look into memory in vain, they stop looking; who must know does not.
#[test]
fn looks_in_vain_are_spared_for_reads_alone() {
    let directory = Directory::new("engine-odds");
    let key = |number: u32| number.to_be_bytes();
    {
        let engine = open(&directory, 1, 64 << 10);
        let value = Bytes::from(vec![b'x'; 4000]);
        for first in (0..1000).step_by(10) {
            let fill = &mut |writes: &mut dyn Writes| {
                (first..first + 10).for_each(|it| writes.put(Family::Heads, &key(it), &value));
            };
            while engine.write(fill).is_err() {
                engine.drain(Duration::ZERO).unwrap();
            }
        }
        engine.close().unwrap();
    }
    let engine = open(&directory, 2, 64 << 10);
    let get = |number, tier| engine.get(Family::Heads, &key(number), tier);
    assert!(get(0, ReadTier::Disk).unwrap().is_some());
    // In memory now, and found there as long as looks are worth it.
    assert!(get(0, ReadTier::LikelyMemory).is_ok());
    for number in 1..1000 {
        assert_eq!(get(number, ReadTier::LikelyMemory), Err(EngineError::NotInMemory));
    }
    let found = (0..32).filter(|_| get(0, ReadTier::LikelyMemory).is_ok()).count();
    assert_eq!(found, 2);
    assert!(get(0, ReadTier::Memory).unwrap().is_some());
}
