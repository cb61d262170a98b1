//! The environment variables that steer the tests, read in one place, and the rule for what a
//! missing tool means: a skip on a developer's machine, a failure where `CI=true`.

use std::path::PathBuf;

/// Another server program to test in place of the one just built, such as a `redis-server`
/// that the tests themselves are checked against.
pub const SERVER_PROGRAM: &str = "BASALT_TEST_SERVER";

/// Set to any value to leave the data directories of the test servers behind.
pub const KEEP_DIRECTORIES: &str = "BASALT_TEST_KEEP";

/// A number from the environment, or `default` where the variable is absent.
pub fn number(name: &str, default: u64) -> u64 {
    match std::env::var(name) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")),
        Err(_) => default,
    }
}

pub fn is_set(name: &str) -> bool {
    std::env::var_os(name).is_some()
}

/// Finds a program in PATH. A missing one skips the test (`None`, with a line that says so), but
/// under `CI=true` it fails it: a test that silently never runs there protects nobody.
pub fn tool_or_skip(program: &str, reason: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(program)).find(|p| p.is_file());
    if found.is_none() {
        skip(&format!("{program} is not in PATH ({reason})"));
    }
    found
}

/// Says why a test is skipped; fails it instead where skipping is not allowed.
pub fn skip(reason: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "CI=true allows no skipping: {reason}");
    eprintln!("SKIPPED: {reason}");
}
