//! A clock that is set while the server runs: keys live by the time of day as it is now, whatever
//! it was in between, and what lasts so long lasts as long.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::server::{self, Options};
use crate::common::{Client, Server, env};

const HOUR_S: i64 = 3_600;

/// The time of day of one server.
struct Clock {
    home: PathBuf,
    library: PathBuf,
    control: File,
}

impl Clock {
    /// `None`, with a line that says so, where there is no C compiler.
    fn new() -> Option<Self> {
        let compiler = env::tool_or_skip("cc", "a C compiler; Debian package build-essential")?;
        let home = server::new_home();
        let library = home.join("clock.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/server/clock.c");
        let flags = ["-Wall", "-Wextra", "-Werror", "-O1", "-fPIC", "-shared", "-o"];
        let built = Command::new(compiler).args(flags).arg(&library).arg(source).output();
        let built = built.expect("run cc");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let mut options = File::options();
        let options = options.read(true).write(true).create_new(true);
        let control = options.open(home.join("control")).expect("create the control block");
        control.set_len(4096).expect("give the control block its size");
        Some(Self { home, library, control })
    }

    fn server(&self, options: Options) -> Server {
        let show = |path: &Path| path.display().to_string();
        Server::with(
            options
                .env("LD_PRELOAD", &show(&self.library))
                .env("BASALT_CLOCK_CONTROL", &show(&self.home.join("control"))),
        )
    }

    /// Sets the time of day to what it really is and so many seconds.
    fn set(&self, offset_s: i64) {
        self.control.write_all_at(&offset_s.to_ne_bytes(), 0).expect("write the control block");
        // The server looks again after 2 ms.
        std::thread::sleep(Duration::from_millis(10));
    }

    /// Sets it ahead for a while, with everybody at work, and back.
    fn jump(&self, offset_s: i64, for_ms: u64) {
        self.set(offset_s);
        std::thread::sleep(Duration::from_millis(for_ms));
        self.set(0);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.home.join("control"));
        server::remove_home(&self.home);
    }
}

fn set_many(client: &mut Client, name: &str, count: usize) {
    for key in 0..count {
        client.ok(&format!("SET {name}:{key} v EX 100"));
    }
}

#[test]
fn keys_are_counted_and_drawn_after_the_clock_went_an_hour_ahead_and_back() {
    let Some(clock) = Clock::new() else { return };
    for shards in [1, 2] {
        let server = clock.server(Options::default().shards(shards));
        let mut client = server.client();
        client.ok("SET short v EX 10");
        client.ok("SET forever v");
        clock.jump(HOUR_S, 700);
        assert_eq!(client.run("DBSIZE").int(), 1, "what was due by that clock is gone");
        set_many(&mut client, "k", 60);
        assert_eq!(client.run("DBSIZE").int(), 61);
        let keyspace = client.run("INFO keyspace").text();
        assert!(keyspace.contains("db0:keys=61,expires=60,"), "{keyspace}");
        assert_eq!(client.run("KEYS *").items().len(), 61);
        let ttl = client.run("TTL k:0").int();
        assert!((90..=100).contains(&ttl), "{ttl}");
        let drawn: BTreeSet<String> = (0..400).map(|_| client.run("RANDOMKEY").text()).collect();
        assert!(drawn.len() > 40, "only these are drawn: {drawn:?}");
        // And those that end soon do end.
        client.ok("SET k:0 v PX 50");
        std::thread::sleep(Duration::from_millis(60));
        assert_eq!(client.run("DBSIZE").int(), 60);
        // Back beyond the start of the server, and to where it was.
        clock.jump(-HOUR_S, 200);
        assert_eq!(client.run("DBSIZE").int(), 60);
    }
}

#[test]
fn keys_that_a_clock_had_passed_come_back_if_they_still_stand() {
    let Some(clock) = Clock::new() else { return };
    let server = clock.server(Options::default().set("enable-debug-command", "yes"));
    let mut client = server.client();
    set_many(&mut client, "k", 1_500);
    // So that they are counted as due, and not removed.
    client.ok("CLIENT PAUSE 600 WRITE");
    clock.set(HOUR_S);
    assert_eq!(client.run("EXISTS k:0").int(), 0);
    assert_eq!(client.run("DBSIZE").int(), 0);
    clock.set(0);
    assert_eq!(client.run("EXISTS k:0").int(), 1);
    assert_eq!(client.run("DBSIZE").int(), 1_500);
    assert!(client.run("INFO stats").text().contains("\r\nexpired_keys:0\r\n"));
}

#[test]
fn idleness_and_uses_survive_a_clock_that_is_set() {
    let Some(clock) = Clock::new() else { return };
    let server = clock.server(Options::default().set("maxmemory-policy", "allkeys-lru"));
    let mut client = server.client();
    client.ok("SET key v");
    for offset_s in [HOUR_S, -HOUR_S, 0] {
        clock.set(offset_s);
        std::thread::sleep(Duration::from_millis(250));
        client.run("GET key");
        assert!(client.run("OBJECT IDLETIME key").int() <= 1, "{offset_s}");
        let line = client.run("CLIENT INFO").text();
        let field = |name: &str| -> u64 {
            let value = line.split(' ').find_map(|word| word.strip_prefix(name));
            value.expect("the field").parse().expect("a number")
        };
        assert!(field("age=") < 60 && field("idle=") < 60, "{offset_s}: {line}");
    }
    std::thread::sleep(Duration::from_millis(2_100));
    let idle_s = client.run("OBJECT IDLETIME key").int();
    assert!((1..60).contains(&idle_s), "{idle_s} s idle");
    client.ok("CONFIG SET maxmemory-policy allkeys-lfu");
    for _ in 0..10 {
        client.run("GET key");
    }
    let frequency = client.run("OBJECT FREQ key").int();
    clock.jump(HOUR_S, 250);
    client.run("GET key");
    clock.jump(-HOUR_S, 250);
    let later = client.run("OBJECT FREQ key").int();
    assert!(later >= frequency, "{frequency} uses became {later}");
}

#[test]
fn no_client_is_closed_or_held_up_because_the_clock_is_set() {
    let Some(clock) = Clock::new() else { return };
    let server = clock.server(Options::default().set("timeout", "60"));
    let mut client = server.client();
    let mut idle = server.client();
    idle.ok("SET key v");
    clock.jump(HOUR_S, 2_200);
    assert_eq!(idle.run("GET key").text(), "v", "60 s are not over");

    // A pause of half a second ends, though the time it was to end at never comes.
    client.ok("CLIENT PAUSE 500 WRITE");
    clock.set(-HOUR_S);
    let start = Instant::now();
    idle.ok("SET key other");
    assert!(start.elapsed() < Duration::from_secs(20), "held up for {:?}", start.elapsed());
}
