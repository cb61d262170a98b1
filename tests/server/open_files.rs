//! Few descriptors: clients never take those that the databases need, and who does not fit is told.
//! A redis-server run by root raises even the hard limit, so these are about Basalt alone.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::common::server::{self, Options};
use crate::common::{Client, Rng, Server, env};

const PATIENCE: Duration = Duration::from_secs(60);
const TOO_MANY: &[u8] = b"-ERR max number of clients reached\r\n";

fn info(client: &mut Client, field: &str) -> String {
    let info = client.run("INFO").text();
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("{field} in {info}")).trim().to_owned()
}

fn number(client: &mut Client, field: &str) -> usize {
    info(client, field).parse().expect("a number")
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Connects idle clients until `maxclients` is reached.
fn fill(server: &Server, client: &mut Client) -> Vec<Client> {
    let clients_max = number(client, "maxclients");
    // The connection that waited for the start may still be on its way out.
    wait_until("the first connection stays", || number(client, "connected_clients") == 1);
    let mut idle: Vec<Client> = (1..clients_max).map(|_| server.client()).collect();
    idle.iter_mut().for_each(|client| assert_eq!(client.run("PING").text(), "PONG"));
    idle
}

/// Writes so much that tables are flushed and compacted, with every reply looked at. The bytes are
/// always the same, and hard to compress.
fn write_tables(client: &mut Client, megabytes: usize) {
    let mut random = Rng::new(1);
    for i in 0..megabytes * 10 {
        let (key, value) = (format!("key:{i}"), random.bytes(100_000));
        let reply = client.call(&[&b"SET"[..], key.as_bytes(), &value]);
        assert_eq!(reply.text(), "OK", "SET number {i}");
    }
}

fn open_files(server: &Server) -> usize {
    fs::read_dir(format!("/proc/{}/fd", server.pid())).expect("the server's descriptors").count()
}

fn limits(server: &Server) -> (String, String) {
    let text = fs::read_to_string(format!("/proc/{}/limits", server.pid())).expect("its limits");
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    let mut words = line.expect("the line").split_whitespace().map(str::to_owned);
    (words.next().expect("soft"), words.next().expect("hard"))
}

#[test]
fn idle_clients_up_to_the_limit_stop_no_write() {
    if server::target_is_redis() {
        return;
    }
    for limit in [280, 300, 1024] {
        let options = Options::default().open_files(limit, limit).set("write-buffer-size", "4mb");
        let server = Server::with(options);
        let mut client = server.client();
        let clients_max = number(&mut client, "maxclients");
        assert!((10..limit as usize).contains(&clients_max), "{clients_max} of {limit}");
        let log = server.log();
        for words in [
            "You requested maxclients of 10000 requiring at least ".to_owned(),
            format!(
                "Current maximum open files is {limit}. maxclients has been reduced to \
                 {clients_max} to compensate for low ulimit. If you need higher maxclients \
                 increase 'ulimit -n'."
            ),
        ] {
            assert!(log.contains(&words), "{words:?} is not in:\n{log}");
        }
        let mut idle = fill(&server, &mut client);
        let received = number(&mut client, "total_connections_received");
        server.client().assert_closes_with(TOO_MANY);
        assert_eq!(client.run("SCRUB").text(), "Background scrub started");
        write_tables(&mut client, 60);
        wait_until("the scrub does not end", || info(&mut client, "scrub_in_progress") == "0");
        server.client().assert_closes_with(TOO_MANY);
        assert_eq!(number(&mut client, "rejected_connections"), 2);
        assert_eq!(number(&mut client, "total_connections_received"), received);
        for shard in ["shard0", "shard1"] {
            let state = info(&mut client, shard);
            assert!(state.starts_with("state=ok,"), "{shard}:{state}");
        }
        assert_eq!(info(&mut client, "storage_failures"), "0");
        assert!(open_files(&server) < limit as usize, "{} are open", open_files(&server));
        idle.iter_mut().for_each(|client| assert_eq!(client.run("PING").text(), "PONG"));
    }
}

#[test]
fn the_soft_limit_is_raised_as_far_as_it_is_needed() {
    if server::target_is_redis() {
        return;
    }
    let options = Options::default().open_files(64, 4000).set("maxclients", "500");
    let server = Server::with(options);
    let (soft, hard) = limits(&server);
    let raised: usize = soft.parse().expect("a number");
    assert!((1000..4000).contains(&raised), "{raised}");
    assert_eq!(hard, "4000", "the hard limit is not the server's to change");
    let words =
        format!("Increased maximum number of open files to {soft} (it was originally set to 64).");
    assert!(server.log().contains(&words), "{}", server.log());
    assert!(!server.log().contains("maxclients has been reduced"), "{}", server.log());
    assert_eq!(info(&mut server.client(), "maxclients"), "500");
}

#[test]
fn maxclients_set_at_run_time_has_to_be_possible() {
    if server::target_is_redis() {
        return;
    }
    let server = Server::with(Options::default().open_files(64, 2000).set("maxclients", "10"));
    let mut client = server.client();
    let reply = client.run("CONFIG SET maxclients 100000 timeout 7");
    let reply = reply.text();
    let error = "ERR CONFIG SET failed (possibly related to argument 'maxclients') - The operating \
                 system is not able to handle the specified number of clients, try with ";
    let possible = reply.strip_prefix(error).unwrap_or_else(|| panic!("{reply}"));
    assert_eq!(info(&mut client, "maxclients"), "10");
    assert_eq!(client.run("CONFIG GET timeout").field("timeout").expect("it").text(), "0");
    let possible: u32 = possible.parse().expect("a number");
    assert!((500..2000).contains(&possible), "{possible}");
    client.fails(&format!("CONFIG SET maxclients {}", possible + 1), &format!("{error}{possible}"));
    client.ok(&format!("CONFIG SET maxclients {possible}"));
    assert_eq!(number(&mut client, "maxclients"), possible as usize);
    assert_eq!(limits(&server).0, "2000");
    client.ok("CONFIG SET maxclients 20");
}

#[test]
fn with_too_few_for_the_databases_the_start_is_refused() {
    if server::target_is_redis() {
        return;
    }
    let refused = |limit: u64, home: &Path| {
        let options = Options::default().open_files(limit, limit).set("maxclients", "77");
        Server::refused(options, home)
    };
    let home = server::new_home();
    let (status, log) = refused(120, &home);
    assert!(!status.success(), "{status}; log:\n{log}");
    let words = "Your current 'ulimit -n' of 120 is not enough for the server to start";
    assert!(log.contains(words), "{log}");
    let least = log.split_once("one client need ").expect("the least").1;
    let least = least.split_once('.').expect("a sentence").0.parse().expect("a number");
    assert!((121..300).contains(&least), "{least}");
    assert!(log.contains("Please increase your open file limit to at least "), "{log}");
    assert!(!refused(least - 1, &home).0.success(), "{least}");
    // What it asks for is enough.
    let options = Options::default().open_files(least, least).dir(&home.join("data"));
    let server = Server::with(options);
    let mut client = server.client();
    wait_until("no place for one client", || {
        client = server.client();
        client.try_ping().is_ok()
    });
    assert_eq!(info(&mut client, "maxclients"), "1");
    write_tables(&mut client, 5);
    drop(server);
    server::remove_home(&home);
}

#[test]
fn accepting_goes_on_calmly_when_descriptors_run_out() {
    if server::target_is_redis() {
        return;
    }
    if env::tool_or_skip("prlimit", "lowers the limit of a running process").is_none() {
        return;
    }
    let server = Server::with(Options::default().open_files(4000, 4000).set("maxclients", "100"));
    let mut client = server.client();
    client.run("PING");
    let set_soft_limit = |limit: usize| {
        let mut command = Command::new("prlimit");
        command.args(["--pid", &server.pid().to_string(), &format!("--nofile={limit}:")]);
        assert!(command.status().expect("run prlimit").success());
    };
    // Behind the server's back: no new descriptor from here on.
    set_soft_limit(10);
    let mut waiting = server.client();
    let line = "Accepting client connection";
    wait_until("nothing in the log", || server.log().contains(line));
    for _ in 0..20 {
        assert_eq!(client.run("PING").text(), "PONG");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(server.log().matches(line).count(), 1, "{}", server.log());
    assert_eq!(info(&mut client, "rejected_connections"), "0");
    set_soft_limit(4000);
    assert_eq!(waiting.run("PING").text(), "PONG", "who waited is let in");
}
