//! Clients that ask for much memory. A step is a few commands; an error that says there is no room
//! is an answer too, and any other wrong one fails the test.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use crate::common::resp::Value;
use crate::common::{Client, Rng, resp};

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;

/// What a step comes to: it was answered, or there was no room.
type Step = fn(&mut Abuser) -> io::Result<Answer>;

/// All of them, by name.
pub const ABUSERS: &[(&str, Step)] = &[
    ("string-1", big_string),
    ("string-2", big_string),
    ("many", many_at_once),
    ("growing", growing_string),
    ("hash", big_hash),
    ("copy", copied_hash),
    ("field", big_field),
    ("slow-1", slow_reader),
    ("slow-2", slow_reader),
    ("small", small_strings),
    ("arguments", many_arguments),
    ("keys", all_keys),
];

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Right,
    NoRoom,
}

#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub steps: u64,
    pub refused: u64,
}

pub struct Abuser {
    address: SocketAddr,
    client: Client,
    name: String,
    rng: Rng,
}

/// The value of a key: its length is random, what it consists of is not.
fn value(key: &str, bytes: usize) -> Vec<u8> {
    let mut value = key.as_bytes().repeat(bytes / key.len() + 1);
    value.truncate(bytes);
    value
}

fn is_refusal(error: &Value) -> bool {
    let text = error.text();
    ["does not fit the memory", "no memory for the value"].iter().any(|part| text.contains(part))
}

impl Abuser {
    pub fn new(address: SocketAddr, name: &str, seed: u64) -> Self {
        let client = Client::connect(address).expect("a connection");
        Self { address, client, name: name.to_owned(), rng: Rng::new(seed) }
    }

    /// Who is refused for the memory may be disconnected, too; it comes back.
    pub fn run_until(mut self, deadline: Instant, step: Step) -> Tally {
        let mut tally = Tally::default();
        while Instant::now() < deadline {
            tally.steps += 1;
            match step(&mut self) {
                Ok(Answer::Right) => {}
                Ok(Answer::NoRoom) => tally.refused += 1,
                Err(error) if error.kind() == io::ErrorKind::TimedOut => panic!("{error}"),
                Err(_) => {
                    tally.refused += 1;
                    self.client = Client::connect(self.address).expect("another connection");
                }
            }
        }
        tally
    }

    fn call(&mut self, args: &[&[u8]]) -> io::Result<Value> {
        let replies = self.client.try_pipeline(&[args.to_vec()])?;
        Ok(replies.into_iter().next().expect("a reply to each command"))
    }

    /// A command whose reply is right if `is_right` says so.
    fn ask(&mut self, args: &[&[u8]], is_right: impl Fn(&Value) -> bool) -> io::Result<Answer> {
        let reply = self.call(args)?;
        if reply.is_error() && is_refusal(&reply) {
            return Ok(Answer::NoRoom);
        }
        if is_right(&reply) {
            return Ok(Answer::Right);
        }
        let shown: String = format!("{reply:?}").chars().take(200).collect();
        panic!("{} got {shown} to {}", self.name, resp::Text(args[0]));
    }

    fn key(&mut self, keys: usize) -> String {
        format!("{}:{}", self.name, self.rng.below(keys))
    }

    fn size(&mut self, from: usize, to: usize) -> usize {
        from + self.rng.below(to - from)
    }
}

fn is_ok(reply: &Value) -> bool {
    *reply == Value::Simple(b"OK".to_vec())
}

/// Whether a reply is nothing, or some bytes of this key's value.
fn is_value_of(key: &str, reply: &Value) -> bool {
    reply.is_null() || reply.bytes() == value(key, reply.bytes().len())
}

fn big_string(abuser: &mut Abuser) -> io::Result<Answer> {
    let key = abuser.key(20);
    if abuser.rng.percent(50) {
        return abuser.ask(&[b"GET", key.as_bytes()], |reply| is_value_of(&key, reply));
    }
    let bytes = abuser.size(MB, 20 * MB);
    abuser.ask(&[b"SET", key.as_bytes(), &value(&key, bytes)], is_ok)
}

fn many_at_once(abuser: &mut Abuser) -> io::Result<Answer> {
    let keys: Vec<String> = (0..8).map(|_| abuser.key(40)).collect();
    if abuser.rng.percent(50) {
        let args: Vec<&[u8]> =
            [&b"MGET"[..]].into_iter().chain(keys.iter().map(String::as_bytes)).collect();
        return abuser.ask(&args, |reply| {
            keys.iter().zip(reply.items()).all(|(key, value)| is_value_of(key, &value))
        });
    }
    let values: Vec<Vec<u8>> =
        keys.iter().map(|key| value(key, abuser.rng.below(2 * MB))).collect();
    let pairs = keys.iter().zip(&values).flat_map(|(key, value)| [key.as_bytes(), value]);
    abuser.ask(&[&b"MSET"[..]].into_iter().chain(pairs).collect::<Vec<_>>(), is_ok)
}

fn growing_string(abuser: &mut Abuser) -> io::Result<Answer> {
    let key = abuser.key(4);
    let more = vec![b'+'; abuser.size(KB, 2 * MB)];
    match abuser.rng.below(4) {
        0 => {
            let at = abuser.rng.below(16 * MB).to_string();
            abuser
                .ask(&[b"SETRANGE", key.as_bytes(), at.as_bytes(), &more], |reply| reply.int() > 0)
        }
        1 => abuser.ask(&[b"STRLEN", key.as_bytes()], |reply| reply.int() >= 0),
        2 if abuser.rng.percent(10) => {
            abuser.ask(&[b"DEL", key.as_bytes()], |reply| reply.int() < 2)
        }
        _ => abuser.ask(&[b"APPEND", key.as_bytes(), &more], |reply| reply.int() > 0),
    }
}

/// Sets some fields of a hash; each has as many bytes as `bytes` says.
fn set_fields(
    abuser: &mut Abuser,
    key: &str,
    fields: &[String],
    bytes: (usize, usize),
) -> io::Result<Answer> {
    let values: Vec<Vec<u8>> =
        fields.iter().map(|field| value(field, abuser.size(bytes.0, bytes.1))).collect();
    let mut args: Vec<&[u8]> = vec![b"HSET", key.as_bytes()];
    args.extend(fields.iter().zip(&values).flat_map(|(field, value)| [field.as_bytes(), value]));
    abuser.ask(&args, |reply| reply.int() >= 0)
}

/// Whether a reply has fields with values that are theirs.
fn are_fields(reply: &Value) -> bool {
    reply.pairs().iter().all(|(field, value)| is_value_of(&field.text(), value))
}

fn big_hash(abuser: &mut Abuser) -> io::Result<Answer> {
    let key = abuser.key(3);
    if abuser.rng.percent(80) {
        let fields: Vec<String> =
            (0..100).map(|_| format!("f{}", abuser.rng.below(2000))).collect();
        return set_fields(abuser, &key, &fields, (100, 20 * KB));
    }
    abuser.ask(&[b"HGETALL", key.as_bytes()], are_fields)
}

fn copied_hash(abuser: &mut Abuser) -> io::Result<Answer> {
    let (from, to) = (abuser.key(2), abuser.key(6));
    match abuser.rng.below(3) {
        0 if from != to => abuser
            .ask(&[b"COPY", from.as_bytes(), to.as_bytes(), b"REPLACE"], |reply| reply.int() < 2),
        1 => abuser.ask(&[b"HVALS", to.as_bytes()], |reply| !reply.is_error()),
        _ => {
            let fields: Vec<String> =
                (0..50).map(|_| format!("f{}", abuser.rng.below(1000))).collect();
            set_fields(abuser, &from, &fields, (KB, 40 * KB))
        }
    }
}

fn big_field(abuser: &mut Abuser) -> io::Result<Answer> {
    let key = abuser.key(2);
    let field = format!("f{}", abuser.rng.below(20));
    match abuser.rng.below(5) {
        0 | 1 => set_fields(abuser, &key, &[field], (100 * KB, 8 * MB)),
        2 => abuser.ask(&[b"HGETALL", key.as_bytes()], are_fields),
        3 => abuser.ask(&[b"HDEL", key.as_bytes(), field.as_bytes()], |reply| reply.int() < 2),
        _ => abuser
            .ask(&[b"HGET", key.as_bytes(), field.as_bytes()], |reply| is_value_of(&field, reply)),
    }
}

/// Asks for far more than it reads, and then goes away.
fn slow_reader(abuser: &mut Abuser) -> io::Result<Answer> {
    let key = abuser.name.clone();
    let stored = abuser.ask(&[b"SET", key.as_bytes(), &value(&key, 4 * MB)], is_ok)?;
    if stored == Answer::NoRoom {
        return Ok(Answer::NoRoom);
    }
    let gets = format!("GET {key}\r\n").repeat(30);
    abuser.client.try_write_raw(gets.as_bytes())?;
    let reply = abuser.client.try_read()?;
    std::thread::sleep(Duration::from_millis(abuser.rng.below(1500) as u64));
    abuser.client = Client::connect(abuser.address)?;
    assert!(is_refusal(&reply) || is_value_of(&key, &reply), "{}", abuser.name);
    Ok(Answer::Right)
}

fn small_strings(abuser: &mut Abuser) -> io::Result<Answer> {
    let keys: Vec<String> = (0..200).map(|_| abuser.key(100_000)).collect();
    let sets: Vec<Vec<Vec<u8>>> = keys
        .iter()
        .map(|key| vec![b"SET".to_vec(), key.clone().into_bytes(), value(key, KB)])
        .collect();
    let gets: Vec<Vec<Vec<u8>>> =
        keys.iter().map(|key| vec![b"GET".to_vec(), key.clone().into_bytes()]).collect();
    assert!(abuser.client.try_pipeline(&sets)?.iter().all(is_ok));
    let replies = abuser.client.try_pipeline(&gets)?;
    for (key, reply) in keys.iter().zip(&replies) {
        assert!(*reply == Value::Bulk(value(key, KB)), "{} has {reply:?}", key);
    }
    Ok(Answer::Right)
}

fn many_arguments(abuser: &mut Abuser) -> io::Result<Answer> {
    let number = abuser.size(1000, 30_000);
    let name = abuser.name.clone();
    let is_set = abuser.rng.percent(30);
    let mut args: Vec<Vec<u8>> = vec![if is_set { b"MSET".to_vec() } else { b"DEL".to_vec() }];
    for index in 0..number {
        args.push(format!("{name}:{index}").into_bytes());
        if is_set {
            args.push(b"v".to_vec());
        }
    }
    let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
    abuser.ask(&args, |reply| if is_set { is_ok(reply) } else { !reply.is_error() })
}

fn all_keys(abuser: &mut Abuser) -> io::Result<Answer> {
    if abuser.rng.percent(50) {
        return abuser.ask(&[b"KEYS", b"*"], |reply| !reply.is_error());
    }
    abuser.ask(&[b"SCAN", b"0", b"COUNT", b"10000000"], |reply| !reply.is_error())
}
