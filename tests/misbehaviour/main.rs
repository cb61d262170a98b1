//! Clients that do what no client should, by the hundred and at random, beside fifty that behave:
//! these get every answer, the right one, and soon; and the server's memory stays within twice its
//! `maxmemory`, as `tests/memory` has it.
//!
//! How much longer the slowest answers take is said, not asserted: on a busy machine both figures
//! are the machine's. Each run measures the undisturbed one first.
//!
//! ```text
//! BASALT_MISBEHAVIOUR_COUNT     how many misbehaviours (120), for each number of shards
//! BASALT_MISBEHAVIOUR_SEED      the random numbers, printed by every run
//! BASALT_MISBEHAVIOUR_BUDGET_MB maxmemory (256)
//! BASALT_MISBEHAVIOUR_ONLY      names of the misbehaviours, with commas (all)
//! ```

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and figures are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "each test program uses its own part of the shared harness")]
mod common;

mod bad;
mod channels;
mod good;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bad::{LONG_VALUE_BYTES, MISBEHAVIOURS};
use common::server::Options;
use common::{Rng, Server, env, rng};
use good::Latencies;

/// Clients that behave, and misbehaviours at the same time.
const GOOD_CLIENTS: u64 = 50;
const BAD_AT_ONCE: u64 = 24;
/// How long it is measured what the answers take undisturbed.
const UNDISTURBED: Duration = Duration::from_secs(3);

#[test]
fn misbehaviour_beside_one_shard_is_its_own_affair() {
    campaign(1);
}

#[test]
fn misbehaviour_beside_two_shards_is_its_own_affair() {
    campaign(2);
}

/// One campaign at a time: they would measure each other.
static ALONE: std::sync::Mutex<()> = std::sync::Mutex::new(());

fn campaign(shards: usize) {
    let _alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let count = env::number("BASALT_MISBEHAVIOUR_COUNT", 120);
    let budget_mb = env::number("BASALT_MISBEHAVIOUR_BUDGET_MB", 256);
    let seed = rng::seed("BASALT_MISBEHAVIOUR_SEED");
    eprintln!("BASALT_MISBEHAVIOUR_SEED={seed} {count} misbehaviours, {shards} shards");

    let maxmemory = format!("{budget_mb}mb");
    let server = Server::with(Options::default().set("maxmemory", &maxmemory).shards(shards));
    let stored = server.client().call(&["SET", bad::LONG_KEY, &"x".repeat(LONG_VALUE_BYTES)]);
    assert_eq!(stored.text(), "OK");

    let undisturbed = {
        let is_over = AtomicBool::new(false);
        well_behaved(&server, seed, &is_over, || std::thread::sleep(UNDISTURBED))
    };
    let is_over = AtomicBool::new(false);
    let began = Instant::now();
    let disturbed = well_behaved(&server, seed + 1, &is_over, || {
        let tally = misbehave(&server, seed, count);
        eprintln!("{tally:?}");
    });
    let took = began.elapsed();

    let peak_mb = memory_bytes(&server, "VmHWM") >> 20;
    let closed = server.log().matches("closed: ").count();
    let [before, beside] = [&undisturbed, &disturbed].map(Latencies::p999_us);
    eprintln!(
        "{shards} shards, {count} misbehaviours in {took:.1?}, {closed} closed for memory, peak \
         {peak_mb} MB\n  undisturbed {undisturbed}\n  disturbed   {disturbed}\n  p99.9 {:.2} times",
        beside as f64 / before.max(1) as f64
    );
    assert!(peak_mb <= 2 * budget_mb, "{peak_mb} MB at its peak with maxmemory {budget_mb}mb");
    is_quiet_again(&server);
}

/// Runs `meanwhile` beside the clients that behave.
fn well_behaved(
    server: &Server,
    seed: u64,
    is_over: &AtomicBool,
    meanwhile: impl FnOnce(),
) -> Latencies {
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..GOOD_CLIENTS)
            .map(|number| {
                let (client, rng) = (server.client(), Rng::new(seed ^ (number << 32)));
                scope.spawn(move || good::run_until(client, number, rng, is_over))
            })
            .collect();
        meanwhile();
        is_over.store(true, Ordering::Relaxed);
        let mut all = Latencies::new();
        for client in running {
            all.add(&client.join().expect("a client that behaves was answered wrongly"));
        }
        all
    })
}

/// So many misbehaviours; how many of each kind.
fn misbehave(server: &Server, seed: u64, count: u64) -> BTreeMap<&'static str, u64> {
    let only = std::env::var("BASALT_MISBEHAVIOUR_ONLY").unwrap_or_default();
    let chosen: Vec<_> = MISBEHAVIOURS
        .iter()
        .filter(|(name, _)| only.is_empty() || only.split(',').any(|chosen| chosen == *name))
        .collect();
    assert!(!chosen.is_empty(), "BASALT_MISBEHAVIOUR_ONLY={only} names none");
    let next = AtomicU64::new(0);
    let mut tally = BTreeMap::new();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..BAD_AT_ONCE)
            .map(|_| {
                let (next, chosen, address) = (&next, &chosen, server.address());
                scope.spawn(move || {
                    let mut done = Vec::new();
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= count {
                            return done;
                        }
                        let mut rng = Rng::new(seed.wrapping_add(number << 20));
                        let (name, run) = rng.pick(chosen);
                        // Whatever the server does to it is right, as long as the others are well.
                        let _ = run(address, number, &mut rng);
                        done.push(*name);
                    }
                })
            })
            .collect();
        for thread in running {
            for name in thread.join().expect("a thread that misbehaves") {
                *tally.entry(name).or_default() += 1;
            }
        }
    });
    tally
}

/// What the process has in memory (`VmRSS`), or has had at the most (`VmHWM`).
fn memory_bytes(server: &Server, field: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("the status of the server");
    let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kb.expect("a number of kB") << 10
}

/// Nobody is left, and nothing is held for those who went.
fn is_quiet_again(server: &Server) {
    let mut client = server.client();
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let info = [client.run("INFO clients").text(), client.run("INFO memory").text()].concat();
        let field = |name: &str| -> u64 {
            let value = info.lines().find_map(|line| line.strip_prefix(name));
            value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{name} in {info}"))
        };
        if field("connected_clients:") == 1 && field("memory_clients:") < 1 << 20 {
            return;
        }
        assert!(Instant::now() < deadline, "somebody is left:\n{info}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
