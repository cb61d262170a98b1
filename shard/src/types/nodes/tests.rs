//! Trees in the records of a key: what the view, the cache, COPY and the engine make of them.

use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::engine::map_engine::MemoryEngine;
use crate::keyspace::cache::{HotCache, Touch};
use crate::keyspace::head::{Body, Head, Kind, Large};
use crate::random::Random;
use crate::settings::Settings;
use crate::shard::Shard;
use crate::testing::TestShard;
use crate::topology::Topology;
use crate::tree::{Builder, Order, Side, Tree};
use crate::view::Context;

/// Makes a list of so many numbers at a key.
fn fill(view: &mut View<'_>, name: &[u8], count: u32) -> (u64, Tree) {
    let key = view.open(name).unwrap();
    let version = view.new_version();
    let mut nodes = ElementNodes::new(view, &key, version);
    let mut builder = Builder::new(Order::Rank);
    for number in 0..count {
        builder.push(&mut nodes, format!("value:{number:08}").as_bytes()).unwrap();
    }
    let tree = builder.finish(&mut nodes).unwrap();
    let large = Large { version, count: tree.len(), bytes: tree.entry_bytes() };
    view.put(&key, &Head::large(Kind::List, large));
    (version, tree)
}

fn large(view: &mut View<'_>, name: &[u8]) -> (Key, Large) {
    let key = view.open(name).unwrap();
    let Some(Head { body: Body::Large(large, _), .. }) = key.head else { panic!("not large") };
    (key, large)
}

#[test]
fn nodes_are_elements_of_the_key_and_go_with_a_copy() {
    let mut shard = TestShard::new();
    let (_, tree) = shard.with_view(|view| fill(view, b"list", 3000));
    assert_eq!(shard.run("COPY list other"), ":1");
    assert_eq!(shard.run("DEL list"), ":1");
    shard.with_view(|view| {
        let (key, large) = large(view, b"other");
        let mut nodes = ElementNodes::new(view, &key, large.version);
        let tree = Tree::open(Order::Rank, &tree.root(), large.count, large.bytes).unwrap();
        let entry = tree.get(&mut nodes, 1234).unwrap().unwrap();
        assert_eq!(entry, "value:00001234");
        let mut visited = 0;
        let visit = |_: &[u8]| {
            visited += 1;
            std::ops::ControlFlow::Continue(())
        };
        tree.range(&mut nodes, 0..3000, Side::Front, visit).unwrap();
        assert_eq!(visited, 3000);
    });
}

#[test]
fn a_view_sees_its_own_changes_and_a_missing_node_has_a_name() {
    let mut shard = TestShard::new();
    let (version, mut tree) = shard.with_view(|view| fill(view, b"list", 3000));
    shard.with_view(|view| {
        let (key, _) = large(view, b"list");
        let mut nodes = ElementNodes::new(view, &key, version);
        tree.insert_at(&mut nodes, 1500, b"new").unwrap();
        assert_eq!(tree.get(&mut nodes, 1500).unwrap().unwrap(), "new");
        assert_eq!(tree.remove_range(&mut nodes, 100..2900), Ok(2800));
        assert_eq!(tree.get(&mut nodes, 100).unwrap().unwrap(), "value:00002899");
    });
    let error = shard.with_view(|view| {
        let (key, _) = large(view, b"list");
        tree.get(&mut ElementNodes::new(view, &key, version + 1), 100).unwrap_err()
    });
    let text = "ordered collection: counts are missing".to_owned();
    assert_eq!(error, CommandError::Storage(EngineError::Corrupted(text)));
}

/// Prints how long an operation takes: the best of many short rounds, as others may be at work on
/// the same host.
fn time(what: &str, count: u32, mut work: impl FnMut()) {
    let each = (count / 500).max(10);
    let mut best = f64::INFINITY;
    for _ in 0..count / each {
        let start = Instant::now();
        (0..each).for_each(|_| work());
        best = best.min(start.elapsed().as_nanos() as f64 / f64::from(each));
    }
    println!("{what:32} {best:8.0} ns");
}

const MANY: u32 = 1_000_000;

/// Every operation has a view of its own, as that of a command has, and its changes are thrown
/// away.
#[test]
#[ignore = "measures"]
fn speed_of_a_list_of_a_million() {
    let engine = Arc::new(MemoryEngine::default());
    let topology = Arc::new(Topology::new(vec![engine as _], 1));
    let mut shard = Shard::open(0, topology.clone(), 1 << 20, 42).unwrap();
    let settings = Settings::default();
    let databases: Vec<u8> = (0..16).collect();
    let context = || Context {
        topology: &topology,
        settings: &settings,
        databases: &databases,
        db: 0,
        now_ms: 1,
        steady_ms: 1,
        touch: Touch::Yes,
    };
    let mut chance = Random::new(1);
    let mut view = View::off_loop(context(), &mut chance);
    let (version, tree) = fill(&mut view, b"list", MANY);
    shard.commit(view.finish().changes).map_err(|refused| refused.error).unwrap();
    let mut cache = HotCache::new(256 << 20, 1);
    let mut wanted = Random::new(2);
    let mut run = |work: &mut dyn FnMut(&mut ElementNodes<'_, '_>)| {
        let mut view = View::on_loop(context(), &mut chance, 0, &mut cache);
        let key = view.open_head(b"list").unwrap();
        work(&mut ElementNodes::new(&mut view, &key, version));
    };
    let mut rank = move || wanted.below(u64::from(MANY));
    // Warms the cache.
    for rank in (0..u64::from(MANY)).step_by(20) {
        run(&mut |nodes| drop(tree.get(nodes, rank).unwrap()));
    }
    time("a view and its key", 100_000, || run(&mut |_| {}));
    time("get at random", 100_000, || run(&mut |nodes| drop(tree.get(nodes, rank()).unwrap())));
    time("get at the front", 100_000, || run(&mut |nodes| drop(tree.get(nodes, 0).unwrap())));
    let mut out = Vec::with_capacity(1 << 16);
    let mut visit = |entry: &[u8]| {
        out.extend_from_slice(b"$14\r\n");
        out.extend_from_slice(entry);
        out.extend_from_slice(b"\r\n");
        if out.len() > 50_000 {
            out.clear();
        }
        std::ops::ControlFlow::Continue(())
    };
    time("range of 600 at the front", 5000, || {
        run(&mut |nodes| tree.range(nodes, 0..600, Side::Back, &mut visit).unwrap());
    });
    time("range of 600 at random", 5000, || {
        let from = rank();
        run(&mut |nodes| tree.range(nodes, from..from + 600, Side::Back, &mut visit).unwrap());
    });
    time("range of 600 towards the front", 5000, || {
        let from = rank();
        run(&mut |nodes| tree.range(nodes, from..from + 600, Side::Front, &mut visit).unwrap());
    });
    let mut changed = tree.clone();
    time("push at the back", 100_000, || {
        run(&mut |nodes| {
            changed.clone_from(&tree);
            changed.push(nodes, Side::Back, b"value:00000000").unwrap();
        });
    });
    time("pop at the front", 100_000, || {
        run(&mut |nodes| {
            changed.clone_from(&tree);
            changed.pop(nodes, Side::Front).unwrap();
        });
    });
    time("insert at random", 100_000, || {
        run(&mut |nodes| {
            changed.clone_from(&tree);
            changed.insert_at(nodes, rank(), b"value:00000000").unwrap();
        });
    });
}
