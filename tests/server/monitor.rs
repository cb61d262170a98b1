//! MONITOR: every command of every connection, as it was sent, and no secret among them.

use std::time::Duration;

use crate::common::server::Options;
use crate::common::{Client, Server};

/// The next line without the time, address and database in front.
fn next(client: &mut Client) -> (String, String) {
    let line = client.read().text();
    let (head, command) = line.split_once("] ").unwrap_or_else(|| panic!("line {line}"));
    let (time, source) = head.split_once(" [").unwrap_or_else(|| panic!("line {line}"));
    let (seconds, micros) = time.split_once('.').unwrap_or_else(|| panic!("line {line}"));
    assert!(seconds.len() == 10 && micros.len() == 6, "the time of {line}");
    (source.to_owned(), command.to_owned())
}

#[test]
fn monitor_shows_what_others_do() {
    let server = Server::start();
    let (mut monitor, mut client) = (server.client(), server.client());
    monitor.ok("MONITOR");
    client.ok("SELECT 9");
    client.call(&[b"SET".as_slice(), b"key", b"a \"b\"\\\r\n\x00\xff"]);
    client.run("get key");
    let address = client.local_address();
    assert_eq!(next(&mut monitor).1, "\"SELECT\" \"9\"");
    let (source, command) = next(&mut monitor);
    assert_eq!(source, format!("9 {address}"));
    assert_eq!(command, r#""SET" "key" "a \"b\"\\\r\n\x00\xff""#);
    assert_eq!(next(&mut monitor).1, "\"get\" \"key\"");
}

#[test]
fn monitor_keeps_secrets_and_administration_to_itself() {
    let server = Server::start();
    let (mut monitor, mut client) = (server.client(), server.client());
    monitor.ok("MONITOR");
    client.run("AUTH default secret");
    client.run("HELLO 3 AUTH default secret");
    client.run("CONFIG GET port");
    client.run("nosuch command");
    client.run("PING");
    for _ in 0..3 {
        let (_, command) = next(&mut monitor);
        assert!(!command.contains("secret"), "{command}");
        if command == "\"PING\"" {
            monitor.assert_silent(Duration::from_millis(50));
            return;
        }
    }
    panic!("PING was not shown");
}

#[test]
fn reset_ends_monitor() {
    let server = Server::start();
    let (mut monitor, mut client) = (server.client(), server.client());
    monitor.ok("MONITOR");
    client.run("PING");
    assert_eq!(next(&mut monitor).1, "\"PING\"");
    monitor.send(&["RESET"]);
    assert_eq!(monitor.read().text(), "RESET");
    client.run("PING");
    monitor.assert_silent(Duration::from_millis(50));
    assert_eq!(monitor.run("PING").text(), "PONG");
}

/// Ten of them, and a client that makes lines faster than other threads take them.
#[test]
fn monitors_that_read_nothing_take_no_more_memory_than_clients_may() {
    let server = Server::with(Options::default().set("maxmemory", "96mb").shards(2));
    let mut monitors: Vec<Client> = (0..10).map(|_| server.client()).collect();
    for monitor in &mut monitors {
        monitor.ok("MONITOR");
    }
    let mut client = server.client();
    let echo = vec![vec!["ECHO".to_owned(), "x".repeat(500)]; 10_000];
    for _ in 0..8 {
        assert_eq!(client.pipeline(&echo).len(), echo.len());
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak_kb: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak_kb >> 10 < 2 * 96, "{peak}");
    assert!(server.log().contains("closed: it does not read"));
}
