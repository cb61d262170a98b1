//! The disk fails under load and is well again: what clients, INFO and the log say meanwhile, that
//! the server recovers by itself, and that nothing acknowledged is lost over all of it.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, Value};
use crate::files;
use crate::load::{Load, StopOnDrop, Transcript, WELL, health, info};
use crate::shim::{self, Fault, Shim};

const REPLY: &str = "MISCONF Errors writing to the AOF file: Input/output error";
/// So many keys on each shard are read while the disk is bad.
const OLD_KEYS: usize = 30;
/// How long the disk stays bad, at least.
const BAD_TIME: Duration = Duration::from_millis(1_500);
/// How long the load may take to come to a call that fails.
const HIT_TIMEOUT: Duration = Duration::from_secs(10);
const WRITERS: usize = 2;
const VALUE_BYTES: usize = 100;

/// One way for the disk to be bad.
struct Trouble {
    name: &'static str,
    kinds: u64,
    /// On which paths; empty for all of them.
    pattern: &'static str,
    once: bool,
}

const TROUBLES: [Trouble; 5] = [
    Trouble { name: "syncs-fail", kinds: shim::SYNC, pattern: "/shard-000/", once: false },
    Trouble { name: "one-sync-fails", kinds: shim::SYNC, pattern: "/shard-000/", once: true },
    Trouble { name: "writes-fail", kinds: shim::WRITE, pattern: "/shard-000/", once: false },
    Trouble { name: "one-write-fails", kinds: shim::WRITE, pattern: "/shard-000/", once: true },
    Trouble { name: "everything-fails", kinds: shim::ALL, pattern: "", once: false },
];

#[test]
fn a_shard_whose_disk_fails_says_so_and_recovers() {
    let Some(shim) = Shim::new() else { return };
    let mut server = Server::with(shim.around(Options::default().appendfsync("always")));
    let load = Load::new(VALUE_BYTES);
    let transcript = Transcript::start();
    std::thread::scope(|scope| {
        let _stop = StopOnDrop(&load);
        for writer in 0..WRITERS {
            let mut client = server.client();
            let load = &load;
            scope.spawn(move || load.write(&mut client, writer));
        }
        let mut client = server.client();
        for number in 0..OLD_KEYS {
            write_on_both(&mut client, &load, &format!("old:{number}"));
        }
        for (number, trouble) in TROUBLES.iter().enumerate() {
            suffer(&shim, &server, &load, &transcript, trouble, number as u64);
        }
    });
    load.check(&mut server.client(), "while it runs");
    server.kill9();
    server.restart();
    load.check(&mut server.client(), "after kill -9");
}

/// A write on each shard, which must succeed.
fn write_on_both(client: &mut Client, load: &Load, name: &str) {
    for shard in 0..2 {
        let reply = load.set(client, &files::key_of_shard(shard, name));
        assert!(!reply.is_error(), "{name} on shard {shard}: {reply:?}");
    }
}

/// From a healthy server through the trouble and back to a healthy one.
fn suffer(
    shim: &Shim,
    server: &Server,
    load: &Load,
    transcript: &Transcript,
    trouble: &Trouble,
    failures_before: u64,
) {
    let name = trouble.name;
    let mut client = server.client();
    transcript.wait_for(&mut client, &WELL);
    load.take_errors();
    transcript.note(&format!("--- {name}"));
    shim.count_only(trouble.kinds, trouble.pattern);
    shim.arm(Fault::Eio, 1, if trouble.once { 1 } else { u64::MAX });
    if trouble.once {
        // The state may be over before anybody looks, but the counters will tell; they do so a
        // moment after the call.
        let start = Instant::now();
        while count(&info(&mut client), "storage_failures") <= failures_before {
            assert!(start.elapsed() < HIT_TIMEOUT, "{name}: the load makes no such call");
            sleep(Duration::from_millis(5));
        }
    } else {
        let wanted = ["write_status=err", "log_status=err", "shard0=failed"];
        transcript.wait_for(&mut client, &wanted);
        during(server, load, trouble);
        transcript.note(&health(&mut client));
        shim.calm();
        transcript.note("the disk is well");
    }
    transcript.note(&format!("first of {} calls: {}", shim.hits(), shim.first_hit()));
    let took = transcript.wait_for(&mut client, &WELL);
    transcript.note(&format!("recovered after {took:?}"));
    write_on_both(&mut client, load, name);
    let errors = load.take_errors();
    transcript.note(&format!("replies meanwhile: {errors:?}"));
    assert!(errors.keys().all(|text| text == REPLY), "{name}: {errors:?}");
    let info = info(&mut client);
    for counter in ["storage_failures", "storage_recoveries"] {
        let count = count(&info, counter);
        assert!(failures_before < count, "{name}: {counter} is {count}");
    }
    let log = server.log();
    assert!(log.contains("Input/output error"), "the log tells nothing:\n{log}");
    assert!(!log.contains("panicked"), "{log}");
}

fn count(info: &BTreeMap<String, String>, counter: &str) -> u64 {
    info.get(counter).and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// What must hold while the log of shard 0 (or of both shards) cannot be written.
fn during(server: &Server, load: &Load, trouble: &Trouble) {
    let name = trouble.name;
    let mut client = server.client();
    let before = load.acknowledged(1);
    for number in 0..OLD_KEYS {
        // What was durable before is still read, from the cache or the disk.
        for shard in 0..2 {
            let key = files::key_of_shard(shard, &format!("old:{number}"));
            let reply = client.call(&["GET", &key]);
            assert_eq!(reply, Value::Bulk(load.value(&key)), "{name}");
        }
        // One error for each command, and the connection goes on.
        let keys: Vec<String> =
            (0..10).map(|i| files::key_of_shard(0, &format!("refused:{i}"))).collect();
        for reply in load.set_together(&mut client, &keys) {
            assert_eq!(reply, Value::Error(REPLY.into()), "{name}");
        }
        assert_eq!(client.run("PING"), Value::Simple(b"PONG".to_vec()));
        sleep(BAD_TIME / OLD_KEYS as u32);
    }
    if !trouble.pattern.is_empty() {
        assert!(load.acknowledged(1) > before, "{name}: the other shard stands still");
    }
}

/// What the operator reads at the end tells stopping from starting.
#[test]
fn a_stop_on_a_bad_disk_is_not_told_as_a_start_that_failed() {
    let Some(shim) = Shim::new() else { return };
    let mut server = Server::with(shim.around(Options::default().appendfsync("everysec")));
    let load = Load::new(VALUE_BYTES);
    write_on_both(&mut server.client(), &load, "key");
    shim.fail_all(Fault::Eio, shim::SYNC, "");
    let status = server.terminate();
    let log = server.log();
    shim.calm();
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.contains("could not stop cleanly") && !log.contains("cannot start"), "{log}");
    // A full one keeps nothing back that was acknowledged.
    server.restart();
    write_on_both(&mut server.client(), &load, "another key");
    shim.fail_all(Fault::Enospc, shim::WRITE, "");
    let status = server.terminate();
    shim.calm();
    assert!(status.success(), "{status}:\n{}", server.log());
    server.restart();
    load.check(&mut server.client(), "after stops on a bad and on a full disk");
}
