//! SAVE and its like, where every write is in a log on the disk: they make it durable now, LASTSAVE
//! and INFO persistence tell of it, and a failing disk does not go unnoticed.

use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

fn persistence(client: &mut Client, field: &str) -> String {
    let info = client.run("INFO persistence").text();
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("{field}:")));
    line.unwrap_or_else(|| panic!("no {field} in {info}")).to_owned()
}

/// Waits until a field says so.
fn await_field(client: &mut Client, field: &str, expected: &str) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while persistence(client, field) != expected {
        assert!(Instant::now() < deadline, "{field} does not become {expected}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Nothing is synced by itself in the next seconds but what is asked for.
fn never_synced(shards: usize) -> Server {
    Server::with(Options::default().shards(shards).appendfsync("no"))
}

#[test]
fn save_makes_durable_what_the_mode_leaves_to_the_kernel() {
    for shards in [1, 2] {
        let server = never_synced(shards);
        let mut client = server.client();
        let not_durable = |client: &mut Client| {
            let info = client.run("INFO storage").text();
            let line = info.lines().find_map(|line| line.strip_prefix("batches_not_durable:"));
            line.expect("batches_not_durable").parse::<u64>().expect("a number")
        };
        for command in ["SAVE", "BGSAVE", "WAITAOF 1 0 0"] {
            for key in 0..20 {
                client.ok(&format!("SET {key} value"));
            }
            assert!(not_durable(&mut client) > 0, "{command}");
            let saves = persistence(&mut client, "rdb_saves");
            let reply = client.run(command);
            match command {
                "SAVE" => assert_eq!(reply, Value::Simple(b"OK".to_vec())),
                "BGSAVE" => {
                    assert_eq!(reply, Value::Simple(b"Background saving started".to_vec()));
                    let more = saves.parse::<u64>().expect("a number") + 1;
                    await_field(&mut client, "rdb_saves", &more.to_string());
                }
                _ => assert_eq!(reply, Value::Array(vec![Value::Int(1), Value::Int(0)])),
            }
            assert_eq!(not_durable(&mut client), 0, "{command}, {shards} shards");
        }
    }
}

#[test]
fn lastsave_moves_with_a_save_and_agrees_with_info() {
    let server = never_synced(2);
    let mut client = server.client();
    let started = client.run("LASTSAVE").int();
    assert_eq!(persistence(&mut client, "rdb_last_save_time"), started.to_string());
    std::thread::sleep(Duration::from_millis(1100));
    client.ok("SAVE");
    let saved = client.run("LASTSAVE").int();
    assert!(saved > started, "{started}, then {saved}");
    for (field, expected) in [
        ("rdb_last_save_time", saved.to_string().as_str()),
        ("rdb_last_bgsave_status", "ok"),
        ("rdb_bgsave_in_progress", "0"),
        ("rdb_current_bgsave_time_sec", "-1"),
        ("rdb_saves", "1"),
    ] {
        assert_eq!(persistence(&mut client, field), expected, "{field}");
    }
    assert_eq!(client.run("BGSAVE SCHEDULE"), Value::Simple(b"Background saving started".to_vec()));
    await_field(&mut client, "rdb_saves", "2");
}

#[test]
fn bgrewriteaof_hands_the_log_to_the_databases() {
    let server = never_synced(2);
    let mut client = server.client();
    for key in 0..100 {
        client.ok(&format!("SET {key} value"));
    }
    assert_eq!(
        client.run("BGREWRITEAOF"),
        Value::Simple(b"Background append only file rewriting started".to_vec())
    );
    await_field(&mut client, "aof_rewrites", "1");
    assert_eq!(persistence(&mut client, "aof_last_bgrewrite_status"), "ok");
    assert_eq!(persistence(&mut client, "aof_rewrite_in_progress"), "0");
    assert_eq!(client.run("DBSIZE").int(), 100);
}

#[test]
fn waitaof_tells_at_once_when_nobody_wants_to_wait() {
    let server = Server::with(Options::default().appendfsync("always"));
    let mut client = server.client();
    client.fails("WAITAOF 2 0 0", "ERR value is out of range, value must between 0 and 1");
    client.fails("WAITAOF x 0 0", "ERR value is not an integer or out of range");
    client.fails("WAITAOF 0 -1 0", "ERR value is out of range, must be positive");
    client.fails("WAITAOF 0 x 0", "ERR value is out of range, must be positive");
    client.fails("WAITAOF 0 0 -1", "ERR timeout is negative");
    client.fails("WAITAOF 0 0 x", "ERR timeout is not an integer or out of range");
    client.ok("SET key value");
    // Whoever has a reply has it on the disk: that is what `always` means.
    let durable = Value::Array(vec![Value::Int(1), Value::Int(0)]);
    assert_eq!(client.run("WAITAOF 0 0 0"), durable);
    assert_eq!(client.run("WAITAOF 1 1 1"), durable);
}
