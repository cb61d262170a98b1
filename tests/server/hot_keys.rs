//! What the server tells of the use of keys: OBJECT FREQ and OBJECT IDLETIME as redis-server does,
//! `redis-cli --hotkeys`, and INFO's own table.

use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::env::tool_or_skip;
use crate::common::resp::Value;
use crate::common::server::Options;
use crate::common::{Client, Server};

/// Counts every use, so that nothing is left to chance. With `maxmemory` redis-server has no
/// values that several keys share, and whose uses it counts together.
fn counting() -> Options {
    Options::default()
        .set("maxmemory", "512mb")
        .set("maxmemory-policy", "allkeys-lfu")
        .set("lfu-log-factor", "0")
}

#[test]
fn uses_are_counted_as_by_redis() {
    let Some(oracle) = Server::oracle_with(counting()) else { return };
    let server = Server::with(counting().shards(1));
    let (mut expected, mut client) = (oracle.client(), server.client());
    for line in [
        "SET a 1",
        "GET a",
        "GET a",
        "STRLEN a",
        "SET a 2",
        "INCR a",
        "APPEND a x",
        "GETRANGE a 0 1",
        "TTL a",
        "EXPIRE a 1000",
        "PERSIST a",
        "TYPE a",
        "EXISTS a a",
        "TOUCH a",
        "OBJECT ENCODING a",
        "MGET a a nosuch",
        "HSET h f 1",
        "HGET h f",
        "HINCRBY h f 3",
        "HGETALL h",
        "HEXISTS h f",
        "HLEN h",
        "COPY a b",
        "GETDEL b",
        "SET b 1",
        "SETBIT a 3 1",
        "GETBIT a 3",
        "MEMORY USAGE a",
    ] {
        expected.run(line);
        client.run(line);
        for key in ["a", "b", "h"] {
            let question = format!("OBJECT FREQ {key}");
            assert_eq!(client.run(&question), expected.run(&question), "{key} after {line}");
        }
    }
}

#[test]
fn the_policy_can_change() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("SET a 1");
    let not_lfu = "ERR An LFU maxmemory policy is not selected";
    assert!(client.run("OBJECT FREQ a").text().starts_with(not_lfu));
    client.ok("CONFIG SET maxmemory-policy volatile-lfu lfu-log-factor 0");
    for _ in 0..20 {
        client.run("GET a");
    }
    assert_eq!(client.run("OBJECT FREQ a"), Value::Int(25));
    assert!(client.run("OBJECT IDLETIME a").text().starts_with("ERR An LFU maxmemory policy is"));
    client.ok("CONFIG SET maxmemory-policy allkeys-lru");
    sleep(Duration::from_millis(2100));
    let idle_s = client.run("OBJECT IDLETIME a");
    assert!(matches!(idle_s, Value::Int(1..)), "{idle_s:?}");
}

fn use_hot_key(client: &mut Client) {
    let gets: Vec<Vec<String>> = (0..2000)
        .map(|number| match number % 2 {
            0 => vec!["GET".into(), "hot \"key\"\n".into()],
            _ => vec!["GET".into(), format!("cold {}", number % 400)],
        })
        .collect();
    client.pipeline(&gets);
}

#[test]
fn redis_cli_finds_the_hot_key() {
    let needed = "redis-cli asks for the hottest keys";
    let Some(program) = tool_or_skip("redis-cli", needed) else { return };
    let server = Server::with(Options::default().set("maxmemory-policy", "allkeys-lfu").shards(2));
    let mut client = server.client();
    for number in 0..400 {
        client.call(&["SET".to_owned(), format!("cold {number}"), "x".to_owned()]);
    }
    client.call(&["SET", "hot \"key\"\n", "x"]);
    use_hot_key(&mut client);
    let port = server.address().port().to_string();
    let output = Command::new(program).args(["-p", &port, "--hotkeys"]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}");
    let (_, summary) = text.split_once("summary").unwrap_or_else(|| panic!("{text}"));
    let first = summary.lines().find(|line| line.starts_with("hot key found with counter:"));
    let first = first.unwrap_or_else(|| panic!("{text}"));
    assert!(first.contains(r#"keyname: "hot \"key\"\n""#) || first.contains("hot "), "{text}");
    assert!(!first.contains("cold"), "{text}");
}

#[test]
fn info_tells_the_hot_keys_to_who_asks_for_them() {
    let server = Server::with(Options::default().shards(2));
    let mut client = server.client();
    client.ok("SELECT 3");
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        use_hot_key(&mut client);
        let info = client.run("INFO hotkeys").text();
        // Keys that are not there are used, too.
        let found = info.lines().any(|line| {
            line.starts_with("hotkey0:db=3,") && line.ends_with(r#",key="hot \"key\"\n""#)
        });
        if found {
            break;
        }
        assert!(Instant::now() < deadline, "{info}");
    }
    for section in ["", "all", "everything", "default"] {
        let info = client.run(format!("INFO {section}").trim()).text();
        assert!(!info.contains("Hotkeys") && !info.contains("hot "), "{section}");
    }
}
