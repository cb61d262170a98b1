//! Encodings that no server at hand writes, put together here by the description of the format.
//! Those that a redis-server of 7.0 still reads are given to it as well: it must find in them what
//! we find.

use super::super::dump::seal;
use super::super::{Pending, StreamId, Thresholds, Type};
use super::oracle::restore;
use super::{Owned, elements, length, pair, read, read_parts, rewritten, string};
use crate::oracle::{Connection, Oracle};

/// An entry of a ziplist behind one of `before` bytes.
fn ziplist_entry(before: usize, content: &[u8]) -> Vec<u8> {
    let front = match before {
        0..=253 => vec![before as u8],
        _ => [&[254][..], &(before as u32).to_le_bytes()].concat(),
    };
    [&front[..], content].concat()
}

/// Text and numbers as a ziplist has them.
fn ziplist_content(text: &str) -> Vec<u8> {
    let tagged = |tag: u8, number: &[u8]| [&[tag][..], number].concat();
    let bytes = text.as_bytes();
    match text.parse::<i64>() {
        Ok(value @ 0..=12) => vec![0xf1 + value as u8],
        Ok(value @ -128..=127) => tagged(0xfe, &(value as i8).to_le_bytes()),
        Ok(value @ -32_768..=32_767) => tagged(0xc0, &(value as i16).to_le_bytes()),
        Ok(value @ -8_388_608..=8_388_607) => tagged(0xf0, &(value as i32).to_le_bytes()[..3]),
        Ok(value @ -2_147_483_648..=2_147_483_647) => tagged(0xd0, &(value as i32).to_le_bytes()),
        Ok(value) => tagged(0xe0, &value.to_le_bytes()),
        Err(_) => match bytes.len() {
            len @ 0..=63 => [&[len as u8][..], bytes].concat(),
            len @ 64..=16383 => [&[0x40 | (len >> 8) as u8, len as u8][..], bytes].concat(),
            len => [&[0x80][..], &(len as u32).to_be_bytes(), bytes].concat(),
        },
    }
}

pub(super) fn ziplist(texts: &[&str]) -> Vec<u8> {
    let (mut entries, mut before, mut last) = (Vec::new(), 0, 0);
    for text in texts {
        last = entries.len();
        let entry = ziplist_entry(before, &ziplist_content(text));
        before = entry.len();
        entries.extend_from_slice(&entry);
    }
    let total = 10 + entries.len() + 1;
    let header = [(total as u32).to_le_bytes(), (10 + last as u32).to_le_bytes()].concat();
    [&header[..], &(texts.len() as u16).to_le_bytes(), &entries, &[0xff]].concat()
}

fn zipmap_length(len: usize) -> Vec<u8> {
    match len {
        0..=253 => vec![len as u8],
        _ => [&[254][..], &(len as u32).to_le_bytes()].concat(),
    }
}

pub(super) fn zipmap(pairs: &[(&str, &str)], unused: usize) -> Vec<u8> {
    let mut zipmap = vec![pairs.len().min(254) as u8];
    for (field, value) in pairs {
        zipmap.extend(zipmap_length(field.len()));
        zipmap.extend_from_slice(field.as_bytes());
        zipmap.extend(zipmap_length(value.len()));
        zipmap.push(unused as u8);
        zipmap.extend_from_slice(value.as_bytes());
        zipmap.extend(vec![b'?'; unused]);
    }
    zipmap.push(0xff);
    zipmap
}

pub(super) fn intset(width: usize, members: &[i64]) -> Vec<u8> {
    let mut intset = (width as u32).to_le_bytes().to_vec();
    intset.extend((members.len() as u32).to_le_bytes());
    members.iter().for_each(|member| intset.extend(&member.to_le_bytes()[..width]));
    intset
}

/// A listpack of texts and of numbers that fit 16 bits, each in the longest form there is for it.
pub(super) fn listpack(texts: &[&str]) -> Vec<u8> {
    let mut entries = Vec::new();
    for text in texts {
        let content = match text.parse::<i64>() {
            Ok(value) => [&[0xf4][..], &value.to_le_bytes()].concat(),
            Err(_) => [&[0xf0][..], &(text.len() as u32).to_le_bytes(), text.as_bytes()].concat(),
        };
        assert!(content.len() <= 127, "lengths behind entries are of one byte here");
        entries.extend_from_slice(&content);
        entries.push(content.len() as u8);
    }
    let header = ((6 + entries.len() + 1) as u32).to_le_bytes();
    [&header[..], &(texts.len() as u16).to_le_bytes(), &entries, &[0xff]].concat()
}

/// As Redis writes scores up to version 7 of the format.
fn text_score(score: &str) -> Vec<u8> {
    match score {
        "inf" => vec![254],
        "-inf" => vec![255],
        _ => [&[score.len() as u8][..], score.as_bytes()].concat(),
    }
}

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "12",
    "13",
    "-1",
    "127",
    "128",
    "-128",
    "-129",
    "32767",
    "32768",
    "-32769",
    "8388607",
    "8388608",
    "-8388609",
    "2147483647",
    "2147483648",
    "-9223372036854775808",
];

/// Gives the payload to a redis-server, if there is one, and compares what both read in it.
fn same_as_redis(payload: &[u8], commands: &[(&[&[u8]], Vec<u8>)]) {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut connection = oracle.connect();
    for payload in [payload.to_vec(), rewritten(payload, &Thresholds::default())] {
        let reply = restore(&mut connection, "k", &payload);
        assert_eq!(reply, b"+OK\r\n", "{}", String::from_utf8_lossy(&reply));
        for (command, expected) in commands {
            let reply = connection.command(command);
            assert_eq!(reply, *expected, "{}", String::from_utf8_lossy(&reply));
        }
    }
}

fn array(texts: &[&str]) -> Vec<u8> {
    let items = texts.iter().map(|text| format!("${}\r\n{text}\r\n", text.len()));
    format!("*{}\r\n{}", texts.len(), items.collect::<String>()).into_bytes()
}

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = NUMBERS.iter().map(|text| (*text).to_owned()).collect();
    texts.extend(
        [0, 1, 63, 64, 252, 253, 254, 300, 16383, 16384, 20_000].map(|len| "x".repeat(len)),
    );
    texts.extend(["end", "of", "it"].map(str::to_owned));
    texts
}

#[test]
fn lists_of_ziplists_are_read() {
    let texts = texts();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let all: &[&[u8]] = &[b"LRANGE", b"k", b"0", b"-1"];
    let one = seal([&[10][..], &string(&ziplist(&texts))].concat(), 6);
    assert_eq!(read(&one).unwrap(), (Type::List, elements(&texts)));
    same_as_redis(&one, &[(all, array(&texts))]);

    let nodes = [string(&ziplist(&texts[..7])), string(&ziplist(&texts[7..]))].concat();
    let two = seal([&[14][..], &length(2), &nodes].concat(), 7);
    assert_eq!(read(&two).unwrap(), (Type::List, elements(&texts)));
    same_as_redis(&two, &[(all, array(&texts))]);

    let plain: Vec<u8> = texts.iter().flat_map(|text| string(text.as_bytes())).collect();
    let linked = seal([&[1][..], &length(texts.len()), &plain].concat(), 1);
    assert_eq!(read(&linked).unwrap(), (Type::List, elements(&texts)));
    same_as_redis(&linked, &[(all, array(&texts))]);

    let node = string(&listpack(&["12", "text"]));
    let parts = [&[18][..], &length(3), &[2], &node, &[1], &string(b"plain"), &[2], &node].concat();
    let mixed = seal(parts, 10);
    let expected = ["12", "text", "plain", "12", "text"];
    assert_eq!(read(&mixed).unwrap(), (Type::List, elements(&expected)));
    same_as_redis(&mixed, &[(all, array(&expected))]);
}

#[test]
fn a_ziplist_may_have_a_long_length_before_a_short_entry() {
    // As is left behind when a long entry before it goes.
    let first = ziplist_entry(0, &ziplist_content("ab"));
    let long_before = [&[254][..], &(first.len() as u32).to_le_bytes()].concat();
    let second = [&long_before[..], &ziplist_content("7")].concat();
    let total = 10 + first.len() + second.len() + 1;
    let header = [(total as u32).to_le_bytes(), (10 + first.len() as u32).to_le_bytes()].concat();
    // 65535: whoever wants to know how many there are has to count.
    let ziplist = [&header[..], &[0xff, 0xff], &first, &second, &[0xff]].concat();
    let payload = seal([&[10][..], &string(&ziplist)].concat(), 6);
    assert_eq!(read(&payload).unwrap(), (Type::List, elements(&["ab", "7"])));
}

#[test]
fn hashes_of_all_versions_are_read() {
    let long = "v".repeat(300);
    let pairs = [("field", "value"), ("7", "-8"), ("long", &long), ("", "")];
    let flat: Vec<&str> = pairs.iter().flat_map(|(field, value)| [*field, *value]).collect();
    let expected: Vec<Owned> = pairs.iter().map(|(field, value)| pair(field, value)).collect();
    let all: &[&[u8]] = &[b"HMGET", b"k", b"field", b"7", b"long", b""];
    let values = array(&["value", "-8", &long, ""]);
    let plain: Vec<u8> = flat.iter().flat_map(|text| string(text.as_bytes())).collect();
    for (tag, body, version) in [
        (4, [length(4), plain].concat(), 1),
        (9, string(&zipmap(&pairs, 0)), 2),
        (9, string(&zipmap(&pairs, 3)), 2),
        (13, string(&ziplist(&flat)), 4),
        (13, string(&ziplist(&flat)), 80),
    ] {
        let payload = seal([&[tag][..], &body].concat(), version);
        assert_eq!(read(&payload).unwrap(), (Type::Hash, expected.clone()), "{tag}");
        if version <= 10 {
            same_as_redis(&payload, &[(all, values.clone())]);
        }
    }
    let few = ["a", "1", "b", "text"];
    let payload = seal([&[16][..], &string(&listpack(&few))].concat(), 10);
    assert_eq!(read(&payload).unwrap().1, [pair("a", "1"), pair("b", "text")]);
    same_as_redis(&payload, &[(&[b"HGETALL", b"k"], array(&few))]);
}

fn field(name: &str, value: &str, deadline_ms: u64) -> Owned {
    Owned::Field(name.into(), value.into(), Some(deadline_ms).filter(|ms| *ms > 0))
}

#[test]
fn hashes_with_deadlines_are_read() {
    const AT: u64 = 1_700_000_000_000;
    let expected =
        [field("a", "one", AT), field("b", "two", 0), field("c", "three", AT + 5_000_000)];
    let names = [string(b"a"), string(b"b"), string(b"c")];
    let values = [string(b"one"), string(b"two"), string(b"three")];
    let length_64 = |number: u64| [&[0x81][..], &number.to_be_bytes()].concat();
    let with = |front: &[u8], deadlines: [Vec<u8>; 3]| {
        let mut body = [front, &length(3)].concat();
        for index in 0..3 {
            body.extend([&deadlines[index][..], &names[index], &values[index]].concat());
        }
        body
    };
    let since = with(&AT.to_le_bytes(), [length(1), length(0), length(5_000_001)]);
    let absolute = with(&[], [length_64(AT), length(0), length_64(AT + 5_000_000)]);
    let behind = [AT, u64::MAX, AT + 5_000_000].map(u64::to_le_bytes);
    let behind: Vec<u8> =
        (0..3).flat_map(|at| [&names[at][..], &values[at], &behind[at]].concat()).collect();
    let behind = [length(3), behind].concat();
    let (first, last) = (AT.to_string(), (AT + 5_000_000).to_string());
    let packed = listpack(&["a", "one", &first, "b", "two", "0", "c", "three", &last]);
    let packed_since = [&AT.to_le_bytes()[..], &string(&packed)].concat();
    for (tag, body, version) in [
        (24, &since, 12),
        (24, &since, 15),
        (22, &absolute, 12),
        (25, &packed_since, 12),
        (23, &string(&packed), 12),
        (22, &behind, 80),
    ] {
        let payload = seal([&[tag][..], body].concat(), version);
        assert_eq!(read(&payload).unwrap(), (Type::Hash, expected.to_vec()), "{tag} {version}");
        let again = rewritten(&payload, &Thresholds::default());
        assert_eq!(&again[again.len() - 10..][..2], b"\x0c\0", "Redis 7.4 reads it");
        assert_eq!(again[..again.len() - 10], [&[24][..], &since].concat());
    }
}

#[test]
fn sets_and_sorted_sets_of_all_versions_are_read() {
    let members = |members: &[i64]| -> Vec<Owned> {
        members.iter().map(|member| Owned::Member(member.to_string().into_bytes())).collect()
    };
    for (width, numbers) in [
        (2, &[-32768, -1, 0, 5, 32767][..]),
        (4, &[-2_147_483_648, 7]),
        (8, &[i64::MIN, -1, i64::MAX]),
    ] {
        let payload = seal([&[11][..], &string(&intset(width, numbers))].concat(), 2);
        assert_eq!(read(&payload).unwrap(), (Type::Set, members(numbers)));
        let card = format!(":{}\r\n", numbers.len()).into_bytes();
        same_as_redis(&payload, &[(&[b"SCARD", b"k"], card)]);
    }
    let packed = seal([&[20][..], &string(&listpack(&["a", "1", "b"]))].concat(), 11);
    let member = |text: &str| Owned::Member(text.into());
    assert_eq!(read(&packed).unwrap(), (Type::Set, vec![member("a"), member("1"), member("b")]));
    assert_eq!(rewritten(&packed, &Thresholds::default())[0], 2, "as Redis 7.0 has it");

    let scored = [("a", "-inf"), ("b", "-2.5"), ("c", "0"), ("d", "1e300"), ("e", "inf")];
    let flat: Vec<&str> = scored.iter().flat_map(|(member, score)| [*member, *score]).collect();
    let plain: Vec<u8> = scored
        .iter()
        .flat_map(|(member, score)| [string(member.as_bytes()), text_score(score)].concat())
        .collect();
    let scores = [f64::NEG_INFINITY, -2.5, 0.0, 1e300, f64::INFINITY];
    let doubles: Vec<u8> = scored
        .iter()
        .zip(scores)
        .flat_map(|((member, _), score)| {
            [&string(member.as_bytes())[..], &score.to_le_bytes()].concat()
        })
        .collect();
    let expected: Vec<Owned> = scored
        .iter()
        .zip(scores)
        .map(|((member, _), score)| Owned::Scored((*member).into(), score))
        .collect();
    for (tag, body, version) in [
        (3, [length(5), plain].concat(), 1),
        (5, [length(5), doubles].concat(), 8),
        (12, string(&ziplist(&flat)), 2),
        (17, string(&listpack(&flat)), 10),
    ] {
        let payload = seal([&[tag][..], &body].concat(), version);
        assert_eq!(read(&payload).unwrap(), (Type::SortedSet, expected.clone()), "{tag}");
        let all: &[&[u8]] = &[b"ZRANGE", b"k", b"0", b"-1"];
        let within: &[&[u8]] = &[b"ZCOUNT", b"k", b"-2.5", b"1e300"];
        let members = array(&["a", "b", "c", "d", "e"]);
        same_as_redis(&payload, &[(all, members), (within, b":3\r\n".to_vec())]);
    }
}

#[test]
fn packed_strings_may_stand_everywhere() {
    // "aaaaaaaaaaa", a number, and a number of 32 bits, as members.
    let parts: [&[u8]; 4] =
        [&[2, 3], b"\xc3\x05\x0b\x00a\xe0\x01\x00", b"\xc0\xff", b"\xc2\0\0\0\x80"];
    let items = read_parts(&parts, 6).unwrap();
    let expected = ["aaaaaaaaaaa", "-1", "-2147483648"];
    assert_eq!(items, expected.map(|text| Owned::Member(text.into())));
}

/// The listpack of a stream's node: two entries with the fields above, a deleted one between, and
/// one with a field of its own.
fn stream_node() -> Vec<u8> {
    listpack(&[
        "3", "1", "2", "f", "g", "0", // 3 entries, 1 deleted, 2 fields
        "2", "0", "0", "v1", "w1", "5", //
        "3", "0", "1", "v2", "w2", "5", // deleted
        "2", "5", "-1", "v3", "w3", "5", //
        "0", "6", "0", "1", "own", "42", "6",
    ])
}

pub(super) fn stream_id(ms: u64, seq: u64) -> [u8; 16] {
    StreamId { ms, seq }.to_bytes()
}

/// What producers have sent to a stream of layout 4: 100 seconds and 5 entries are kept, of one
/// producer with one id; 7 were added, 1 was seen again.
pub(super) const PRODUCERS: [u8; 16] =
    [0x40, 100, 5, 1, 3, b'p', b'i', b'd', 1, 2, b'i', b'd', 5, 1, 7, 1];

/// Streams of layout 1 to 5, the same but for what the older ones do not say.
pub(super) fn stream(layout: usize) -> Vec<u8> {
    let mut body = [&length(1)[..], &string(&stream_id(1000, 1)), &string(&stream_node())].concat();
    // 3 entries, the last id 2000-0.
    body.extend([&length(3)[..], &length(2000), &length(0)].concat());
    if layout >= 2 {
        let first = [length(1000), length(1)].concat();
        let deleted = [length(1000), length(2)].concat();
        body.extend([first, deleted, length(9)].concat());
    }
    body.extend([&length(1)[..], &string(b"group"), &length(1005), &length(0)].concat());
    if layout >= 2 {
        body.extend(length(2));
    }
    let pending = |ms, seq, delivered: u64, times| {
        [&stream_id(ms, seq)[..], &delivered.to_le_bytes(), &length(times)].concat()
    };
    body.extend([length(2), pending(1000, 1, 5000, 1), pending(1005, 0, 6000, 7)].concat());
    body.extend(length(2));
    for (name, seen, active, ids) in [
        ("ann", 7000, 6500, vec![stream_id(1005, 0)]),
        ("bob", 8000, 8000, vec![stream_id(1000, 1)]),
    ] {
        body.extend([&string(name.as_bytes())[..], &u64::to_le_bytes(seen)].concat());
        if layout >= 3 {
            body.extend(u64::to_le_bytes(active));
        }
        body.extend(length(ids.len()));
        body.extend(ids.concat());
    }
    if layout >= 5 {
        body.extend(length(0));
    }
    if layout >= 4 {
        body.extend(PRODUCERS);
    }
    [&[[15, 19, 21, 26, 27][layout - 1]][..], &body].concat()
}

#[test]
fn streams_of_all_layouts_are_read() {
    let entry = |ms, seq, pairs: &[(&str, &str)]| {
        let own =
            |(field, value): &(&str, &str)| (field.as_bytes().to_vec(), value.as_bytes().to_vec());
        Owned::Entry(StreamId { ms, seq }, pairs.iter().map(own).collect())
    };
    for (layout, version) in [(1, 9), (2, 10), (3, 11), (4, 13), (5, 14)] {
        let payload = seal(stream(layout), version);
        let (kind, items) = read(&payload).unwrap();
        assert_eq!(kind, Type::Stream);
        assert_eq!(
            items[..3],
            [
                entry(1000, 1, &[("f", "v1"), ("g", "w1")]),
                entry(1005, 0, &[("f", "v3"), ("g", "w3")]),
                entry(1006, 1, &[("own", "42")]),
            ]
        );
        let Owned::Stream(state) = items[3] else { panic!("{items:?}") };
        assert_eq!(state.last_id, StreamId { ms: 2000, seq: 0 });
        let deleted = if layout == 1 { StreamId::ZERO } else { StreamId { ms: 1000, seq: 2 } };
        assert_eq!(state.max_deleted_id, deleted);
        assert_eq!(state.entries_added, if layout == 1 { 3 } else { 9 });
        let read = if layout == 1 { None } else { Some(2) };
        let active = if layout >= 3 { 6500 } else { 7000 };
        let pending = |ms, seq, consumer, delivered_ms, deliveries| {
            let id = StreamId { ms, seq };
            Owned::Pending(Pending { id, consumer, delivered_ms, deliveries })
        };
        assert_eq!(
            items[4..],
            [
                Owned::Group(b"group".to_vec(), StreamId { ms: 1005, seq: 0 }, read),
                Owned::Consumer(b"ann".to_vec(), 7000, Some(active)),
                Owned::Consumer(b"bob".to_vec(), 8000, Some(8000)),
                pending(1000, 1, 1, 5000, 1),
                pending(1005, 0, 0, 6000, 7),
            ]
        );
        let again = rewritten(&payload, &Thresholds::default());
        assert_eq!(again[0], if layout >= 3 { 21 } else { 19 }, "7.0 reads it if nothing is lost");
        if layout < 3 {
            let entries = array_of_entries();
            let all: &[&[u8]] = &[b"XRANGE", b"k", b"-", b"+"];
            let pending = b"*4\r\n:2\r\n$6\r\n1000-1\r\n$6\r\n1005-0\r\n*2\r\n\
                *2\r\n$3\r\nann\r\n$1\r\n1\r\n*2\r\n$3\r\nbob\r\n$1\r\n1\r\n";
            let summary: &[&[u8]] = &[b"XPENDING", b"k", b"group"];
            same_as_redis(&payload, &[(all, entries), (summary, pending.to_vec())]);
        }
    }
}

fn array_of_entries() -> Vec<u8> {
    let entries = [
        ("1000-1", array(&["f", "v1", "g", "w1"])),
        ("1005-0", array(&["f", "v3", "g", "w3"])),
        ("1006-1", array(&["own", "42"])),
    ];
    let mut reply = b"*3\r\n".to_vec();
    for (id, fields) in entries {
        reply.extend(format!("*2\r\n${}\r\n{id}\r\n", id.len()).into_bytes());
        reply.extend(fields);
    }
    reply
}

/// In a stream of which only the entries are known, how much a group has read follows from where
/// it stands, as a redis-server reckons it.
#[test]
fn what_old_groups_have_read_is_reckoned_as_redis_reckons_it() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut connection = oracle.connect();
    let ids = [(0, 0), (999, 0), (1000, 1), (1003, 0), (1006, 1), (2000, 0), (2001, 0)];
    for (ms, seq) in ids {
        let node = [&string(&stream_id(1000, 1))[..], &string(&stream_node())].concat();
        let state = [length(3), length(2000), length(0)].concat();
        let group = [&string(b"group")[..], &length(ms), &length(seq), &length(0), &length(0)];
        let body = [&[15][..], &length(1), &node, &state, &length(1), &group.concat()].concat();
        let payload = seal(body, 9);
        let (_, items) = read(&payload).unwrap();
        let Some(Owned::Group(_, _, found)) = items.last() else { panic!("{items:?}") };
        assert_eq!(restore(&mut connection, "k", &payload), b"+OK\r\n");
        assert_eq!(*found, entries_read(&mut connection), "{ms}-{seq}");
    }
}

fn entries_read(connection: &mut Connection) -> Option<u64> {
    let reply = connection.command(&[b"XINFO", b"GROUPS", b"k"]);
    let at = reply.windows(12).position(|at| at == b"entries-read").expect("groups");
    let value = &reply[at + 14..];
    let number = value.strip_prefix(b":")?.split(|byte| *byte == b'\r').next()?;
    std::str::from_utf8(number).ok()?.parse().ok()
}
