//! Verifying what is on disk, for ever and gently: a thread of the lowest priority reads every
//! table file of every shard at `scrub-rate`, one pass every `scrub-interval`, or when SCRUB asks
//! for it. What is damaged is told in the log and by INFO storage, while there is still a backup to
//! repair it from.

use std::fs::{self, File};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant, SystemTime};

use basalt_shard::engine::Family;

use crate::sys;
use crate::thread::node::Node;

/// Bytes of one step; between two there is a pause.
const STEP_BYTES: u64 = 1 << 20;
/// How often it is looked whether a pass is due.
const LOOK_EVERY: Duration = Duration::from_secs(10);
/// Steps without progress after which a family is given up: its files vanish faster than they can
/// be read, or are missing.
const STUCK_STEPS_MAX: u32 = 16;
/// A file whose age is that of the last pass.
const PASSED: &str = "scrubbed";

/// Starts the thread.
pub(crate) fn start(node: &Arc<Node>) -> std::io::Result<JoinHandle<()>> {
    let node = node.clone();
    std::thread::Builder::new().name("scrub".into()).stack_size(512 << 10).spawn(move || {
        sys::lower_thread_priority();
        run(&node);
    })
}

fn run(node: &Node) {
    let scrub = &node.storage.scrub;
    let passed = node.storage.data_directory.path().join(PASSED);
    if !passed.exists() {
        touch(&passed);
    } else {
        scrub.state().status.last_pass_s = seconds(&passed);
    }
    while !scrub.pause(LOOK_EVERY, |state| state.is_asked) {
        let interval = Duration::from_secs(node.config().scrub_interval_seconds);
        let age = fs::metadata(&passed).and_then(|known| known.modified());
        let age = age.ok().and_then(|time| SystemTime::now().duration_since(time).ok());
        let is_due = !interval.is_zero() && age.is_none_or(|age| age >= interval);
        if !is_due && !scrub.state().is_asked {
            continue;
        }
        scrub.state().status.is_running = true;
        let errors_before = scrub.status().errors;
        let is_whole = pass(node);
        if is_whole {
            touch(&passed);
        }
        let mut state = scrub.state();
        state.is_asked = false;
        state.status.is_running = false;
        state.status.passes += u64::from(is_whole);
        state.status.last_pass_s =
            if is_whole { seconds(&passed) } else { state.status.last_pass_s };
        let (errors, bytes) = (state.status.errors - errors_before, state.status.bytes);
        tracing::info!(errors, bytes, is_whole, "what is on disk was verified");
    }
}

fn touch(path: &PathBuf) {
    if let Err(error) = File::create(path) {
        tracing::warn!(%error, file = %path.display(), "cannot be written");
    }
}

/// When a file was written, in seconds since 1970.
fn seconds(path: &PathBuf) -> u64 {
    let written = fs::metadata(path).and_then(|known| known.modified());
    let since = written.ok().and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| since.as_secs())
}

/// Reads everything once. False: it was stopped.
fn pass(node: &Node) -> bool {
    for shard in 0..node.topology.shards() {
        for family in Family::ALL {
            if !pass_family(node, shard, family) {
                return false;
            }
        }
    }
    true
}

fn pass_family(node: &Node, shard: usize, family: Family) -> bool {
    let engine = node.topology.engine(shard);
    let mut from = Vec::new();
    let mut stuck_steps = 0;
    loop {
        let began = Instant::now();
        let verified = match engine.verify(family, &from, STEP_BYTES) {
            Ok(verified) => verified,
            Err(error) => {
                report(node, shard, &error.to_string());
                return true;
            }
        };
        node.storage.scrub.state().status.bytes += verified.bytes;
        let is_stuck = verified.next.as_ref() == Some(&from);
        stuck_steps = if is_stuck { stuck_steps + 1 } else { 0 };
        if let Some(damage) = verified.damage {
            report(node, shard, &damage);
        } else if stuck_steps > STUCK_STEPS_MAX {
            report(node, shard, &format!("a file of {family:?} is missing"));
            return true;
        }
        let rate = node.config().scrub_rate;
        // A step without a byte costs something too.
        let bytes = verified.bytes.max(STEP_BYTES / 16);
        let share = if rate == 0 { 0.0 } else { bytes as f64 / rate as f64 };
        let pause = Duration::from_secs_f64(share).saturating_sub(began.elapsed());
        if node.storage.scrub.pause(pause, |_| false) {
            return false;
        }
        let Some(next) = verified.next else { return true };
        from = next;
    }
}

fn report(node: &Node, shard: usize, damage: &str) {
    tracing::error!(shard, damage, "what is on disk is damaged; restore it from a backup");
    let mut state = node.storage.scrub.state();
    state.status.errors += 1;
    state.status.last_error = format!("shard {shard}: {damage}");
}
