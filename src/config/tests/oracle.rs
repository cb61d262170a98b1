//! Compares with redis-server where it is installed: names, defaults, and what CONFIG SET answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::random::random_value;
use super::*;

/// A redis-server on a Unix socket; it ends with the test.
struct Redis {
    process: Child,
    connection: BufReader<UnixStream>,
    _dir: TestDir,
}

impl Redis {
    /// None when it is not installed.
    fn start() -> Option<Self> {
        let dir = TestDir::new();
        let socket = dir.path().join("s");
        let process = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--unixsocket"])
            .arg(&socket)
            .current_dir(dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(process) = process else {
            eprintln!("redis-server is not installed: nothing compared");
            return None;
        };
        let patience = Instant::now() + Duration::from_secs(10);
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < patience, "{error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        Some(Self { process, connection: BufReader::new(stream), _dir: dir })
    }

    /// Sends a command and gives the reply: a status or error in one piece, an array in several.
    fn call(&mut self, words: &[&str]) -> Vec<String> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.connection.get_mut().write_all(request.as_bytes()).unwrap();
        self.reply()
    }

    fn reply(&mut self) -> Vec<String> {
        let mut line = String::new();
        self.connection.read_line(&mut line).unwrap();
        let line = line.trim_end();
        match line.split_at(1) {
            ("*", count) => {
                let count: usize = count.parse().unwrap();
                (0..count).flat_map(|_| self.reply()).collect()
            }
            ("$", length) => {
                let length: usize = length.parse().unwrap();
                let mut bytes = vec![0; length + 2];
                self.connection.read_exact(&mut bytes).unwrap();
                vec![String::from_utf8_lossy(&bytes[..length]).into_owned()]
            }
            (_, text) => vec![text.to_string()],
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Directives whose default differs on purpose or by how this redis-server was started.
const OTHER_DEFAULTS: [&str; 10] = [
    "appendfsync",
    "appendonly",
    "bind",
    "dir",
    "maxclients",
    "pidfile",
    "port",
    "save",
    "syslog-ident",
    "unixsocket",
];

#[test]
fn names_and_defaults_are_those_of_redis() {
    let Some(mut redis) = Redis::start() else { return };
    let all = redis.call(&["CONFIG", "GET", "*"]);
    let config = config(&[]);
    assert!(all.len() > 300);
    for pair in all.chunks(2) {
        let (name, expected) = (&pair[0], &pair[1]);
        assert!(config.value_of(name).is_some(), "{name} is missing");
        if !OTHER_DEFAULTS.contains(&name.as_str()) {
            assert_eq!(&value(&config, name), expected, "{name}");
        }
    }
}

/// Directives that are left out: setting them changes what the comparison itself relies on, or
/// Redis's answer depends on the host.
const NOT_COMPARED: [&str; 12] = [
    "activedefrag",
    "appendonly",
    "bind",
    "client-output-buffer-limit",
    "latency-tracking-info-percentiles",
    "locale-collate",
    "maxclients",
    "maxmemory-clients",
    "oom-score-adj",
    "oom-score-adj-values",
    "port",
    "watchdog-period",
];

#[test]
fn config_set_answers_what_redis_answers() {
    let mut random = Random::new("config_set_answers_what_redis_answers");
    let Some(mut redis) = Redis::start() else { return };
    let mut config = config(&[]);
    // Redis takes a memory value without digits for 0 and lets a large one wrap around, it cuts
    // the changes of `save` to 32 bits, and its strings end at a zero byte.
    let comparable = |row: &Directive, value: &str| {
        let digits = value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
        let memory = matches!(row.kind, value::Kind::Memory { .. });
        let numbers = memory || matches!(row.kind, value::Kind::Save);
        !value.contains('\0') && (!memory || digits) && (!numbers || value.len() < 12)
    };
    let mut accepted = 0;
    for _ in 0..3000 {
        let row = *random.pick(directives());
        let name = row.alias.filter(|_| random.below(2) == 0).unwrap_or(row.name);
        let known = redis.call(&["CONFIG", "GET", name]).len() == 2;
        let limited = matches!(row.effect, Effect::OnlyDefault(_)) && !row.immutable;
        if !known || limited || row.own || NOT_COMPARED.contains(&row.name) {
            continue;
        }
        let value = random_value(&mut random, row);
        if !comparable(row, &value) {
            continue;
        }
        let expected = redis.call(&["CONFIG", "SET", name, &value]).remove(0);
        let answer = match set(&config, &[(name, &value)]) {
            Ok(change) => {
                config = change.config;
                accepted += 1;
                "OK".to_string()
            }
            Err(error) => String::from_utf8_lossy(&error.reply()).into_owned(),
        };
        // 7.2 knows one log level more than the 7.0 that may be installed.
        assert_eq!(answer.replace(", nothing", ""), expected, "CONFIG SET {name} {value:?}");
        if expected != "OK" {
            continue;
        }
        let shown = redis.call(&["CONFIG", "GET", name]);
        assert_eq!(get(&config, &[name])[0].1, shown[1], "CONFIG GET {name}");
    }
    assert!(accepted > 100, "{accepted}");
}
