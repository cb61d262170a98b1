//! Commands that read and write parts of big strings, against strings in memory.

use std::collections::BTreeMap;

use crate::keyspace::pieces::{BIG_BYTES, PIECE_BYTES};
use crate::random::Random;
use crate::testing::TestShard;
use crate::types::string::value;
use crate::view::View;

const NAMES: [&str; 2] = ["a", "b"];
const STEPS: usize = 400;

/// A string, and whether it has a deadline.
type Model = BTreeMap<&'static str, (Vec<u8>, bool)>;

fn bytes(random: &mut Random, max: usize) -> Vec<u8> {
    let len = match random.below(4) {
        0 => 1 + random.below(9) as usize,
        // About the ends of pieces.
        1 => {
            PIECE_BYTES * random.below((max / PIECE_BYTES).max(1) as u64) as usize
                + random.below(3) as usize
        }
        _ => random.below(max as u64) as usize,
    };
    let first = random.below(251) as usize;
    (0..len).map(|at| (first + at / 5) as u8).collect()
}

fn bulk(value: &[u8]) -> Vec<u8> {
    [format!("${}\r\n", value.len()).as_bytes(), value, b"\r\n"].concat()
}

fn number(number: usize) -> Vec<u8> {
    format!(":{number}\r\n").into_bytes()
}

/// One command, and its reply as the model has it.
fn step(random: &mut Random, model: &mut Model) -> (Vec<Vec<u8>>, Vec<u8>) {
    let name = NAMES[random.below(2) as usize];
    let other = NAMES[usize::from(name == NAMES[0])];
    let words = |words: &[&str]| -> Vec<Vec<u8>> {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    };
    let known = model.get(name).cloned();
    let (value, has_deadline) = known.clone().unwrap_or_default();
    let offset = random.below((value.len() + PIECE_BYTES) as u64) as usize;
    match random.below(14) {
        0 => {
            let value = bytes(random, 5 * PIECE_BYTES);
            model.insert(name, (value.clone(), false));
            ([words(&["SET", name]), vec![value]].concat(), b"+OK\r\n".to_vec())
        }
        1 | 2 => {
            let suffix = bytes(random, 2 * PIECE_BYTES);
            let appended = [value, suffix.clone()].concat();
            let reply = number(appended.len());
            model.insert(name, (appended, has_deadline));
            ([words(&["APPEND", name]), vec![suffix]].concat(), reply)
        }
        3 | 4 => {
            let part = bytes(random, 2 * PIECE_BYTES);
            let mut changed = value;
            if !part.is_empty() {
                changed.resize(changed.len().max(offset + part.len()), 0);
                changed[offset..offset + part.len()].copy_from_slice(&part);
                model.insert(name, (changed.clone(), has_deadline));
            }
            let command = words(&["SETRANGE", name, &offset.to_string()]);
            ([command, vec![part]].concat(), number(changed.len()))
        }
        5 | 6 => {
            let (bit, shift) = (random.below(2) as u8, random.below(8) as usize);
            let mut changed = value;
            changed.resize(changed.len().max(offset + 1), 0);
            let old = changed[offset] >> (7 - shift) & 1;
            changed[offset] = changed[offset] & !(128 >> shift) | bit << (7 - shift);
            model.insert(name, (changed, has_deadline));
            let at = (offset * 8 + shift).to_string();
            (words(&["SETBIT", name, &at, &bit.to_string()]), number(usize::from(old)))
        }
        7 => {
            let shift = random.below(8) as usize;
            let bit = value.get(offset).map_or(0, |byte| byte >> (7 - shift) & 1);
            let at = (offset * 8 + shift).to_string();
            (words(&["GETBIT", name, &at]), number(usize::from(bit)))
        }
        8 | 9 => {
            let to = offset + random.below(2 * PIECE_BYTES as u64) as usize;
            let end = value.len().min(to + 1);
            let part = value.get(offset..end).unwrap_or_default();
            (words(&["GETRANGE", name, &offset.to_string(), &to.to_string()]), bulk(part))
        }
        10 => (words(&["STRLEN", name]), number(value.len())),
        11 => {
            let gets_one = random.below(2) == 0;
            let reply = usize::from(known.is_some() && (gets_one || has_deadline));
            if let Some((_, has_deadline)) = model.get_mut(name) {
                *has_deadline = gets_one;
            }
            let command =
                if gets_one { words(&["EXPIRE", name, "100"]) } else { words(&["PERSIST", name]) };
            (command, number(reply))
        }
        12 if known.is_some() => {
            model.insert(other, (value, has_deadline));
            (words(&["COPY", name, other, "REPLACE"]), number(1))
        }
        13 if known.is_some() => {
            model.remove(name);
            model.insert(other, (value, has_deadline));
            (words(&["RENAME", name, other]), b"+OK\r\n".to_vec())
        }
        _ => {
            let reply = if known.is_some() { bulk(&value) } else { b"$-1\r\n".to_vec() };
            (words(&["GET", name]), reply)
        }
    }
}

#[test]
fn parts_of_big_strings_are_as_those_of_all_others() {
    let seed = std::env::var("BASALT_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(5);
    println!("BASALT_SEED={seed}");
    for round in 0..4 {
        let mut random = Random::new(seed + round);
        let mut shard = TestShard::new();
        // In every other round such strings are hot, too.
        while round % 2 == 1 && !shard.shard.cache().resize_step(256 << 20) {}
        let mut model = Model::new();
        for number in 0..STEPS {
            if random.below(4) == 0 {
                shard.shard.cache().clear();
            }
            shard.engine.set_cold(random.below(2) == 0);
            let (command, expected) = step(&mut random, &mut model);
            let words: Vec<&[u8]> = command.iter().map(Vec::as_slice).collect();
            let name = String::from_utf8_lossy(words[0]).into_owned();
            let reply = shard.run_bytes(&words);
            assert!(reply == expected, "round {round}, step {number}, {name}");
            for name in NAMES {
                let has_deadline = model.get(name).map(|(_, has_deadline)| *has_deadline);
                let ttl = match has_deadline {
                    None => ":-2",
                    Some(false) => ":-1",
                    Some(true) => ":100",
                };
                assert_eq!(shard.run(&format!("TTL {name}")), ttl, "step {number}");
            }
        }
        assert_eq!(shard.shard.key_counts().get(0).keys, model.len() as u64);
    }
}

#[test]
fn a_change_of_a_big_string_writes_the_pieces_that_change() {
    let mut shard = TestShard::new();
    let value = vec![b'x'; 8 * BIG_BYTES];
    assert_eq!(shard.run_bytes(&[b"SET", b"a", &value]), b"+OK\r\n");
    let pieces = |shard: &TestShard, from: usize, bytes: &[u8]| {
        let change = |view: &mut View<'_>| {
            let key = value::open_place(view, b"a").unwrap();
            let large = value::in_pieces(&key).unwrap();
            view.write_part(&key, large, from, bytes).unwrap()
        };
        let (total, changes) = shard.changes_of(change);
        assert_eq!(changes.heads().len(), 1);
        (total, changes.elements().count())
    };
    assert_eq!(pieces(&shard, 5, b"yz"), (value.len(), 1));
    assert_eq!(pieces(&shard, PIECE_BYTES - 1, b"yz"), (value.len(), 2));
    assert_eq!(pieces(&shard, value.len(), b"yz"), (value.len() + 2, 1));
    assert_eq!(pieces(&shard, value.len() + 2 * PIECE_BYTES, b"y"), (18 * PIECE_BYTES + 1, 3));
    assert_eq!(shard.run("SETBIT a 8000000 1"), ":0");
    assert_eq!(shard.run("SETBIT a 8000000 1"), ":1");
    assert_eq!(shard.run("SETRANGE a 1000001 yz"), ":2097152");
    assert_eq!(shard.run("APPEND a end"), ":2097155");
    assert_eq!(shard.run("GETRANGE a 1000000 1000003"), "$4 \u{fffd}yzx");
    assert_eq!(shard.run("GETRANGE a -4 -1"), "$4 xend");
    assert_eq!(shard.run("OBJECT ENCODING a"), "$3 raw");
    // 17 pieces, each with the name of the collection in front.
    assert_eq!(shard.run("MEMORY USAGE a"), ":2097565");
}

/// One that grows by parts stays one that can be read.
#[test]
fn a_string_does_not_outgrow_what_can_be_read() {
    let mut shard = TestShard::new();
    let len = 2 * BIG_BYTES;
    shard.settings.reply_bytes_max = len + 5;
    assert_eq!(shard.run_bytes(&[b"SET", b"a", &vec![b'x'; len]]), b"+OK\r\n");
    assert_eq!(shard.run("APPEND a 12345"), format!(":{}", len + 5));
    for line in ["APPEND a 6", "SETRANGE a 524293 6", "SETBIT a 4194344 1"] {
        assert!(
            shard.run(line).starts_with("-ERR the value does not fit"),
            "{line}: {}",
            shard.run(line)
        );
    }
    assert_eq!(shard.run("SETRANGE a 524292 6"), format!(":{}", len + 5));
    assert_eq!(shard.run("GETRANGE a -5 -1"), "$5 12346");
    // It is longer than what may be read since.
    shard.settings.reply_bytes_max = len;
    for line in ["GET a", "GETRANGE a 0 -1"] {
        assert!(shard.run(line).starts_with("-ERR the value does not fit"), "{line}");
    }
    assert_eq!(shard.run("GETRANGE a -5 -1"), "$5 12346");
    assert_eq!(shard.run("DEL a"), ":1");
}
