//! Differential test: random programs of commands run against redis-server and against Basalt,
//! every reply and the final key space compared byte for byte, and what is published of it
//! (`events`).
//!
//! - `BASALT_DIFF_SEED=n` repeats a run: program i of a run has the seed n + i.
//! - `BASALT_DIFF_PROGRAMS=n` is the number of programs for each number of shards and protocol.
//!
//! A difference is reported with its seed, the step, a minimal program that still shows it and
//! the command line that repeats it. Commands newer than the redis-server at hand are not here.

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and skipped tests are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "each test program uses its own part of the shared harness")]
mod common;

mod events;
mod program;
mod run;
mod shrink;

use common::server::Options;
use common::{Rng, Server, env, rng};
use program::Program;
use run::{Pair, Protocol};

const PROGRAMS: u64 = 40;

fn differential(test: &str, shards: usize, protocol: Protocol) {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::with(Options::default().shards(shards));
    let seed = rng::seed("BASALT_DIFF_SEED");
    let programs = env::number("BASALT_DIFF_PROGRAMS", PROGRAMS);
    eprintln!("{test}: {programs} programs from BASALT_DIFF_SEED={seed}");
    let pair = Pair { oracle: &oracle, target: &target, protocol };
    for seed in (0..programs).map(|i| seed.wrapping_add(i)) {
        let program = Program::random(&mut Rng::new(seed));
        let Some(difference) = pair.run(&program) else { continue };
        let minimal = shrink::shrink(&pair, &program, &difference);
        let again = pair.run(&minimal).unwrap_or_else(|| difference.clone());
        panic!(
            "{test}: a difference, seed {seed}\n{difference}\n\
             minimal program ({} steps):\n{minimal}\nwhich shows:\n{again}\n\
             repeat with: BASALT_DIFF_SEED={seed} BASALT_DIFF_PROGRAMS=1 \
             cargo test --release --test differential -- --exact {test}",
            minimal.steps.len(),
        );
    }
}

#[test]
fn one_shard_resp2() {
    differential("one_shard_resp2", 1, Protocol::Resp2);
}

#[test]
fn one_shard_resp3() {
    differential("one_shard_resp3", 1, Protocol::Resp3);
}

#[test]
fn two_shards_resp2() {
    differential("two_shards_resp2", 2, Protocol::Resp2);
}

#[test]
fn two_shards_resp3() {
    differential("two_shards_resp3", 2, Protocol::Resp3);
}

#[test]
fn four_shards_resp2() {
    differential("four_shards_resp2", 4, Protocol::Resp2);
}

#[test]
fn four_shards_resp3() {
    differential("four_shards_resp3", 4, Protocol::Resp3);
}
