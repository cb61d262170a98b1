//! Runs a program on both servers and says where they first differ.

use std::fmt;
use std::io;
use std::time::Duration;

use crate::common::compare;
use crate::common::grammar::Compare;
use crate::common::universe::TINY_MS_MAX;
use crate::common::{Client, Server, Value};

use super::program::{Pause, Program, Step, pause_after};

const DATABASES: usize = 16;
/// Longer than a tiny lifetime, with room for a clock that is a little behind.
pub const TINY_LIFETIME_OVER: Duration = Duration::from_millis(4 * TINY_MS_MAX as u64);

#[derive(Clone, Copy)]
pub enum Protocol {
    Resp2,
    Resp3,
}

pub struct Pair<'a> {
    pub oracle: &'a Server,
    pub target: &'a Server,
    pub protocol: Protocol,
}

#[derive(Clone)]
pub struct Difference {
    /// The step, or the number of steps when it is the final key space that differs.
    pub step: usize,
    what: String,
    oracle: String,
    target: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  step {}: {}", self.step, self.what)?;
        writeln!(f, "  redis-server: {}", self.oracle)?;
        write!(f, "  target:       {}", self.target)
    }
}

impl Pair<'_> {
    /// Runs a program from empty servers. `None`: no difference.
    pub fn run(&self, program: &Program) -> Option<Difference> {
        let mut oracle = Side::connect(self.oracle, self.protocol).expect("the oracle");
        let mut target = match Side::connect(self.target, self.protocol) {
            Ok(target) => target,
            Err(error) => return Some(gone(0, "connecting", &error)),
        };
        let mut start = 0;
        for chunk in program.steps.chunk_by(|step, _| step.pipelined) {
            let expected = oracle.exchange(chunk).expect("the oracle");
            let actual = match target.exchange(chunk) {
                Ok(actual) => actual,
                Err(error) => return Some(gone(start, &chunk[0].to_string(), &error)),
            };
            for (index, step) in chunk.iter().enumerate() {
                let (a, b) = (&expected[index], &actual[index]);
                let compare = match chunk.len() {
                    1 => settle_order(step, &mut oracle.client),
                    _ => step.compare,
                };
                if !compare::equal(compare, &step.command(), a, b) {
                    return Some(differs(start + index, step.to_string(), a, b));
                }
            }
            start += chunk.len();
            let pause = chunk.last().and_then(|step| pause_after(&step.args));
            if let Some(pause) = pause {
                if pause == Pause::TinyLifetime {
                    std::thread::sleep(TINY_LIFETIME_OVER);
                }
                oracle.sweep();
                target.sweep();
            }
        }
        self.compare_key_spaces(program.steps.len(), &mut oracle, &mut target)
    }

    /// The whole content of both servers: sizes, keys, types, expiry, values.
    fn compare_key_spaces(
        &self,
        step: usize,
        oracle: &mut Side,
        target: &mut Side,
    ) -> Option<Difference> {
        // The program may have left the connection in any database, with any reply mode.
        let (oracle, target) = (&mut oracle.aside, &mut target.aside);
        for db in 0..DATABASES {
            let select = format!("SELECT {db}");
            let (a, b) = (oracle.run(&select), target.run(&select));
            if a != b {
                return Some(differs(step, select, &a, &b));
            }
            let (a, b) = (oracle.run("DBSIZE"), target.run("DBSIZE"));
            if a != b {
                return Some(differs(step, format!("DBSIZE of {db}"), &a, &b));
            }
            if a == Value::Int(0) {
                continue;
            }
            let (keys, theirs) = (scan_all(oracle, &[]), scan_all(target, &[]));
            let (Ok(keys), Ok(theirs)) = (keys, theirs) else {
                return Some(differs(step, format!("SCAN of {db}"), &Value::Null, &Value::Null));
            };
            if keys != theirs {
                return Some(differs(step, format!("keys of {db}"), &keys, &theirs));
            }
            for key in keys.items() {
                for (compare, args) in inspections(oracle, key.bytes()) {
                    let (a, b) = (oracle.call(&args), target.call(&args));
                    if !compare::equal(compare, "", &a, &b) {
                        let step_text = Step { args, compare, pipelined: false }.to_string();
                        return Some(differs(step, format!("{step_text} in {db}"), &a, &b));
                    }
                }
            }
        }
        None
    }
}

/// The commands that show all there is to a key, by its type.
fn inspections(oracle: &mut Client, key: &[u8]) -> Vec<(Compare, Vec<Vec<u8>>)> {
    const PEXPIRETIME_SLACK_MS: i64 = 2_000;
    let kind = oracle.call(&[b"TYPE".as_slice(), key]).text();
    let listpack = is_listpack(oracle, key);
    let call = |words: &str| {
        let words = words.split(' ').map(|w| if w == "KEY" { key } else { w.as_bytes() });
        words.map(<[u8]>::to_vec).collect()
    };
    let value = match kind.as_str() {
        "string" => (Compare::Exact, call("GET KEY")),
        "hash" if listpack => (Compare::Exact, call("HGETALL KEY")),
        "hash" => (Compare::HashPairs, call("HGETALL KEY")),
        "list" => (Compare::Exact, call("LRANGE KEY 0 -1")),
        "set" => (Compare::AnyOrder, call("SMEMBERS KEY")),
        "zset" => (Compare::Scores, call("ZRANGE KEY 0 -1 WITHSCORES")),
        // What is told of consumers is not the same in 7.0 and 7.2.
        "stream" => (Compare::Exact, call("XRANGE KEY - +")),
        other => panic!("the test cannot look into a key of type {other}"),
    };
    vec![
        (Compare::Exact, call("TYPE KEY")),
        (compare_encoding(&kind), call("OBJECT ENCODING KEY")),
        (Compare::Near(PEXPIRETIME_SLACK_MS), call("PEXPIRETIME KEY")),
        value,
    ]
}

/// Redis keeps the order of insertion of a hash while it is a listpack.
fn settle_order(step: &Step, oracle: &mut Client) -> Compare {
    match (step.compare, step.args.get(1)) {
        (Compare::HashOrder | Compare::HashPairs, Some(key)) if is_listpack(oracle, key) => {
            Compare::Exact
        }
        (Compare::Encoding, _) => {
            let key = step.args.get(2).map(Vec::as_slice).unwrap_or_default();
            compare_encoding(&oracle.call(&[b"TYPE".as_slice(), key]).text())
        }
        (other, _) => other,
    }
}

/// Only of a set may the encoding be another one.
fn compare_encoding(kind: &str) -> Compare {
    if kind == "set" { Compare::Encoding } else { Compare::Exact }
}

fn is_listpack(oracle: &mut Client, key: &[u8]) -> bool {
    let encoding = oracle.call(&[b"OBJECT".as_slice(), b"ENCODING", key]);
    encoding == Value::Bulk(b"listpack".to_vec())
}

/// One server's connections: the program's, and one aside for looking around.
pub struct Side {
    client: Client,
    pub aside: Client,
}

impl Side {
    pub fn connect(server: &Server, protocol: Protocol) -> io::Result<Self> {
        let mut client = Client::connect(server.address())?;
        let mut aside = Client::connect(server.address())?;
        aside.try_pipeline(&[vec!["FLUSHALL"]])?;
        if let Protocol::Resp3 = protocol {
            client.try_pipeline(&[vec!["HELLO", "3"]])?;
        }
        Ok(Self { client, aside })
    }

    /// Runs the steps as one pipeline.
    pub fn exchange(&mut self, steps: &[Step]) -> io::Result<Vec<Value>> {
        if let [step] = steps
            && step.args[0].starts_with(b"@")
        {
            return Ok(vec![scan_all_of(&mut self.client, &step.args)?]);
        }
        let commands: Vec<Vec<&[u8]>> =
            steps.iter().map(|step| step.args.iter().map(Vec::as_slice).collect()).collect();
        self.client.try_pipeline(&commands)
    }

    /// Walks over every key: redis-server drops those past their end that it comes across.
    pub fn sweep(&mut self) {
        let scan = ["SCAN", "0", "COUNT", "100000"];
        let commands: Vec<Vec<String>> = (0..DATABASES)
            .flat_map(|db| {
                [vec!["SELECT".to_owned(), db.to_string()], scan.map(str::to_owned).to_vec()]
            })
            .collect();
        // A server that has gone away shows in the next step.
        let _ = self.aside.try_pipeline(&commands);
    }
}

/// `@SCAN options`, `@HSCAN key options`, `@SSCAN …` and `@ZSCAN …`: the whole iteration as one
/// sorted array.
fn scan_all_of(client: &mut Client, args: &[Vec<u8>]) -> io::Result<Value> {
    match args[0].as_slice() {
        b"@SCAN" => scan_all(client, &args[1..]),
        _ => {
            let (command, key) = (args[0][1..].to_vec(), args[1].clone());
            let is_of_pairs = command != b"SSCAN";
            let pairs = iterate(client, &[command, key], &args[2..])?;
            let Value::Array(items) = pairs else { return Ok(pairs) };
            if !is_of_pairs {
                return Ok(distinct(items));
            }
            let pairs = items.chunks(2).map(|pair| Value::Array(pair.to_vec())).collect();
            Ok(distinct(pairs))
        }
    }
}

fn scan_all(client: &mut Client, options: &[Vec<u8>]) -> io::Result<Value> {
    match iterate(client, &[b"SCAN".to_vec()], options)? {
        Value::Array(keys) => Ok(distinct(keys)),
        error => Ok(error),
    }
}

/// A scan may return an element more than once.
fn distinct(mut items: Vec<Value>) -> Value {
    items.sort();
    items.dedup();
    Value::Array(items)
}

fn iterate(client: &mut Client, head: &[Vec<u8>], options: &[Vec<u8>]) -> io::Result<Value> {
    const CALLS_MAX: usize = 100_000;
    let mut cursor = b"0".to_vec();
    let mut found = Vec::new();
    for _ in 0..CALLS_MAX {
        let args = [head, &[cursor], options].concat();
        let reply = client.try_pipeline(&[args])?.remove(0);
        let (next, items) = match &reply {
            Value::Array(parts) if parts.len() == 2 => (&parts[0], &parts[1]),
            _ => return Ok(reply),
        };
        found.extend(items.items());
        cursor = next.bytes().to_vec();
        if cursor == b"0" {
            return Ok(Value::Array(found));
        }
    }
    Err(io::Error::other("a scan without end"))
}

fn differs(step: usize, what: String, oracle: &Value, target: &Value) -> Difference {
    Difference { step, what, oracle: format!("{oracle:?}"), target: format!("{target:?}") }
}

fn gone(step: usize, what: &str, error: &io::Error) -> Difference {
    let target = format!("no reply: {error}");
    Difference { step, what: what.to_owned(), oracle: "a reply".to_owned(), target }
}
