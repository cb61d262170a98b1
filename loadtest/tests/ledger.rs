//! The ledger against servers that keep and lose: redis-server where there is one, which keeps
//! everything as long as it runs, and a server inside the test that refuses and hangs up.

#![expect(clippy::expect_used, reason = "a test that cannot go on ends by panicking")]

#[expect(dead_code, reason = "each test program uses its own part of it")]
mod fake_server;
mod redis;

use std::path::PathBuf;
use std::process::{Command, Output};

use fake_server::{Behaviour, FakeServer};
use redis::Redis;

fn loadtest(options: &[&str]) -> Output {
    let mut tool = Command::new(env!("CARGO_BIN_EXE_basalt-loadtest"));
    tool.args(options).output().expect("the binary runs")
}

/// A file for a ledger, removed on drop.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> File {
        let name = format!("basalt-loadtest-{}-{name}.ledger", std::process::id());
        File(std::env::temp_dir().join(name))
    }

    fn path(&self) -> &str {
        self.0.to_str().expect("text")
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).expect("a ledger")
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn record(addr: &str, file: &File, more: &[&str]) -> Output {
    let load = ["run", "-q", "-a", addr, "--ledger", file.path(), "-c", "6", "--warm-up", "0s"];
    loadtest(&[&load[..], &["--keys", "60", "--fields", "600"], more].concat())
}

#[track_caller]
fn verify(addr: &str, file: &File, status: i32) -> String {
    let output = loadtest(&["verify", "-a", addr, "--ledger", file.path()]);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(status), "{text}");
    text
}

#[test]
fn a_server_is_held_to_what_it_acknowledged() {
    let Some(redis) = Redis::start() else {
        eprintln!("skipped: no redis-server here");
        return;
    };
    let file = File::new("held");
    let addr = redis.addr.as_str();
    assert_eq!(record(addr, &file, &["-n", "20k", "-P", "8", "-t", "2"]).status.code(), Some(0));
    let text = verify(addr, &file, 0);
    assert!(text.contains("writes acknowledged: 20000\n"), "{text}");
    assert!(text.contains("acknowledged writes lost: 0\n"), "{text}");
    // A second run has keys of its own and does not disturb the first.
    let second = File::new("second");
    assert_eq!(record(addr, &second, &["-n", "5k", "--rate", "50000"]).status.code(), Some(0));
    verify(addr, &second, 0);
    verify(addr, &file, 0);
    redis.cli(&["FLUSHALL"]);
    let text = verify(addr, &file, 2);
    assert!(text.contains("VIOLATION: ") && text.contains("acknowledged writes are lost"));
}

#[test]
fn a_lost_connection_leaves_writes_of_unknown_outcome() {
    let server = FakeServer::start(Behaviour { close_after: Some(50), ..Behaviour::default() });
    let (addr, file) = (server.addr.to_string(), File::new("lost"));
    // By time, which the loss of all connections ends early.
    let output = record(&addr, &file, &["-P", "4", "--duration", "60s"]);
    assert_eq!(output.status.code(), Some(2));
    let text = file.text();
    assert_eq!(text.matches("writer ").count(), 6);
    assert_eq!(text.matches(" lost ").count(), 6, "{text}");
    // 48 in batches of 4, then 2 answered and 2 not.
    assert_eq!(text.matches(" +").count(), 6 * 50);
    assert_eq!(text.matches(" ? ").count(), 6 * 2);
    assert!(text.ends_with("end\n"));
}

#[test]
fn refused_writes_are_no_acknowledged_ones() {
    let server = FakeServer::start(Behaviour { refuse: Some("INCR"), ..Behaviour::default() });
    let (addr, file) = (server.addr.to_string(), File::new("refused"));
    assert_eq!(record(&addr, &file, &["-n", "600"]).status.code(), Some(2));
    let text = file.text();
    let refused = text.lines().filter(|line| line.contains(" -")).count();
    assert_eq!(refused, text.matches(" incr ").count());
    assert!(refused > 0);
}

#[test]
fn loads_that_no_ledger_can_account_for_are_refused() {
    let server = FakeServer::start(Behaviour::default());
    let (addr, file) = (server.addr.to_string(), File::new("options"));
    for more in [&["--mix", "set,get"][..], &["--mix", "mset"], &["--prefill"], &["--keys", "5"]] {
        let output = record(&addr, &file, more);
        assert!(!output.status.success(), "{more:?}");
        assert!(!file.0.exists(), "{more:?}");
    }
    let output = loadtest(&["verify", "-a", &addr, "--ledger", file.path()]);
    assert_eq!(output.status.code(), Some(1));
}
