//! What a move of a value between shards waits for, and what becomes of it when that fails.

use crate::common::server::Options;
use crate::common::{Client, Server, Value};
use crate::files::key_of_shard;
use crate::load::{Transcript, WELL, info};
use crate::shim::{self, Fault, Shim};

const REPLY: &str = "MISCONF Errors writing to the AOF file: Input/output error";

#[test]
fn a_value_whose_new_place_cannot_be_written_stays_where_it_is() {
    for (mode, kinds) in [
        ("always", shim::SYNC),
        ("always", shim::WRITE),
        ("everysec", shim::SYNC),
        ("no", shim::SYNC),
        ("no", shim::WRITE),
    ] {
        let Some(shim) = Shim::new() else { return };
        let mut server = Server::with(shim.around(Options::default().appendfsync(mode)));
        let mut client = server.client();
        let values = [("short", 1), ("long", 400_000)].map(|(name, bytes)| {
            (key_of_shard(0, name), key_of_shard(1, name), Value::Bulk(vec![b'x'; bytes]))
        });
        for (old, _, value) in &values {
            let set = client.call(&[b"SET", old.as_bytes(), value.bytes()]);
            assert_eq!(set, Value::Simple(b"OK".to_vec()));
        }
        let stays = |client: &mut Client, when: &str| {
            for (old, _, value) in &values {
                assert!(client.call(&["GET", old]) == *value, "{mode}, {when}: {old}");
            }
        };
        shim.fail_all(Fault::Eio, kinds, "/shard-001/");
        for (old, new, _) in &values {
            let renamed = client.call(&["RENAME", old, new]);
            assert_eq!(renamed, Value::Error(REPLY.into()), "{mode}");
        }
        stays(&mut client, "while the disk is bad");
        shim.calm();
        Transcript::start().wait_for(&mut client, &WELL);
        stays(&mut client, "once the disk is well");
        server.kill9();
        server.restart();
        let mut client = server.client();
        stays(&mut client, "after kill -9");
        for (old, new, value) in &values {
            client.ok(&format!("RENAME {old} {new}"));
            assert!(client.call(&["GET", new]) == *value, "{mode}: {new}");
        }
    }
}

#[test]
fn only_who_takes_a_value_to_another_shard_waits_for_a_sync() {
    let server = Server::with(Options::default().appendfsync("no"));
    let mut client = server.client();
    let syncs = |client: &mut Client| info(client)["log_syncs"].clone();
    let [here, there] = [0, 1].map(|shard| key_of_shard(shard, "key"));
    let before = syncs(&mut client);
    for line in [
        format!("MSET {here} 1 {there} 2"),
        format!("COPY {here} {there} REPLACE"),
        format!("RENAME {here} {here}2"),
        format!("MOVE {here}2 1"),
        format!("DEL {here} {there}"),
        format!("MSETNX {here} 1 {there}2 2"),
        format!("RENAMENX {here} {there}2"),
    ] {
        assert!(!client.run(&line).is_error(), "{line}");
    }
    assert_eq!(syncs(&mut client), before);
    client.ok(&format!("RENAME {here} {there}"));
    assert_ne!(syncs(&mut client), before);
}

#[test]
fn values_that_change_places_in_one_pipeline_all_arrive() {
    let server = Server::with(Options::default().appendfsync("no"));
    let mut client = server.client();
    let key = |shard, name| key_of_shard(shard, name);
    client.ok(&format!("MSET {} 1 {} 2", key(0, "a"), key(1, "b")));
    let rename = |from: &str, to: &str| format!("RENAME {from} {to}");
    let lines = [
        rename(&key(0, "a"), &key(1, "a")),
        rename(&key(1, "b"), &key(0, "b")),
        format!("SET {} 3", key(0, "a")),
        rename(&key(1, "a"), &key(0, "c")),
        rename(&key(0, "b"), &key(1, "c")),
        rename(&key(0, "none"), &key(1, "none")),
        format!("MGET {} {} {}", key(0, "a"), key(0, "c"), key(1, "c")),
        "DBSIZE".to_owned(),
    ];
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let ok = || Value::Simple(b"OK".to_vec());
    let bulk = |text: &str| Value::Bulk(text.into());
    assert_eq!(
        client.pipeline_lines(&lines),
        [
            ok(),
            ok(),
            ok(),
            ok(),
            ok(),
            Value::Error(b"ERR no such key".to_vec()),
            Value::Array(vec![bulk("3"), bulk("1"), bulk("2")]),
            Value::Int(3),
        ]
    );
}
