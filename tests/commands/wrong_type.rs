//! Every data command on keys of every type: it must answer as redis-server answers the same
//! call, `WRONGTYPE` above all, and leave the same key behind.

use std::collections::BTreeSet;

use crate::common::grammar::{self, NEWER_SHAPES, SHAPES, Shape};
use crate::common::universe::Universe;
use crate::common::{Client, Rng, Server, Value, compare, rng, server};

use super::table;

/// How a key of each type is made.
const TYPES: &[(&str, &str)] = &[
    ("string", "SET the-key value"),
    ("hash", "HSET the-key f1 1"),
    ("list", "RPUSH the-key a b"),
    ("set", "SADD the-key a b"),
    ("zset", "ZADD the-key 1 a 2 b"),
    ("stream", "XADD the-key 1-1 f v"),
];
const CALLS_PER_SHAPE: usize = 12;

#[test]
fn every_command_with_a_key_has_a_shape() {
    let server = Server::start();
    // A redis-server has many types more than the grammar.
    if server::target_is_redis() {
        return;
    }
    let shapeless: Vec<String> = table::commands(&mut server.client())
        .into_iter()
        .filter(|entry| {
            let keyed = |entry: &table::Entry| !entry.key_specs.is_empty();
            keyed(entry) || entry.subcommands.iter().any(keyed)
        })
        .map(|entry| entry.name.to_ascii_uppercase())
        .filter(|name| grammar::shapes_of(name).next().is_none())
        .filter(|name| !WITHOUT_SHAPE.iter().any(|(without, _)| without == name))
        .collect();
    assert!(shapeless.is_empty(), "add shapes to tests/common/grammar.rs for {shapeless:?}");
}

const NO_KEY: &str = "a shard channel is hashed as a key is, and is none";

/// Commands that no shape is made for, and why.
const WITHOUT_SHAPE: &[(&str, &str)] = &[
    ("MEMORY", "MEMORY USAGE tells the bytes of an implementation"),
    ("DEBUG", "for tests alone"),
    ("SSUBSCRIBE", NO_KEY),
    ("SUNSUBSCRIBE", NO_KEY),
    ("SPUBLISH", NO_KEY),
];

#[test]
fn a_key_of_another_type_is_told_as_redis_tells_it() {
    let Some(oracle) = Server::oracle() else { return };
    let target = Server::start();
    let (mut oracle, mut target) = (oracle.client(), target.client());
    let seed = rng::seed("BASALT_WRONG_TYPE_SEED");
    eprintln!("BASALT_WRONG_TYPE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let mut refused = BTreeSet::new();
    for (kind, create) in TYPES {
        target.ok("FLUSHALL");
        if target.run(create).is_error() {
            continue; // A type that the target does not have.
        }
        for shape in SHAPES.iter().filter(|shape| takes_a_key(shape)) {
            for _ in 0..CALLS_PER_SHAPE {
                let universe = Universe::of_keys(&["the-key", "the-key", "absent"]);
                let call = grammar::call(shape, &universe, &mut rng);
                if compare_call(&mut oracle, &mut target, create, shape, &call) {
                    refused.insert(*kind);
                }
            }
        }
    }
    let hashes_and_strings = ["hash", "string"].iter().all(|kind| refused.contains(kind));
    assert!(hashes_and_strings, "no call was of the wrong type but on {refused:?}");
}

/// What no redis-server can be asked: the newer commands, all of them for strings.
#[test]
fn a_newer_command_refuses_a_hash_and_leaves_it() {
    let target = Server::start();
    // A redis-server that stands in for the target does not have them.
    if target.is_redis() {
        return;
    }
    let mut client = target.client();
    let seed = rng::seed("BASALT_WRONG_TYPE_SEED");
    eprintln!("BASALT_WRONG_TYPE_SEED={seed}");
    let mut rng = Rng::new(seed);
    let universe = Universe::of_keys(&["the-key"]);
    client.run("HSET the-key f1 1");
    for shape in NEWER_SHAPES {
        for _ in 0..CALLS_PER_SHAPE {
            let call = grammar::call(shape, &universe, &mut rng);
            let expected = match call[0].as_slice() {
                b"DELEX" => "ERR Key should be of string type if conditions are specified",
                _ => "WRONGTYPE Operation against a key holding the wrong kind of value",
            };
            let reply = client.call(&call);
            let shown = call.join(&b' ').escape_ascii().to_string();
            assert_eq!(reply, Value::Error(expected.as_bytes().to_vec()), "{shown}");
            assert_eq!(client.run("HGET the-key f1").text(), "1", "after {shown}");
        }
    }
}

fn takes_a_key(shape: &Shape) -> bool {
    let mut words = shape.line.split(|c: char| !c.is_ascii_lowercase());
    const KEYS: [&str; 9] = ["key", "str", "hash", "list", "set", "hll", "zset", "lex", "geo"];
    !shape.line.starts_with('@') && words.any(|word| KEYS.contains(&word))
}

/// Runs one call on both servers, each with a fresh key; true where it was of the wrong type.
fn compare_call(
    oracle: &mut Client,
    target: &mut Client,
    create: &str,
    shape: &Shape,
    call: &[Vec<u8>],
) -> bool {
    let command = String::from_utf8_lossy(&call[0]).into_owned();
    let mut commands: Vec<Vec<Vec<u8>>> = Vec::new();
    let line = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect();
    commands.push(line("FLUSHALL"));
    commands.push(line(create));
    commands.push(call.to_vec());
    commands.push(line("TYPE the-key"));
    commands.push(line("TYPE absent"));
    commands.push(line("EXISTS the-key absent"));
    let (expected, actual) = (oracle.pipeline(&commands), target.pipeline(&commands));
    let shown = String::from_utf8_lossy(&call.join(&b' ')).into_owned();
    let (a, b) = (&expected[2], &actual[2]);
    assert!(
        compare::equal(shape.compare, &command, a, b),
        "after {create}: {shown}\n  redis-server: {a:?}\n  target:       {b:?}",
    );
    assert_eq!(expected[3..], actual[3..], "keys left by {shown} after {create}");
    matches!(b, Value::Error(text) if text.starts_with(b"WRONGTYPE"))
}
