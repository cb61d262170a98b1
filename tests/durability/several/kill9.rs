//! `kill -9` under commands over several keys: in every mode, on one shard and on two.

use std::thread::sleep;
use std::time::Duration;

use super::judge::judge;
use super::load::{Deeds, Load, WRITERS_MAX};
use super::model::State;
use super::observe::observe;
use crate::common::server::Options;
use crate::common::{Rng, Server, env, rng};
use crate::kill9::{ROUNDS, ROUNDS_DEFAULT, SEED};

/// Time for the load before the kill: short, for what is looked for is in its last moment.
const LOAD_MS_MAX: usize = 300;

#[test]
fn no_value_is_lost_on_its_way_with_always() {
    campaign("always");
}

#[test]
fn no_value_is_lost_on_its_way_with_everysec() {
    campaign("everysec");
}

#[test]
fn no_value_is_lost_on_its_way_with_no() {
    campaign("no");
}

fn campaign(mode: &str) {
    let rounds = env::number(ROUNDS, ROUNDS_DEFAULT);
    let seed = rng::seed(SEED);
    eprintln!("{SEED}={seed} {ROUNDS}={rounds} cargo test --release --workspace several::kill9::");
    for shards in [1, 2] {
        let mut rng = Rng::new(seed);
        let mut server =
            Server::with(Options::default().durable().appendfsync(mode).shards(shards));
        let mut states = vec![State::default(); WRITERS_MAX];
        let mut acknowledged = 0;
        for round in 0..rounds {
            let at = format!("{mode}, shards {shards}, round {round}, {SEED}={seed}");
            let writers = 1 + rng.below(WRITERS_MAX);
            let load = Load::start(&server, &mut rng, &states[..writers]);
            sleep(Duration::from_millis(rng.below(LOAD_MS_MAX) as u64));
            server.kill9();
            let all = load.finish();
            server.restart();
            for (number, (deeds, state)) in all.iter().zip(&mut states).enumerate() {
                *state = verify(&server, number, deeds, shards)
                    .unwrap_or_else(|why| panic!("{at}, writer {number}: {why}"));
                acknowledged += deeds.acknowledged.len();
            }
        }
        assert!(acknowledged > 0, "nothing was acknowledged in {rounds} rounds");
        eprintln!("{mode}, shards {shards}: {rounds} kills, {acknowledged} commands, none lost");
    }
}

/// What a writer's keys are now, if they may be so.
fn verify(server: &Server, number: usize, deeds: &Deeds, shards: usize) -> Result<State, String> {
    if let Some(complaint) = deeds.complaint.as_ref().or(deeds.refusal.as_ref()) {
        return Err(complaint.clone());
    }
    let seen = observe(server, number)?;
    judge(deeds, &seen, shards, deeds.acknowledged.len())?;
    Ok(State::of(seen))
}

/// The control: one value that goes missing is caught.
#[test]
fn a_value_under_neither_name_is_caught() {
    let mut server = Server::with(Options::default().durable());
    let mut rng = Rng::new(1);
    let load = Load::start(&server, &mut rng, &[State::default()]);
    sleep(Duration::from_millis(100));
    server.kill9();
    let deeds = load.finish().remove(0);
    server.restart();
    verify(&server, 0, &deeds, 2).expect("nothing is lost");
    let mut client = server.client();
    let there = (0..2).find_map(|db| {
        client.ok(&format!("SELECT {db}"));
        let keys = client.run("KEYS *").items().to_vec();
        keys.first().map(|key| key.text())
    });
    client.run(&format!("DEL {}", there.expect("a key")));
    assert!(verify(&server, 0, &deeds, 2).is_err());
}
