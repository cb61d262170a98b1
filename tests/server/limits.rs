//! Limits on connections: how many, how long idle, how much unread output.

use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server};

#[test]
fn one_connection_too_many_is_told_so() {
    const CLIENTS_MAX: usize = 5;
    let server = Server::with(Options::default().set("maxclients", &CLIENTS_MAX.to_string()));
    // The connection that waited for the start may still be on its way out.
    std::thread::sleep(Duration::from_millis(100));
    let mut clients: Vec<Client> = (0..CLIENTS_MAX).map(|_| server.client()).collect();
    for client in &mut clients {
        assert_eq!(client.run("PING").text(), "PONG");
    }
    server.client().assert_closes_with(b"-ERR max number of clients reached\r\n");
    let info = clients[0].run("INFO stats").text();
    assert!(info.contains("rejected_connections:1\r\n"), "{info}");
    // A place that is given up can be taken.
    clients.pop();
    let deadline = Instant::now() + Duration::from_secs(5);
    while server.client().try_ping().is_err() {
        assert!(Instant::now() < deadline, "the place stays taken");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn an_idle_connection_is_closed_after_the_timeout() {
    let server = Server::with(Options::default().set("timeout", "1"));
    let (mut idle, mut busy) = (server.client(), server.client());
    idle.run("PING");
    let start = Instant::now();
    for _ in 0..30 {
        assert_eq!(busy.run("PING").text(), "PONG");
        std::thread::sleep(Duration::from_millis(100));
    }
    idle.assert_closes_with(b"");
    assert!(start.elapsed() < Duration::from_secs(10));
    assert_eq!(busy.run("PING").text(), "PONG", "a connection that works stays");
}

#[test]
fn who_reads_slowly_is_not_idle() {
    const REPLIES: usize = 9;
    let server = Server::with(Options::default().set("timeout", "1").shards(2));
    let value = "x".repeat(4 << 20);
    for is_resp3 in [false, true] {
        server.client().call(&["SET", "big", &value]);
        let mut slow = if is_resp3 { server.client3() } else { server.client() };
        slow.write_raw("GET big\r\n".repeat(REPLIES).as_bytes());
        for reply in 0..REPLIES {
            // Longer than the timeout, as often as not.
            std::thread::sleep(Duration::from_millis(if reply == 4 { 3000 } else { 400 }));
            assert_eq!(slow.read().bytes().len(), value.len(), "reply {reply}");
        }
        assert_eq!(slow.run("PING").text(), "PONG");
        slow.assert_closes_with(b"");
    }
}

#[test]
fn who_is_held_back_by_a_pause_is_not_idle() {
    let server = Server::with(Options::default().set("timeout", "1").shards(2));
    for pause in ["CLIENT PAUSE 4000 WRITE", "CLIENT PAUSE 4000 ALL"] {
        server.client().ok(pause);
        let mut held = server.client();
        held.ok("SET k v");
        assert_eq!(held.run("GET k").text(), "v", "{pause}");
        held.assert_closes_with(b"");
    }
}

/// Nor does its client wait for it any more.
#[test]
fn a_command_held_back_by_a_pause_is_not_run_when_its_client_has_been_killed() {
    let server = Server::with(Options::default().shards(2));
    let mut client = server.client();
    client.ok("CLIENT PAUSE 60000 WRITE");
    for key in ["a", "b", "c"] {
        let mut held = server.client();
        let id = held.run("CLIENT ID").int();
        held.send(&["SET", key, "v"]);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(client.run(&format!("CLIENT KILL ID {id}")).int(), 1);
        held.assert_closes_with(b"");
    }
    client.ok("CLIENT UNPAUSE");
    client.ok("SET d v");
    assert_eq!(client.run("EXISTS a b c d").int(), 1);
}

#[test]
fn unread_output_has_a_hard_limit() {
    let limit = "normal 1048576 0 0";
    let server = Server::with(Options::default().set("client-output-buffer-limit", limit));
    let mut client = server.client();
    let value = "x".repeat(1 << 20);
    client.call(&["SET", "big", &value]);
    // Far more than the socket's buffers hold, none of it read.
    let mut lazy = server.client();
    for _ in 0..200 {
        if lazy.try_write_raw(b"GET big\r\n").is_err() {
            break;
        }
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let list = client.run("CLIENT LIST").text();
        if list.lines().count() == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "the lazy connection lives on:\n{list}");
        std::thread::sleep(Duration::from_millis(20));
    }
    // One reply larger than the limit, read at once, is no offence as long as it is under way.
    assert_eq!(client.run("STRLEN big").int(), 1 << 20);
}

#[test]
fn unread_output_has_a_soft_limit() {
    let limit = "normal 0 1048576 1";
    let server = Server::with(Options::default().set("client-output-buffer-limit", limit));
    let mut client = server.client();
    client.call(&["SET", "big", &"x".repeat(1 << 20)]);
    let mut lazy = server.client();
    for _ in 0..50 {
        lazy.write_raw(b"GET big\r\n");
    }
    std::thread::sleep(Duration::from_millis(300));
    let lines = |client: &mut Client| client.run("CLIENT LIST").text().lines().count();
    assert_eq!(lines(&mut client), 2, "closed before its time");
    let deadline = Instant::now() + Duration::from_secs(10);
    while lines(&mut client) > 1 {
        assert!(Instant::now() < deadline, "the lazy connection lives on");
        std::thread::sleep(Duration::from_millis(50));
        // redis-server looks at a soft limit when there is something more to write.
        let _ = lazy.try_write_raw(b"GET big\r\n");
    }
}

#[test]
fn a_flood_of_connections_that_come_and_go_is_survived() {
    const CONNECTIONS: usize = 500;
    let server = Server::start();
    for i in 0..CONNECTIONS {
        let mut client = server.client();
        match i % 3 {
            0 => drop(client.run("PING")),
            1 => client.write_raw(b"*3\r\n$3\r\nSET\r\n"),
            _ => {}
        }
    }
    assert_eq!(server.client().run("PING").text(), "PONG");
}
