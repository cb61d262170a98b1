//! What a request meets before it runs: the order of the checks where two of them fail at once, as
//! in redis-server, and the pause that holds commands up behind all of them.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server};

/// Long enough for a reply to come, unless it waits for the end of a pause.
const SILENCE: Duration = Duration::from_millis(200);

/// The reply, or that there is none yet. After the latter the client is of no use.
fn answer(client: &mut Client, line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    client.send(&words);
    client.set_timeout(SILENCE);
    client.try_read().map_or_else(|_| "(waits)".to_owned(), |reply| format!("{reply:?}"))
}

/// What a server answers where two checks fail at once.
fn answers(server: &Server) -> Vec<(String, String)> {
    let mut admin = server.client();
    let mut answers = Vec::new();
    let mut subscriber = server.client();
    subscriber.run("SUBSCRIBE channel");
    admin.ok("CONFIG SET requirepass secret");
    let mut ask = |who: &str, client: &mut Client, line: &str| {
        answers.push((format!("{who}: {line}"), answer(client, line)));
    };
    let mut stranger = server.client();
    for line in ["NOSUCH a", "CONFIG NOSUCH", "CONFIG", "GET", "GET key", "SUBSCRIBE channel"] {
        ask("stranger", &mut stranger, line);
    }
    for line in ["NOSUCH a", "CONFIG NOSUCH", "GET", "GET key", "PING a b"] {
        ask("subscriber", &mut subscriber, line);
    }
    admin.ok("CLIENT PAUSE 100000 ALL");
    for line in ["NOSUCH", "GET", "GET key", "AUTH secret"] {
        ask("stranger in a pause", &mut stranger, line);
    }
    for line in ["GET", "GET key", "PING"] {
        ask("subscriber in a pause", &mut subscriber, line);
    }
    answers
}

#[test]
fn the_first_check_that_fails_answers() {
    let Some(redis) = Server::oracle() else { return };
    let server = Server::with(Options::default().shards(2));
    assert_eq!(answers(&server), answers(&redis));
}

#[test]
fn what_came_before_is_answered_while_a_pause_holds_a_command_up() {
    let server = Server::with(Options::default().shards(2));
    let (mut admin, mut client) = (server.client(), server.client());
    admin.ok("CLIENT PAUSE 100000 WRITE");
    client.write_raw(b"PING\r\nECHO before\r\nSET key value\r\nECHO behind\r\n");
    assert_eq!(client.read().text(), "PONG");
    assert_eq!(client.read().text(), "before");
    client.assert_silent(SILENCE);
    admin.ok("CLIENT UNPAUSE");
    assert_eq!(client.read().text(), "OK");
    assert_eq!(client.read().text(), "behind");
}

#[test]
fn publishing_and_counting_wait_as_writes_do() {
    let held_up = |server: &Server| {
        let mut admin = server.client();
        admin.ok("CLIENT PAUSE 100000 WRITE");
        let mut seen = Vec::new();
        for line in ["PUBLISH channel x", "SPUBLISH channel x", "PFCOUNT none", "GET none"] {
            let mut client = server.client();
            client.send(&line.split(' ').collect::<Vec<_>>());
            let is_answered = client.answers_within(SILENCE);
            seen.push(format!("{line}: {is_answered}"));
        }
        admin.ok("CLIENT UNPAUSE");
        seen
    };
    let Some(redis) = Server::oracle() else { return };
    assert_eq!(held_up(&Server::with(Options::default().shards(2))), held_up(&redis));
}

/// Waits until so many clients are connected.
fn await_clients(admin: &mut Client, expected: usize) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while admin.run("CLIENT LIST").text().lines().count() != expected {
        assert!(Instant::now() < deadline, "{}", admin.run("CLIENT LIST").text());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_command_held_up_by_a_pause_is_not_run_when_its_client_has_gone() {
    let server = Server::with(Options::default().shards(2));
    let mut admin = server.client();
    admin.run("PING");
    let mut behind = b"SET behind value\r\n".repeat(20_000);
    behind.splice(0..0, *b"SET many value\r\n");
    admin.ok("CLIENT PAUSE 100000 WRITE");
    for (request, is_whole_end) in [
        (b"SET gone value\r\n".as_slice(), true),
        (b"SET half value\r\n", false),
        (b"SET first value\r\nSET second value\r\nSET thi", true),
        // Much of it is still under way when the client goes.
        (behind.as_slice(), true),
    ] {
        let mut client = TcpStream::connect(server.address()).unwrap();
        client.write_all(request).unwrap();
        await_clients(&mut admin, 2);
        // It is held up by now.
        std::thread::sleep(Duration::from_millis(50));
        if !is_whole_end {
            client.shutdown(Shutdown::Write).unwrap();
            await_clients(&mut admin, 1);
        }
        drop(client);
        await_clients(&mut admin, 1);
    }
    let mut patient = server.client();
    patient.send(&["SET", "stays", "value"]);
    admin.ok("CLIENT UNPAUSE");
    assert_eq!(patient.read().text(), "OK");
    let keys = "gone half first second many behind";
    assert_eq!(admin.run(&format!("EXISTS {keys}")).int(), 0);
    assert_eq!(admin.run("DBSIZE").int(), 1);
}
