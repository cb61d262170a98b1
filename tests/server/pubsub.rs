//! Channels: who has subscribed gets what is published, in one order, whichever shards are
//! involved.

use std::thread;
use std::time::Duration;

use crate::common::resp::Value;
use crate::common::server::Options;
use crate::common::{Client, Server};

fn servers() -> impl Iterator<Item = Server> {
    [1, 2, 3].into_iter().map(|shards| Server::with(Options::default().shards(shards)))
}

/// Clients on every thread: connections are dealt out in turn.
fn clients(server: &Server, count: usize) -> Vec<Client> {
    (0..count).map(|_| server.client()).collect()
}

/// The texts of a message.
fn texts(message: &Value) -> Vec<String> {
    message.items().iter().map(Value::text).collect()
}

/// What a subscriber and a publisher see of a script: `S` lines are the subscriber's, `P` lines the
/// publisher's, and a number says how many replies or messages the subscriber reads.
fn transcript(server: &Server, protocol: u8, script: &str) -> Vec<String> {
    let mut subscriber = server.client();
    let mut publisher = server.client();
    subscriber.run(&format!("HELLO {protocol}"));
    let mut seen = Vec::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (who, what) = line.split_once(' ').unwrap_or((line, ""));
        match who {
            "S" => subscriber.send(&what.split(' ').collect::<Vec<_>>()),
            "P" => seen.push(format!("{what}: {:?}", publisher.run(what))),
            count => {
                for _ in 0..count.parse().expect("a number") {
                    seen.push(format!("{:?}", subscriber.read_any().expect("a reply")));
                }
            }
        }
    }
    seen
}

const SCRIPT: &str = "
    S SUBSCRIBE news
    1
    P PUBLISH news one
    1
    S SUBSCRIBE news sport weather
    3
    S PSUBSCRIBE n* we*
    2
    P PUBLISH news two
    2
    P PUBLISH weather rain
    2
    P PUBLISH nobody none
    1
    P PUBSUB NUMSUB news sport nothing
    P PUBSUB NUMPAT
    S PING
    1
    S PING hello
    1
    S UNSUBSCRIBE sport never
    2
    S PUNSUBSCRIBE n*
    1
    P PUBLISH news three
    1
    S SSUBSCRIBE news
    1
    P SPUBLISH news shard
    1
    P PUBLISH news four
    1
    P PUBSUB SHARDCHANNELS
    P PUBSUB SHARDNUMSUB news x
    P PUBSUB CHANNELS n*
    S SUNSUBSCRIBE
    1
    S UNSUBSCRIBE news
    1
    S UNSUBSCRIBE
    1
    S PUNSUBSCRIBE
    1
    S UNSUBSCRIBE
    1
    S SUNSUBSCRIBE
    1
    P PUBLISH news five
    P PUBSUB CHANNELS
    P PUBSUB NUMPAT
    P PUBSUB CHANNELS a b
    P PUBSUB NUMSUB
    S PING again
    1
";

#[test]
fn subscribers_see_what_they_see_of_redis() {
    let Some(redis) = Server::oracle() else { return };
    for protocol in [2, 3] {
        let expected = transcript(&redis, protocol, SCRIPT);
        for server in servers() {
            assert_eq!(transcript(&server, protocol, SCRIPT), expected, "RESP{protocol}");
        }
    }
}

const SCRIPT_WITHOUT_REPLIES: &str = "
    S CLIENT REPLY OFF
    S PING
    S SUBSCRIBE news sport
    2
    S PSUBSCRIBE n*
    1
    P PUBLISH news one
    2
    S PING
    S SUBSCRIBE
    S UNSUBSCRIBE news
    1
    P PUBLISH sport two
    1
    S PUNSUBSCRIBE
    1
    S UNSUBSCRIBE
    1
    S CLIENT REPLY ON
    1
    S CLIENT REPLY SKIP
    S SSUBSCRIBE news
    1
    S SUNSUBSCRIBE
    1
    S PING
    1
";

#[test]
fn confirmations_come_although_replies_are_switched_off() {
    let Some(redis) = Server::oracle() else { return };
    for protocol in [2, 3] {
        let expected = transcript(&redis, protocol, SCRIPT_WITHOUT_REPLIES);
        for server in servers() {
            let seen = transcript(&server, protocol, SCRIPT_WITHOUT_REPLIES);
            assert_eq!(seen, expected, "RESP{protocol}");
        }
    }
}

#[test]
fn a_subscriber_of_resp2_may_do_nothing_else() {
    let Some(redis) = Server::oracle() else { return };
    let outcome = |server: &Server| {
        let mut client = server.client();
        client.run("SUBSCRIBE a");
        let mut seen: Vec<String> =
            ["GET k", "PUBLISH a x", "HELLO 3", "CONFIG GET port", "NOSUCH"]
                .iter()
                .map(|line| format!("{:?}", client.run(line)))
                .collect();
        seen.push(format!("{:?}", client.run("RESET")));
        seen.push(format!("{:?}", client.run("GET k")));
        seen.push(format!("{:?}", server.client().run("PUBSUB CHANNELS")));
        let mut client = server.client();
        client.run("SUBSCRIBE a");
        seen.push(format!("{:?}", client.run("QUIT")));
        client.assert_closes_with(b"");
        // RESP3 tells messages from replies.
        let mut client = server.client3();
        client.send(&["SUBSCRIBE", "a"]);
        client.read_any().expect("a confirmation");
        seen.push(format!("{:?}", client.run("SET k v")));
        seen.push(format!("{:?}", client.run("PING")));
        seen
    };
    let expected = outcome(&redis);
    for server in servers() {
        assert_eq!(outcome(&server), expected);
    }
}

#[test]
fn who_closes_the_connection_is_no_subscriber_any_more() {
    for server in servers() {
        let mut watcher = server.client();
        for mut client in clients(&server, 4) {
            client.run("SUBSCRIBE a");
            client.send(&["PSUBSCRIBE", "b*"]);
            client.read();
            client.send(&["SSUBSCRIBE", "c"]);
            client.read();
        }
        let counts = |watcher: &mut Client| {
            ["PUBSUB NUMSUB a", "PUBSUB NUMPAT", "PUBSUB SHARDNUMSUB c"]
                .map(|line| format!("{:?}", watcher.run(line)))
        };
        let mut fresh = server.client();
        let expected = {
            let zero = Server::with(Options::default().shards(1));
            counts(&mut zero.client())
        };
        for _ in 0..200 {
            if counts(&mut fresh) == expected {
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        assert_eq!(counts(&mut watcher), expected);
        assert_eq!(watcher.run("PUBLISH a x").int(), 0);
    }
}

#[test]
fn all_subscribers_see_one_order_whoever_publishes() {
    const PUBLISHERS: usize = 4;
    const MESSAGES: usize = 500;
    for server in servers() {
        let mut subscribers = clients(&server, 5);
        for (number, subscriber) in subscribers.iter_mut().enumerate() {
            subscriber.run(if number % 2 == 0 { "SUBSCRIBE race" } else { "PSUBSCRIBE ra*" });
        }
        thread::scope(|scope| {
            for publisher in 0..PUBLISHERS {
                let mut client = server.client();
                scope.spawn(move || {
                    for number in 0..MESSAGES {
                        let payload = format!("{publisher}:{number}");
                        assert_eq!(client.call(&["PUBLISH", "race", &payload]).int(), 5);
                    }
                });
            }
        });
        let orders: Vec<Vec<String>> = subscribers
            .iter_mut()
            .map(|subscriber| {
                let all = 0..PUBLISHERS * MESSAGES;
                all.map(|_| texts(&subscriber.read()).pop().expect("a payload")).collect()
            })
            .collect();
        assert!(orders.iter().all(|order| *order == orders[0]));
        for publisher in 0..PUBLISHERS {
            let own = orders[0].iter().filter_map(|it| it.strip_prefix(&format!("{publisher}:")));
            assert!(own.map(|it| it.parse::<usize>().expect("a number")).eq(0..MESSAGES));
        }
    }
}

/// A connection's messages on channels of different homes keep their order, too.
#[test]
fn one_publisher_is_heard_in_order_over_channels_of_several_shards() {
    for server in servers() {
        let mut subscribers = clients(&server, 3);
        let channels: Vec<String> = (0..8).map(|number| format!("c{number}")).collect();
        for subscriber in &mut subscribers {
            subscriber.send(&["PSUBSCRIBE", "c*"]);
            subscriber.read();
        }
        let mut publisher = server.client();
        let commands: Vec<Vec<String>> = (0..400)
            .map(|number| {
                let channel = channels[number * 7 % 8].clone();
                vec!["PUBLISH".into(), channel, number.to_string()]
            })
            .collect();
        publisher.pipeline(&commands);
        for subscriber in &mut subscribers {
            for number in 0..400 {
                let message = texts(&subscriber.read());
                assert_eq!(message[3], number.to_string());
            }
        }
    }
}

#[test]
fn who_does_not_read_is_closed_and_keeps_nobody_waiting() {
    for shards in [1, 2] {
        let options = Options::default().shards(shards);
        let options = options.set("client-output-buffer-limit", "pubsub 1mb 0 0");
        let server = Server::with(options);
        let mut deaf = clients(&server, 4);
        let mut reader = server.client();
        for client in deaf.iter_mut().chain([&mut reader]) {
            client.run("SUBSCRIBE flood");
        }
        let payload = vec![b'x'; 10_000];
        let mut publisher = server.client();
        let mut receivers = 5;
        for number in 0..4000 {
            receivers = publisher.call(&[b"PUBLISH".as_slice(), b"flood", &payload]).int();
            assert_eq!(reader.read().items()[2].bytes().len(), payload.len(), "{number}");
            if receivers == 1 {
                break;
            }
        }
        assert_eq!(receivers, 1, "who does not read is still there");
        publisher.run("PUBLISH flood last");
        assert_eq!(texts(&reader.read())[2], "last");
    }
}

#[test]
fn client_list_and_info_tell_of_subscriptions() {
    for server in servers() {
        let mut client = server.client3();
        for line in ["SUBSCRIBE a", "SUBSCRIBE b", "PSUBSCRIBE c*", "SSUBSCRIBE d"] {
            client.send(&line.split(' ').collect::<Vec<_>>());
            client.read_any().expect("a confirmation");
        }
        let info = client.run("CLIENT INFO").text();
        assert!(info.contains(" flags=P ") && info.contains(" sub=2 psub=1 ssub=1 "), "{info}");
        let mut other = server.client();
        let listed = other.run("CLIENT LIST TYPE pubsub").text();
        assert!(listed.lines().count() == 1 && listed.contains(" psub=1 "), "{listed}");
        let info = other.run("INFO").text();
        for line in ["pubsub_channels:2", "pubsub_patterns:1", "pubsubshard_channels:1"] {
            assert!(info.lines().any(|it| it == line), "{line} is not in INFO");
        }
        assert_eq!(other.run("CLIENT KILL TYPE pubsub").int(), 1);
    }
}
