//! INFO: every section and field that redis-server 7.0 prints is there, and the ones that a test
//! can know the truth of are true.

use std::collections::BTreeMap;

use crate::common::server::Options;
use crate::common::{Client, Server};

/// Fields of redis-server that Basalt has no counterpart of, and why.
const ABSENT: &[(&str, &str)] = &[];

/// Fields that appear only in some situations, each by its prefix.
const SITUATIONAL: &[&str] = &["cmdstat_", "errorstat_", "latency_percentiles_usec_", "db"];

/// Sections with their fields, in order.
fn sections(info: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut sections = BTreeMap::new();
    let mut name = String::new();
    for line in info.lines().filter(|line| !line.is_empty()) {
        if let Some(title) = line.strip_prefix("# ") {
            name = title.to_owned();
            sections.insert(name.clone(), Vec::new());
        } else {
            let (field, value) = line.split_once(':').unwrap_or_else(|| panic!("line {line:?}"));
            let section = sections.get_mut(&name).unwrap_or_else(|| panic!("no title: {line}"));
            section.push((field.to_owned(), value.to_owned()));
        }
    }
    sections
}

fn info(client: &mut Client, section: &str) -> BTreeMap<String, String> {
    let text = client.run(&format!("INFO {section}")).text();
    sections(&text).into_values().flatten().collect()
}

#[test]
fn every_section_and_field_of_redis_is_there() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    for request in ["INFO", "INFO everything", "INFO all"] {
        let ours = sections(&target.client().run(request).text());
        let mut missing = Vec::new();
        for (section, fields) in sections(&oracle.client().run(request).text()) {
            let Some(have) = ours.get(&section) else {
                missing.push(format!("# {section}"));
                continue;
            };
            for (field, _) in fields {
                let excepted = ABSENT.iter().any(|(absent, _)| *absent == field)
                    || SITUATIONAL.iter().any(|prefix| field.starts_with(prefix));
                if !excepted && !have.iter().any(|(name, _)| *name == field) {
                    missing.push(format!("{section}: {field}"));
                }
            }
        }
        assert!(missing.is_empty(), "missing from {request}:\n{}", missing.join("\n"));
    }
}

#[test]
fn sections_are_chosen_by_name() {
    let server = Server::start();
    let mut client = server.client();
    let titles = |line: &str, client: &mut Client| {
        sections(&client.run(line).text()).into_keys().collect::<Vec<String>>()
    };
    assert_eq!(titles("INFO server", &mut client), ["Server"]);
    assert_eq!(titles("INFO SERVER memory", &mut client), ["Memory", "Server"]);
    assert_eq!(titles("INFO nosuch", &mut client), [""; 0]);
    let default = titles("INFO", &mut client);
    assert_eq!(titles("INFO default", &mut client), default);
    assert!(!default.contains(&"Commandstats".to_owned()), "{default:?}");
    assert!(titles("INFO all", &mut client).contains(&"Commandstats".to_owned()));
    // Lines end as Redis's do, and sections are apart by an empty line.
    let text = client.run("INFO server clients").text();
    assert!(text.starts_with("# Server\r\n"), "{text}");
    assert!(text.contains("\r\n\r\n# Clients\r\n"), "{text}");
}

#[test]
fn numbers_are_true() {
    let server = Server::start();
    let mut client = server.client();
    let others: Vec<Client> = (0..3).map(|_| server.client()).collect();
    for mut other in others.into_iter().chain([server.client()]).take(3).collect::<Vec<_>>() {
        other.run("PING");
        // Dropped here: the count below must notice.
    }
    client.ok("SET string value");
    client.ok("SET volatile value EX 1000");
    client.run("HSET hash field value");
    client.ok("SELECT 4");
    client.ok("SET other value");
    client.run("GET other");
    client.run("GET absent");
    client.run("HGET other field");

    let all = info(&mut client, "everything");
    let field = |name: &str| all.get(name).unwrap_or_else(|| panic!("no {name}")).as_str();
    assert_eq!(field("process_id"), server.pid().to_string());
    assert_eq!(field("tcp_port"), server.port.to_string());
    assert_eq!(field("redis_mode"), "standalone");
    assert_eq!(field("role"), "master");
    assert_eq!(field("arch_bits"), "64");
    assert_eq!(field("run_id").len(), 40);
    assert_eq!(field("loading"), "0");
    assert_eq!(field("maxclients"), "10000");
    assert_eq!(field("keyspace_misses"), "1");
    assert_eq!(field("cmdstat_set").split(',').next(), Some("calls=3"));
    assert!(field("cmdstat_hget").contains("failed_calls=1"), "{}", field("cmdstat_hget"));
    assert_eq!(field("errorstat_WRONGTYPE"), "count=1");
    assert!(field("db0").starts_with("keys=3,expires=1,avg_ttl="), "{}", field("db0"));
    assert!(field("db4").starts_with("keys=1,expires=0,avg_ttl=0"), "{}", field("db4"));
    assert!(!all.contains_key("db1"), "an empty database has no line");
    let used: u64 = field("used_memory").parse().expect("used_memory is a number");
    assert!(used > 0);
    let version = field("redis_version");
    assert!(version.starts_with("7."), "version {version}");
}

#[test]
fn connected_clients_follows_connections() {
    let server = Server::start();
    let mut client = server.client();
    let connected = |client: &mut Client| info(client, "clients")["connected_clients"].clone();
    // The connection that waited for the start may still be on its way out.
    wait_for("1", || connected(&mut client));
    let others: Vec<Client> = (0..5).map(|_| server.client()).collect();
    wait_for("6", || connected(&mut client));
    drop(others);
    wait_for("1", || connected(&mut client));
}

fn wait_for(expected: &str, mut look: impl FnMut() -> String) {
    const LOOKS_MAX: usize = 200;
    let mut seen = String::new();
    for _ in 0..LOOKS_MAX {
        seen = look();
        if seen == expected {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("expected {expected}, still {seen}");
}

#[test]
fn avg_ttl_is_how_long_keys_have_to_live() {
    for shards in [1, 2] {
        let server = Server::with(Options::default().shards(shards));
        let mut client = server.client();
        let mean = |client: &mut Client, db: &str| -> i64 {
            let keyspace = info(client, "keyspace");
            let line = keyspace.get(db).unwrap_or_else(|| panic!("no {db}"));
            line.rsplit('=').next().expect("a value").parse().expect("a number")
        };
        let set = |keys: usize| -> Vec<Vec<String>> {
            let line = |key| format!("SET key{key} v EX 1000");
            (0..keys).map(|key| line(key).split(' ').map(str::to_owned).collect()).collect()
        };
        client.pipeline(&set(100));
        for key in 0..100 {
            client.ok(&format!("SET forever{key} v"));
        }
        let found = mean(&mut client, "db0");
        assert!((940_000..=1_000_000).contains(&found), "{found}");
        // So many that only a sample of them is looked at.
        client.pipeline(&set(5_000));
        let found = mean(&mut client, "db0");
        assert!((940_000..=1_000_000).contains(&found), "{found}");
        client.ok("SELECT 1");
        client.ok("SET a v EX 100");
        client.ok("SET b v EX 300");
        let found = mean(&mut client, "db1");
        assert!((140_000..=200_000).contains(&found), "{found}");
        client.ok("SELECT 2");
        client.ok("SET a v");
        assert_eq!(mean(&mut client, "db2"), 0);
    }
}

#[test]
fn blocked_clients_are_those_that_a_pause_holds_up() {
    let server = Server::start();
    let (mut client, mut held) = (server.client(), server.client());
    held.run("PING");
    client.ok("CLIENT PAUSE 60000 WRITE");
    held.send(&["SET", "key", "value"]);
    wait_for("1", || info(&mut client, "clients")["blocked_clients"].clone());
    let list = client.run("CLIENT LIST").text();
    assert!(list.lines().any(|line| line.contains("flags=b ")), "{list}");
    client.ok("CLIENT UNPAUSE");
    assert_eq!(held.read().text(), "OK");
    wait_for("0", || info(&mut client, "clients")["blocked_clients"].clone());
}
