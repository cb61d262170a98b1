//! Memory under clients that ask for much of it: big values, big collections, replies that nobody
//! reads. What the server takes at its peak stays below twice `maxmemory`, which is half of what
//! there is unless it is set: so it is not killed for it. And what is answered is right.
//!
//! ```text
//! BASALT_MEMORY_SECONDS   how long (8)
//! BASALT_MEMORY_BUDGET_MB maxmemory (256)
//! BASALT_MEMORY_SEED      the random numbers, printed by every run
//! BASALT_MEMORY_ONLY      names of the abusers, with commas (all)
//! ```

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and peaks are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "each test program uses its own part of the shared harness")]
mod common;

mod abuser;
mod watch;

use std::time::{Duration, Instant};

use abuser::{ABUSERS, Abuser};
use common::server::Options;
use common::{Server, env, rng};
use watch::Watch;

#[test]
fn abuse_does_not_take_more_than_there_is() {
    let seconds = env::number("BASALT_MEMORY_SECONDS", 8);
    let budget_mb = env::number("BASALT_MEMORY_BUDGET_MB", 256);
    let seed = rng::seed("BASALT_MEMORY_SEED");
    let only = std::env::var("BASALT_MEMORY_ONLY").unwrap_or_default();
    eprintln!("BASALT_MEMORY_SEED={seed} {budget_mb} MB for {seconds} s");

    let server = Server::with(Options::default().set("maxmemory", &format!("{budget_mb}mb")));
    let deadline = Instant::now() + Duration::from_secs(seconds);
    let watch = Watch::start(&server, deadline);
    let chosen = ABUSERS
        .iter()
        .filter(|(name, _)| only.is_empty() || only.split(',').any(|chosen| chosen == *name));
    let address = server.address();
    let done: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = chosen
            .enumerate()
            .map(|(number, (name, step))| {
                let abuser = Abuser::new(address, name, seed + number as u64);
                (name, scope.spawn(move || abuser.run_until(deadline, *step)))
            })
            .collect();
        running.into_iter().map(|(name, thread)| (name, thread.join())).collect()
    });
    let seen = watch.stop();
    eprintln!("{seen}");
    assert_eq!(server.client().run("PING").text(), "PONG");
    for (name, done) in done {
        let tally = done.unwrap_or_else(|_| panic!("{name} was answered wrongly"));
        eprintln!("{name:10} {} steps, {} refused", tally.steps, tally.refused);
        assert!(tally.steps > tally.refused, "{name} got nothing done");
    }
    assert!(seen.peak_bytes <= 2 * (budget_mb << 20), "{seen}");
}
