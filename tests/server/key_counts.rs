//! How many keys there are, asked over and over while every kind of work goes on behind: what is
//! true between two steps of that work only is a wrong answer to whoever asks then.
//!
//! `BASALT_COUNTS_SECONDS` sets how long each test looks (default 4).

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, env};

/// Small write buffers: draining, flushing and compacting never rest.
fn busy_server(shards: usize) -> Server {
    Server::with(Options::default().shards(shards).set("write-buffer-size", "4mb"))
}

fn seconds() -> Duration {
    Duration::from_secs(env::number("BASALT_COUNTS_SECONDS", 4))
}

/// Runs `look` for a while, and beside it somebody who keeps the storage busy in database 5:
/// values that fill write buffers, keys that expire, flushes, swaps with 6.
fn while_storage_is_busy(server: &Server, mut look: impl FnMut(usize)) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut client = server.client();
            client.ok("SELECT 5");
            let value = "x".repeat(2_000);
            for round in 0.. {
                if is_over.load(Ordering::Relaxed) {
                    break;
                }
                let sets: Vec<Vec<String>> = (0..50)
                    .map(|key| {
                        let key = format!("key:{}", (round * 7 + key) % 1_000);
                        let ttl = (key.len() + round % 40).to_string();
                        ["SET", &key, &value, "PX", &ttl].map(str::to_owned).to_vec()
                    })
                    .collect();
                client.pipeline(&sets);
                match round % 20 {
                    3 => client.ok("FLUSHDB"),
                    11 => client.ok("SWAPDB 5 6"),
                    _ => {}
                }
            }
        });
        let end = Instant::now() + seconds();
        // A panic of the looker must end the other thread, too.
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut round = 0;
            while Instant::now() < end {
                look(round);
                round += 1;
            }
            eprintln!("{round} rounds");
        }));
        is_over.store(true, Ordering::Relaxed);
        if let Err(panic) = looked {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Everybody who counts, walks or draws says that database 0 is empty.
fn assert_empty(client: &mut Client, round: usize) {
    let replies = client.pipeline_lines(&["EXISTS k", "DBSIZE", "KEYS *", "RANDOMKEY", "SCAN 0"]);
    let shown = format!("{replies:?}");
    assert_eq!(shown, "[:0, :0, [], (nil bulk), [\"0\", []]]", "round {round}");
    if round.is_multiple_of(10) {
        let keyspace = client.run("INFO keyspace").text();
        assert!(!keyspace.contains("db0:"), "round {round}: {keyspace}");
    }
}

#[test]
fn dbsize_counts_no_key_that_is_past_its_end_while_the_storage_is_busy() {
    for shards in [1, 2] {
        let server = busy_server(shards);
        let mut client = server.client();
        let filler: Vec<Vec<String>> = (0..20)
            .map(|key| vec!["SET".to_owned(), format!("filler:{key}"), "x".repeat(500)])
            .collect();
        while_storage_is_busy(&server, |round| {
            client.pipeline(&filler);
            client.ok("FLUSHDB");
            // Born dead, or dead when it is looked at.
            if round.is_multiple_of(2) {
                client.ok("SET k 1 PXAT 1");
            } else {
                client.ok("SET k 1 PX 1");
                std::thread::sleep(Duration::from_millis(2));
            }
            assert_empty(&mut client, round);
        });
    }
}

#[test]
fn dbsize_counts_every_key_that_is_there_while_others_expire() {
    for shards in [1, 2] {
        let server = busy_server(shards);
        let mut client = server.client();
        for key in 0..10 {
            client.ok(&format!("SET forever:{key} v"));
            client.ok(&format!("SET long:{key} v EX 1000"));
        }
        while_storage_is_busy(&server, |round| {
            let short: Vec<Vec<String>> = (0..30)
                .map(|key| {
                    let words = format!("SET short:{key} v PX {}", 1 + (key + round) % 5);
                    words.split(' ').map(str::to_owned).collect()
                })
                .collect();
            client.pipeline(&short);
            std::thread::sleep(Duration::from_millis(6));
            assert_eq!(client.run("DBSIZE").int(), 20, "round {round}");
            assert_eq!(client.run("KEYS *").items().len(), 20, "round {round}");
            let drawn = client.run("RANDOMKEY").text();
            assert!(!drawn.starts_with("short"), "round {round}: {drawn}");
            if round.is_multiple_of(10) {
                let keyspace = client.run("INFO keyspace").text();
                assert!(keyspace.contains("db0:keys=20,expires=10,"), "round {round}: {keyspace}");
            }
        });
    }
}

#[test]
fn randomkey_draws_among_all_that_live_while_most_are_due() {
    const KEYS: usize = 4_000;
    let server = Server::with(Options::default().set("enable-debug-command", "yes"));
    let mut client = server.client();
    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    let sets: Vec<Vec<String>> = (0..KEYS)
        .map(|key| format!("SET due:{key} v PX 100").split(' ').map(str::to_owned).collect())
        .collect();
    client.pipeline(&sets);
    for key in 0..5 {
        client.ok(&format!("SET alive:{key} v"));
    }
    std::thread::sleep(Duration::from_millis(150));
    let mut drawn = std::collections::BTreeSet::new();
    for _ in 0..300 {
        let key = client.run("RANDOMKEY").text();
        assert!(key.starts_with("alive:"), "{key}");
        drawn.insert(key);
    }
    assert_eq!(drawn.len(), 5, "{drawn:?}");
    client.ok("DEBUG SET-ACTIVE-EXPIRE 1");
    assert_eq!(client.run("DBSIZE").int(), 5);
}

#[test]
fn dbsize_is_exact_while_clients_are_paused() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("SET stays v");
    client.ok("SET goes v PX 20");
    client.ok("CLIENT PAUSE 400 WRITE");
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(client.run("EXISTS goes").int(), 0);
    assert_eq!(client.run("DBSIZE").int(), 1);
    assert!(client.run("INFO keyspace").text().contains("db0:keys=1,expires=0,"));
}
