//! SCAN: complete for whatever is there from beginning to end, whatever else goes on, with plain
//! cursors that mean the same after a restart.

use std::collections::BTreeSet;

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

const KEYS: usize = 5_000;
const CALLS_MAX: usize = 200_000;

/// One step: the next cursor and the keys.
fn step(client: &mut Client, cursor: &str, options: &str) -> (String, Vec<String>) {
    let parts = client.run(&format!("SCAN {cursor} {options}")).items();
    assert_eq!(parts.len(), 2, "{parts:?}");
    (parts[0].text(), parts[1].items().iter().map(Value::text).collect())
}

fn scan(client: &mut Client, options: &str) -> Vec<String> {
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    for _ in 0..CALLS_MAX {
        let (next, keys) = step(client, &cursor, options);
        found.extend(keys);
        if next == "0" {
            return found;
        }
        assert!(next.parse::<u64>().is_ok(), "cursor {next} is not a 64-bit number");
        cursor = next;
    }
    panic!("SCAN {options} does not come to an end");
}

fn fill(client: &mut Client, count: usize) {
    let commands: Vec<Vec<String>> = (0..count)
        .map(|i| match i % 4 {
            0 => vec!["HSET".into(), format!("hash:{i}"), "field".into(), "value".into()],
            _ => vec!["SET".into(), format!("string:{i}"), "value".into()],
        })
        .collect();
    client.pipeline(&commands);
}

fn distinct(keys: Vec<String>) -> BTreeSet<String> {
    keys.into_iter().collect()
}

#[test]
fn scan_finds_every_key_with_any_count() {
    let server = Server::with(Options::default().shards(4));
    let mut client = server.client();
    assert_eq!(scan(&mut client, ""), [""; 0]);
    fill(&mut client, KEYS);
    let all = distinct(scan(&mut client, ""));
    assert_eq!(all.len(), KEYS);
    for count in [1, 7, 100, 1_000, 1_000_000] {
        let found = distinct(scan(&mut client, &format!("COUNT {count}")));
        assert_eq!(found, all, "COUNT {count}");
    }
    client.ok("SELECT 1");
    assert_eq!(scan(&mut client, ""), [""; 0], "another database");
}

/// The two ways in which clients keep a cursor that is no text, there and back.
fn kept_by_a_client(cursor: &str, way: usize) -> String {
    match way {
        0 => cursor.parse::<f64>().expect("a number").to_string(),
        _ => cursor.parse::<i64>().unwrap_or(i64::MAX).to_string(),
    }
}

/// All that comes from `start` (`SCAN`, `HSCAN key`) to a client that keeps cursors in its own way.
fn walk_kept(client: &mut Client, (start, options): (&str, &str), way: usize) -> Vec<String> {
    let (mut cursor, mut found) = ("0".to_owned(), Vec::new());
    for _ in 0..CALLS_MAX {
        let parts = client.run(&format!("{start} {cursor} {options}")).items();
        found.extend(parts[1].items().iter().map(Value::text));
        cursor = kept_by_a_client(&parts[0].text(), way);
        if cursor == "0" {
            return found;
        }
    }
    panic!("{start} {options} does not come to an end");
}

#[test]
fn a_client_that_keeps_cursors_in_a_double_or_a_signed_number_skips_nothing() {
    const NAMES: usize = 3_000;
    for shards in [1, 2] {
        let server = Server::with(Options::default().shards(shards));
        let mut client = server.client();
        let set = |i: usize| vec!["SET".into(), format!("key:{i}"), "v".into()];
        client.pipeline(&(0..NAMES).map(set).collect::<Vec<Vec<String>>>());
        // Of one slot: all that tells their cursors apart is the hash.
        let set = |i: usize| vec!["SET".into(), format!("{{tag}}:{i}"), "v".into()];
        client.pipeline(&(0..NAMES).map(set).collect::<Vec<Vec<String>>>());
        let mut args = vec!["HSET".to_owned(), "hash".to_owned()];
        args.extend((0..NAMES).flat_map(|i| [format!("field:{i}"), format!("value:{i}")]));
        client.call(&args);
        for way in [0, 1] {
            for options in ["", "COUNT 1", "COUNT 333"] {
                let keys = walk_kept(&mut client, ("SCAN", options), way);
                let context = format!("{shards} shards, way {way}, {options}");
                assert_eq!(distinct(keys).len(), 2 * NAMES + 1, "SCAN, {context}");
                let pairs = walk_kept(&mut client, ("HSCAN hash", options), way);
                assert_eq!(distinct(pairs).len(), 2 * NAMES, "HSCAN, {context}");
            }
        }
    }
}

#[test]
fn a_step_returns_about_as_many_as_asked_for() {
    let server = Server::start();
    let mut client = server.client();
    fill(&mut client, KEYS);
    let (_, keys) = step(&mut client, "0", "COUNT 100");
    // Redis returns whole hash buckets: a few more are usual.
    assert!((100..200).contains(&keys.len()), "{} keys for COUNT 100", keys.len());
}

#[test]
fn match_and_type_select() {
    let server = Server::with(Options::default().shards(4));
    let mut client = server.client();
    fill(&mut client, KEYS);
    let hashes = KEYS.div_ceil(4);
    assert_eq!(distinct(scan(&mut client, "TYPE hash")).len(), hashes);
    assert_eq!(distinct(scan(&mut client, "TYPE string")).len(), KEYS - hashes);
    assert_eq!(distinct(scan(&mut client, "TYPE STRING COUNT 500")).len(), KEYS - hashes);
    assert_eq!(scan(&mut client, "TYPE list"), [""; 0]);
    let matching = distinct(scan(&mut client, "MATCH hash:1??? COUNT 50"));
    assert!(matching.iter().all(|key| key.starts_with("hash:1") && key.len() == 9));
    assert_eq!(matching.len(), 250);
    assert_eq!(scan(&mut client, "MATCH hash:* TYPE string"), [""; 0]);
    assert_eq!(distinct(scan(&mut client, "MATCH hash:8")), distinct(vec!["hash:8".to_owned()]));
}

#[test]
fn malformed_scans_are_told_so() {
    let server = Server::start();
    let mut client = server.client();
    client.fails("SCAN x", "ERR invalid cursor");
    client.fails("SCAN 0 COUNT 0", "ERR syntax error");
    client.fails("SCAN 0 COUNT x", "ERR value is not an integer or out of range");
    client.fails("SCAN 0 COUNT", "ERR syntax error");
    client.fails("SCAN 0 nosuch x", "ERR syntax error");
    client.fails("SCAN 1.5", "ERR invalid cursor");
    // Any number is a cursor; a negative one wraps around, as strtoul has it.
    assert!(!client.run("SCAN -1").is_error());
    let (_, keys) = step(&mut client, "18446744073709551615", "");
    assert_eq!(keys, [""; 0]);
}

#[test]
fn keys_that_stay_are_found_while_others_come_and_go() {
    let server = Server::with(Options::default().shards(4));
    let (mut client, mut other) = (server.client(), server.client());
    fill(&mut client, KEYS);
    let stay = distinct(scan(&mut client, ""));
    let (mut cursor, mut found, mut round) = ("0".to_owned(), BTreeSet::new(), 0);
    loop {
        let (next, keys) = step(&mut client, &cursor, "COUNT 50");
        found.extend(keys);
        // Enough comings and goings to make a redis-server grow and shrink its table.
        let mut commands = Vec::new();
        for i in 0..200 {
            commands.push(vec!["SET".to_owned(), format!("come:{round}:{i}"), "v".to_owned()]);
            if round > 5 {
                commands.push(vec!["DEL".to_owned(), format!("come:{}:{i}", round - 5)]);
            }
        }
        other.pipeline(&commands);
        round += 1;
        if next == "0" {
            break;
        }
        cursor = next;
    }
    let missed: Vec<&String> = stay.difference(&found).collect();
    assert!(missed.is_empty(), "{} keys missed, such as {:?}", missed.len(), missed[0]);
}

#[test]
fn a_scan_goes_on_after_a_restart() {
    let mut server = Server::with(Options::default().shards(4).durable());
    let mut client = server.client();
    fill(&mut client, KEYS);
    let all = distinct(scan(&mut client, ""));
    let (mut cursor, mut found) = ("0".to_owned(), BTreeSet::new());
    for _ in 0..10 {
        let (next, keys) = step(&mut client, &cursor, "COUNT 200");
        found.extend(keys);
        cursor = next;
    }
    assert!(!found.is_empty() && found.len() < KEYS, "half way: {}", found.len());
    // A redis-server's cursors depend on a seed that it draws at its start.
    if !server.is_redis() {
        server.kill9();
        server.restart();
    }
    let mut client = server.client();
    let before = found.len();
    while cursor != "0" {
        let (next, keys) = step(&mut client, &cursor, "COUNT 200");
        found.extend(keys);
        cursor = next;
    }
    assert_eq!(found, all, "{before} keys before the restart");
}

#[test]
fn hscan_finds_every_field() {
    const FIELDS: usize = 2_000;
    let server = Server::start();
    let mut client = server.client();
    let mut args = vec!["HSET".to_owned(), "hash".to_owned()];
    args.extend((0..FIELDS).flat_map(|i| [format!("field:{i}"), i.to_string()]));
    client.call(&args);
    for options in ["", "COUNT 7", "COUNT 5000", "MATCH *"] {
        let (mut cursor, mut found) = ("0".to_owned(), BTreeSet::new());
        loop {
            let parts = client.run(&format!("HSCAN hash {cursor} {options}")).items();
            let pairs = parts[1].pairs();
            found.extend(pairs.iter().map(|(field, value)| (field.text(), value.text())));
            cursor = parts[0].text();
            if cursor == "0" {
                break;
            }
        }
        assert_eq!(found.len(), FIELDS, "HSCAN {options}");
        assert!(found.contains(&("field:17".to_owned(), "17".to_owned())));
    }
    // A small hash comes whole, whatever the COUNT.
    client.run("HSET small a 1 b 2 c 3");
    let parts = client.run("HSCAN small 0 COUNT 1").items();
    assert_eq!((parts[0].text(), parts[1].items().len()), ("0".to_owned(), 6));
    client.fails("HSCAN small x", "ERR invalid cursor");
    assert_eq!(client.run("HSCAN absent 0").items()[1].items(), []);
}
