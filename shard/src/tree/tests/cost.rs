//! What a change costs: records read and written, and bytes for the log.

use bytes::Bytes;

use super::{MapNodes, build};
use crate::keyspace::layout;
use crate::random::Random;
use crate::tree::{Limits, Order, Side, Tree};

/// Bytes of a record in the log beside its key and value: see `engine::batch`.
const OPERATION_BYTES: u64 = 9;

/// What changes wrote and read.
#[derive(Clone, Copy, Default)]
struct Cost {
    changes: u64,
    reads: u64,
    records: u64,
    records_max: u64,
    bytes: u64,
    bytes_max: u64,
}

impl Cost {
    /// Adds what was done since the last time. The head is written, too.
    fn add(&mut self, tree: &Tree, nodes: &mut MapNodes) {
        let head = layout::head_key(0, b"timeline:1234567");
        let prefix_bytes = layout::element_prefix(&head, 1).len() as u64;
        let mut bytes = OPERATION_BYTES + head.len() as u64 + 26 + tree.root().len() as u64;
        for (name, record) in &nodes.changed {
            let record_bytes = record.as_ref().map_or(0, Bytes::len) as u64;
            bytes += OPERATION_BYTES + prefix_bytes + name.len() as u64 + record_bytes;
        }
        let records = nodes.changed.len() as u64 + 1;
        self.changes += 1;
        self.reads += nodes.reads;
        self.records += records;
        self.records_max = self.records_max.max(records);
        self.bytes += bytes;
        self.bytes_max = self.bytes_max.max(bytes);
        nodes.reads = 0;
        nodes.changed.clear();
    }

    fn print(&self, what: &str) {
        let mean = |sum: u64| sum as f64 / self.changes as f64;
        println!(
            "{what:28} reads {:5.2} · records {:5.2}, at most {:2} · bytes {:6.1}, at most {:5}",
            mean(self.reads),
            mean(self.records),
            self.records_max,
            mean(self.bytes),
            self.bytes_max,
        );
    }
}

/// An entry as a sorted set with ids for members has them.
fn entry(score: u64, member: u64) -> Vec<u8> {
    [&score.to_be_bytes()[..], format!("user:{member:08}").as_bytes()].concat()
}

const CHANGES: u64 = 2000;

/// Measures changes at a collection of so many entries.
fn measure(count: u64) -> Vec<(&'static str, Cost)> {
    let entries = (0..count).map(|number| entry(number << 20, number));
    let (mut tree, mut nodes) = build(Limits::NORMAL, Order::Entry, entries);
    println!("{count} entries, {} records, height {}", tree.records(), tree.root.height);
    let mut random = Random::new(count);
    let mut costs = Vec::new();
    nodes.reads = 0;
    nodes.changed.clear();
    let mut run = |what, work: &mut dyn FnMut(&mut Tree, &mut MapNodes, u64)| {
        let mut cost = Cost::default();
        for number in 0..CHANGES {
            work(&mut tree, &mut nodes, number);
            cost.add(&tree, &mut nodes);
        }
        cost.print(what);
        costs.push((what, cost));
    };
    run("push at the back", &mut |tree, nodes, number| {
        tree.push(nodes, Side::Back, &entry((count + number) << 20, number)).unwrap();
    });
    run("pop at the back", &mut |tree, nodes, _| {
        tree.pop(nodes, Side::Back).unwrap().unwrap();
    });
    run("insert at random", &mut |tree, nodes, number| {
        tree.insert(nodes, &entry(random.below(count << 20), number)).unwrap();
    });
    run("insert in the middle", &mut |tree, nodes, number| {
        tree.insert(nodes, &entry(((count / 2) << 20) + number, number)).unwrap();
    });
    let mut random = Random::new(count + 1);
    run("remove at random", &mut |tree, nodes, _| {
        let rank = random.below(tree.len());
        tree.remove_at(nodes, rank).unwrap().unwrap();
    });
    run("pop at the front", &mut |tree, nodes, number| {
        if number < count / 2 {
            tree.pop(nodes, Side::Front).unwrap().unwrap();
        }
    });
    costs
}

#[track_caller]
fn is_bounded(count: u64) {
    for (what, cost) in measure(count) {
        let mean = |sum: u64| sum / cost.changes;
        let is_end = what.contains(" at the ");
        let (bytes, records) = if is_end { (500, 3) } else { (1200, 7) };
        assert!(mean(cost.bytes) < bytes, "{what}: {} bytes", mean(cost.bytes));
        assert!(mean(cost.records) < records, "{what}: {} records", mean(cost.records));
        // A change that splits or merges nodes on all levels.
        assert!(cost.bytes_max < 4 << 10, "{what}: {} bytes", cost.bytes_max);
        assert!(cost.records_max < 16, "{what}: {} records", cost.records_max);
    }
}

#[test]
fn a_change_writes_little_however_much_there_is() {
    [1_000, 10_000, 100_000, 1_000_000].iter().copied().for_each(is_bounded);
}

#[test]
#[ignore = "takes 600 MB"]
fn a_change_among_ten_million_writes_little() {
    is_bounded(10_000_000);
}
