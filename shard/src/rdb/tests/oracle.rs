//! Values that a redis-server has made: read, written again, and given back to it. It must find
//! the same in them.

use super::super::{Thresholds, Type};
use super::{Owned, collect, read, rewritten};
use crate::oracle::{Connection, Oracle, Random, bulk};

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

fn ok(connection: &mut Connection, arguments: &[&[u8]]) -> Vec<u8> {
    let reply = connection.command(arguments);
    let shown = |bytes: &[u8]| String::from_utf8_lossy(&bytes[..bytes.len().min(100)]).into_owned();
    assert_ne!(reply[0], b'-', "{:?}: {}", shown(arguments[0]), shown(&reply));
    reply
}

pub(super) fn dump(connection: &mut Connection, key: &str) -> Vec<u8> {
    let reply = ok(connection, &[b"DUMP", key.as_bytes()]);
    bulk(&reply).expect("a key").to_vec()
}

pub(super) fn restore(connection: &mut Connection, key: &str, payload: &[u8]) -> Vec<u8> {
    connection.command(&[b"RESTORE", key.as_bytes(), b"0", payload, b"REPLACE"])
}

/// What a server says of a value, however it keeps it.
fn content(connection: &mut Connection, key: &str) -> Vec<Vec<u8>> {
    let mut replies = vec![ok(connection, &words(&format!("TYPE {key}")))];
    replies.push(ok(connection, &words(&format!("DEBUG DIGEST-VALUE {key}"))));
    match &replies[0][..] {
        b"+list\r\n" => replies.push(ok(connection, &words(&format!("LRANGE {key} 0 -1")))),
        b"+zset\r\n" => {
            replies.push(ok(connection, &words(&format!("ZRANGE {key} 0 -1 WITHSCORES"))));
        }
        b"+stream\r\n" => {
            let full = ok(connection, &words(&format!("XINFO STREAM {key} FULL COUNT 0")));
            let start = full.windows(17).position(|at| at == b"last-generated-id").unwrap();
            // In front of it: how many nodes there are, which may differ.
            replies.push(full[start..].to_vec());
        }
        _ => {}
    }
    replies
}

/// Reads what the server has at `key` and gives it back.
fn round_trip(connection: &mut Connection, key: &str, what: &str) {
    let original = dump(connection, key);
    let written = rewritten(&original, &Thresholds::default());
    let reply = restore(connection, "copy", &written);
    assert_eq!(reply, b"+OK\r\n", "{what}: {}", String::from_utf8_lossy(&reply));
    assert!(content(connection, key) == content(connection, "copy"), "{what}");
    let encodings =
        [key, "copy"].map(|key| connection.command(&[b"OBJECT", b"ENCODING", key.as_bytes()]));
    if !what.contains("other thresholds") {
        assert_eq!(encodings[0], encodings[1], "{what}");
    }
    let (_, items) = read(&original).unwrap();
    let again = dump(connection, "copy");
    let (_, mut copied) = read(&again).unwrap();
    let mut items = items;
    let is_ordered = matches!(items[0], Owned::Element(_) | Owned::Entry(..) | Owned::Stream(_));
    if !is_ordered {
        for items in [&mut items, &mut copied] {
            items.sort_by(|one, other| one.name().cmp(other.name()));
        }
    }
    assert!(items == copied, "{what}");
}

fn text(random: &mut Random, kind: usize, number: usize) -> Vec<u8> {
    match kind {
        0 => number.to_string().into_bytes(),
        1 => (random.next() as i64 >> random.below(64)).to_string().into_bytes(),
        2 => format!("element {number}").into_bytes(),
        3 => format!("{number}{}", "a repeated text ".repeat(random.below(40))).into_bytes(),
        4 => (0..random.below(300)).map(|_| random.next() as u8).chain([number as u8]).collect(),
        _ => format!("{number} {}", "x".repeat(random.below(20_000))).into_bytes(),
    }
}

/// Lengths at which an encoding of lengths changes.
const EDGES: &[usize] = &[
    0, 1, 10, 11, 12, 20, 21, 22, 44, 45, 62, 63, 64, 65, 126, 127, 128, 250, 253, 254, 255, 256,
    4093, 4094, 4095, 4096, 4097, 8180, 8185, 8192, 8193, 16_370, 16_376, 16_377, 16_378, 16_379,
    16_380, 16_381, 16_382, 16_383, 16_384, 65_535, 65_536, 70_000, 2_097_144, 2_097_150,
];

#[test]
fn strings_go_both_ways() {
    let Some(oracle) = Oracle::start(&["--enable-debug-command", "yes"]) else { return };
    let mut connection = oracle.connect();
    let mut random = Random::new();
    let mut values: Vec<Vec<u8>> = EDGES.iter().map(|len| vec![b'x'; *len]).collect();
    values.extend(EDGES.iter().map(|len| (0..*len).map(|_| random.next() as u8).collect()));
    for bits in 0..64 {
        for delta in -1..=1 {
            let value = (1i64 << bits).wrapping_add(delta);
            values
                .extend([value, value.wrapping_neg()].map(|value| value.to_string().into_bytes()));
        }
    }
    for number in 0..200 {
        let kind = random.below(6);
        values.push(text(&mut random, kind, number));
    }
    values.extend(["-0", "01", "1.5", "00000000000000000001"].map(|text| text.as_bytes().to_vec()));
    for value in values {
        let shown = format!("{} bytes: {:?}", value.len(), &value[..value.len().min(30)]);
        ok(&mut connection, &[b"SET", b"s", &value]);
        round_trip(&mut connection, "s", &shown);
        let payload = dump(&mut connection, "s");
        assert!(read(&payload).unwrap() == (Type::String, vec![Owned::String(value)]), "{shown}");
    }
}

/// Fills keys with the same elements in each of the types that Redis has for them.
fn fill(connection: &mut Connection, count: usize, mut element: impl FnMut(usize) -> Vec<u8>) {
    ok(connection, &words("DEL list set zset hash"));
    let elements: Vec<Vec<u8>> = (0..count).map(&mut element).collect();
    for chunk in elements.chunks(500) {
        let mut commands = Vec::new();
        let scores: Vec<Vec<u8>> = (0..chunk.len())
            .map(|at| match at % 7 {
                0 => b"inf".to_vec(),
                1 => b"-inf".to_vec(),
                2 => b"-0.1".to_vec(),
                3 => b"1e300".to_vec(),
                4 => b"3.14159265358979".to_vec(),
                _ => (at * at).to_string().into_bytes(),
            })
            .collect();
        for (element, score) in chunk.iter().zip(&scores) {
            commands.push(vec![&b"RPUSH"[..], b"list", element]);
            commands.push(vec![&b"SADD"[..], b"set", element]);
            commands.push(vec![&b"ZADD"[..], b"zset", score, element]);
            commands.push(vec![&b"HSET"[..], b"hash", element, score]);
        }
        for reply in connection.pipeline(&commands) {
            assert_ne!(reply[0], b'-', "{}", String::from_utf8_lossy(&reply));
        }
    }
}

#[test]
fn collections_go_both_ways() {
    let Some(oracle) = Oracle::start(&["--enable-debug-command", "yes"]) else { return };
    let mut connection = oracle.connect();
    let mut random = Random::new();
    for compression in ["yes", "no"] {
        ok(&mut connection, &words(&format!("CONFIG SET rdbcompression {compression}")));
        for count in [1, 2, 5, 128, 129, 512, 513, 1500] {
            for kind in 0..6 {
                if kind == 5 && count > 200 {
                    continue;
                }
                fill(&mut connection, count, |number| text(&mut random, kind, number));
                for key in ["list", "set", "zset", "hash"] {
                    let what = format!("{key} of {count}, elements of kind {kind}");
                    round_trip(&mut connection, key, &what);
                }
            }
        }
    }
}

/// One element whose length is at an edge, among small ones.
#[test]
fn lengths_of_elements_go_both_ways() {
    let Some(oracle) = Oracle::start(&["--enable-debug-command", "yes"]) else { return };
    let mut connection = oracle.connect();
    for directive in ["hash-max-listpack-value", "zset-max-listpack-value"] {
        ok(&mut connection, &words(&format!("CONFIG SET {directive} 10000000")));
    }
    ok(&mut connection, &words("CONFIG SET list-max-listpack-size 100"));
    for len in EDGES {
        let element = |number: usize| match number {
            1 => vec![b'y'; *len],
            _ => format!("element {number}").into_bytes(),
        };
        fill(&mut connection, 3, element);
        for key in ["list", "zset", "hash"] {
            round_trip(&mut connection, key, &format!("{key}, {len} bytes, other thresholds"));
            // As packed as the server packs it, which tells whether it reads what we pack.
            let payload = dump(&mut connection, key);
            let thresholds = Thresholds {
                hash_max_listpack_value: 10_000_000,
                zset_max_listpack_value: 10_000_000,
                list_max_listpack_bytes: 10_000_000,
                ..Thresholds::default()
            };
            let packed = rewritten(&payload, &thresholds);
            assert_eq!(restore(&mut connection, "copy", &packed), b"+OK\r\n");
            assert!(content(&mut connection, key) == content(&mut connection, "copy"), "{len}");
        }
    }
}

#[test]
fn numbers_in_listpacks_go_both_ways() {
    let Some(oracle) = Oracle::start(&["--enable-debug-command", "yes"]) else { return };
    let mut connection = oracle.connect();
    for bits in [6, 7, 8, 11, 12, 13, 15, 16, 22, 23, 24, 31, 32, 47, 62, 63] {
        let numbers: Vec<i64> = (-2..=2)
            .map(|delta| (1i64 << bits).wrapping_add(delta))
            .flat_map(|value| [value, value.wrapping_neg()])
            .collect();
        let element = |number: usize| numbers[number].to_string().into_bytes();
        fill(&mut connection, numbers.len(), element);
        for key in ["list", "set", "zset", "hash"] {
            round_trip(&mut connection, key, &format!("{key} of numbers around 2^{bits}"));
        }
    }
}

/// What is small and not packed has one form only.
#[test]
fn small_values_are_written_byte_for_byte_as_redis_writes_them() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut connection = oracle.connect();
    for line in [
        "SET k hello",
        "SET k 12",
        "SET k -129",
        "SET k 100000",
        "SET k 12345678901",
        "HSET k a 1 b 2 c three",
        "ZADD k 1 a 2.5 b inf c",
        "SADD k 1 2 3 -70000",
        "SADD k a b c",
        "HSET k a a-value-that-is-too-long-for-a-listpack-by-its-64-bytes-and-some-more!",
    ] {
        ok(&mut connection, &words("DEL k"));
        ok(&mut connection, &words(line));
        let payload = dump(&mut connection, "k");
        assert_eq!(rewritten(&payload, &Thresholds::default()), payload, "{line}");
    }
}

#[test]
fn streams_go_both_ways() {
    let Some(oracle) = Oracle::start(&["--enable-debug-command", "yes"]) else { return };
    let mut connection = oracle.connect();
    let mut random = Random::new();
    for node_entries in [1, 3, 100] {
        let directive = format!("CONFIG SET stream-node-max-entries {node_entries}");
        ok(&mut connection, &words(&directive));
        for round in 0..40 {
            ok(&mut connection, &words("DEL stream"));
            for line in script(&mut random, round) {
                let reply = connection.command(&words(&line));
                let text = String::from_utf8_lossy(&reply).into_owned();
                // Some of the lines come too late or too early.
                assert!(
                    reply[0] != b'-' || text.contains("ID") || text.contains("id"),
                    "{line}: {text}"
                );
            }
            round_trip(&mut connection, "stream", &format!("stream {round} of {node_entries}"));
        }
    }
}

/// Commands that make up a stream with all that streams can have.
fn script(random: &mut Random, round: usize) -> Vec<String> {
    let mut lines = vec![
        "XGROUP CREATE stream early 0 MKSTREAM".to_owned(),
        "XGROUP CREATECONSUMER stream early idle".to_owned(),
    ];
    let mut id = 0;
    for number in 0..random.below(1 + round * 8) {
        id += random.below(3);
        let seq = number + 1;
        lines.push(match random.below(12) {
            0 => format!("XDEL stream {}-{}", random.below(id + 1), random.below(seq + 1)),
            1 => format!("XADD stream {id}-{seq} other {number}"),
            2 => format!("XADD stream {id}-{seq} a {number} b -5 c {}", "long".repeat(50)),
            3 => "XREADGROUP GROUP early one COUNT 3 STREAMS stream >".to_owned(),
            4 => "XREADGROUP GROUP early two COUNT 2 STREAMS stream >".to_owned(),
            5 => format!("XACK stream early {id}-{}", random.below(seq + 1)),
            6 => format!("XCLAIM stream early two 0 {id}-{} RETRYCOUNT 7", random.below(seq + 1)),
            _ => format!("XADD stream {id}-{seq} a {number} b text c {}", random.next()),
        });
    }
    match round % 4 {
        0 => {}
        1 => lines.push("XTRIM stream MAXLEN 5".to_owned()),
        2 => lines.push("XGROUP CREATE stream late $".to_owned()),
        _ => lines.push("XSETID stream 999999-5 ENTRIESADDED 100000 MAXDELETEDID 3-1".to_owned()),
    }
    lines
}

/// What is written takes about the room that the server's own payload takes, and reading
/// announces no more than it unpacks.
#[test]
fn payloads_are_not_longer_than_those_of_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut connection = oracle.connect();
    let mut random = Random::new();
    for kind in 0..6 {
        fill(&mut connection, 400, |number| text(&mut random, kind, number));
        for key in ["list", "set", "zset", "hash"] {
            let payload = dump(&mut connection, key);
            let written = rewritten(&payload, &Thresholds::default());
            let allowed = payload.len() + payload.len() / 4 + 100;
            assert!(written.len() <= allowed, "{key} {kind}: {} {}", written.len(), payload.len());
            let mut collector = super::Collector::default();
            collect(&payload, &mut collector).unwrap();
            assert!(collector.expected <= 2 * collector.given + 10_000, "{key} {kind}");
        }
    }
}
