//! A tiny server that speaks RESP2, one thread for each connection, and misbehaves on request.
//!
//! It keeps no data: it answers each command with a reply of the right kind and counts it.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How it departs from good manners.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// After so many commands, all connections stand still for this long, once.
    pub(crate) stall: Option<(u64, Duration)>,
    /// Every command takes this long.
    pub(crate) delay: Duration,
    /// A connection is closed after so many commands.
    pub(crate) close_after: Option<u64>,
    /// A connection is not answered any more after so many commands.
    pub(crate) mute_after: Option<u64>,
    /// This command is answered with an error.
    pub(crate) refuse: Option<&'static str>,
    pub(crate) password: Option<&'static str>,
}

pub(crate) struct FakeServer {
    pub(crate) addr: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    total: u64,
    commands: HashMap<String, u64>,
    arguments: HashMap<Vec<String>, u64>,
}

impl FakeServer {
    /// Serves until the test's process ends.
    pub(crate) fn start(behaviour: Behaviour) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("bound");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (behaviour, seen) = (behaviour.clone(), Arc::clone(&shared));
                // A connection that breaks is the client's business.
                thread::spawn(move || serve(&stream, &behaviour, &seen));
            }
        });
        FakeServer { addr, seen }
    }

    /// How often a command came, by its name in capitals.
    pub(crate) fn count(&self, command: &str) -> u64 {
        lock(&self.seen).commands.get(command).copied().unwrap_or(0)
    }

    /// How often a command came with exactly these first two arguments.
    pub(crate) fn count_of(&self, command: &str, key: &str) -> u64 {
        let arguments = vec![command.to_owned(), key.to_owned()];
        lock(&self.seen).arguments.get(&arguments).copied().unwrap_or(0)
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().expect("no thread panics with it")
}

fn serve(stream: &TcpStream, behaviour: &Behaviour, seen: &Mutex<Seen>) -> Result<()> {
    // Replies go out one by one; held together, each batch would wait for a delayed ACK.
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream);
    let mut admitted = behaviour.password.is_none();
    let mut served = 0;
    while let Some(arguments) = read_request(&mut reader)? {
        let name = arguments[0].to_ascii_uppercase();
        {
            let mut seen = lock(seen);
            seen.total += 1;
            *seen.commands.entry(name.clone()).or_default() += 1;
            let first: Vec<String> = arguments.iter().take(2).cloned().collect();
            *seen.arguments.entry(first).or_default() += 1;
            if let Some((_, length)) = behaviour.stall.filter(|(after, _)| seen.total == *after) {
                // With the lock held, so that nobody gets on.
                thread::sleep(length);
            }
        }
        served += 1;
        if behaviour.close_after.is_some_and(|after| served > after) {
            return Ok(());
        }
        if behaviour.mute_after.is_some_and(|after| served > after) {
            continue;
        }
        if !behaviour.delay.is_zero() {
            thread::sleep(behaviour.delay);
        }
        let reply = if name == "AUTH" {
            admitted = behaviour.password == arguments.get(1).map(String::as_str);
            if admitted { "+OK\r\n".to_owned() } else { "-WRONGPASS invalid\r\n".to_owned() }
        } else if !admitted {
            "-NOAUTH Authentication required.\r\n".to_owned()
        } else if behaviour.refuse == Some(&name) {
            "-OOM command not allowed\r\n".to_owned()
        } else {
            reply_to(&name)
        };
        (&*stream).write_all(reply.as_bytes())?;
    }
    Ok(())
}

fn reply_to(name: &str) -> String {
    match name {
        "GET" | "HGET" => "$3\r\na\r\n\r\n".to_owned(),
        "MGET" => "*2\r\n$1\r\na\r\n$-1\r\n".to_owned(),
        "HGETALL" => "*0\r\n".to_owned(),
        "INCR" | "DEL" | "HSET" | "EXPIRE" => ":1\r\n".to_owned(),
        "PING" => "+PONG\r\n".to_owned(),
        "INFO" => {
            let text = format!("redis_version:7.2.0\r\nprocess_id:{}\r\n", std::process::id());
            format!("${}\r\n{text}\r\n", text.len())
        }
        _ => "+OK\r\n".to_owned(),
    }
}

fn read_request(reader: &mut impl BufRead) -> Result<Option<Vec<String>>> {
    let Some(count) = read_number(reader, '*')? else { return Ok(None) };
    let mut arguments = Vec::new();
    for _ in 0..count {
        let length = read_number(reader, '$')?.expect("a bulk string");
        let mut bytes = vec![0; length + 2];
        reader.read_exact(&mut bytes)?;
        assert!(bytes.ends_with(b"\r\n"), "a bulk string ends with CRLF");
        bytes.truncate(length);
        arguments.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    Ok(Some(arguments))
}

fn read_number(reader: &mut impl BufRead, kind: char) -> Result<Option<usize>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let digits = line.trim_end().strip_prefix(kind).expect("a RESP array of bulk strings");
    Ok(Some(digits.parse().expect("a length")))
}
