//! Real client libraries with their default settings: redis-py and ioredis connect, pipeline,
//! scan to the end, use hashes and expiry. Each one's work is a script in its own language that
//! ends with a failure when an expectation is not met.
//!
//! `tests/clients/install.sh` installs the libraries; `BASALT_TEST_CLIENTS` names their
//! directory if it is not the usual one. Without them the tests are skipped, but not in CI.

#![expect(unreachable_pub, reason = "a test program exports nothing; pub is for its modules")]
#![expect(clippy::expect_used, reason = "a helper of a test fails the test")]
#![expect(clippy::print_stderr, reason = "seeds and skipped tests are said on the terminal")]

#[path = "../common/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    reason = "each test program uses its own part of the shared harness"
)]
mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::server::Options;
use common::{Server, env};

const TIME_MAX: Duration = Duration::from_secs(120);

/// Where `install.sh` puts the libraries.
fn directory() -> PathBuf {
    let named = std::env::var_os("BASALT_TEST_CLIENTS").map(PathBuf::from);
    let cache = || std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty());
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    let usual = || cache().map_or_else(home, PathBuf::from).join("basalt").join("clients");
    named.unwrap_or_else(usual)
}

/// Whether a library is there; says so and skips the test where it is not.
fn installed(library: &Path) -> bool {
    let there = library.exists();
    if !there {
        env::skip(&format!("no {}: run tests/clients/install.sh", library.display()));
    }
    there
}

/// Runs a script against a fresh server, with its port as the argument.
fn run(mut interpreter: Command, script: &str) {
    let server = Server::with(Options::default().shards(2));
    // CARGO_MANIFEST_DIR at run time: cargo sets it for the tests that it runs.
    let root = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let script = PathBuf::from(root).join("tests").join("clients").join(script);
    let output = server.dir().join("../script-output");
    let log = std::fs::File::create(&output).expect("create the output file");
    let mut child = interpreter
        .arg(&script)
        .arg(server.port.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("share the output file"))
        .stderr(log)
        .spawn()
        .expect("run the interpreter");
    let deadline = Instant::now() + TIME_MAX;
    let status = loop {
        if let Some(status) = child.try_wait().expect("look at the script") {
            break Some(status);
        }
        if Instant::now() > deadline {
            // Already ended is as good.
            let _ = child.kill();
            let _ = child.wait();
            break None;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let said = std::fs::read_to_string(&output).unwrap_or_default();
    let script = script.display();
    match status {
        Some(status) => assert!(status.success(), "{script}: {status}\n{said}"),
        None => panic!("{script} has not ended after {TIME_MAX:?}\n{said}"),
    }
}

#[test]
fn redis_py_works_with_its_defaults() {
    let python = directory().join("python/bin/python");
    if installed(&python) {
        run(Command::new(python), "redis_py.py");
    }
}

#[test]
fn ioredis_works_with_its_defaults() {
    let modules = directory().join("node/node_modules");
    if installed(&modules.join("ioredis")) {
        let mut node = Command::new("node");
        node.env("NODE_PATH", modules);
        run(node, "ioredis.js");
    }
}
