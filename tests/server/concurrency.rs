//! What connections may see of each other: commands of one connection take effect in order, also
//! on different shards, and commands over many keys are isolated from each other.
//!
//! Each test runs writers and readers side by side for a fixed time and checks an invariant
//! that any torn or reordered effect breaks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, env};

/// Milliseconds for which each of these tests looks for a violation.
const TIME: &str = "BASALT_CONCURRENCY_MS";
const TIME_DEFAULT_MS: u64 = 1_000;

fn four_shards() -> Server {
    Server::with(Options::default().shards(4))
}

/// What one connection does again and again.
type Work = Box<dyn FnMut(&mut Client) + Send>;

/// Runs the writers until the time is up or a reader has failed.
fn side_by_side(server: &Server, writers: Vec<Work>, readers: Vec<Work>) {
    let over = AtomicBool::new(false);
    let deadline = Instant::now() + Duration::from_millis(env::number(TIME, TIME_DEFAULT_MS));
    thread::scope(|scope| {
        for mut work in writers.into_iter().chain(readers) {
            let (mut client, over) = (server.client(), &over);
            scope.spawn(move || {
                let _guard = EndOnPanic(over);
                while !over.load(Ordering::Relaxed) && Instant::now() < deadline {
                    work(&mut client);
                }
            });
        }
    });
}

/// Ends all workers as soon as one has found a violation.
struct EndOnPanic<'a>(&'a AtomicBool);

impl Drop for EndOnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn a_pipeline_takes_effect_in_order_across_shards() {
    pipelines_take_effect_in_order(&four_shards());
}

#[test]
fn a_pipeline_takes_effect_in_order_across_two_shards() {
    pipelines_take_effect_in_order(&Server::with(Options::default().shards(2)));
}

fn pipelines_take_effect_in_order(server: &Server) {
    const JOBS: usize = 16;
    const READERS: usize = 3;
    // The first number of the pipeline that is under way: where the readers look.
    let frontier = Arc::new(AtomicUsize::new(0));
    let seen = Arc::new(AtomicUsize::new(0));

    let writing = Arc::clone(&frontier);
    let writer = move |client: &mut Client| {
        let first = writing.load(Ordering::Relaxed);
        let lines: Vec<String> = (first..first + JOBS)
            .flat_map(|n| [format!("HSET job:{n} state new"), format!("SET queue:{n} waiting")])
            .collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        for reply in client.pipeline_lines(&lines) {
            assert!(!reply.is_error(), "{reply:?}");
        }
        writing.store(first + JOBS, Ordering::Relaxed);
    };
    let mut readers: Vec<Work> = Vec::new();
    for reader in 0..READERS {
        let (frontier, seen) = (Arc::clone(&frontier), Arc::clone(&seen));
        let mut turn = reader;
        readers.push(Box::new(move |client: &mut Client| {
            turn += 1;
            let first = frontier.load(Ordering::Relaxed);
            let n = first + turn % JOBS;
            while client.run(&format!("GET queue:{n}")).is_null() {
                if frontier.load(Ordering::Relaxed) != first {
                    return;
                }
            }
            // Whoever sees the entry in the queue must see the job that it stands for.
            let job = client.run(&format!("HGET job:{n} state"));
            assert!(!job.is_null(), "queue:{n} is there, job:{n} is not");
            seen.fetch_add(1, Ordering::Relaxed);
        }));
    }
    side_by_side(server, vec![Box::new(writer)], readers);
    let seen = seen.load(Ordering::Relaxed);
    assert!(seen > 20, "only {seen} jobs were seen as they came");
}

/// Two connections on different shards write the same keys, in opposite order: whoever reads them
/// all never finds a later write of a pipeline without its earlier ones.
#[test]
fn crossing_pipelines_are_seen_in_order() {
    let server = Server::with(Options::default().shards(2));
    let mut writers: Vec<Work> = Vec::new();
    for writer in 0..4u64 {
        let mut count = 0u64;
        writers.push(Box::new(move |client: &mut Client| {
            count += 1;
            let keys: Vec<String> = (0..8).map(|n| format!("w{}:{n}", writer / 2)).collect();
            let lines: Vec<String> = match writer % 2 {
                0 => keys.iter().map(|key| format!("INCR {key}")).collect(),
                _ => keys.iter().rev().map(|key| format!("GET {key}")).collect(),
            };
            let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
            // A write behind the reads: mere reads of two shards may overlap.
            let own = format!("SET own:{writer} {count}");
            lines.push(&own);
            let replies = client.pipeline_lines(&lines);
            if writer % 2 == 1 {
                let values: Vec<u64> = replies
                    .iter()
                    .map(|reply| if reply.is_null() { "0".to_owned() } else { reply.text() })
                    .filter_map(|text| text.parse().ok())
                    .collect();
                // Read from the last key to the first: those before must be at least as far.
                assert!(values.is_sorted(), "{values:?}");
            }
        }));
    }
    side_by_side(&server, writers, Vec::new());
    let mut client = server.client();
    let all: Vec<String> = (0..8).map(|n| client.run(&format!("GET w0:{n}")).text()).collect();
    assert!(all.iter().all(|value| *value == all[0]), "{all:?}");
    let info = client.run("INFO storage").text();
    let counter = |name: &str| -> u64 {
        let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        line.expect("it is counted").parse().expect("a number")
    };
    let (transactions, hops) = (counter("transactions"), counter("hops"));
    assert!(hops > 0 && transactions < hops / 2, "{transactions} transactions, {hops} hops");
}

/// Whoever has seen a value never sees an older one anywhere: not of a key that is copied to the
/// other shard's thread, nor under a transaction that has come half-way.
#[test]
fn nobody_sees_an_older_value_than_before() {
    const KEYS: u64 = 6;
    let server = Server::with(Options::default().shards(2));
    let mut writers: Vec<Work> = Vec::new();
    let mut count = 0u64;
    writers.push(Box::new(move |client: &mut Client| {
        count += 1;
        let pairs: Vec<String> = (0..KEYS).map(|n| format!("v{n} {count}")).collect();
        client.ok(&format!("MSET {}", pairs.join(" ")));
        if count.is_multiple_of(50) {
            // Time for copies to be taken.
            thread::sleep(Duration::from_millis(2));
        }
        if count.is_multiple_of(1000) {
            client.ok("FLUSHALL");
        }
    }));
    let mut readers: Vec<Work> = Vec::new();
    for reader in 0..4u64 {
        let (mut seen, mut turn) = (0u64, reader);
        readers.push(Box::new(move |client: &mut Client| {
            turn += 1 + turn % 3;
            let name = format!("v{}", turn % KEYS);
            let value = client.run(&format!("GET {name}"));
            let value = if value.is_null() { 0 } else { value.text().parse().expect("a number") };
            // Gone with a flush, everywhere; the writer goes on counting.
            let at_least = seen / 1000 * 1000;
            assert!(value >= seen || (value == 0 && seen >= 1000), "{name}: {value} after {seen}");
            seen = if value == 0 { at_least } else { value };
        }));
    }
    side_by_side(&server, writers, readers);
    let mut client = server.client();
    client.ok("SET a 1");
    for _ in 0..3 {
        let mut others: Vec<Client> = (0..4).map(|_| server.client()).collect();
        for other in &mut others {
            assert_eq!(other.run("GET a").text(), "1");
        }
        client.ok("SET a 2");
        for other in &mut others {
            assert_eq!(other.run("GET a").text(), "2");
        }
        client.run("PEXPIRE a 20");
        thread::sleep(Duration::from_millis(30));
        for other in &mut others {
            assert!(other.run("GET a").is_null());
        }
        client.ok("SET a 1");
    }
}

#[test]
fn mset_and_mget_are_isolated() {
    const KEYS: usize = 8;
    let server = four_shards();
    let keys: Vec<String> = (1..=KEYS).map(|n| format!("k{n}")).collect();
    let write = |token: String| {
        let pairs = keys.iter().flat_map(|key| [key.clone(), token.clone()]);
        std::iter::once("MSET".to_owned()).chain(pairs).collect::<Vec<String>>()
    };
    server.client().call(&write("start".to_owned()));
    let mut writers: Vec<Work> = Vec::new();
    for writer in 0..3 {
        let (mut count, keys) = (0, keys.clone());
        writers.push(Box::new(move |client: &mut Client| {
            count += 1;
            // Each writer has its own order of the keys.
            let mut args = vec!["MSET".to_owned()];
            for index in 0..KEYS {
                let key = &keys[(index * (2 * writer + 1)) % KEYS];
                args.extend([key.clone(), format!("{writer}-{count}")]);
            }
            assert_eq!(client.call(&args).text(), "OK");
        }));
    }
    let mut readers: Vec<Work> = Vec::new();
    for _ in 0..2 {
        let args = [vec!["MGET".to_owned()], keys.clone()].concat();
        readers.push(Box::new(move |client: &mut Client| {
            let values = client.call(&args).items();
            let mixed = values.iter().any(|value| *value != values[0]);
            assert!(!mixed, "values of different writers: {values:?}");
        }));
    }
    side_by_side(&server, writers, readers);
}

#[test]
fn msetnx_and_del_are_isolated() {
    let server = four_shards();
    let mut workers: Vec<Work> = Vec::new();
    for worker in 0..3 {
        workers.push(Box::new(move |client: &mut Client| {
            // All four keys come and go together: nobody ever finds some of them.
            match worker {
                0 => drop(client.run("MSETNX a 1 b 1 c 1 d 1")),
                1 => {
                    let gone = client.run("DEL d c b a").int();
                    assert!(gone == 0 || gone == 4, "DEL found {gone} of 4 keys");
                }
                _ => {
                    let found = client.run("EXISTS a b c d").int();
                    assert!(found == 0 || found == 4, "EXISTS found {found} of 4 keys");
                }
            }
        }));
    }
    side_by_side(&server, workers, Vec::new());
}

#[test]
fn increments_are_never_lost() {
    const WORKERS: usize = 4;
    const EACH: usize = 2_000;
    let server = four_shards();
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let mut client = server.client();
            scope.spawn(move || {
                let line = if worker % 2 == 0 { "INCR counter" } else { "INCRBY counter 1" };
                let commands = vec![line.split(' ').collect::<Vec<&str>>(); EACH];
                let hash = vec![vec!["HINCRBY", "hash", "field", "1"]; EACH];
                client.pipeline(&commands);
                client.pipeline(&hash);
            });
        }
    });
    let mut client = server.client();
    let total = (WORKERS * EACH).to_string();
    assert_eq!(client.run("GET counter").text(), total);
    assert_eq!(client.run("HGET hash field").text(), total);
}

#[test]
fn dbsize_is_exact_after_any_interleaving() {
    const WORKERS: usize = 4;
    const ROUNDS: usize = 400;
    let server = four_shards();
    thread::scope(|scope| {
        for worker in 0..WORKERS {
            let mut client = server.client();
            scope.spawn(move || {
                let mut commands = Vec::new();
                for round in 0..ROUNDS {
                    // The keys of different workers collide.
                    let (a, b) = ((round * 7 + worker) % 97, (round * 5 + worker) % 89);
                    commands.push(format!("SET x:{a} 1"));
                    commands.push(format!("HSET y:{b} f 1"));
                    commands.push(format!("MSET x:{b} 1 z:{a} 1"));
                    commands.push(format!("DEL y:{a} z:{b} x:{}", (a + 3) % 97));
                    commands.push(format!("RENAME x:{b} z:{a}"));
                    commands.push(format!("COPY z:{a} y:{b} REPLACE"));
                    commands.push(format!("SET x:{b} 1 PX 1"));
                }
                let lines: Vec<&str> = commands.iter().map(String::as_str).collect();
                client.pipeline_lines(&lines);
            });
        }
    });
    // Past the keys' end; then a look at each of them settles it for a redis-server too.
    thread::sleep(Duration::from_millis(1_100));
    let mut client = server.client();
    let keys = client.run("KEYS *").items().len() as i64;
    assert_eq!(client.run("DBSIZE").int(), keys);
    assert!(keys > 0);
}
