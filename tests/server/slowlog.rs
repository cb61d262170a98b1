//! SLOWLOG and LATENCY: what was slow, and how slow commands are in general.

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

fn logging_everything() -> Server {
    let options = Options::default().set("slowlog-log-slower-than", "0");
    Server::with(options.set("slowlog-max-len", "5"))
}

#[test]
fn slowlog_keeps_the_latest_commands() {
    let server = logging_everything();
    let mut client = server.client();
    client.ok("CLIENT SETNAME me");
    client.ok("SLOWLOG RESET");
    client.ok("SET key value");
    let entries = client.run("SLOWLOG GET").items();
    // The latest first: SET, then the RESET that emptied the log.
    let entry = entries[0].items();
    assert_eq!(entry.len(), 6, "fields of an entry: {entry:?}");
    assert!(entry[0].int() > 0, "an id");
    assert!(entry[1].int() > 1_600_000_000, "a time in seconds");
    assert!(entry[2].int() >= 0, "a duration in microseconds");
    let words: Vec<String> = entry[3].items().iter().map(Value::text).collect();
    assert_eq!(words, ["SET", "key", "value"]);
    assert_eq!(entry[4].text(), client.local_address().to_string());
    assert_eq!(entry[5].text(), "me");

    for _ in 0..20 {
        client.run("PING");
    }
    assert_eq!(client.run("SLOWLOG LEN").int(), 5);
    assert_eq!(client.run("SLOWLOG GET 2").items().len(), 2);
    assert_eq!(client.run("SLOWLOG GET -1").items().len(), 5);
    client.fails("SLOWLOG GET -2", "ERR count should be greater than or equal to -1");
    let ids: Vec<i64> =
        client.run("SLOWLOG GET -1").items().iter().map(|entry| entry.items()[0].int()).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1] + 1), "ids {ids:?}");
}

#[test]
fn slowlog_cuts_what_is_long() {
    let server = logging_everything();
    let mut client = server.client();
    let mut args = vec!["MGET".to_owned()];
    args.extend((0..100).map(|i| format!("key{i}")));
    client.call(&args);
    client.call(&["ECHO", &"x".repeat(1_000)]);
    let entries = client.run("SLOWLOG GET 2").items();
    let words = |entry: &Value| entry.items()[3].items().iter().map(Value::text).collect();
    let echo: Vec<String> = words(&entries[0]);
    assert_eq!(echo[1], format!("{}... (872 more bytes)", "x".repeat(128)));
    let mget: Vec<String> = words(&entries[1]);
    assert_eq!(mget.len(), 32);
    assert_eq!(mget[31], "... (70 more arguments)");
}

#[test]
fn slowlog_can_be_off() {
    let server = Server::with(Options::default().set("slowlog-log-slower-than", "-1"));
    let mut client = server.client();
    client.ok("SET key value");
    assert_eq!(client.run("SLOWLOG LEN").int(), 0);
    client.ok("CONFIG SET slowlog-log-slower-than 0");
    client.ok("SET key value");
    // Depending on when the setting counts, the CONFIG SET itself is logged too.
    assert!(client.run("SLOWLOG LEN").int() >= 1);
}

#[test]
fn latency_histogram_counts_calls() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("CONFIG RESETSTAT");
    for _ in 0..10 {
        client.ok("SET key value");
    }
    let histogram = client.run("LATENCY HISTOGRAM set get");
    let set = histogram.field("set").expect("a histogram of SET");
    assert!(histogram.field("get").is_none(), "GET was never called");
    assert_eq!(set.field("calls"), Some(Value::Int(10)));
    let buckets = set.field("histogram_usec").expect("buckets").pairs();
    assert_eq!(buckets.last().map(|(_, count)| count.int()), Some(10), "{buckets:?}");
    let bounds: Vec<i64> = buckets.iter().map(|(bound, _)| bound.int()).collect();
    assert!(bounds.is_sorted(), "{bounds:?}");
    let resp3 = server.client3().run("LATENCY HISTOGRAM set");
    assert!(matches!(resp3, Value::Map(_)), "{resp3:?}");
    let all: Vec<String> =
        client.run("LATENCY HISTOGRAM").pairs().iter().map(|(name, _)| name.text()).collect();
    assert!(all.contains(&"config|resetstat".to_owned()), "{all:?}");
    let of_container = client.run("LATENCY HISTOGRAM config");
    assert!(of_container.field("config|resetstat").is_some(), "{of_container:?}");
}

#[test]
fn latency_events_start_empty() {
    let server = Server::start();
    let mut client = server.client();
    assert_eq!(client.run("LATENCY LATEST").items(), []);
    assert_eq!(client.run("LATENCY HISTORY command").items(), []);
    assert_eq!(client.run("LATENCY RESET").int(), 0);
    client.fails("LATENCY GRAPH nosuch", "ERR No samples available for event 'nosuch'");
    let doctor = |client: &mut Client| client.run("LATENCY DOCTOR").text();
    assert!(doctor(&mut client).contains("monitoring is disabled"));
    client.ok("CONFIG SET latency-monitor-threshold 100");
    assert!(!doctor(&mut client).contains("monitoring is disabled"));
}
