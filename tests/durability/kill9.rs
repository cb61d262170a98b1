//! `kill -9` under load at random moments: in every mode everything acknowledged is there after the
//! next start, on one shard and on two, and what was found once is found again.

use std::thread::sleep;
use std::time::Duration;

use crate::common::server::Options;
use crate::common::{Rng, Server, env, rng};
use crate::ledger::{Ledger, Load};

/// Rounds for each mode and number of shards: 1000 for a night.
pub const ROUNDS: &str = "BASALT_KILL9_ROUNDS";
pub const ROUNDS_DEFAULT: u64 = 3;
pub const SEED: &str = "BASALT_KILL9_SEED";

/// Time for the load before the kill.
const LOAD_MS_MAX: usize = 700;
/// Every so many rounds the server starts from nothing, lest a long campaign only reads.
const ROUNDS_BETWEEN_FLUSHES: u64 = 10;

#[test]
fn nothing_acknowledged_is_lost_with_always() {
    campaign("always");
}

#[test]
fn nothing_acknowledged_is_lost_with_everysec() {
    campaign("everysec");
}

#[test]
fn nothing_acknowledged_is_lost_with_no() {
    campaign("no");
}

fn campaign(mode: &str) {
    let rounds = env::number(ROUNDS, ROUNDS_DEFAULT);
    let seed = rng::seed(SEED);
    eprintln!("{SEED}={seed} {ROUNDS}={rounds} cargo test --release --workspace kill9::");
    for shards in [1, 2] {
        let mut rng = Rng::new(seed);
        let mut server =
            Server::with(Options::default().durable().appendfsync(mode).shards(shards));
        let mut acknowledged = 0;
        let mut earlier: Option<Ledger> = None;
        for round in 0..rounds {
            let at = format!("{mode}, shards {shards}, round {round}, {SEED}={seed}");
            let ledger = kill_under_load(&mut server, &mut rng);
            let report = ledger.verify(&server, Duration::ZERO);
            assert!(report.passed, "{at}:\n{}", report.text);
            acknowledged += report.acknowledged;
            if let Some(earlier) = earlier.replace(ledger) {
                let report = earlier.verify(&server, Duration::ZERO);
                assert!(report.passed, "{at}, once more after the one before:\n{}", report.text);
            }
            if round % ROUNDS_BETWEEN_FLUSHES == ROUNDS_BETWEEN_FLUSHES - 1 {
                server.client().ok("FLUSHALL");
                earlier = None;
            }
        }
        assert!(acknowledged > 0, "nothing was acknowledged in {rounds} rounds");
        eprintln!("{mode}, shards {shards}: {rounds} kills, {acknowledged} writes, none lost");
    }
}

fn kill_under_load(server: &mut Server, rng: &mut Rng) -> Ledger {
    let load = Load::start(server, rng);
    sleep(Duration::from_millis(rng.below(LOAD_MS_MAX) as u64));
    server.kill9();
    let ledger = load.finish();
    server.restart();
    ledger
}

/// The controls: what the campaigns would miss if they missed everything.
mod controls {
    use super::*;

    #[test]
    fn a_server_that_keeps_nothing_is_caught() {
        let Some(mut server) = Server::oracle() else { return };
        let ledger = kill_under_load(&mut server, &mut Rng::new(1));
        let report = ledger.verify(&server, Duration::ZERO);
        assert!(!report.passed && report.lost > 0, "{}", report.text);
    }

    #[test]
    fn one_key_of_another_time_is_caught_whatever_may_be_lost() {
        let mut server = Server::with(Options::default().durable());
        let ledger = kill_under_load(&mut server, &mut Rng::new(2));
        let everything = Duration::from_secs(3600);
        assert!(ledger.verify(&server, everything).passed);
        let mut client = server.client();
        let counter = client.run("SCAN 0 COUNT 10000").items()[1]
            .items()
            .iter()
            .map(|key| key.text())
            .find(|key| key.contains("counter:"))
            .expect("a counter");
        client.run(&format!("DECR {counter}"));
        let report = ledger.verify(&server, everything);
        assert!(!report.passed, "{}", report.text);
        client.run(&format!("INCR {counter}"));
        assert!(ledger.verify(&server, everything).passed);
        client.run(&format!("RENAME {counter} elsewhere"));
        assert!(!ledger.verify(&server, everything).passed);
    }
}
