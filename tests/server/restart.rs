//! `kill -9` and start again: every key is there with its value and its end, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::server::Options;
use crate::common::{Client, Rng, Server, Value, rng};

const KEYS: usize = 3_000;
const DATABASES: [usize; 3] = [0, 1, 15];
const ROUNDS: usize = 3;

/// What the server must hold: by database and key, the value and the absolute end.
type Model = BTreeMap<(usize, String), (Content, i64)>;

#[derive(Clone, PartialEq, Debug)]
enum Content {
    Text(Vec<u8>),
    Hash(BTreeMap<String, String>),
}

#[test]
fn everything_is_there_after_kill_9() {
    for mode in ["no", "everysec", "always"] {
        survive_kill_9(Options::default().durable().appendfsync(mode));
    }
}

#[test]
fn everything_is_there_after_kill_9_on_one_shard_and_on_four() {
    for shards in [1, 4] {
        survive_kill_9(Options::default().durable().shards(shards));
    }
}

fn survive_kill_9(options: Options) {
    let seed = rng::seed("BASALT_RESTART_SEED");
    eprintln!("BASALT_RESTART_SEED={seed}");
    let mut rng = Rng::new(seed);
    let mut server = Server::with(options);
    let mut model = Model::new();
    for round in 0..ROUNDS {
        let mut client = server.client();
        for db in DATABASES {
            client.ok(&format!("SELECT {db}"));
            change(&mut client, &mut model, db, &mut rng);
        }
        server.kill9();
        server.restart();
        check(&mut server.client(), &model, round);
    }
    // An orderly end must not lose anything either.
    server.terminate();
    server.restart();
    check(&mut server.client(), &model, ROUNDS);
}

/// A few thousand changes, all acknowledged, the same in the model.
fn change(client: &mut Client, model: &mut Model, db: usize, rng: &mut Rng) {
    const FOREVER: i64 = -1;
    const YEAR_2100_MS: i64 = 4_102_444_800_000;
    let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
    let words = |line: String| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    for _ in 0..KEYS / DATABASES.len() {
        let key = format!("key:{}", rng.below(KEYS));
        let at = (db, key.clone());
        match rng.below(10) {
            0..=3 => {
                let count = rng.below(200);
                let value = rng.bytes(count);
                commands.push(vec![b"SET".to_vec(), key.into_bytes(), value.clone()]);
                model.insert(at, (Content::Text(value), FOREVER));
            }
            4 => {
                let end = YEAR_2100_MS + rng.below(1_000_000) as i64;
                commands.push(words(format!("SET {key} volatile PXAT {end}")));
                model.insert(at, (Content::Text(b"volatile".to_vec()), end));
            }
            5 => {
                commands.push(words(format!("DEL {key}")));
                model.remove(&at);
            }
            6 => {
                let end = YEAR_2100_MS + rng.below(1_000_000) as i64;
                commands.push(words(format!("PEXPIREAT {key} {end}")));
                if let Some(entry) = model.get_mut(&at) {
                    entry.1 = end;
                }
            }
            7 => {
                commands.push(words(format!("PERSIST {key}")));
                if let Some(entry) = model.get_mut(&at) {
                    entry.1 = FOREVER;
                }
            }
            // A large hash now and then, a small one mostly.
            shape => {
                commands.push(words(format!("DEL {key}")));
                let count = if shape == 8 && rng.percent(5) { 700 } else { 1 + rng.below(5) };
                let mut hash = BTreeMap::new();
                for field in 0..count {
                    let value = rng.below(1_000).to_string();
                    commands.push(words(format!("HSET {key} field:{field} {value}")));
                    hash.insert(format!("field:{field}"), value);
                }
                commands.push(words(format!("HDEL {key} field:0 field:1")));
                hash.remove("field:0");
                hash.remove("field:1");
                match hash.is_empty() {
                    true => drop(model.remove(&at)),
                    false => drop(model.insert(at, (Content::Hash(hash), FOREVER))),
                }
            }
        }
    }
    for reply in client.pipeline(&commands) {
        assert!(!reply.is_error(), "{reply:?}");
    }
}

fn check(client: &mut Client, model: &Model, round: usize) {
    for db in DATABASES {
        client.ok(&format!("SELECT {db}"));
        let entries: Vec<_> = model.iter().filter(|((of, _), _)| *of == db).collect();
        let size = client.run("DBSIZE").int();
        assert_eq!(size, entries.len() as i64, "DBSIZE of {db} in round {round}");
        let mut commands = Vec::new();
        for ((_, key), (content, _)) in &entries {
            let look = match content {
                Content::Text(_) => "GET",
                Content::Hash(_) => "HGETALL",
            };
            commands.push(vec![look, key.as_str()]);
            commands.push(vec!["PEXPIRETIME", key.as_str()]);
        }
        let replies = client.pipeline(&commands);
        for (((_, key), (content, end)), reply) in entries.iter().zip(replies.chunks(2)) {
            let actual = match &reply[0] {
                Value::Bulk(text) => Content::Text(text.clone()),
                Value::Array(_) => Content::Hash(
                    reply[0].pairs().iter().map(|(f, v)| (f.text(), v.text())).collect(),
                ),
                other => panic!("{key} in {db}, round {round}: {other:?}"),
            };
            assert_eq!(actual, *content, "{key} in {db}, round {round}");
            assert_eq!(reply[1], Value::Int(*end), "the end of {key} in {db}, round {round}");
        }
    }
}

#[test]
fn a_key_that_ends_while_the_server_is_down_is_gone_at_the_start() {
    let mut server = Server::with(Options::default().durable());
    let mut client = server.client();
    client.ok("SET short value PX 300");
    client.run("HSET hash field value");
    client.run("PEXPIRE hash 300");
    client.ok("SET long value EX 1000");
    server.kill9();
    std::thread::sleep(Duration::from_millis(400));
    server.restart();
    let mut client = server.client();
    assert!(client.run("GET short").is_null());
    assert!(client.run("HGET hash field").is_null());
    assert_eq!(client.run("GET long").text(), "value");
    std::thread::sleep(Duration::from_millis(1_000));
    assert_eq!(client.run("DBSIZE").int(), 1);
}

#[test]
fn flushes_and_swaps_outlive_kill_9() {
    let mut server = Server::with(Options::default().durable());
    let mut client = server.client();
    for i in 0..500 {
        client.ok(&format!("SET key:{i} zero"));
    }
    client.ok("SELECT 1");
    client.ok("SET key one");
    client.ok("SWAPDB 0 1");
    client.ok("FLUSHDB");
    client.ok("SET after flush");
    client.ok("SELECT 2");
    client.ok("SET key two");
    server.kill9();
    server.restart();
    let mut client = server.client();
    for (db, size) in [(0, 1), (1, 1), (2, 1), (3, 0)] {
        client.ok(&format!("SELECT {db}"));
        assert_eq!(client.run("DBSIZE").int(), size, "DBSIZE of {db}");
        assert_eq!(client.run("KEYS *").items().len() as i64, size, "keys of {db}");
    }
    client.ok("SELECT 0");
    assert_eq!(client.run("GET key").text(), "one");
    client.ok("SELECT 1");
    assert_eq!(client.run("GET after").text(), "flush");
}

#[test]
fn a_command_that_needs_the_disk_is_tried_once_in_memory() {
    const READS: u64 = 20;
    let mut server = Server::with(Options::default().shards(2));
    let mut client = server.client();
    // One key to a block of the table files, so that no read brings along what another wants.
    let value = "v".repeat(20_000);
    for number in 0..READS {
        client.ok(&format!("SET key:{number} {value}"));
    }
    server.terminate();
    server.restart();
    let mut client = server.client();
    for number in 0..READS {
        assert_eq!(client.run(&format!("GET key:{number}")).text(), value);
    }
    let info = client.run("INFO storage").text();
    let tried = info.lines().find_map(|line| line.strip_prefix("off_loop_runs:"));
    assert_eq!(tried.expect("a line of INFO").trim(), READS.to_string(), "{info}");
}
