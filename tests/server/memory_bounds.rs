//! What a client may ask for at once has a bound, however small its parts are: keys of a whole
//! database, arguments by the thousand, one thing named again and again. What does not fit beside
//! others waits; what never will is an error.

use crate::common::resp::encode_request;
use crate::common::server::Options;
use crate::common::{Client, Server, Value};

const MB: u64 = 1 << 20;

const REPLY_TOO_LONG: &str = "ERR the reply does not fit the memory for clients (maxmemory)";
const REQUEST_TOO_LONG: &[u8] =
    b"-ERR the request does not fit the memory for clients (maxmemory-clients, maxmemory)\r\n";

/// The most that the process has had in memory.
fn peak_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid()));
    let status = status.expect("the status of the server");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kb = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kb.expect("a number of kB") << 10
}

/// Runs something in so many clients at once.
fn at_once(server: &Server, clients: usize, run: impl Fn(usize, &mut Client) + Sync) {
    std::thread::scope(|scope| {
        for number in 0..clients {
            let (run, mut client) = (&run, server.client());
            scope.spawn(move || run(number, &mut client));
        }
    });
}

fn words(first: &[&str], number: usize, part: impl Fn(usize) -> Vec<String>) -> Vec<String> {
    let first = first.iter().map(|word| (*word).to_owned());
    first.chain((0..number).flat_map(part)).collect()
}

#[test]
fn keys_of_a_whole_database_have_a_bound() {
    const KEYS: usize = 60_000;
    let server = Server::with(Options::default().set("maxmemory", "96mb").shards(2));
    let mut client = server.client();
    let tail = "k".repeat(270);
    for first in (0..KEYS).step_by(2000) {
        let sets: Vec<Vec<String>> = (first..first + 2000)
            .map(|number| vec!["SET".into(), format!("{}:{number}:{tail}", number % 2), "v".into()])
            .collect();
        assert!(client.pipeline(&sets).iter().all(|reply| reply.text() == "OK"));
    }
    client.fails("KEYS *", REPLY_TOO_LONG);
    client.fails("SCAN 0 COUNT 10000000", REPLY_TOO_LONG);
    assert_eq!(client.run("KEYS *:4711:*").items().len(), 1);
    assert_eq!(client.run("SCAN 0 MATCH *:4711:* COUNT 10000000").items()[1].items().len(), 1);
    // Half of them fit, but not for everybody at the same time.
    at_once(&server, 16, |number, client| {
        let keys = match number % 2 {
            0 => client.run("KEYS 0:*").items(),
            _ => client.run("SCAN 0 MATCH 1:* COUNT 10000000").items()[1].items(),
        };
        assert_eq!(keys.len(), KEYS / 2);
    });
    let peak = peak_bytes(&server);
    assert!(peak < 2 * 96 * MB, "{} MB", peak / MB);
}

#[test]
fn commands_of_many_arguments_wait_for_each_other() {
    const KEYS: usize = 8_000;
    let server = Server::with(Options::default().set("maxmemory", "96mb").shards(2));
    let pairs = |client: usize| move |i| vec![format!("{client}:{i}"), "v".to_owned()];
    let keys = |client: usize| move |i| vec![format!("{client}:{i}")];
    let count = KEYS as i64;
    at_once(&server, 32, |number, client| {
        assert_eq!(client.call(&words(&["MSET"], KEYS, pairs(number))).text(), "OK");
        let hash = format!("hash:{number}");
        assert_eq!(client.call(&words(&["HSET", &hash], KEYS, pairs(number))).int(), count);
        assert_eq!(client.call(&words(&["DEL"], 2 * KEYS, keys(number))).int(), count);
    });
    let peak = peak_bytes(&server);
    assert!(peak < 2 * 96 * MB, "{} MB", peak / MB);
}

/// Whether it comes whole, in pieces or as a line, and before all of it has come.
#[test]
fn a_command_of_too_many_arguments_is_refused() {
    let server = Server::with(Options::default().set("maxmemory", "64mb").shards(2));
    let request = encode_request(&words(&["DEL"], 30_000, |_| vec!["k".to_owned()]));
    let line = format!("DEL{}\r\n", " k".repeat(30_000));
    for request in [&request[..], &request[..100_000], line.as_bytes()] {
        let mut client = server.client();
        let _ = client.try_write_raw(request);
        client.assert_closes_with(REQUEST_TOO_LONG);
    }
    let mut client = server.client();
    client.ok("SET k 1");
    // What came before is answered.
    let _ = client.try_write_raw(&[b"GET k\r\n", &request[..]].concat());
    client.assert_closes_with(&[b"$1\r\n1\r\n", REQUEST_TOO_LONG].concat());
    // More memory for clients, more arguments.
    server.client().ok("CONFIG SET maxmemory-clients 32mb");
    let mut client = server.client();
    client.write_raw(&request);
    assert_eq!(client.read(), Value::Int(1));
}

#[test]
fn one_thing_named_again_and_again_has_a_bound() {
    let server = Server::with(Options::default().set("maxmemory", "32mb").shards(1));
    let mut client = server.client();
    let error = Value::Error(REPLY_TOO_LONG.as_bytes().to_vec());
    client.ok(&format!("CLIENT SETNAME {}", "n".repeat(4096)));
    client.fails(
        &format!("CLIENT SETNAME {}", "n".repeat(4097)),
        "ERR Client names cannot be longer than 4096 bytes.",
    );
    let id = client.run("CLIENT ID").int().to_string();
    let ids = words(&["CLIENT", "LIST", "ID"], 2000, |_| vec![id.clone()]);
    let docs = words(&["COMMAND", "DOCS"], 4000, |_| vec!["set".to_owned()]);
    client.call(&["SET".to_owned(), "k".to_owned(), "v".repeat(10_000)]);
    let values = words(&["MGET"], 2000, |_| vec!["k".to_owned()]);
    for command in [ids, docs, values] {
        assert_eq!(client.call(&command), error, "{}", command[0]);
        assert_eq!(client.run("PING").text(), "PONG");
    }
}
