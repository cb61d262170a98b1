//! What the tests of the configuration share: a directory that cleans up after itself, a glob, a
//! source of random numbers that prints its seed.

mod loading;
mod oracle;
mod random;
mod rewriting;
mod runtime;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::ConfigSetError;
use super::runtime::{Change, ClientContext};
use super::*;

/// A directory of its own for one test.
pub(crate) struct TestDir(PathBuf);

impl TestDir {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("basalt-config-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Self(fs::canonicalize(path).unwrap())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// Loads a configuration as if the process had been started in this directory.
    pub(crate) fn load(&self, arguments: &[&str]) -> Result<Config, ConfigError> {
        self.load_with_stdin(arguments, b"")
    }

    pub(super) fn load_with_stdin(
        &self,
        arguments: &[&str],
        stdin: &[u8],
    ) -> Result<Config, ConfigError> {
        let arguments: Vec<_> = arguments.iter().map(|a| a.as_bytes().to_vec()).collect();
        let mut stdin = stdin;
        Config::load(&arguments, &mut self.surroundings(&mut stdin)).map(|(config, _)| config)
    }

    pub(super) fn rewrite(&self, config: &Config, name: &str) -> Result<(), rewrite::RewriteError> {
        let mut nothing = io::empty();
        rewrite::rewrite(config, &self.0.join(name), &mut self.surroundings(&mut nothing))
    }

    fn surroundings<'a>(&self, stdin: &'a mut dyn io::Read) -> Surroundings<'a> {
        Surroundings { start_dir: self.0.clone(), stdin, matches: glob }
    }
}

impl Drop for TestDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The configuration that only the command line gives.
fn config(arguments: &[&str]) -> Config {
    TestDir::new().load(arguments).unwrap()
}

fn set(config: &Config, pairs: &[(&str, &str)]) -> Result<Change, ConfigSetError> {
    set_as(config, pairs, ClientContext::default())
}

fn set_as(
    config: &Config,
    pairs: &[(&str, &str)],
    context: ClientContext,
) -> Result<Change, ConfigSetError> {
    let pairs: Vec<_> = pairs.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect();
    config.with_set(&pairs, context)
}

fn get(config: &Config, patterns: &[&str]) -> Vec<(String, String)> {
    let patterns: Vec<_> = patterns.iter().map(|pattern| pattern.as_bytes()).collect();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    config.get(&patterns, glob).into_iter().map(|(n, v)| (text(n), text(v))).collect()
}

fn value(config: &Config, name: &str) -> String {
    String::from_utf8(config.value_of(name).unwrap()).unwrap()
}

/// `*`, `?` and `[...]`, enough for tests.
fn glob(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        ([b'?', rest @ ..], [_, tail @ ..]) => glob(rest, tail),
        ([b'[', rest @ ..], [byte, tail @ ..]) => {
            let end = rest.iter().position(|b| *b == b']').unwrap_or(rest.len());
            rest[..end].contains(byte) && glob(rest.get(end + 1..).unwrap_or_default(), tail)
        }
        ([expected, rest @ ..], [byte, tail @ ..]) => expected == byte && glob(rest, tail),
        _ => false,
    }
}

/// Random numbers from a seed (xorshift). `BASALT_TEST_SEED=N` replays a run.
struct Random(u64);

impl Random {
    fn new(test: &str) -> Self {
        let given = std::env::var("BASALT_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        let seed = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            u64::try_from(now.as_nanos() & u128::from(u64::MAX >> 1)).unwrap()
        });
        eprintln!("{test}: replay with BASALT_TEST_SEED={seed}");
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from((self.next() >> 16) % u64::try_from(bound).unwrap()).unwrap()
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
