//! The bytes of every record, and that what is not such is refused.

use bytes::Bytes;

use super::{MapNodes, SMALL, TINY, build, is_of};
use crate::tree::inner::{Counts, Shape};
use crate::tree::leaf::Leaf;
use crate::tree::names::{Part, name};
use crate::tree::{Damaged, Limits, Order, Tree};

/// A tree with a topmost node 8 over nodes 6 and 7, over leaves 1 to 4 and 5.
fn golden(order: Order) -> (Tree, MapNodes) {
    let limits = Limits { leaf_bytes: 16, ..TINY };
    let words = ["apple", "apricot", "banana", "blueberry", "cherry"];
    build(limits, order, words.map(|word| word.as_bytes().to_vec()))
}

fn record(nodes: &MapNodes, part: Part, id: u64) -> &[u8] {
    &nodes.records[&name(part, id)[..]]
}

#[test]
fn records_keep_their_bytes() {
    let (mut tree, mut nodes) = golden(Order::Entry);
    assert_eq!(record(&nodes, Part::Leaf, 1), b"\x01\x05apple");
    assert_eq!(record(&nodes, Part::Leaf, 5), b"\x01\x06cherry");
    // Level, children, numbers and ends of one byte.
    let shape = b"\x01\x01\x04\x11\x01\x02\x03\x04\x03\x04\x06aprbbl";
    assert_eq!(record(&nodes, Part::Shape, 6), shape);
    assert_eq!(record(&nodes, Part::Counts, 6), b"\x01\x00\x01\x01\x01");
    assert_eq!(record(&nodes, Part::Shape, 7), b"\x01\x01\x01\x11\x05");
    assert_eq!(record(&nodes, Part::Shape, 8), b"\x01\x02\x02\x11\x06\x07\x01c");
    assert_eq!(record(&nodes, Part::Counts, 8), b"\x01\x03\x00");
    assert_eq!(&tree.root()[..], b"\x01\x02\x08\x09\x0b\x01\x01\x05\x01");
    tree.insert(&mut nodes, b"apply").unwrap();
    assert_eq!(record(&nodes, Part::Leaf, 1), b"\x01\x05apple\x05apply");
    assert_eq!(&tree.root()[..], b"\x01\x02\x08\x09\x0b\x01\x02\x05\x01");

    let (_, nodes) = golden(Order::Rank);
    assert_eq!(record(&nodes, Part::Shape, 6), b"\x01\x01\x04\x01\x01\x02\x03\x04");

    let none = Tree::new(Order::Entry);
    assert_eq!(&none.root()[..], b"\x01\x00\x00\x01\x00");
    let (one, _) = build(SMALL, Order::Rank, [b"x".to_vec()]);
    assert_eq!(&one.root()[..], b"\x01\x00\x01\x02\x01");
}

#[test]
fn damaged_leaves_are_refused() {
    for bytes in [&b""[..], b"\x01", b"\x02\x01x", b"\x00\x01x"] {
        assert!(Leaf::decode(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
    }
    let leaf = Leaf::decode(Bytes::from_static(b"\x01\x01a\x05b")).unwrap();
    assert_eq!(leaf.item(0).unwrap().entry, b"a");
    assert_eq!(leaf.count(), Err(Damaged("an entry is cut off")));
    assert!(leaf.item(1).is_err() && leaf.item(7).is_err());
    assert!(leaf.seek(Order::Entry, b"b").is_err());
}

#[test]
fn damaged_shapes_are_refused() {
    let (_, nodes) = golden(Order::Entry);
    let whole = Bytes::copy_from_slice(record(&nodes, Part::Shape, 6));
    assert!(Shape::decode(whole.clone(), 1).is_ok());
    assert!(Shape::decode(whole.clone(), 2).is_err(), "another level");
    for cut in 0..11 {
        assert!(Shape::decode(whole.slice(..cut), 1).is_err(), "cut at {cut}");
    }
    let cut = Shape::decode(whole.slice(..whole.len() - 1), 1).unwrap();
    assert_eq!(cut.find(b"apple"), Ok(0));
    assert!(cut.find(b"zebra").is_err(), "the last separator is cut off");
    let lists = Shape::decode(Bytes::from_static(b"\x01\x01\x02\x01\x01\x02"), 1).unwrap();
    assert_eq!((lists.id(1), lists.id(2).is_err()), (Ok(2), true));
    assert!(lists.find(b"key").is_err());
    for bytes in [
        &b"\x02\x01\x01\x01\x01"[..],
        b"\x01\x01\x00\x01",
        b"\x01\x01\x01\x00\x01",
        b"\x01\x01\x01\x09\x01\0\0\0\0\0\0\0\0",
    ] {
        assert!(Shape::decode(Bytes::copy_from_slice(bytes), 1).is_err(), "{bytes:x?}");
    }
}

#[test]
fn damaged_counts_are_refused() {
    for bytes in [&b""[..], b"\x00", b"\x02\x01"] {
        assert!(Counts::decode(Bytes::copy_from_slice(bytes)).is_err(), "{bytes:x?}");
    }
    let counts = Counts::decode(Bytes::from_static(b"\x01\x00\xac\x02\x05")).unwrap();
    assert_eq!(counts.find(0), Ok((1, 0)));
    assert_eq!(counts.find(304), Ok((2, 4)));
    assert_eq!(counts.find(305), Err(Damaged("counts are wrong")));
    assert_eq!((counts.before(2), counts.get(2)), (Ok(300), Ok(5)));
    assert!(counts.before(4).is_err() && counts.get(3).is_err());
    assert_eq!(&counts.with(1, -173).unwrap()[..], b"\x01\x00\x7f\x05");
    assert_eq!(&counts.with(2, 123).unwrap()[..], b"\x01\x00\xac\x02\x80\x01");
    assert_eq!(counts.with(0, -1), Err(Damaged("counts are wrong")));
    let most = Counts::decode(Bytes::from([&b"\x01"[..], &[0xff; 9], b"\x01\x01"].concat()));
    assert_eq!(most.unwrap().before(2), Err(Damaged("counts are wrong")));
}

#[test]
fn damaged_roots_are_refused() {
    let (tree, _) = golden(Order::Entry);
    let root = tree.root();
    let open = |root: &[u8], len| Tree::open(Order::Entry, root, len, 33).map(|tree| tree.root());
    assert_eq!(open(&root, 5).as_ref(), Ok(&root));
    assert_eq!(open(&root, 2).as_ref(), Ok(&root), "whoever reads on finds out");
    assert!(open(&root, 1).is_err(), "more in the leaves at the ends than there are");
    assert!(open(&root, 0).is_err());
    assert!(open(&root, u64::MAX).is_err());
    for cut in 0..root.len() {
        assert!(open(&root[..cut], 5).is_err(), "cut at {cut}");
    }
    assert!(open(&[&root[..], b"\0"].concat(), 5).is_err());
    for (at, byte) in [(0, 2), (1, 0), (1, 200), (2, 0), (2, 9), (5, 0), (6, 0), (7, 1)] {
        let mut damaged = root.clone();
        damaged[at] = byte;
        assert!(open(&damaged, 5).is_err(), "byte {at}");
    }
}

#[test]
fn separators_are_as_short_as_they_can_be() {
    let entries =
        (0..2000).map(|number| format!("{:010}:{}", number * 1_000_000u64, "m".repeat(40)));
    let (tree, nodes) = build(Limits::NORMAL, Order::Entry, entries.map(String::into_bytes));
    let shapes = nodes.records.iter().filter(|(name, _)| is_of(Part::Shape, name));
    let bytes: usize = shapes.map(|(_, record)| record.len()).sum();
    let leaves = nodes.records.keys().filter(|name| is_of(Part::Leaf, name)).count();
    // Mostly four digits, a number of two bytes and an end of one or two.
    assert!(bytes < 10 * leaves, "{bytes} bytes over {leaves} leaves");
    assert!(tree.root.height == 2);
}

#[test]
fn long_separators_make_nodes_with_few_children() {
    let prefix = "what all of them have in common ".repeat(40);
    let entries = (0..400).map(|number| format!("{prefix}{number:03}").into_bytes());
    let (tree, mut nodes) = build(Limits::NORMAL, Order::Entry, entries);
    super::check(&tree, &nodes);
    let longest = nodes.records.iter().filter(|(name, _)| is_of(Part::Shape, name));
    let longest = longest.map(|(_, record)| record.len()).max().unwrap();
    assert!(longest < 5 * prefix.len(), "{longest}");
    let key = format!("{prefix}123");
    assert_eq!(tree.seek(&mut nodes, key.as_bytes()).unwrap().rank, 123);
}
