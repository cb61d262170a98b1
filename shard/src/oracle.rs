//! A redis-server of their own for the tests that compare with it, and a reader of its replies.
//!
//! Tests only. Where no redis-server is installed, those tests say so and pass.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

const START_TIMEOUT: Duration = Duration::from_secs(10);
const REPLY_TIMEOUT: Duration = Duration::from_secs(20);

/// A running redis-server, killed when dropped.
pub(crate) struct Oracle {
    process: Child,
    directory: PathBuf,
}

impl Oracle {
    /// Starts a server that listens on a socket file alone and keeps nothing.
    pub(crate) fn start(arguments: &[&str]) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let name = format!("basalt-oracle-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&directory).unwrap();
        let started = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
            .arg(directory.join("socket"))
            .args(arguments)
            .current_dir(&directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        match started {
            Ok(process) => {
                let oracle = Self { process, directory };
                oracle.connect();
                Some(oracle)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::remove_dir_all(&directory).unwrap();
                println!("skipped: redis-server is not installed");
                None
            }
            Err(error) => panic!("redis-server: {error}"),
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            match UnixStream::connect(self.directory.join("socket")) {
                Ok(stream) => {
                    stream.set_read_timeout(Some(REPLY_TIMEOUT)).unwrap();
                    return Connection { stream, received: Vec::new() };
                }
                Err(error) => assert!(Instant::now() < deadline, "redis-server: {error}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // Nothing of this can matter to a test that is over.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

pub(crate) struct Connection {
    stream: UnixStream,
    received: Vec<u8>,
}

impl Connection {
    /// Sends one command and returns its reply as sent.
    pub(crate) fn command(&mut self, arguments: &[&[u8]]) -> Vec<u8> {
        self.pipeline(&[arguments.to_vec()]).remove(0)
    }

    /// Sends commands in one go and returns their replies as sent.
    pub(crate) fn pipeline(&mut self, commands: &[Vec<&[u8]>]) -> Vec<Vec<u8>> {
        let mut request = Vec::new();
        for arguments in commands {
            request.extend_from_slice(format!("*{}\r\n", arguments.len()).as_bytes());
            for argument in arguments {
                request.extend_from_slice(format!("${}\r\n", argument.len()).as_bytes());
                request.extend_from_slice(argument);
                request.extend_from_slice(b"\r\n");
            }
        }
        self.stream.write_all(&request).unwrap();
        commands.iter().map(|_| self.reply()).collect()
    }

    /// Sends bytes as they are and returns what the server has to say to them, which may be
    /// nothing. They are few enough to be read in one turn of the server's loop; `other` is a
    /// connection by which to know that it has turned.
    pub(crate) fn answer(&mut self, request: &[u8], other: &mut Self) -> Vec<u8> {
        assert!(request.len() <= 16384, "redis-server reads this much at a time");
        self.stream.write_all(request).unwrap();
        for _ in 0..3 {
            other.command(&[b"PING"]);
        }
        self.stream.set_nonblocking(true).unwrap();
        let mut answer = Vec::new();
        match self.stream.read_to_end(&mut answer) {
            Ok(_) => {}
            Err(error) => {
                let is_over = [ErrorKind::WouldBlock, ErrorKind::ConnectionReset];
                assert!(is_over.contains(&error.kind()), "{error}");
            }
        }
        self.stream.set_nonblocking(false).unwrap();
        answer
    }

    fn reply(&mut self) -> Vec<u8> {
        let mut chunk = [0; 65536];
        loop {
            if let Some(len) = value_len(&self.received) {
                return self.received.drain(..len).collect();
            }
            let count = self.stream.read(&mut chunk).unwrap();
            assert!(count > 0, "redis-server closed the connection");
            self.received.extend_from_slice(&chunk[..count]);
        }
    }
}

/// The content of a reply that is a bulk string.
pub(crate) fn bulk(reply: &[u8]) -> Option<&[u8]> {
    let end = reply.iter().position(|&byte| byte == b'\n')?;
    (reply.first() == Some(&b'$') && reply.len() > 5).then(|| &reply[end + 1..reply.len() - 2])
}

/// The length of the RESP2 or RESP3 value at the front of `bytes`; `None` while it is not whole.
/// Panics on bytes that are no value.
pub(crate) fn value_len(bytes: &[u8]) -> Option<usize> {
    let marker = *bytes.first()?;
    let line_end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    let line = std::str::from_utf8(&bytes[1..line_end]);
    let mut end = line_end + 2;
    let number = || -> i64 { line.unwrap().parse().expect("a number after the marker") };
    let elements = match marker {
        b'+' | b'-' => {
            assert!(!bytes[..line_end].contains(&b'\n') && !bytes[..line_end].contains(&b'\r'));
            0
        }
        b':' => {
            number();
            0
        }
        b',' => {
            assert!(
                ["inf", "-inf", "nan"].contains(&line.unwrap())
                    || line.unwrap().parse::<f64>().is_ok()
            );
            0
        }
        b'(' => {
            assert!(
                line.unwrap().trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit())
            );
            0
        }
        b'#' => {
            assert!(matches!(line.unwrap(), "t" | "f"));
            0
        }
        b'_' => {
            assert_eq!(line.unwrap(), "");
            0
        }
        b'$' | b'=' => {
            if let Ok(len) = usize::try_from(number()) {
                end += len + 2;
                assert_eq!(bytes.get(end - 2..end)?, b"\r\n");
            }
            0
        }
        b'*' | b'~' | b'>' => number().max(0),
        b'%' => number() * 2,
        other => panic!("no value begins with {:?}", char::from(other)),
    };
    for _ in 0..elements {
        end += value_len(&bytes[end..])?;
    }
    Some(end)
}

/// A small random number generator (splitmix64) for tests; the seed is printed and can be set
/// with `BASALT_TEST_SEED`.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new() -> Self {
        let seed = match std::env::var("BASALT_TEST_SEED") {
            Ok(seed) => seed.parse().expect("BASALT_TEST_SEED is a number"),
            Err(_) => std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64,
        };
        println!("random test: repeat with BASALT_TEST_SEED={seed}");
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, choices: &[&'a T]) -> &'a T {
        choices[self.below(choices.len())]
    }
}
