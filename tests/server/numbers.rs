//! Numbers in replies fit into what clients keep them in: a double has 53 bits.

use crate::common::server::Options;
use crate::common::{Server, Value};

/// The largest number up to which a double tells all from each other.
const EXACT_MAX: u64 = 1 << 53;

/// Every run of digits in a reply, of texts too.
fn numbers(value: &Value, found: &mut Vec<u64>) {
    match value {
        Value::Int(number) => found.push(number.unsigned_abs()),
        Value::Array(items) | Value::Set(items) => items.iter().for_each(|it| numbers(it, found)),
        Value::Map(pairs) => pairs.iter().for_each(|(key, value)| {
            numbers(key, found);
            numbers(value, found);
        }),
        Value::Bulk(_) | Value::Simple(_) | Value::Verbatim(_) => {
            // Digits behind a point are no whole number, and identifiers have letters in them.
            let text = value.text();
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '.'));
            found.extend(words.filter_map(|word| word.parse::<u64>().ok()));
        }
        _ => {}
    }
}

#[test]
fn no_number_of_the_server_passes_what_a_double_holds() {
    for shards in [1, 2] {
        let server = Server::with(Options::default().shards(shards));
        let mut client = server.client3();
        for key in 0..500 {
            client.ok(&format!("SET key:{key} {key} EX 1000"));
        }
        client.ok("CONFIG SET slowlog-log-slower-than 0");
        client.run("GET key:1");
        for line in [
            "INFO everything",
            "INFO hotkeys",
            "MEMORY STATS",
            "MEMORY USAGE key:1",
            "OBJECT REFCOUNT key:7",
            "OBJECT IDLETIME key:7",
            "CONFIG GET *",
            "CLIENT ID",
            "CLIENT LIST",
            "CLIENT TRACKINGINFO",
            "SLOWLOG GET",
            "SLOWLOG LEN",
            "LATENCY HISTOGRAM",
            "LATENCY LATEST",
            "COMMAND DOCS",
            "COMMAND",
            "HELLO 3",
            "ROLE",
            "LASTSAVE",
            "TIME",
            "PEXPIRETIME key:1",
            "SCAN 0",
        ] {
            let mut found = Vec::new();
            numbers(&client.run(line), &mut found);
            let largest = found.iter().max().copied().unwrap_or(0);
            assert!(largest < EXACT_MAX, "{line}: {largest}");
        }
    }
}
