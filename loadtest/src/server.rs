//! The server as seen before and after a run, over a plain blocking connection: whether it is
//! there and lets us in, what it is, and its process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::Duration;

use crate::args::{LoginArgs, Target};
use crate::error::{Failure, Result};
use crate::process;

/// What every connection sends first, and how many replies that has.
#[derive(Debug, Clone, Default)]
pub(crate) struct Greeting {
    pub(crate) requests: Vec<u8>,
    pub(crate) replies: usize,
}

impl Greeting {
    pub(crate) fn new(login: &LoginArgs) -> Greeting {
        let mut greeting = Greeting::default();
        let password = login.auth.clone().or_else(|| std::env::var("REDISCLI_AUTH").ok());
        match (&login.user, password) {
            (Some(user), Some(password)) => greeting.add(&["AUTH", user, &password]),
            (None, Some(password)) => greeting.add(&["AUTH", &password]),
            (_, None) => {}
        }
        if login.db != 0 {
            greeting.add(&["SELECT", &login.db.to_string()]);
        }
        greeting
    }

    fn add(&mut self, arguments: &[&str]) {
        self.requests.extend_from_slice(&request(arguments));
        self.replies += 1;
    }
}

/// A server that has been reached.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    pub(crate) name: String,
    pub(crate) addr: String,
    pub(crate) socket: SocketAddr,
    /// `redis_version` of INFO.
    pub(crate) version: Option<String>,
    /// Its process, if that is on this host and may be looked at.
    pub(crate) pid: Option<u32>,
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Server {
    /// Connects, logs in, and asks the server what it is.
    pub(crate) fn reach(target: &Target, greeting: &Greeting) -> Result<Server> {
        let addr = &target.addr;
        let about = |text: String| Failure::new(format!("{addr}: {text}"));
        let socket = addr
            .to_socket_addrs()
            .map_err(|error| about(error.to_string()))?
            .next()
            .ok_or_else(|| about("no such address".to_owned()))?;
        let info = ask_info(&socket, greeting).map_err(|failure| about(failure.to_string()))?;
        let field = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            line.map(str::to_owned)
        };
        let pid = match target.pid {
            Some(pid) => {
                process::cpu(pid).map_err(|error| about(format!("pid {pid}: {error}")))?;
                Some(pid)
            }
            None => field("process_id")
                .and_then(|text| text.parse().ok())
                .filter(|&pid| socket.ip().is_loopback() && process::cpu(pid).is_ok()),
        };
        let version = field("redis_version");
        Ok(Server { name: target.name.clone(), addr: addr.clone(), socket, version, pid })
    }
}

/// The reply to INFO, or nothing where the server has no INFO.
fn ask_info(socket: &SocketAddr, greeting: &Greeting) -> Result<String> {
    let stream = TcpStream::connect_timeout(socket, CONNECT_TIMEOUT)?;
    stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
    stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
    let mut reader = BufReader::new(&stream);
    let mut writer = &stream;
    writer.write_all(&greeting.requests)?;
    for _ in 0..greeting.replies {
        if let Err(text) = read_reply(&mut reader)? {
            return Err(Failure::new(format!("login refused: {text}")));
        }
    }
    writer.write_all(&request(&["PING"]))?;
    if let Err(text) = read_reply(&mut reader)? {
        return Err(Failure::new(format!("PING is answered with {text}")));
    }
    writer.write_all(&request(&["INFO", "server"]))?;
    Ok(read_reply(&mut reader)?.unwrap_or_default())
}

/// A status or bulk reply, or the text of an error reply.
fn read_reply(reader: &mut impl BufRead) -> Result<std::result::Result<String, String>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end();
    let no_resp = || Failure::new("the answer is no RESP");
    let (kind, text) = line.split_at_checked(1).ok_or_else(no_resp)?;
    match kind {
        "+" => Ok(Ok(text.to_owned())),
        "-" => Ok(Err(text.to_owned())),
        "$" => {
            let length: u64 = text.parse().map_err(|_| no_resp())?;
            let mut body = Vec::new();
            reader.take(length + 2).read_to_end(&mut body)?;
            Ok(Ok(String::from_utf8_lossy(&body).into_owned()))
        }
        _ => Err(no_resp()),
    }
}

fn request(arguments: &[&str]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", arguments.len());
    for argument in arguments {
        bytes.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
    }
    bytes.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn greeting_counts_its_replies() {
        let login = |auth: Option<&str>, user: Option<&str>, db| {
            Greeting::new(&LoginArgs {
                auth: auth.map(str::to_owned),
                user: user.map(str::to_owned),
                db,
            })
        };
        let both = login(Some("p w"), Some("u"), 3);
        assert_eq!(both.replies, 2);
        assert_eq!(
            both.requests,
            b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$3\r\np w\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n3\r\n"
        );
        assert_eq!(login(Some("p"), None, 0).requests, b"*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n");
    }

    #[test]
    fn replies_are_read() {
        let read = |mut bytes: &[u8]| read_reply(&mut bytes).ok();
        assert_eq!(read(b"+PONG\r\n"), Some(Ok("PONG".to_owned())));
        assert_eq!(read(b"-ERR no\r\n"), Some(Err("ERR no".to_owned())));
        assert_eq!(read(b"$3\r\nabc\r\n"), Some(Ok("abc\r\n".to_owned())));
        assert_eq!(read(b""), None);
        assert_eq!(read(b"HTTP/1.1 400\r\n"), None);
    }
}
