//! Ranges and cursors: what they visit, and that they read nothing beside.

use std::ops::ControlFlow;

use super::{MapNodes, SMALL, build, check, entries, tree};
use crate::tree::{Builder, Damaged, Limits, Order, Side, Tree};

fn numbers(count: u32) -> impl Iterator<Item = Vec<u8>> {
    (0..count).map(|number| number.to_be_bytes().to_vec())
}

/// The numbers that a range visits.
fn visited(tree: &Tree, nodes: &mut MapNodes, ranks: std::ops::Range<u64>, side: Side) -> Vec<u32> {
    let mut numbers = Vec::new();
    let visit = |entry: &[u8]| {
        numbers.push(u32::from_be_bytes(entry.try_into().unwrap()));
        ControlFlow::Continue(())
    };
    tree.range(nodes, ranks, side, visit).unwrap();
    numbers
}

#[test]
fn ranges_visit_what_is_in_them_in_both_directions() {
    for count in [1, 2, 9, 300] {
        let (tree, mut nodes) = build(SMALL, Order::Rank, numbers(count));
        check(&tree, &nodes);
        for start in 0..count + 2 {
            for len in [0, 1, 7, 40, count] {
                let ranks = u64::from(start)..u64::from(start + len);
                let mut expected: Vec<u32> = (start..(start + len).min(count)).collect();
                let forwards = visited(&tree, &mut nodes, ranks.clone(), Side::Back);
                assert_eq!(forwards, expected, "{start} {len} of {count}");
                expected.reverse();
                let backwards = visited(&tree, &mut nodes, ranks, Side::Front);
                assert_eq!(backwards, expected, "{start} {len} of {count}");
            }
        }
    }
}

#[test]
fn a_visit_that_breaks_is_the_last() {
    let (tree, mut nodes) = build(SMALL, Order::Rank, numbers(100));
    let mut seen = 0;
    let visit = |_: &[u8]| {
        seen += 1;
        if seen == 3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    tree.range(&mut nodes, 10..90, Side::Back, visit).unwrap();
    assert_eq!(seen, 3);
}

#[test]
fn a_walk_reads_a_record_a_leaf_and_few_beside() {
    let (tree, mut nodes) = build(Limits::NORMAL, Order::Rank, numbers(1_000_000));
    for start in [0, 500_000, 999_400] {
        nodes.reads = 0;
        assert_eq!(visited(&tree, &mut nodes, start..start + 600, Side::Back).len(), 600);
        // 89 numbers are in a leaf.
        assert!(nodes.reads <= 8 + 2 * 3 + 2, "{} reads", nodes.reads);
    }
    for rank in [0, 999_999] {
        nodes.reads = 0;
        tree.get(&mut nodes, rank).unwrap();
        assert_eq!(nodes.reads, 1, "an end is one read away");
    }
    nodes.reads = 0;
    tree.get(&mut nodes, 500_000).unwrap();
    assert_eq!(nodes.reads, 2 * u64::from(tree.root.height) + 1);
}

#[test]
fn ranges_go_with_their_records() {
    for (from, to) in [(0, 1), (0, 500), (500, 1000), (1, 999), (333, 334), (333, 340), (100, 900)]
    {
        let (mut tree, mut nodes) = build(SMALL, Order::Entry, numbers(1000));
        let before = nodes.records.len() as u64;
        nodes.reads = 0;
        assert_eq!(tree.remove_range(&mut nodes, from..to), Ok(to - from));
        let gone = before - nodes.records.len() as u64;
        assert!(nodes.reads < gone + 60, "{} reads for {gone} records", nodes.reads);
        let left = check(&tree, &nodes);
        let expected = numbers(1000).enumerate();
        let expected = expected.filter(|(rank, _)| !(from..to).contains(&(*rank as u64)));
        assert!(left.iter().eq(expected.map(|(_, entry)| entry).collect::<Vec<_>>().iter()));
        assert_eq!(tree.entry_bytes(), 4 * (1000 - (to - from)));
    }
}

#[test]
fn with_the_last_entry_all_records_go() {
    let (mut tree, mut nodes) = build(SMALL, Order::Rank, numbers(1000));
    assert_eq!(tree.remove_range(&mut nodes, 0..u64::MAX), Ok(1000));
    assert!(check(&tree, &nodes).is_empty());
    let (mut tree, mut nodes) = build(SMALL, Order::Rank, numbers(1000));
    while tree.pop(&mut nodes, Side::Front).unwrap().is_some() {}
    assert!(check(&tree, &nodes).is_empty());
    tree.push(&mut nodes, Side::Back, b"again").unwrap();
    assert_eq!(check(&tree, &nodes), [&b"again"[..]]);
}

#[test]
fn what_shrinks_from_inside_takes_less_room() {
    let (mut tree, mut nodes) = build(Limits::NORMAL, Order::Rank, numbers(50_000));
    let before = tree.records();
    // All but every twentieth, from the back.
    for rank in (0..50_000).rev().filter(|rank| rank % 20 != 0) {
        tree.remove_at(&mut nodes, rank).unwrap();
    }
    let left = check(&tree, &nodes);
    assert_eq!(left.len(), 2500);
    assert!(tree.records() < before / 8, "{} of {before} records", tree.records());
}

#[test]
fn a_queue_stays_as_it_is_however_much_goes_through() {
    let (mut tree, mut nodes) = (tree(Order::Rank, Limits::NORMAL), MapNodes::default());
    let mut records = 0;
    for number in 0..300_000u32 {
        tree.push(&mut nodes, Side::Front, &number.to_be_bytes()).unwrap();
        if number >= 1000 {
            let popped = tree.pop(&mut nodes, Side::Back).unwrap().unwrap();
            assert_eq!(popped, (number - 1000).to_be_bytes()[..]);
        }
        records = records.max(tree.records());
    }
    // 1,000 entries of 5 bytes fill ten leaves.
    assert!(records <= 20, "{records} records");
    assert_eq!(entries(&tree, &mut nodes).len(), 1000);
    check(&tree, &nodes);
}

#[test]
fn what_comes_in_order_stands_in_full_leaves() {
    for side in [Side::Front, Side::Back] {
        let (mut tree, mut nodes) = (tree(Order::Rank, Limits::NORMAL), MapNodes::default());
        for number in 0..50_000u32 {
            tree.push(&mut nodes, side, &number.to_be_bytes()).unwrap();
        }
        check(&tree, &nodes);
        // 102 entries of 5 bytes are in a leaf, and 64 leaves below a node.
        let full = 50_000 / 102 + 2 * (50_000 / 102 / 64);
        assert!(tree.records() < full + 10, "{} records instead of {full}", tree.records());
    }
}

#[test]
fn what_is_built_must_come_in_order() {
    let mut nodes = MapNodes::default();
    let mut builder = Builder::of(tree(Order::Entry, SMALL));
    builder.push(&mut nodes, b"b").unwrap();
    let refused = Err(Damaged("entries come out of order"));
    assert_eq!(builder.push(&mut nodes, b"b"), refused);
    assert_eq!(builder.push(&mut nodes, b"a"), refused);
    for count in 0..200 {
        let (tree, nodes) = build(SMALL, Order::Entry, numbers(count));
        assert_eq!(check(&tree, &nodes).len() as u32, count);
    }
}
