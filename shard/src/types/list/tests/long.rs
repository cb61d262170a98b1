//! Long elements, which stand apart in pieces.

use super::{check, chill, head, large, records};
use crate::engine::{Engine, Family};
use crate::keyspace::head::Body;
use crate::keyspace::layout;
use crate::room::Reservation;
use crate::testing::TestShard;
use crate::types::list::apart::SHORT_BYTES_MAX;

/// A long element: `letter` and so many pieces.
fn long(letter: &str, pieces: usize) -> String {
    letter.repeat(pieces * (128 << 10) - 1)
}

fn bulk(element: &str) -> String {
    format!("${} {element}", element.len())
}

/// Names of the pieces of all long elements of a list.
fn pieces(shard: &TestShard, key: &str) -> usize {
    records(shard, key).iter().filter(|name| name[0] == 3).count()
}

#[test]
fn an_element_stands_apart_when_it_is_long() {
    let mut shard = TestShard::new();
    let short = "s".repeat(SHORT_BYTES_MAX);
    let just_long = "l".repeat(SHORT_BYTES_MAX + 1);
    shard.run(&format!("RPUSH l {short}"));
    assert_eq!(pieces(&shard, "l"), 0);
    shard.run(&format!("RPUSH l {just_long} {}", long("m", 3)));
    assert_eq!(pieces(&shard, "l"), 4);
    let (numbers, extra) = large(&shard, "l").unwrap();
    let bytes = short.len() + just_long.len() + long("m", 3).len();
    assert!(numbers.bytes.abs_diff(bytes as u64) < 20, "{}", numbers.bytes);
    assert_eq!((extra.apart.count, extra.apart.next), (2, 2));
    for is_cold in [false, true] {
        if is_cold {
            chill(&mut shard);
        }
        assert_eq!(shard.run("LINDEX l 0"), bulk(&short));
        assert_eq!(shard.run("LINDEX l 1"), bulk(&just_long));
        assert_eq!(shard.run("LINDEX l -1"), bulk(&long("m", 3)));
        let all = format!("*3 {} {} {}", bulk(&short), bulk(&just_long), bulk(&long("m", 3)));
        assert_eq!(shard.run("LRANGE l 0 -1"), all);
        assert_eq!(shard.run(&format!("LPOS l {}", long("m", 3))), ":2");
        assert_eq!(shard.run(&format!("LPOS l {}", long("n", 3))), "$-1");
    }
}

#[test]
fn its_pieces_go_with_it() {
    let (a, b) = (long("a", 2), long("b", 1));
    for (command, left) in [
        ("LPOP l".to_owned(), 4),
        ("RPOP l".to_owned(), 4),
        ("RPOP l 2".to_owned(), 4),
        ("LTRIM l 1 -2".to_owned(), 2),
        ("LTRIM l 1 2".to_owned(), 1),
        ("LREM l 0 ".to_owned() + &a, 2),
        ("LREM l 1 ".to_owned() + &a, 4),
        ("LREM l 0 ".to_owned() + &b, 4),
        ("LSET l 0 x".to_owned(), 4),
        ("LSET l 0 ".to_owned() + &b, 5),
        ("LSET l 1 ".to_owned() + &b, 7),
        ("LINSERT l AFTER x ".to_owned() + &b, 7),
        ("LMOVE l m LEFT LEFT".to_owned(), 4),
        ("LMOVE l l LEFT RIGHT".to_owned(), 6),
        ("LMPOP 1 l LEFT COUNT 2".to_owned(), 4),
    ] {
        for is_cold in [false, true] {
            let mut shard = TestShard::new();
            check(&mut shard, &[(&format!("RPUSH l {a} x {b} {b} y {a}"), ":6")]);
            assert_eq!(pieces(&shard, "l"), 6);
            if is_cold {
                chill(&mut shard);
            }
            shard.run(&command);
            let shown = &command[..command.len().min(12)];
            assert_eq!(pieces(&shard, "l"), left, "{shown}");
            let (_, extra) = large(&shard, "l").unwrap();
            let expected = shard.run("LRANGE l 0 -1");
            let long = expected.split(' ').filter(|word| word.len() > 100_000);
            let lengths: Vec<u64> = long.map(|word| word.len() as u64).collect();
            let counted = (extra.apart.count, extra.apart.bytes);
            assert_eq!(counted, (lengths.len() as u64, lengths.iter().sum()), "{shown}");
        }
    }
}

#[test]
fn copies_have_pieces_of_their_own() {
    let mut shard = TestShard::new();
    shard.run(&format!("RPUSH l x {} y", long("a", 2)));
    check(&mut shard, &[("COPY l m", ":1"), ("DEL l", ":1"), ("LINDEX m 2", "$1 y")]);
    assert_eq!(shard.run("LINDEX m 1"), bulk(&long("a", 2)));
    check(&mut shard, &[("RENAME m n", "+OK"), ("LPOP n", "$1 x"), ("RPOP n", "$1 y")]);
    assert_eq!(shard.run("LPOP n"), bulk(&long("a", 2)));
    assert_eq!(head(&shard, "n"), None);
}

/// What it takes to write or read a long element is reserved before.
#[test]
fn a_long_element_needs_room() {
    let mut shard = TestShard::new();
    let element = long("a", 8);
    shard.run(&format!("RPUSH l {element} b"));
    let taken = {
        let mut reservation = Reservation::default();
        reservation.grow(shard.topology.room(), 1 << 20);
        reservation
    };
    shard.topology.room().resize(1 << 20);
    for command in [
        "LINDEX l 0".to_owned(),
        "LRANGE l 0 -1".to_owned(),
        "LPOP l".to_owned(),
        format!("LPOS l {element}"),
        format!("RPUSH l {element}"),
        format!("LSET l 1 {element}"),
        "LMOVE l m LEFT LEFT".to_owned(),
    ] {
        let shown = &command[..command.len().min(12)];
        assert_eq!(shard.run(&command), "", "{shown} has to wait");
    }
    // Who only passes over it does not.
    check(&mut shard, &[("LPOS l b", ":1"), ("LINDEX l 1", "$1 b"), ("LLEN l", ":2")]);
    drop(taken);
    assert_eq!(shard.run("LINDEX l 0"), bulk(&element));
}

#[test]
fn a_reply_is_not_longer_than_clients_may_have() {
    let mut shard = TestShard::new();
    let element = "e".repeat(60_000);
    for _ in 0..10 {
        shard.run(&format!("RPUSH l {element}"));
    }
    shard.settings.reply_bytes_max = 300_000;
    const TOO_LONG: &str = "-ERR the reply does not fit the memory for clients (maxmemory)";
    for command in ["LRANGE l 0 -1", "LPOP l 9", "LMPOP 1 l LEFT COUNT 9"] {
        assert_eq!(shard.run(command), TOO_LONG, "{command}");
    }
    assert_eq!(shard.run("LLEN l"), ":10", "nothing was taken");
    assert_eq!(shard.run("LPOP l 4").split(' ').count(), 1 + 2 * 4);
    assert_eq!(shard.run("LLEN l"), ":6");
}

#[test]
fn damaged_pieces_are_an_error_with_a_name() {
    let mut shard = TestShard::new();
    let element = long("a", 2);
    shard.run(&format!("RPUSH l {element} b"));
    let Body::Large(numbers, _) = head(&shard, "l").unwrap().body else { panic!("small") };
    let prefix = layout::element_prefix(&layout::head_key(0, b"l"), numbers.version);
    let name = records(&shard, "l").pop().unwrap();
    let place = [&prefix[..], &name].concat();
    for record in [None, Some(bytes::Bytes::from_static(b"short"))] {
        let write = |writes: &mut dyn crate::engine::Writes| match &record {
            Some(record) => writes.put(Family::Elements, &place, record),
            None => writes.delete(Family::Elements, &place),
        };
        shard.engine.write(&mut |writes| write(writes)).unwrap();
        chill(&mut shard);
        for command in ["LINDEX l 0", "LRANGE l 0 -1", "LPOP l", "LMOVE l m LEFT LEFT"] {
            let reply = shard.run(command);
            assert!(reply.contains("ordered collection: a piece of"), "{command}");
        }
    }
    check(&mut shard, &[("RPOP l", "$1 b"), ("LTRIM l 1 0", "+OK"), ("EXISTS l", ":0")]);
}
