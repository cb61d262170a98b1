//! Tests of the HyperLogLog commands: replies and errors, and that what they make of strings is
//! byte for byte what redis-server makes of them, in both directions.

use crate::oracle::{Connection, Oracle, Random, bulk};
use crate::testing::TestShard;

const NOT_ONE: &str = "-WRONGTYPE Key is not a valid HyperLogLog string value.";
const CORRUPTED: &str = "-INVALIDOBJ Corrupted HLL object detected";
const WRONG_TYPE: &str = "-WRONGTYPE Operation against a key holding the wrong kind of value";

fn check(shard: &mut TestShard, dialogue: &[(&str, &str)]) {
    for (command, reply) in dialogue {
        assert_eq!(shard.run(command), *reply, "{command}");
    }
}

#[test]
fn elements_are_counted() {
    let mut shard = TestShard::new();
    check(
        &mut shard,
        &[
            ("PFCOUNT n", ":0"),
            ("PFCOUNT n m", ":0"),
            ("PFADD h", ":1"),
            ("PFADD h", ":0"),
            ("PFCOUNT h", ":0"),
            ("PFADD h a b c", ":1"),
            ("PFADD h a b", ":0"),
            ("PFCOUNT h", ":3"),
            ("PFCOUNT h", ":3"),
            ("PFADD i c d", ":1"),
            ("PFCOUNT h i n", ":4"),
            ("PFMERGE m h i n", "+OK"),
            ("PFCOUNT m", ":4"),
            ("PFMERGE e", "+OK"),
            ("PFCOUNT e", ":0"),
            ("TYPE m", "+string"),
            ("OBJECT ENCODING m", "$3 raw"),
            ("PFDEBUG ENCODING m", "+sparse"),
            ("PFDEBUG TODENSE m", ":1"),
            ("PFDEBUG TODENSE m", ":0"),
            ("PFDEBUG ENCODING m", "+dense"),
            ("STRLEN m", ":12304"),
            ("PFCOUNT m", ":4"),
            ("PFADD m e", ":1"),
            ("PFCOUNT m h", ":5"),
            ("PFSELFTEST", "+OK"),
        ],
    );
}

#[test]
fn changes_keep_the_deadline() {
    let mut shard = TestShard::new();
    shard.run("PFADD h a");
    shard.run("PEXPIRE h 1000");
    for command in ["PFADD h b", "PFCOUNT h", "PFMERGE h", "PFDEBUG TODENSE h"] {
        shard.run(command);
        assert_eq!(shard.run("PTTL h"), ":1000", "{command}");
    }
    shard.now_ms += 1000;
    assert_eq!(shard.run("PFCOUNT h"), ":0");
}

#[test]
fn other_values_are_refused() {
    let mut shard = TestShard::new();
    let mut cut = b"HYLL\0".to_vec();
    cut.resize(12303, 0);
    shard.run("HSET l f v");
    for (name, value) in [
        ("s", &b""[..]),
        ("s", b"12345678901234567"),
        ("s", b"HYLL\x01\0\0\0\0\0\0\0\0\0\0"),
        ("s", b"HYLL\x02\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"),
        ("s", b"hYLL\x01\0\0\0\0\0\0\0\0\0\0\0\x7f\xff"),
        ("s", &cut),
        ("l", b""),
    ] {
        if name == "s" {
            shard.run_bytes(&[b"SET", b"s", value]);
        }
        let error = if name == "s" { NOT_ONE } else { WRONG_TYPE };
        for command in [
            "PFADD * a",
            "PFADD *",
            "PFCOUNT *",
            "PFCOUNT n *",
            "PFMERGE *",
            "PFMERGE n *",
            "PFDEBUG ENCODING *",
            "PFDEBUG nosuch *",
        ] {
            let command = command.replace('*', name);
            assert_eq!(shard.run(&command), error, "{command}");
        }
    }
    shard.run("PFADD h a");
    check(
        &mut shard,
        &[
            ("PFDEBUG ENCODING n", "-ERR The specified key does not exist"),
            ("PFDEBUG nosuch n", "-ERR The specified key does not exist"),
            ("PFDEBUG nosuch h", "-ERR Unknown PFDEBUG subcommand 'nosuch'"),
            ("PFDEBUG todense h", ":1"),
            ("PFDEBUG decode h", "-ERR HLL encoding is not sparse"),
        ],
    );
}

#[test]
fn corrupted_registers_are_refused_in_bounded_time() {
    let mut shard = TestShard::new();
    let front = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\x80";
    let long = vec![0; 40_000];
    let very_long = vec![0x80; 2 << 20];
    for runs in [&b""[..], b"\x7f", b"\x00", b"\x7f\xff\x00", b"\x7f\xfe", &long, &very_long] {
        shard.run_bytes(&[b"SET", b"h", &[front, runs].concat()]);
        shard.run("COPY h i REPLACE");
        for command in ["PFCOUNT h", "PFCOUNT h n", "PFMERGE n h", "PFMERGE h i"] {
            let shown: Vec<u8> = runs.iter().take(8).copied().collect();
            assert_eq!(shard.run(command), CORRUPTED, "{command} {shown:x?}");
        }
        assert_eq!(shard.run("EXISTS n"), ":0");
    }
}

/// A HyperLogLog that fills up, asked and merged all the time.
#[test]
fn strings_are_those_of_redis() {
    let Some(oracle) = Oracle::start(&["--hll-sparse-max-bytes", "600"]) else { return };
    let mut redis = oracle.connect();
    let mut random = Random::new();
    for round in 0..12 {
        let mut shard = TestShard::new();
        shard.settings.hll_sparse_max_bytes = 600;
        redis.command(&[b"FLUSHALL"]);
        let steps = if round % 4 == 0 { 250 } else { 60 };
        for _ in 0..steps {
            let key = *random.pick(&["h", "i", "j"].map(|key| key).each_ref());
            let words = command(&mut random, key, round % 4 == 0);
            compare(&mut shard, &mut redis, &words, &mut random);
        }
        // What is here counts the same there.
        for key in [&b"h"[..], b"i", b"j"] {
            let value = shard.run_bytes(&[b"GET", key]);
            if let Some(value) = bulk(&value) {
                redis.command(&[b"SET", b"moved", value]);
                let count = redis.command(&[b"PFCOUNT", b"moved"]);
                assert_eq!(shard.run_bytes(&[b"PFCOUNT", key]), count);
            }
        }
    }
}

fn command(random: &mut Random, key: &str, is_big: bool) -> Vec<Vec<u8>> {
    let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    match random.below(12) {
        0..=5 => {
            let mut command: Vec<Vec<u8>> = words(&format!("PFADD {key}"));
            let count = if is_big { 400 } else { 12 };
            for _ in 0..random.below(count) {
                let len = random.below(24);
                let element = (0..len).map(|_| random.next() as u8).collect();
                command.push(element);
            }
            command
        }
        6 => words(&format!("PFCOUNT {key}")),
        7 => words("PFCOUNT h i j n"),
        8 => words(&format!("PFMERGE {key} h j")),
        9 => words("PFMERGE i h"),
        10 => words(&format!("PFDEBUG DECODE {key}")),
        _ => match random.below(6) {
            0 => words(&format!("DEL {key}")),
            1 => words(&format!("PFDEBUG TODENSE {key}")),
            2 => words(&format!("PFDEBUG GETREG {key}")),
            3 => words(&format!("PFDEBUG ENCODING {key}")),
            4 => words(&format!("OBJECT ENCODING {key}")),
            _ => words(&format!("COPY {key} i REPLACE")),
        },
    }
}

fn compare(shard: &mut TestShard, redis: &mut Connection, words: &[Vec<u8>], random: &mut Random) {
    let is_cold = random.below(4) == 0;
    if is_cold {
        shard.shard.cache().clear();
    }
    shard.engine.set_cold(is_cold);
    let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
    let shown = words.join(&b' ').escape_ascii().to_string();
    let there = redis.command(&words);
    let here = shard.run_bytes(&words);
    assert_eq!(here.escape_ascii().to_string(), there.escape_ascii().to_string(), "{shown}");
    for key in [&b"h"[..], b"i", b"j"] {
        let values = (shard.run_bytes(&[b"GET", key]), redis.command(&[b"GET", key]));
        assert!(values.0 == values.1, "the value of {} after {shown}", key.escape_ascii());
    }
}

/// Strings with the front of a HyperLogLog and anything behind it: every command answers as
/// redis-server does.
#[test]
fn hostile_strings_are_answered_as_redis_does() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut random = Random::new();
    let mut valid = 0;
    for _ in 0..1500 {
        let mut shard = TestShard::new();
        redis.command(&[b"FLUSHALL"]);
        let value = hostile(&mut random);
        for command in [
            "PFCOUNT h",
            "PFDEBUG ENCODING h",
            "PFDEBUG DECODE h",
            "PFADD h a b c d",
            "PFCOUNT h n",
            "PFMERGE h i",
            "PFMERGE i h",
            "PFDEBUG GETREG h",
        ] {
            let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
            // Redis writes where a run that is cut off would go on.
            if is_cut_off(&value) && (command.starts_with("PFADD") || command == "PFMERGE h i") {
                continue;
            }
            // An error leaves nothing done here, but it does there.
            redis.command(&[b"SET", b"h", &value]);
            shard.run_bytes(&[b"SET", b"h", &value]);
            let (here, there) = (shard.run_bytes(&words), redis.command(&words));
            let shown = value.iter().take(60).copied().collect::<Vec<u8>>();
            assert_eq!(
                here.escape_ascii().to_string(),
                there.escape_ascii().to_string(),
                "{command} {}",
                shown.escape_ascii()
            );
            if !here.starts_with(b"-") {
                valid += 1;
                for key in [&b"h"[..], b"i"] {
                    let values = (shard.run_bytes(&[b"GET", key]), redis.command(&[b"GET", key]));
                    assert!(values.0 == values.1, "{command} {}", shown.escape_ascii());
                }
            }
        }
    }
    println!("{valid} calls succeeded");
}

/// Whether the last of the runs lacks its second byte.
fn is_cut_off(value: &[u8]) -> bool {
    let mut at = 16;
    while at < value.len() {
        at += if value[at] & 0xc0 == 0x40 { 2 } else { 1 };
    }
    value[4] == 1 && at > value.len()
}

fn hostile(random: &mut Random) -> Vec<u8> {
    let mut value = b"HYLL\x01\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    value[15] = [0, 0x80, 0xff][random.below(3)];
    value[8] = random.next() as u8;
    match random.below(8) {
        0 => {
            value[4] = 0;
            value.resize(12304, 0);
            let fill = random.next() as u8;
            value[16..].fill_with(|| if random.below(3) == 0 { random.next() as u8 } else { fill });
            return value;
        }
        1 => {
            value.extend((0..random.below(12)).map(|_| random.next() as u8));
            return value;
        }
        _ => {}
    }
    // Runs of the right number of registers, or nearly.
    let mut left = 16384usize;
    while left > 0 {
        let len = match random.below(3) {
            0 => {
                let len = (1 + random.below(4)).min(left);
                value.push(0x80 | ((random.next() as u8 & 31) << 2) | (len - 1) as u8);
                len
            }
            1 => {
                let len = (1 + random.below(64)).min(left);
                value.push((len - 1) as u8);
                len
            }
            _ => {
                let len = (1 + random.below(16384)).min(left);
                value.extend_from_slice(&(0x4000 | (len - 1) as u16).to_be_bytes());
                len
            }
        };
        left -= len;
    }
    match random.below(4) {
        0 => drop(value.pop()),
        1 => value.push(random.next() as u8),
        2 => {
            let at = 16 + random.below(value.len() - 16);
            value[at] = random.next() as u8;
        }
        _ => {}
    }
    value
}
