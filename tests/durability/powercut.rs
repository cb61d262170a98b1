//! Power cuts under load, on ext4 and xfs: `always` loses nothing acknowledged; `everysec` and `no`
//! lose the end of each shard, never the middle, and `everysec` not more than some seconds.
//! The server starts every time.
//!
//! What the file system has given to the disk counts as written, so a disk that forgets its own
//! cache is not tested. Commands over several keys have a campaign of their own, `several`.

use std::fs::{self, File};
use std::io::Write;
use std::thread::sleep;
use std::time::Duration;

use crate::common::server::Options;
use crate::common::{Rng, Server, env, rng};
use crate::ledger::{Ledger, Load};
use crate::volume::{FileSystem, Volume, XFS_SIZE_MIN};

/// Rounds for each file system and mode: 300 for a night.
pub const ROUNDS: &str = "BASALT_POWERCUT_ROUNDS";
pub const ROUNDS_DEFAULT: u64 = 2;
pub const SEED: &str = "BASALT_POWERCUT_SEED";

pub const VOLUME_BYTES: u64 = 1 << 30;
/// Time for the load before the cut. One round in four is longer than `LOSS_MAX`, and with
/// `everysec` the last one is, or a server that never syncs would not be told apart.
const LOAD_MS_MAX: usize = 1_000;
const LONG_LOAD_MS: usize = 4_000;
/// With `everysec`: the second, and as much as a sync may take on a loaded machine.
pub const LOSS_MAX: Duration = Duration::from_secs(3);
/// With `no` the kernel decides.
pub const ANY_LOSS: Duration = Duration::from_secs(3600);
const ROUNDS_BETWEEN_FLUSHES: u64 = 10;

#[test]
fn always_loses_nothing_on_ext4() {
    campaign(FileSystem::Ext4, "always", Duration::ZERO);
}

#[test]
fn always_loses_nothing_on_xfs() {
    campaign(FileSystem::Xfs, "always", Duration::ZERO);
}

#[test]
fn everysec_loses_the_last_moments_on_ext4() {
    campaign(FileSystem::Ext4, "everysec", LOSS_MAX);
}

#[test]
fn everysec_loses_the_last_moments_on_xfs() {
    campaign(FileSystem::Xfs, "everysec", LOSS_MAX);
}

#[test]
fn no_loses_an_end_and_never_a_middle_on_ext4() {
    campaign(FileSystem::Ext4, "no", ANY_LOSS);
}

#[test]
fn no_loses_an_end_and_never_a_middle_on_xfs() {
    campaign(FileSystem::Xfs, "no", ANY_LOSS);
}

fn campaign(file_system: FileSystem, mode: &str, may_lose: Duration) {
    let Some(mut volume) = Volume::create(file_system, VOLUME_BYTES) else { return };
    let rounds = env::number(ROUNDS, ROUNDS_DEFAULT);
    let seed = rng::seed(SEED);
    eprintln!("{SEED}={seed} {ROUNDS}={rounds} cargo test --release --workspace powercut::");
    let mut rng = Rng::new(seed);
    let mut server = Server::with(on(&volume, mode));
    let (mut acknowledged, mut lost, mut oldest_s) = (0, 0, 0.0f64);
    for round in 0..rounds {
        let long = rng.percent(25) || mode == "everysec" && round + 1 == rounds;
        let load_ms = if long { LONG_LOAD_MS } else { rng.below(LOAD_MS_MAX) };
        let ledger = cut_under_load(&mut server, &mut volume, load_ms, &mut rng);
        let report = ledger.verify(&server, may_lose);
        let at = format!("{mode} on {}, round {round}", file_system.name());
        assert!(report.passed, "{at}, {SEED}={seed}:\n{}", report.text);
        acknowledged += report.acknowledged;
        lost += report.lost;
        oldest_s = oldest_s.max(report.oldest_lost_s);
        if round % ROUNDS_BETWEEN_FLUSHES == ROUNDS_BETWEEN_FLUSHES - 1 {
            server.client().ok("FLUSHALL");
        }
    }
    assert!(acknowledged > 0, "nothing was acknowledged in {rounds} rounds");
    eprintln!(
        "{mode} on {}: {rounds} cuts, {acknowledged} writes acknowledged, {lost} lost, \
         the oldest {oldest_s:.3} s before the cut",
        file_system.name()
    );
}

pub fn on(volume: &Volume, mode: &str) -> Options {
    Options::default().durable().appendfsync(mode).dir(&volume.path().join("data"))
}

fn cut_under_load(
    server: &mut Server,
    volume: &mut Volume,
    load_ms: usize,
    rng: &mut Rng,
) -> Ledger {
    let load = Load::start(server, rng);
    cut(server, volume, load_ms, || load.finish())
}

/// Cuts the power after some time of load, waits until the load has come to its end, and starts
/// the server again.
pub fn cut<T>(
    server: &mut Server,
    volume: &mut Volume,
    load_ms: usize,
    finish: impl FnOnce() -> T,
) -> T {
    sleep(Duration::from_millis(load_ms as u64));
    // Stopped, it acknowledges nothing that the cut has yet to take.
    server.signal("STOP");
    volume.cut_power();
    server.kill9();
    let ended = finish();
    volume.mount_again();
    server.restart();
    ended
}

/// The tool is checked before what is built on it: a synced file survives a cut, another does not.
#[test]
fn a_cut_takes_what_was_not_synced_and_leaves_what_was() {
    for file_system in [FileSystem::Ext4, FileSystem::Xfs] {
        let Some(mut volume) = Volume::create(file_system, XFS_SIZE_MIN) else { return };
        let write = |name: &str| {
            let mut file = File::create(volume.path().join(name)).expect("create");
            file.write_all(&[b'x'; 10_000]).expect("write");
            file
        };
        write("synced").sync_all().expect("sync");
        drop(write("lost"));
        volume.cut_power();
        assert!(File::create(volume.path().join("late")).is_err(), "nothing works after the cut");
        volume.mount_again();
        let read = |name: &str| fs::read(volume.path().join(name)).unwrap_or_default();
        assert_eq!(read("synced"), [b'x'; 10_000], "{file_system:?}");
        assert_ne!(read("lost"), [b'x'; 10_000], "{file_system:?}: the cut takes nothing");
        assert!(read("late").is_empty());
    }
}

/// The control: a mode that loses, held to the promise of the one that does not.
#[test]
fn a_loss_is_caught() {
    for file_system in [FileSystem::Ext4, FileSystem::Xfs] {
        let Some(mut volume) = Volume::create(file_system, VOLUME_BYTES) else { return };
        let mut server = Server::with(on(&volume, "no"));
        let ledger = cut_under_load(&mut server, &mut volume, 300, &mut Rng::new(1));
        let report = ledger.verify(&server, Duration::ZERO);
        assert!(!report.passed && report.lost > 0, "{file_system:?}:\n{}", report.text);
    }
}
