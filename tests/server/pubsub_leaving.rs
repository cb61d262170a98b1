//! Who has left a channel and was told so is counted by nobody who publishes after that, whichever
//! threads the two and the channel's home are; and what a client was counted for it gets.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::common::resp::Value;
use crate::common::server::Options;
use crate::common::{Client, Server, env};

/// Ways to leave that keep the connection: how to subscribe, how to leave, how to publish.
const WAYS: &[(&str, &str, &str)] = &[
    ("SUBSCRIBE @", "UNSUBSCRIBE @", "PUBLISH @ x"),
    ("SUBSCRIBE @", "UNSUBSCRIBE", "PUBLISH @ x"),
    ("PSUBSCRIBE @*", "PUNSUBSCRIBE @*", "PUBLISH @ x"),
    ("PSUBSCRIBE @*", "PUNSUBSCRIBE", "PUBLISH @ x"),
    ("SSUBSCRIBE @", "SUNSUBSCRIBE @", "SPUBLISH @ x"),
    ("SSUBSCRIBE @", "SUNSUBSCRIBE", "SPUBLISH @ x"),
    ("SUBSCRIBE @", "RESET", "PUBLISH @ x"),
    ("PSUBSCRIBE @*", "RESET", "PUBLISH @ x"),
];

fn rounds() -> u64 {
    env::number("BASALT_LEAVING_ROUNDS", 60)
}

/// Runs `part` while others keep the threads busy, so that turns are not empty.
fn beside_others(server: &Server, part: impl FnOnce()) {
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        for number in 0..3 {
            let (mut client, is_over) = (server.client(), &is_over);
            scope.spawn(move || {
                let set = |key| vec!["SET".to_owned(), format!("busy:{number}:{key}"), "x".into()];
                let sets: Vec<_> = (0..50).map(set).collect();
                while !is_over.load(Ordering::Relaxed) {
                    client.pipeline(&sets);
                }
            });
        }
        part();
        is_over.store(true, Ordering::Relaxed);
    });
}

fn servers() -> impl Iterator<Item = Server> {
    [1, 2, 3].into_iter().map(|shards| Server::with(Options::default().shards(shards)))
}

#[test]
fn who_was_told_that_it_has_left_is_not_counted() {
    for server in servers() {
        // On all threads.
        let mut subscribers: Vec<Client> = (0..3).map(|_| server.client()).collect();
        let mut publishers: Vec<Client> = (0..4).map(|_| server.client()).collect();
        beside_others(&server, || {
            for round in 0..rounds() as usize {
                for (number, (subscribe, leave, publish)) in WAYS.iter().enumerate() {
                    let fill = |line: &str| line.replace('@', &format!("c{}", round % 16));
                    let subscriber = &mut subscribers[round % 3];
                    subscriber.run(&fill(subscribe));
                    let publisher = &mut publishers[(round + number) % 4];
                    assert_eq!(publisher.run(&fill(publish)).int(), 1);
                    subscriber.read();
                    subscriber.run(&fill(leave));
                    assert_eq!(publisher.run(&fill(publish)).int(), 0, "{leave}, round {round}");
                }
            }
        });
    }
}

#[test]
fn who_was_told_goodbye_or_was_killed_is_not_counted() {
    for server in servers() {
        let mut publishers: Vec<Client> = (0..4).map(|_| server.client()).collect();
        beside_others(&server, || {
            for round in 0..rounds() as usize {
                let channel = format!("c{}", round % 16);
                let publisher = &mut publishers[round % 4];
                let mut subscriber = server.client();
                let id = subscriber.run("CLIENT ID").int().to_string();
                subscriber.run(&format!("SUBSCRIBE {channel}"));
                if round % 2 == 0 {
                    assert_eq!(subscriber.run("QUIT"), Value::Simple(b"OK".to_vec()));
                } else {
                    assert_eq!(publisher.call(&["CLIENT", "KILL", "ID", &id]).int(), 1);
                }
                assert_eq!(publisher.call(&["PUBLISH", &channel, "x"]).int(), 0, "round {round}");
            }
        });
    }
}

fn is_message(value: &Value) -> bool {
    matches!(value, Value::Array(items) if items[0].text() == "message")
}

/// The only subscriber of a channel comes and goes while others publish: every time that it was
/// counted it gets the message, before it is told that it has left.
#[test]
fn who_is_counted_gets_the_message() {
    for server in servers() {
        let is_over = AtomicBool::new(false);
        let (counted, received) = thread::scope(|scope| {
            let publishers: Vec<_> = (0..3)
                .map(|_| {
                    let (mut client, is_over) = (server.client(), &is_over);
                    scope.spawn(move || {
                        let mut counted = 0;
                        while !is_over.load(Ordering::Relaxed) {
                            counted += client.run("PUBLISH news x").int();
                        }
                        counted
                    })
                })
                .collect();
            let mut subscriber = server.client();
            let mut received = 0;
            for round in 0..rounds() * 4 {
                let [come, go] = match round % 2 {
                    0 => ["SUBSCRIBE news", "UNSUBSCRIBE news"],
                    _ => ["SUBSCRIBE news", "RESET"],
                };
                subscriber.run(come);
                subscriber.send(&go.split(' ').collect::<Vec<_>>());
                while is_message(&subscriber.read()) {
                    received += 1;
                }
            }
            is_over.store(true, Ordering::Relaxed);
            let counted: i64 =
                publishers.into_iter().map(|publisher| publisher.join().expect("a count")).sum();
            (counted, received)
        });
        assert_eq!(counted, received);
    }
}
