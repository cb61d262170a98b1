//! Power cuts under commands over several keys.

use std::time::Duration;

use super::judge::judge;
use super::load::{Load, WRITERS_MAX};
use super::model::State;
use super::observe::observe;
use crate::common::{Rng, Server, env, rng};
use crate::powercut::{ANY_LOSS, LOSS_MAX, ROUNDS, ROUNDS_DEFAULT, SEED, VOLUME_BYTES, cut, on};
use crate::volume::{FileSystem, Volume};

const LOAD_MS_MAX: usize = 600;

#[test]
fn no_value_is_lost_on_its_way_with_always() {
    campaign("always", Duration::ZERO);
}

#[test]
fn no_value_is_under_neither_name_with_everysec() {
    campaign("everysec", LOSS_MAX);
}

#[test]
fn no_value_is_under_neither_name_with_no() {
    campaign("no", ANY_LOSS);
}

fn campaign(mode: &str, may_lose: Duration) {
    let rounds = env::number(ROUNDS, ROUNDS_DEFAULT);
    let seed = rng::seed(SEED);
    let command = "cargo test --release --workspace several::powercut::";
    eprintln!("{SEED}={seed} {ROUNDS}={rounds} {command}");
    for file_system in [FileSystem::Ext4, FileSystem::Xfs] {
        for shards in [1, 2] {
            let Some(mut volume) = Volume::create(file_system, VOLUME_BYTES) else { return };
            let mut rng = Rng::new(seed);
            let mut server = Server::with(on(&volume, mode).shards(shards));
            let mut states = vec![State::default(); WRITERS_MAX];
            let (mut acknowledged, mut lost) = (0, 0);
            let name = format!("{mode} on {}, shards {shards}", file_system.name());
            for round in 0..rounds {
                let writers = 1 + rng.below(WRITERS_MAX);
                let load = Load::start(&server, &mut rng, &states[..writers]);
                let all = cut(&mut server, &mut volume, rng.below(LOAD_MS_MAX), || load.finish());
                let end = all.iter().map(|deeds| deeds.ended).min();
                let end = end.expect("a writer");
                // Who is not stopped yet when the cut comes may be told of the failing disk.
                for (number, (deeds, state)) in all.iter().zip(&mut states).enumerate() {
                    let at = format!("{name}, round {round}, {SEED}={seed}, writer {number}");
                    assert!(deeds.complaint.is_none(), "{at}: {:?}", deeds.complaint);
                    let is_old = |at: &&_| end.duration_since(**at) > may_lose;
                    let kept = match may_lose.is_zero() {
                        true => deeds.acknowledged.len(),
                        false => deeds.acknowledged.iter().take_while(is_old).count(),
                    };
                    let seen = observe(&server, number);
                    let seen = seen.unwrap_or_else(|why| panic!("{at}: {why}"));
                    let explained = judge(deeds, &seen, shards, kept);
                    lost += explained.unwrap_or_else(|why| panic!("{at}: {why}")).lost;
                    *state = State::of(seen);
                    acknowledged += deeds.acknowledged.len();
                }
            }
            assert!(acknowledged > 0, "nothing was acknowledged in {rounds} rounds");
            eprintln!("{name}: {rounds} cuts, {acknowledged} commands, {lost} lost at the end");
        }
    }
}
