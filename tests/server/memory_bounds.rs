//! What a client may ask for at once has a bound, however small its parts are: keys of a whole
//! database, one thing named again and again. What does not fit beside others waits; what never
//! will is an error.

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

const MB: u64 = 1 << 20;

const REPLY_TOO_LONG: &str = "ERR the reply does not fit the memory for clients (maxmemory)";

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
