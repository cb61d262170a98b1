//! Events of keys (`notify-keyspace-events`): who has subscribed hears what happens, in the order
//! in which it happens, when it happens, and nobody else pays for it. That the events are those of
//! redis-server is shown by `tests/differential/events.rs`.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use crate::common::resp::Value;
use crate::common::server::Options;
use crate::common::{Client, Rng, Server, rng};

const ALL_EVENTS: &str = "__key*@*__:*";

fn server(shards: usize, appendfsync: &str) -> Server {
    let options = Options::default().shards(shards).appendfsync(appendfsync);
    Server::with(options.set("notify-keyspace-events", "KEAnm").set("enable-debug-command", "yes"))
}

fn subscriber(server: &Server, pattern: &str) -> Client {
    let mut subscriber = server.client();
    subscriber.run(&format!("PSUBSCRIBE {pattern}"));
    subscriber
}

/// The next message, as its channel and what it says.
fn next(subscriber: &mut Client) -> (String, String) {
    message_of(&subscriber.read_any().expect("a message"))
}

fn message_of(message: &Value) -> (String, String) {
    match message.items().as_slice() {
        [_, _, channel, payload] => (channel.text(), payload.text()),
        _ => panic!("no message of a pattern: {message:?}"),
    }
}

/// So many messages, those of each channel in order.
fn by_channel(subscriber: &mut Client, count: usize) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for _ in 0..count {
        let (channel, payload) = next(subscriber);
        all.entry(channel).or_default().push(payload);
    }
    all
}

/// The events that were told of each key of a database, after a script.
fn events_after(shards: usize, appendfsync: &str, script: &[&str]) -> Vec<(String, String)> {
    let server = server(shards, appendfsync);
    let mut subscriber = subscriber(&server, "__keyspace@*__:*");
    let mut client = server.client();
    for line in script {
        client.run(line);
    }
    // Behind everything that the script has told.
    client.run("SET end 1");
    let mut told: BTreeMap<String, Vec<String>> = BTreeMap::new();
    loop {
        let (channel, event) = next(&mut subscriber);
        if channel == "__keyspace@0__:end" {
            if event == "set" {
                break;
            }
            continue;
        }
        told.entry(channel.trim_start_matches("__keyspace@").to_owned()).or_default().push(event);
    }
    // Over several shards the last key may overtake others.
    subscriber.set_timeout(Duration::from_millis(300));
    while let Ok(message) = subscriber.read_any() {
        let (channel, event) = message_of(&message);
        told.entry(channel.trim_start_matches("__keyspace@").to_owned()).or_default().push(event);
    }
    told.into_iter().map(|(channel, events)| (channel, events.join(" "))).collect()
}

fn check(script: &[&str], expected: &[(&str, &str)]) {
    for (shards, appendfsync) in [(1, "no"), (2, "no"), (3, "always")] {
        let told = events_after(shards, appendfsync, script);
        let told: Vec<(&str, &str)> =
            told.iter().map(|(channel, events)| (channel.as_str(), events.as_str())).collect();
        assert_eq!(told, expected, "{shards} shards, {appendfsync}: {script:?}");
    }
}

#[test]
fn every_command_tells_what_it_did() {
    check(
        &[
            "SET a 1",
            "INCR a",
            "DECRBY a 2",
            "INCRBYFLOAT a 0.5",
            "APPEND a x",
            "SETRANGE a 1 y",
            "EXPIRE a 100",
            "PERSIST a",
            "GETEX a EX 100",
            "GETEX a PERSIST",
            "SETBIT a 0 1",
            "GETSET a 1",
            "SETEX a 100 v",
            "EXPIRE a -1",
            "HSET h f 1 g 2",
            "HINCRBY h f 1",
            "HINCRBYFLOAT h g 1",
            "HSETNX h g 3",
            "HDEL h f",
            "HDEL h g",
            "GETDEL nothing",
            "BITOP NOT bits nothing2",
        ],
        &[
            (
                "0__:a",
                "new set incrby incrby incrbyfloat append setrange expire persist expire persist \
                 setbit set set expire del",
            ),
            ("0__:h", "new hset hincrby hincrbyfloat hdel hdel del"),
            ("0__:nothing", "keymiss"),
            ("0__:nothing2", "keymiss"),
        ],
    );
}

#[test]
fn commands_over_shards_and_databases_tell_as_well() {
    check(
        &[
            "MSET a 1 b 2 c 3 d 4",
            "RENAME a e",
            "RENAME b c",
            "COPY c f",
            "MOVE d 5",
            "MGET a b",
            "DEL c e f none",
        ],
        &[
            ("0__:a", "new set rename_from keymiss"),
            ("0__:b", "new set rename_from keymiss"),
            ("0__:c", "new set new rename_to del"),
            ("0__:d", "new set move_from"),
            ("0__:e", "new rename_to del"),
            ("0__:f", "new copy_to del"),
            ("5__:d", "new move_to"),
        ],
    );
}

#[test]
fn emptying_and_swapping_databases_tell_of_no_key_and_numbers_follow() {
    check(
        &[
            "SET a 1",
            "SWAPDB 0 3",
            "SET a 1",
            "SELECT 3",
            "SET a 2",
            "FLUSHDB",
            "SET a 3",
            "FLUSHALL",
            "SELECT 0",
        ],
        &[("0__:a", "new set new set"), ("3__:a", "set new set")],
    );
}

#[test]
fn a_key_expires_when_it_is_due_and_nobody_looks() {
    const LIFETIMES_MS: [u64; 4] = [50, 150, 300, 301];
    for (shards, appendfsync) in [(1, "no"), (2, "always")] {
        let server = server(shards, appendfsync);
        let mut subscriber = subscriber(&server, "__keyevent@9__:expired");
        let mut client = server.client();
        client.run("SELECT 3");
        client.run("SWAPDB 3 9");
        client.run("SELECT 9");
        let now =
            SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a time").as_millis();
        let start = Instant::now();
        for lifetime in LIFETIMES_MS {
            client.run(&format!("SET key{lifetime} v PXAT {}", now as u64 + lifetime));
        }
        for lifetime in LIFETIMES_MS {
            assert_eq!(next(&mut subscriber).1, format!("key{lifetime}"));
            let after = start.elapsed().as_millis() as u64;
            assert!(after + 2 >= lifetime && after < lifetime + 2_000, "{lifetime}: {after}");
        }
        subscriber.assert_silent(Duration::from_millis(100));
    }
}

#[test]
fn who_writes_over_a_key_that_is_due_tells_first_that_it_has_expired() {
    let server = server(1, "no");
    let mut subscriber = subscriber(&server, "__keyspace@*__:*");
    let mut client = server.client();
    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    client.run("PSETEX a 1 v");
    client.run("HSET h f v");
    client.run("PEXPIRE h 1");
    thread::sleep(Duration::from_millis(20));
    client.run("INCR a");
    client.run("HSET h f v");
    client.run("SET past v PXAT 1");
    let told = by_channel(&mut subscriber, 16);
    assert_eq!(told["__keyspace@0__:a"], ["new", "set", "expire", "expired", "new", "incrby"]);
    assert_eq!(told["__keyspace@0__:h"], ["new", "hset", "expire", "expired", "new", "hset"]);
    assert_eq!(told["__keyspace@0__:past"], ["new", "set", "expire", "expired"]);
}

#[test]
fn messages_come_in_both_protocols() {
    let server = server(2, "no");
    for protocol in [2, 3] {
        let mut subscriber = server.client();
        subscriber.run(&format!("HELLO {protocol}"));
        subscriber.send(&["SUBSCRIBE", "__keyevent@0__:hset"]);
        subscriber.read_any().expect("it has subscribed");
        server.client().run("HSET h f v");
        let message = subscriber.read_any().expect("a message");
        let parts = vec![
            Value::Bulk(b"message".to_vec()),
            Value::Bulk(b"__keyevent@0__:hset".to_vec()),
            Value::Bulk(b"h".to_vec()),
        ];
        let expected = if protocol == 3 { Value::Push(parts) } else { Value::Array(parts) };
        assert_eq!(message, expected);
    }
}

#[test]
fn the_setting_says_what_is_told() {
    let server = Server::with(Options::default().shards(2));
    let mut subscriber = subscriber(&server, ALL_EVENTS);
    let mut client = server.client();
    client.run("SET a 1");
    client.ok("CONFIG SET notify-keyspace-events Eg$");
    client.run("SET a 2");
    client.run("HSET h f v");
    client.run("DEL h");
    assert_eq!(next(&mut subscriber), ("__keyevent@0__:set".to_owned(), "a".to_owned()));
    assert_eq!(next(&mut subscriber), ("__keyevent@0__:del".to_owned(), "h".to_owned()));
    client.ok("CONFIG SET notify-keyspace-events Kh");
    client.run("SET a 3");
    client.run("HSET h f v");
    assert_eq!(next(&mut subscriber), ("__keyspace@0__:h".to_owned(), "hset".to_owned()));
    // Neither channel: nothing at all.
    client.ok("CONFIG SET notify-keyspace-events Ah");
    client.run("HSET h f v");
    client.run("CONFIG SET notify-keyspace-events \"\"");
    subscriber.assert_silent(Duration::from_millis(200));
}

/// INCR and INCRBYFLOAT by one: the reply is the number of the change.
#[test]
fn events_of_a_key_come_in_the_order_of_its_values() {
    const WRITERS: usize = 6;
    const CHANGES: usize = 400;
    let seed = rng::seed("BASALT_EVENTS_SEED");
    for (shards, appendfsync) in [(1, "no"), (2, "no"), (2, "always")] {
        let server = server(shards, appendfsync);
        let mut subscriber = subscriber(&server, "__keyspace@0__:k");
        let write = |writer: usize| {
            let mut client = server.client();
            let mut rng = Rng::new(seed ^ writer as u64);
            let mut done = Vec::new();
            for _ in 0..CHANGES / WRITERS + 1 {
                let pipeline: Vec<Vec<&str>> = (0..1 + rng.below(4))
                    .map(|_| match rng.below(2) {
                        0 => vec!["INCR", "k"],
                        _ => vec!["INCRBYFLOAT", "k", "1"],
                    })
                    .collect();
                let replies = client.pipeline(&pipeline);
                for (command, reply) in pipeline.iter().zip(replies) {
                    let number = match reply {
                        Value::Int(number) => usize::try_from(number).expect("a count"),
                        text => text.text().parse().expect("a number"),
                    };
                    let event = if command[0] == "INCR" { "incrby" } else { "incrbyfloat" };
                    done.push((number, event));
                }
            }
            done
        };
        let write = &write;
        let mut done: Vec<(usize, &str)> = thread::scope(|scope| {
            let writers: Vec<_> =
                (0..WRITERS).map(|writer| scope.spawn(move || write(writer))).collect();
            writers.into_iter().flat_map(|it| it.join().expect("a writer")).collect()
        });
        done.sort_unstable();
        assert_eq!(next(&mut subscriber).1, "new");
        for (number, event) in done {
            assert_eq!(next(&mut subscriber).1, event, "change {number}, seed {seed}");
        }
        subscriber.assert_silent(Duration::from_millis(100));
    }
}

#[test]
fn subscribers_that_do_not_read_hold_nobody_up() {
    let options = Options::default()
        .shards(2)
        .set("notify-keyspace-events", "KEA")
        .set("client-output-buffer-limit", "pubsub 1mb 0 0");
    let server = Server::with(options);
    let deaf = subscriber(&server, ALL_EVENTS);
    let mut reader = subscriber(&server, "__keyevent@0__:del");
    let mut client = server.client();
    let pairs: Vec<String> = (0..200).map(|pair| format!("key{pair} value")).collect();
    let line = format!("MSET {}", pairs.join(" "));
    for _ in 0..300 {
        client.ok(&line);
    }
    assert_eq!(client.run("DEL key7"), Value::Int(1));
    assert_eq!(next(&mut reader).1, "key7");
    drop(deaf);
}

#[test]
fn events_of_other_shards_are_told_out_of_copies_too() {
    let server = server(2, "no");
    let mut subscriber = subscriber(&server, "__keyevent@0__:keymiss");
    let mut clients = [server.client(), server.client()];
    // Read so often that each thread has a copy of what is not its own.
    for key in ["a", "b", "c", "d"] {
        clients[0].run(&format!("SET {key} v PX 1000"));
        for client in &mut clients {
            for _ in 0..20 {
                client.run(&format!("GET {key}"));
            }
        }
    }
    clients[0].ok("DEBUG SET-ACTIVE-EXPIRE 0");
    thread::sleep(Duration::from_millis(1_100));
    for key in ["a", "b", "c", "d"] {
        for client in &mut clients {
            assert_eq!(client.run(&format!("GET {key}")), Value::NullBulk);
            assert_eq!(next(&mut subscriber).1, key);
        }
    }
}

#[test]
fn who_hears_of_keys_and_of_events_hears_both_of_each_event_in_order() {
    for shards in [1, 2, 3] {
        let server = server(shards, "no");
        // Over one pattern, and over two names.
        let mut of_all = subscriber(&server, "*");
        let mut named = server.client();
        named.send(&["SUBSCRIBE", "__keyspace@0__:a", "__keyevent@0__:append"]);
        named.read_any().expect("one confirmation");
        named.read_any().expect("another");
        let mut client = server.client();
        for round in 0..100 {
            // Keys of all shards, each on channels of all shards.
            for key in ["a", "b", "c", "d"] {
                client.run(&format!("APPEND {key} {round}"));
                let mut expected = vec!["new", "append"];
                if round > 0 {
                    expected.remove(0);
                }
                for event in expected {
                    let of_key = (format!("__keyspace@0__:{key}"), event.to_owned());
                    assert_eq!(next(&mut of_all), of_key, "{shards} shards, round {round}");
                    let of_event = (format!("__keyevent@0__:{event}"), key.to_owned());
                    assert_eq!(next(&mut of_all), of_event, "{shards} shards, round {round}");
                }
            }
        }
        // Of `a` the name of each event, and whose each append was. Other keys are of other shards.
        let heard: Vec<String> = (0..501)
            .map(|_| named.read_any().expect("a message").items()[2].text())
            .filter(|it| ["new", "append", "a"].contains(&it.as_str()))
            .collect();
        let expected = ["new"].into_iter().chain(["append", "a"].into_iter().cycle().take(200));
        assert_eq!(heard, expected.collect::<Vec<_>>());
        let mut client = server.client();
        for line in ["PUBSUB CHANNELS", "PUBSUB NUMSUB __keyspace@0__:a"] {
            let told = format!("{:?}", client.run(line));
            assert_eq!(told.matches("__keyspace@0__:a").count(), 1, "{line}: {told}");
        }
        assert_eq!(client.run("PUBLISH __keyspace@0__:a x").int(), 2);
        assert!(client.run("INFO stats").text().contains("pubsub_channels:2"));
    }
}
