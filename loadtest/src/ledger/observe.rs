//! Asks a server for what it has under the keys of a ledger, with many questions under way.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::Ledger;
use super::content::{Content, Observed};
use super::write::{append_request, key_name};
use crate::error::{Failure, Result};
use crate::family::Family;
use crate::server::{Greeting, Server};

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Nil,
    Int(i64),
    Text(Vec<u8>),
    Error(String),
    Array(Vec<Answer>),
}

pub(super) struct Connection {
    reader: BufReader<TcpStream>,
}

/// A server that answers nothing for so long is stuck.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Keys asked for at a time: few enough that neither side's socket buffers fill up with questions.
const BATCH: usize = 128;
const LENGTH_MAX: i64 = 1 << 30;
const DEPTH_MAX: usize = 8;

impl Connection {
    pub(super) fn open(server: &Server, greeting: &Greeting) -> Result<Connection> {
        let stream = TcpStream::connect_timeout(&server.socket, TIMEOUT)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        let mut connection = Connection { reader: BufReader::new(stream) };
        connection.send(&greeting.requests)?;
        for _ in 0..greeting.replies {
            if let Answer::Error(text) = connection.read(0)? {
                return Err(Failure::new(format!("login refused: {text}")));
            }
        }
        Ok(connection)
    }

    /// How many shards the server has; a server without any has one.
    pub(super) fn shards(&mut self) -> Result<usize> {
        let Answer::Array(pair) = self.ask(&["CONFIG", "GET", "shards"])? else { return Ok(1) };
        let Some(Answer::Text(count)) = pair.get(1) else { return Ok(1) };
        let count = String::from_utf8_lossy(count).parse().ok();
        count.filter(|&count| count > 0).ok_or_else(|| Failure::new("odd number of shards"))
    }

    /// All keys that the ledger's writers have ever written.
    pub(super) fn observe(&mut self, ledger: &Ledger) -> Result<Observed> {
        let writes = ledger.writers.iter().flat_map(|writer| &writer.writes);
        let keys: HashSet<(Family, u64)> =
            writes.map(|sent| (sent.write.family, sent.write.key)).collect();
        let keys: Vec<(Family, u64)> = keys.into_iter().collect();
        let mut observed = Observed::new();
        for batch in keys.chunks(BATCH) {
            let mut questions = Vec::new();
            for &(family, key) in batch {
                let name = key_name(&ledger.prefix, family, key);
                let get = if family == Family::Hash { "HGETALL" } else { "GET" };
                append_request(&[get, &name], &mut questions);
                append_request(&["PEXPIRETIME", &name], &mut questions);
            }
            self.send(&questions)?;
            for &(family, key) in batch {
                let (value, deadline) = (self.read(0)?, self.read(0)?);
                let name = || key_name(&ledger.prefix, family, key);
                if let Some(content) = content(value, deadline, name)? {
                    observed.insert((family, key), content);
                }
            }
        }
        Ok(observed)
    }

    /// What must hold of any key space at rest: DBSIZE is what a SCAN counts, and of the ledger's
    /// keys a SCAN finds those that were there when asked for by name.
    pub(super) fn check_scan(
        &mut self,
        ledger: &Ledger,
        observed: &Observed,
    ) -> Result<Vec<String>> {
        let mut found: HashSet<Vec<u8>> = HashSet::new();
        let mut cursor = "0".to_owned();
        loop {
            let reply = self.ask(&["SCAN", &cursor, "COUNT", "1000"])?;
            let Answer::Array(mut parts) = reply else { return Err(odd("SCAN", &reply)) };
            let (Some(Answer::Array(keys)), Some(Answer::Text(next))) = (parts.pop(), parts.pop())
            else {
                return Err(Failure::new("SCAN: no cursor with keys"));
            };
            found.extend(keys.into_iter().filter_map(|key| match key {
                Answer::Text(key) => Some(key),
                _ => None,
            }));
            cursor = String::from_utf8_lossy(&next).into_owned();
            if cursor == "0" {
                break;
            }
        }
        let mut complaints = Vec::new();
        let reply = self.ask(&["DBSIZE"])?;
        let Answer::Int(size) = reply else { return Err(odd("DBSIZE", &reply)) };
        if size != found.len() as i64 {
            complaints.push(format!("DBSIZE is {size}, a SCAN counts {}", found.len()));
        }
        let own = found.iter().filter(|key| key.starts_with(ledger.prefix.as_bytes())).count();
        if own != observed.len() {
            let asked = observed.len();
            complaints.push(format!("a SCAN finds {own} keys of the ledger, asking finds {asked}"));
        }
        Ok(complaints)
    }

    fn ask(&mut self, arguments: &[&str]) -> Result<Answer> {
        let mut request = Vec::new();
        append_request(arguments, &mut request);
        self.send(&request)?;
        self.read(0)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.reader.get_mut().write_all(bytes)?)
    }

    fn read(&mut self, depth: usize) -> Result<Answer> {
        let no_resp = || Failure::new("the answer is no RESP");
        let mut line = Vec::new();
        (&mut self.reader).take(1 << 16).read_until(b'\n', &mut line)?;
        let line = line.strip_suffix(b"\r\n").ok_or_else(no_resp)?;
        let line = String::from_utf8_lossy(line);
        let (kind, text) = line.split_at_checked(1).ok_or_else(no_resp)?;
        let number = || text.parse::<i64>().map_err(|_| no_resp());
        let length = || number().and_then(|n| if n > LENGTH_MAX { Err(no_resp()) } else { Ok(n) });
        match kind {
            "+" => Ok(Answer::Text(text.as_bytes().to_vec())),
            "-" => Ok(Answer::Error(text.to_owned())),
            ":" => Ok(Answer::Int(number()?)),
            "$" => {
                let Ok(length) = u64::try_from(length()?) else { return Ok(Answer::Nil) };
                let mut body = Vec::new();
                (&mut self.reader).take(length + 2).read_to_end(&mut body)?;
                body.truncate(body.strip_suffix(b"\r\n").ok_or_else(no_resp)?.len());
                Ok(Answer::Text(body))
            }
            "*" if depth < DEPTH_MAX => {
                let length = length()?;
                if length < 0 {
                    return Ok(Answer::Nil);
                }
                (0..length).map(|_| self.read(depth + 1)).collect::<Result<_>>().map(Answer::Array)
            }
            _ => Err(no_resp()),
        }
    }
}

/// `None`: there is no such key.
fn content(value: Answer, deadline: Answer, name: impl Fn() -> String) -> Result<Option<Content>> {
    let deadline_ms = match deadline {
        Answer::Int(-2) => None,
        Answer::Int(-1) => None,
        Answer::Int(deadline_ms) => u64::try_from(deadline_ms).ok(),
        other => return Err(odd(&format!("PEXPIRETIME {}", name()), &other)),
    };
    let mut content = Content { deadline_ms, ..Content::default() };
    match value {
        Answer::Nil => return Ok(None),
        Answer::Text(value) => content.value = Some(value),
        Answer::Array(items) if items.is_empty() => return Ok(None),
        Answer::Array(items) => content.fields = fields(items),
        // Its content stays empty, as of another type.
        Answer::Error(text) if text.starts_with("WRONGTYPE") => {}
        other => return Err(odd(&name(), &other)),
    }
    Ok(Some(content))
}

fn fields(items: Vec<Answer>) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let mut texts = items.into_iter().map(|item| match item {
        Answer::Text(text) => text,
        _ => Vec::new(),
    });
    std::iter::from_fn(|| Some((texts.next()?, texts.next()?))).collect()
}

fn odd(question: &str, answer: &Answer) -> Failure {
    Failure::new(format!("{question}: odd answer {answer:?}"))
}
