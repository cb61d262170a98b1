//! Payloads that break one rule each, and what nobody may be made to allocate.

use super::super::dump::{DumpError, seal};
use super::super::{Damage, Encoder, Item, StreamId, Thresholds, Type};
use super::handmade::{PRODUCERS, intset, listpack, stream, stream_id, ziplist, zipmap};
use super::{Collector, Owned, Refused, collect, length, read, read_parts, rewritten, string};

fn damage(parts: &[&[u8]]) -> &'static str {
    damage_of(&parts.concat(), 10)
}

fn damage_of(value: &[u8], version: u16) -> &'static str {
    match read_parts(&[value], version) {
        Err(Refused::Value(Damage(rule)) | Refused::Payload(DumpError::Value(Damage(rule)))) => {
            rule
        }
        other => panic!("{other:?} of {value:?}"),
    }
}

const CUT_OFF: &str = "more is announced than there is";
const TWICE: &str = "the same element twice";
const EMPTY: &str = "a collection without elements";

#[test]
fn version_and_checksum_are_looked_at_first() {
    let good = seal(b"\x00\x02hi".to_vec(), 10);
    assert!(read(&good).is_ok());
    for version in [0, 1, 15, 80] {
        assert!(read(&seal(b"\x00\x02hi".to_vec(), version)).is_ok(), "{version}");
    }
    let wrong = Refused::Payload(DumpError::VersionOrChecksum);
    for version in [16, 79, 81, 255, 256, u16::MAX] {
        assert_eq!(read(&seal(b"\x00\x02hi".to_vec(), version)), Err(wrong_again()), "{version}");
    }
    for at in 0..good.len() {
        let mut broken = good.clone();
        broken[at] ^= 0x10;
        assert_eq!(read(&broken).unwrap_err(), wrong, "byte {at}");
        assert_eq!(read(&good[..at]).unwrap_err(), wrong, "cut at {at}");
    }
    let mut without_checksum = good.clone();
    without_checksum[5..].fill(0);
    assert_eq!(read(&without_checksum).unwrap_err(), wrong);
    assert_eq!(damage(&[]), "a payload without a value");
    assert_eq!(damage(&[b"\x00\x02hi!"]), "something behind the value");
}

fn wrong_again() -> Refused {
    Refused::Payload(DumpError::VersionOrChecksum)
}

/// The checksum is that of the known test vector.
#[test]
fn the_checksum_is_redis_s() {
    let sealed = seal(b"1234567".to_vec(), u16::from_le_bytes(*b"89"));
    assert_eq!(sealed[9..], 0xe9c6_d914_c4b8_d9ca_u64.to_le_bytes());
}

#[test]
fn what_is_no_core_type_is_refused_by_name() {
    for (tag, version, rule) in [
        (6, 10, "the value of a module"),
        (7, 10, "the value of a module"),
        (8, 10, "a value of unknown type"),
        (28, 14, "an array of Redis 8.8"),
        (30, 15, "a hash by a template of Redis 8.10"),
        (33, 15, "a value of unknown type"),
        (24, 80, "a value of unknown type"),
        (245, 10, "a library of functions"),
        (255, 10, "a value of unknown type"),
    ] {
        let refused = read(&seal(vec![tag, 1, 1, b'x'], version)).unwrap_err();
        assert_eq!(refused, Refused::Payload(DumpError::Value(Damage(rule))), "{tag}");
    }
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    let huge: [&[u8]; 4] = [
        b"\x81\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff",
        b"\x80\xff\xff\xff\xff",
        b"\x80\x00\x00\x10\x00",
    ];
    for huge in huge {
        for tag in [1, 2, 3, 4, 5, 14, 15, 18, 19, 21, 22] {
            let mut collector = Collector { expected_max: Some(0), ..Collector::default() };
            let payload = seal([&[tag][..], huge, b"\x01x\x01y"].concat(), 12);
            let refused = collect(&payload, &mut collector).unwrap_err();
            assert_eq!(refused, Refused::Value(Damage(CUT_OFF)), "{tag}");
        }
        for tag in [0, 9, 10, 11, 12, 13, 16, 17, 20, 23] {
            let payload = seal([&[tag][..], huge, b"xxx"].concat(), 12);
            assert!(read(&payload).is_err(), "{tag}");
        }
    }
    for form in [b"\x82", b"\xbf"] {
        assert_eq!(damage(&[b"\x02", form, b"xxxxxxxxx"]), "a length of unknown form");
    }
    assert_eq!(damage(&[b"\x02\xc0\x01"]), "an encoded string where a number belongs");
    assert_eq!(damage(&[b"\x00\xc4"]), "a string of unknown encoding");
}

#[test]
fn packed_strings_cannot_say_more_than_they_can_hold() {
    let dense = "a string that cannot be packed so densely";
    let packed: &[u8] = b"\x00a\xe0\x01\x00";
    let with = |len: &[u8]| [b"\x00\xc3\x05", len, packed].concat();
    assert_eq!(read_parts(&[&with(&length(11))], 10), Ok(vec![Owned::String(vec![b'a'; 11])]));
    let other = "a packed string has another length than it says";
    for wrong in [0, 1, 10, 12, 500] {
        assert_eq!(damage(&[&with(&length(wrong))]), other, "{wrong}");
    }
    assert_eq!(damage(&[&with(&length(600))]), dense);
    assert_eq!(damage(&[&with(&length(60_000_000))]), dense);
    assert_eq!(damage(&[&with(b"\x80\xff\xff\xff\xff")]), "a string longer than any may be");
    assert_eq!(damage(&[b"\x00\xc3\x7f\xff\x0b\x00a"]), CUT_OFF);
    // What unpacking takes is announced, and may be refused.
    let mut collector = Collector { expected_max: Some(10), ..Collector::default() };
    let payload = seal(with(&length(11)), 10);
    assert_eq!(collect(&payload, &mut collector), Err(Refused::OverBudget));
    assert_eq!(collector.expected, 11);
}

#[test]
fn collections_have_elements_and_each_once() {
    for tag in [1, 2, 3, 4, 5, 14, 18, 22] {
        assert_eq!(damage(&[&[tag], b"\x00"]), EMPTY, "{tag}");
    }
    assert_eq!(damage(&[&[24], &[0; 8], b"\x00"]), EMPTY);
    for tag in [16, 17, 20, 23] {
        assert_eq!(damage(&[&[tag], &string(&listpack(&[]))]), EMPTY, "{tag}");
    }
    for tag in [10, 12, 13] {
        assert_eq!(damage(&[&[tag], &string(&ziplist(&[]))]), EMPTY, "{tag}");
    }
    assert_eq!(damage(&[&[9], &string(&zipmap(&[], 0))]), EMPTY);
    assert_eq!(damage(&[&[11], &string(&intset(2, &[]))]), EMPTY);
    assert_eq!(damage(&[&[14, 1], &string(&ziplist(&[]))]), EMPTY);
    assert_eq!(damage(&[&[18, 1, 2], &string(&listpack(&[]))]), EMPTY);

    assert_eq!(damage(&[b"\x02\x02\x01a\x01a"]), TWICE);
    assert_eq!(damage(&[b"\x02\x02\x011\xc0\x01"]), TWICE, "as text and as a number");
    assert_eq!(damage(&[b"\x04\x02\x01a\x011\x01a\x012"]), TWICE);
    assert_eq!(damage(&[b"\x03\x02\x01a\x011\x01a\x012"]), TWICE);
    assert_eq!(damage(&[&[20], &string(&listpack(&["a", "b", "a"]))]), TWICE);
    for tag in [16, 17] {
        assert_eq!(damage(&[&[tag], &string(&listpack(&["7", "1", "7", "2"]))]), TWICE);
    }
    for tag in [12, 13] {
        assert_eq!(damage(&[&[tag], &string(&ziplist(&["7", "1", "7", "2"]))]), TWICE);
    }
    assert_eq!(damage(&[&[9], &string(&zipmap(&[("a", "1"), ("a", "2")], 0))]), TWICE);
    let odd = "an element without its other half";
    for tag in [16, 17] {
        assert_eq!(damage(&[&[tag], &string(&listpack(&["a", "1", "b"]))]), odd);
    }
    assert_eq!(damage(&[&[23], &string(&listpack(&["a", "1", "0", "b", "2"]))]), odd);
}

#[test]
fn scores_are_numbers() {
    let rule = "a score that is no number";
    assert_eq!(damage(&[b"\x05\x01\x01a", &f64::NAN.to_le_bytes()]), rule);
    assert_eq!(damage(&[b"\x05\x01\x01a", &(-f64::NAN).to_le_bytes()]), rule);
    for text in [&b"\xfd"[..], b"\x03nan", b"\x00", b"\x011x", b"\x02 1", b"\x051e999"] {
        assert!(read_parts(&[b"\x03\x01\x01a", text], 10).is_err(), "{text:?}");
    }
    for score in ["nan", "", "x", "1 "] {
        assert_eq!(damage(&[&[17], &string(&listpack(&["a", score]))]), rule, "{score}");
        assert_eq!(damage(&[&[12], &string(&ziplist(&["a", score]))]), rule, "{score}");
    }
}

/// Changes that make a packed encoding a wrong one.
#[test]
fn packed_encodings_are_checked_to_the_last_byte() {
    let good = listpack(&["a", "12", "bc"]);
    let change = |at: usize, to: u8| {
        let mut changed = good.clone();
        changed[at] = to;
        changed
    };
    let rule = |packed: &[u8]| damage(&[&[20], &string(packed)]);
    assert_eq!(rule(&change(0, 1)), "a listpack of another length than it says");
    assert_eq!(rule(&change(4, 2)), "a listpack with another number of entries than it says");
    assert_eq!(rule(&change(4, 4)), "a listpack with another number of entries than it says");
    assert_eq!(rule(&change(good.len() - 1, 0)), "a listpack without an end");
    assert_eq!(rule(&change(12, 7)), "an entry of a listpack with a wrong length behind it");
    assert_eq!(rule(&change(6, 0xff)), "an entry of a listpack of unknown form");
    assert_eq!(rule(&change(6, 0xf5)), "an entry of a listpack of unknown form");
    assert_eq!(rule(&change(10, 0x7f)), CUT_OFF);
    let mut unknown = change(4, 0xff);
    unknown[5] = 0xff;
    assert!(read_parts(&[&[20], &string(&unknown)], 10).is_ok(), "65535: not known");

    let good = ziplist(&["a", "12", "bc"]);
    let change = |at: usize, to: u8| {
        let mut changed = good.clone();
        changed[at] = to;
        string(&changed)
    };
    let rule = |packed: &[u8]| damage(&[&[10], packed]);
    assert_eq!(rule(&change(0, 1)), "a ziplist of another length than it says");
    assert_eq!(rule(&change(4, 1)), "a ziplist that does not know its last entry");
    assert_eq!(rule(&change(8, 2)), "a ziplist with another number of entries than it says");
    assert_eq!(rule(&change(10, 1)), "an entry of a ziplist with a wrong length before it");
    assert_eq!(rule(&change(13, 4)), "an entry of a ziplist with a wrong length before it");
    assert_eq!(rule(&change(11, 0xff)), "an entry of a ziplist of unknown form");
    assert_eq!(rule(&change(11, 0x3f)), CUT_OFF);

    let order = "an intset out of order";
    assert_eq!(damage(&[&[11], &string(&intset(2, &[1, 1]))]), order);
    assert_eq!(damage(&[&[11], &string(&intset(8, &[1, -1]))]), order);
    let mut wrong_width = intset(2, &[1, 2]);
    wrong_width[0] = 3;
    assert!(damage(&[&[11], &string(&wrong_width)]).starts_with("an intset whose numbers"));
    wrong_width[0] = 4;
    assert!(damage(&[&[11], &string(&wrong_width)]).starts_with("an intset with another number"));

    let mut wrong_count = zipmap(&[("a", "1")], 0);
    wrong_count[0] = 2;
    assert!(damage(&[&[9], &string(&wrong_count)]).starts_with("a zipmap with another number"));
    let early_end = [1, 1, b'a', 1, 0, b'1', 0xff, 1, 0xff];
    assert!(damage(&[&[9], &string(&early_end)]).starts_with("a zipmap that ends before"));
    assert_eq!(damage(&[&[9], &string(&[1, 1, b'a', 0xff])]), CUT_OFF);
}

#[test]
fn deadlines_of_fields_stay_in_their_range() {
    let rule = "a deadline out of range";
    let huge = [&[0x81][..], &(1u64 << 48).to_be_bytes()].concat();
    assert_eq!(damage(&[b"\x16\x01", &huge, b"\x01a\x011"]), rule);
    let huge = [&[0x81][..], &u64::MAX.to_be_bytes()].concat();
    assert_eq!(damage(&[b"\x18", &u64::MAX.to_le_bytes(), b"\x01", &huge, b"\x01a\x011"]), rule);
    assert_eq!(damage(&[b"\x17", &string(&listpack(&["a", "1", "-5"]))]), rule);
    assert_eq!(damage(&[b"\x17", &string(&listpack(&["a", "1", "soon"]))]), rule);
    for ms in [0, u64::MAX - 1, 1 << 48] {
        let valkey = [b"\x16\x01\x01a\x011", &u64::to_le_bytes(ms)[..]].concat();
        assert_eq!(read_parts(&[&valkey], 80), Err(Refused::Value(Damage(rule))), "{ms}");
    }
}

/// A stream of layout 2 whose packed node is this one.
fn stream_of(node: &[&str], count: usize) -> Vec<u8> {
    let id = [length(2000), length(0)].concat();
    [
        &[19, 1][..],
        &string(&stream_id(1000, 1)),
        &string(&listpack(node)),
        &length(count),
        &id,
        &id,
        &[0, 0],
        &length(count),
        &[0],
    ]
    .concat()
}

#[test]
fn nodes_of_streams_are_what_they_say() {
    let good = ["1", "0", "1", "f", "0", "2", "0", "0", "v", "4"];
    assert!(read_parts(&[&stream_of(&good, 1)], 10).is_ok());
    assert!(damage(&[&stream_of(&[], 0)]).starts_with("a stream with another number"));
    assert!(damage(&[&stream_of(&good, 2)]).starts_with("a stream with another number"));
    for (at, to) in [
        (0, "2"),
        (0, "-1"),
        (0, "x"),
        (1, "1"),
        (2, "2"),
        (2, "0"),
        (2, "9000000000000"),
        (4, "1"),
        (5, "4"),
        (5, "3"),
        (5, "0"),
        (6, "-1001"),
        (6, "1001"),
        (9, "5"),
        (9, "x"),
    ] {
        let mut node = good;
        node[at] = to;
        assert!(read_parts(&[&stream_of(&node, 1)], 10).is_err(), "{to} at {at}");
    }
    let twice = [&good[..], &good[5..]].concat();
    let mut twice = twice;
    twice[0] = "2";
    assert_eq!(damage(&[&stream_of(&twice, 2)]), "ids of a stream out of order");
    twice[12] = "1";
    assert!(read_parts(&[&stream_of(&twice, 2)], 10).is_ok());
    let without_fields = ["1", "0", "1", "f", "0", "0", "0", "0", "0", "4"];
    assert!(damage(&[&stream_of(&without_fields, 1)]).ends_with("without fields"));
}

/// Groups and who owns what in them. Layout 3 of the handmade stream ends with two consumers whose
/// pending entries are 16 bytes each.
#[test]
fn pending_entries_have_one_owner() {
    let good = stream(3);
    assert!(read_parts(&[&good], 11).is_ok());
    let len = good.len();
    let (ann, bob) = (stream_id(1005, 0), stream_id(1000, 1));
    assert!(good.ends_with(&bob));
    let ann_at = good.windows(16).rposition(|at| at == ann).unwrap();
    let with = |at: usize, bytes: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        changed
    };
    assert_eq!(damage(&[&with(len - 16, &ann)]), "a pending entry with two owners");
    assert_eq!(damage(&[&with(ann_at, &bob)]), "a pending entry with two owners");
    let unknown = "a consumer's entry that is not its group's";
    assert_eq!(damage(&[&with(len - 16, &stream_id(1, 1))]), unknown);
    let mut nobodys = good[..len - 16].to_vec();
    nobodys[len - 17] = 0;
    assert_eq!(damage(&[&nobodys]), "a pending entry that is nobody's");
    let first = good.windows(16).position(|at| at == bob).unwrap();
    let in_group = good[first + 1..].windows(16).position(|at| at == bob).unwrap() + first + 1;
    assert_eq!(damage(&[&with(in_group, &ann)]), "an entry that is pending twice in a group");
    assert_eq!(damage(&[&with(in_group + 16, &[0xff; 8])]), "a time out of range");
    let name = good.windows(3).position(|at| at == b"bob").unwrap();
    assert_eq!(damage(&[&with(name, b"ann")]), TWICE);
    // In another order they are the same.
    let mut other_order = good.clone();
    let (one, two) = (in_group, in_group + 25);
    other_order[one..two].copy_from_slice(&good[two..two + 25]);
    other_order[two..two + 25].copy_from_slice(&good[one..two]);
    assert_eq!(read_parts(&[&other_order], 11), read_parts(&[&good], 11));
}

#[test]
fn last_ids_are_the_last() {
    let node = ["1", "0", "1", "f", "0", "2", "0", "0", "v", "4"];
    let good = stream_of(&node, 1);
    let at = good.windows(4).rposition(|at| at == [0x47, 0xd0, 0, 0]).unwrap();
    let last = good.windows(6).position(|at| at == [0x47, 0xd0, 0, 0x47, 0xd0, 0]).unwrap();
    let with = |at: usize, to: &[u8]| {
        let mut changed = good.clone();
        changed[at..at + to.len()].copy_from_slice(to);
        changed
    };
    let order = "ids of a stream out of order";
    assert_eq!(damage(&[&with(last, &length(999))]), order);
    let mut later_deleted = good[..at + 3].to_vec();
    later_deleted.extend([&length(2000)[..], &length(1), &length(1), &[0]].concat());
    assert_eq!(damage(&[&later_deleted]), order);
    let mut fewer_added = good.clone();
    let added = fewer_added.len() - 2;
    fewer_added[added] = 0;
    assert!(damage(&[&fewer_added]).starts_with("a stream with another number"));
}

/// A node's fields stand once for many entries: what repeating them comes to is announced.
#[test]
fn repeated_fields_are_announced() {
    let name = "n".repeat(100);
    let mut node = vec!["50", "0", "1", &name, "0"];
    let numbers: Vec<String> = (0..50).map(|number| number.to_string()).collect();
    for number in &numbers {
        node.extend(["2", "0", number, "v", "4"]);
    }
    let payload = seal(stream_of(&node, 50), 10);
    let mut collector = Collector::default();
    collect(&payload, &mut collector).unwrap();
    assert!(collector.expected >= 50 * 100 && collector.expected < 50 * 120);
    let mut strict = Collector { expected_max: Some(2000), ..Collector::default() };
    assert_eq!(collect(&payload, &mut strict), Err(Refused::OverBudget));
    assert!(strict.given <= 2000, "nothing is given that was not announced");
}

/// Ids go round where their parts overflow, and are still in order.
#[test]
fn ids_at_the_end_of_their_range_are_read() {
    let last = u64::MAX;
    let node = listpack(&["1", "0", "1", "f", "0", "2", "0", "-1", "v", "4"]);
    let id = [&[0x81][..], &last.to_be_bytes(), &[0x81], &last.to_be_bytes()].concat();
    let body =
        [&[15, 1][..], &string(&stream_id(last, 0)), &string(&node), &[1], &id, &[0]].concat();
    let payload = seal(body, 9);
    let (_, items) = read(&payload).unwrap();
    let Owned::Entry(found, _) = &items[0] else { panic!("{items:?}") };
    assert_eq!(*found, StreamId { ms: last, seq: last });
    rewritten(&payload, &Thresholds::default());
}

/// Pending entries that are nobody's cannot be kept.
#[test]
fn entries_that_were_given_back_are_refused() {
    let (good, last) = (stream(5), [&[0][..], &PRODUCERS].concat());
    assert!(good.ends_with(&last));
    assert!(read_parts(&[&good], 14).is_ok());
    let front = &good[..good.len() - last.len()];
    let back = [&[1][..], &stream_id(1005, 0), &PRODUCERS].concat();
    assert!(damage_of(&[front, &back].concat(), 14).contains("given back"));
}

#[test]
fn a_value_is_written_with_as_many_items_as_were_announced() {
    let thresholds = Thresholds::default();
    for (announced, given) in [(2, 1), (1, 2), (600, 599), (0, 1), (3, 3)] {
        let mut encoder = Encoder::new(Type::Set, announced, &thresholds);
        (0..given).for_each(|number: u64| encoder.put(Item::Member(number.to_string().as_bytes())));
        assert_eq!(encoder.finish().is_ok(), announced == given, "{announced} {given}");
    }
}
