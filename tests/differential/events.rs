//! What is published of keys while a random program runs, on redis-server and on Basalt: the same
//! messages, in the same order. Over several shards, messages on one channel about one key are in
//! order, and no others.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::common::server::Options;
use crate::common::{Client, Rng, Server, Value, env, rng};

use super::PROGRAMS;
use super::program::{Pause, Program, pause_after};
use super::run::{Protocol, Side, TINY_LIFETIME_OVER};

/// All classes; `A` is without new keys and key misses.
const CLASSES: &str = "KEAnm";
/// Where redis-server says that it has published everything.
const END: &str = "end";
/// How long a message of Basalt's may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// A message: its channel and what it says.
type Message = (Vec<u8>, Vec<u8>);

/// What was said on one channel.
type Payloads<'a> = Vec<&'a [u8]>;

fn subscriber(server: &Server) -> Client {
    let mut subscriber = server.client();
    subscriber.run(&format!("SUBSCRIBE {END}"));
    subscriber.run("PSUBSCRIBE __key*@*__:*");
    subscriber.set_timeout(PATIENCE);
    subscriber
}

fn message(value: &Value) -> Message {
    match value.items().as_slice() {
        [_, .., channel, payload] => (channel.bytes().to_vec(), payload.bytes().to_vec()),
        _ => panic!("no message: {value:?}"),
    }
}

/// Whether an event is one that 7.0 and 7.2 tell at the same time: 7.2 adds a consumer to a group
/// as soon as it asks for entries, 7.0 when there are any for it.
fn is_comparable((channel, payload): &Message) -> bool {
    let event = b"xgroup-createconsumer";
    payload != event && !channel.ends_with(event)
}

/// What redis-server has published so far.
fn published(aside: &mut Client, subscriber: &mut Client) -> Vec<Message> {
    aside.run(&format!("PUBLISH {END} now"));
    let messages = std::iter::from_fn(|| Some(message(&subscriber.read())));
    let messages = messages.take_while(|(channel, _)| channel != END.as_bytes());
    messages.filter(is_comparable).collect()
}

/// As many messages of Basalt's, or those that come.
fn as_many(subscriber: &mut Client, count: usize) -> Vec<Message> {
    let messages = std::iter::from_fn(|| Some(message(&subscriber.read_any().ok()?)));
    messages.filter(is_comparable).take(count).collect()
}

/// Messages by channel and, on the channel of an event, by key; each as often and in the order in
/// which it came.
fn by_key(messages: &[Message]) -> BTreeMap<(&[u8], &[u8]), Payloads<'_>> {
    let mut all: BTreeMap<(&[u8], &[u8]), Payloads<'_>> = BTreeMap::new();
    for (channel, payload) in messages {
        let is_of_key = channel.starts_with(b"__keyspace");
        let key: &[u8] = if is_of_key { b"" } else { payload };
        all.entry((channel, key)).or_default().push(payload);
    }
    all
}

fn shown(messages: &[Message]) -> String {
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let lines = messages.iter().map(|(channel, it)| format!("\n  {} {}", text(channel), text(it)));
    lines.collect()
}

fn compare(test: &str, shards: usize, appendfsync: &str) {
    let Some(oracle) = Server::oracle() else { return };
    let is_in_order = shards == 1;
    let target = Server::with(Options::default().shards(shards).appendfsync(appendfsync));
    let (mut of_oracle, mut of_target) = (subscriber(&oracle), subscriber(&target));
    let seed = rng::seed("BASALT_DIFF_SEED");
    let programs = env::number("BASALT_DIFF_PROGRAMS", PROGRAMS);
    eprintln!("{test}: {programs} programs from BASALT_DIFF_SEED={seed}");
    for seed in (0..programs).map(|i| seed.wrapping_add(i)) {
        let program = Program::random(&mut Rng::new(seed));
        let [mut left, mut right] = [&oracle, &target].map(|server| {
            let mut side = Side::connect(server, Protocol::Resp2).expect("both servers");
            side.aside.run(&format!("CONFIG SET notify-keyspace-events {CLASSES}"));
            side
        });
        for chunk in program.steps.chunk_by(|step, _| step.pipelined) {
            left.exchange(chunk).expect("the oracle");
            right.exchange(chunk).expect("the target");
            if let Some(pause) = chunk.last().and_then(|step| pause_after(&step.args)) {
                if pause == Pause::TinyLifetime {
                    std::thread::sleep(TINY_LIFETIME_OVER);
                }
                // There, who meets a key that is due removes it.
                left.sweep();
            }
            let expected = published(&mut left.aside, &mut of_oracle);
            let actual = as_many(&mut of_target, expected.len());
            let is_equal =
                if is_in_order { expected == actual } else { by_key(&expected) == by_key(&actual) };
            let steps: Vec<String> = chunk.iter().map(|step| format!("\n  {step}")).collect();
            assert!(
                is_equal,
                "{test}: seed {seed}\nafter:{}\nredis-server published:{}\nBasalt:{}",
                steps.concat(),
                shown(&expected),
                shown(&actual)
            );
        }
    }
    of_target.set_timeout(Duration::from_millis(200));
    let rest = as_many(&mut of_target, 1);
    assert!(rest.is_empty(), "{test}: beside all that, Basalt published:{}", shown(&rest));
}

#[test]
fn events_of_one_shard() {
    compare("events_of_one_shard", 1, "no");
}

#[test]
fn events_of_two_shards() {
    compare("events_of_two_shards", 2, "no");
}

#[test]
fn events_of_two_shards_when_they_are_durable() {
    compare("events_of_two_shards_when_they_are_durable", 2, "always");
}
