//! The disk is full, and has room again: what adds data is refused with Redis's error, reads and
//! deletions go on, the server resumes by itself, and nothing acknowledged is lost.
//!
//! `BASALT_DISK_FULL_CYCLES` sets how often the disk fills up.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, Value, env};
use crate::files;
use crate::load::{Load, StopOnDrop, Transcript, WELL, health, info};
use crate::volume::{Ballast, FileSystem, Volume};

pub const REPLY: &str = "MISCONF Errors writing to the AOF file: No space left on device";
pub const VOLUME_BYTES: u64 = 192 << 20;
/// What a test sets aside, to give it back later.
const RESERVE_BYTES: usize = 96 << 20;
pub const VALUE_BYTES: usize = 16 << 10;
const WRITERS: usize = 2;
/// A half of the reserve, as far as files have whole blocks.
const HELD_BYTES: u64 = 7 << 20;
/// How long the load may take to fill what is left.
const FILL_TIMEOUT: Duration = Duration::from_secs(60);
pub const OLD_KEYS: usize = 20;
/// How long the disk stays full, at least.
const FULL_TIME: Duration = Duration::from_millis(1_000);

pub fn options(volume: &Volume) -> Options {
    Options::default().appendfsync("always").dir(&volume.path().join("data"))
}

#[test]
fn a_disk_that_another_program_fills_refuses_writes_until_there_is_room() {
    let cycles = env::number("BASALT_DISK_FULL_CYCLES", 2);
    let Some(volume) = Volume::create(FileSystem::Ext4, VOLUME_BYTES) else { return };
    let mut server = Server::with(options(&volume));
    let load = Load::new(VALUE_BYTES);
    let transcript = Transcript::start();
    for cycle in 0..cycles {
        transcript.note(&format!("--- cycle {cycle}"));
        under_load(&server, &load, |client| {
            write_old(client, &load);
            let ballast = Ballast::fill(&volume);
            transcript.note("no room left");
            wait_until_refused(&load, client, &transcript);
            while_full(client, &load, &transcript);
            drop(ballast);
            transcript.note("there is room");
            resumed(client, &load, &transcript);
        });
        load.check(&mut server.client(), "while it runs");
        // What the cycles before left behind makes room for the next.
        let mut client = server.client();
        load.delete_all(&mut client);
        wait_until_set_aside(&mut client);
    }
    load.check(&mut server.client(), "at the end");
    server.kill9();
    server.restart();
    load.check(&mut server.client(), "after kill -9");
}

#[test]
fn a_disk_that_the_server_fills_refuses_writes_until_there_is_room() {
    let Some(volume) = Volume::create(FileSystem::Ext4, VOLUME_BYTES) else { return };
    let reserve = volume.path().join("reserve");
    fs::write(&reserve, vec![1; RESERVE_BYTES]).expect("write the reserve");
    let mut server = Server::with(options(&volume));
    let load = Load::new(VALUE_BYTES);
    let transcript = Transcript::start();
    under_load(&server, &load, |client| {
        write_old(client, &load);
        wait_until_refused(&load, client, &transcript);
        while_full(client, &load, &transcript);
    });
    load.check(&mut server.client(), "while it is full");
    server.kill9();
    server.restart();
    load.check(&mut server.client(), "started on the full disk");
    server.kill9();
    fs::remove_file(&reserve).expect("remove the reserve");
    server.restart();
    let mut client = server.client();
    load.check(&mut client, "after kill -9, with room again");
    resumed(&mut client, &load, &transcript);
}

/// What is set aside for a full disk is taken again when there is room: a disk that is full once
/// more before that has none.
fn wait_until_set_aside(client: &mut Client) {
    let start = Instant::now();
    while info(client)["disk_reserve_held_bytes"].parse::<u64>().expect("a number") < HELD_BYTES {
        assert!(start.elapsed() < FILL_TIMEOUT, "nothing is set aside again");
        sleep(Duration::from_millis(20));
    }
}

/// Keys on both shards that are to be read and deleted while the disk is full.
pub fn write_old(client: &mut Client, load: &Load) {
    for number in 0..OLD_KEYS {
        for shard in 0..2 {
            let reply = load.set(client, &old_key(shard, number));
            assert!(!reply.is_error(), "{reply:?}");
        }
    }
}

pub fn old_key(shard: usize, number: usize) -> String {
    files::key_of_shard(shard, &format!("old:{number}"))
}

/// Runs a part of a test while writers are at work.
pub fn under_load(server: &Server, load: &Load, part: impl FnOnce(&mut Client)) {
    load.start_again();
    std::thread::scope(|scope| {
        let _stop = StopOnDrop(load);
        for writer in 0..WRITERS {
            let mut client = server.client();
            scope.spawn(move || load.write(&mut client, writer));
        }
        part(&mut server.client());
    });
}

/// Waits until both shards refuse writes.
pub fn wait_until_refused(load: &Load, client: &mut Client, transcript: &Transcript) {
    let start = Instant::now();
    for shard in 0..2 {
        let key = files::key_of_shard(shard, "refused");
        while !load.set(client, &key).is_error() {
            assert!(start.elapsed() < FILL_TIMEOUT, "the disk does not fill up");
            sleep(Duration::from_millis(5));
        }
        transcript.note(&format!("shard {shard} refuses: {}", health(client)));
    }
}

/// What must hold while there is no room.
fn while_full(client: &mut Client, load: &Load, transcript: &Transcript) {
    load.take_errors();
    transcript.wait_for(client, &["write_status=err", "log_status=err"]);
    for number in 0..OLD_KEYS {
        for shard in 0..2 {
            let old = old_key(shard, number);
            let reply = client.call(&["GET", &old]);
            assert_eq!(reply, Value::Bulk(load.value(&old)), "a read on the full disk");
            let reply = load.set(client, &files::key_of_shard(shard, "refused"));
            // Compactions may have made room.
            let possible = [Value::Error(REPLY.into()), Value::Simple(b"OK".into())];
            assert!(possible.contains(&reply), "a write on the full disk: {reply:?}");
            let reply = load.delete(client, &old);
            assert_eq!(reply, Value::Int(1), "a deletion on the full disk");
            assert_eq!(client.call(&["GET", &old]), Value::NullBulk, "a deleted key");
        }
        sleep(FULL_TIME / OLD_KEYS as u32);
    }
    transcript.note(&health(client));
    let errors = load.take_errors();
    transcript.note(&format!("replies meanwhile: {errors:?}"));
    assert!(errors.keys().all(|text| text == REPLY), "{errors:?}");
}

/// The server resumes by itself.
pub fn resumed(client: &mut Client, load: &Load, transcript: &Transcript) {
    let took = transcript.wait_for(client, &WELL);
    transcript.note(&format!("resumed after {took:?}"));
    for shard in 0..2 {
        let reply = load.set(client, &files::key_of_shard(shard, "refused"));
        assert!(!reply.is_error(), "{reply:?}");
    }
}
