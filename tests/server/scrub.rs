//! SCRUB finds what has gone bad on the disk, in files that nobody has asked for in a long time.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::server::{Options, target_is_redis};
use crate::common::{Client, Rng, Server, env};

/// For one pass over the few megabytes of these tests.
const PATIENCE: Duration = Duration::from_secs(60);
const VALUES: usize = 40;
const VALUE_BYTES: usize = 1 << 20;

fn info(client: &mut Client, field: &str) -> String {
    let info = client.run("INFO storage").text();
    let value = info.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    value.unwrap_or_else(|| panic!("{field} in {info}")).trim().to_owned()
}

/// Starts a pass and waits for its end.
fn scrub(client: &mut Client) {
    let passes = info(client, "scrub_passes");
    assert_eq!(client.run("SCRUB").text(), "Background scrub started");
    let patience = Instant::now() + PATIENCE;
    while info(client, "scrub_passes") == passes {
        assert!(Instant::now() < patience, "the pass does not end");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(info(client, "scrub_in_progress"), "0");
}

/// The table files of the only shard, largest first.
fn tables(server: &Server) -> Vec<PathBuf> {
    let folder = fs::read_dir(server.dir().join("shard-000")).expect("the shard's folder");
    let files = folder.map(|entry| entry.expect("an entry of the folder").path());
    let mut tables: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|ending| ending == "sst")).collect();
    tables.sort_by_key(|path| std::cmp::Reverse(fs::metadata(path).map_or(0, |file| file.len())));
    tables
}

#[test]
fn a_flipped_byte_is_found_and_its_file_is_named() {
    if target_is_redis() {
        return env::skip("redis-server keeps nothing in table files");
    }
    let options = Options::default().shards(1).set("scrub-rate", "0").set("scrub-interval", "0");
    let mut server = Server::with(options);
    let mut client = server.client();
    let mut random = Rng::new(1);
    for number in 0..VALUES {
        // Nothing that could be compressed.
        let value: Vec<u8> =
            (0..VALUE_BYTES / 8).flat_map(|_| random.next().to_le_bytes()).collect();
        let key = format!("key:{number}");
        client.call(&[b"SET".as_slice(), key.as_bytes(), &value]);
        client.run(&format!("EXPIREAT {key} 9999999999"));
    }
    // What was not in a table file yet is from then on.
    server.terminate();
    server.restart();
    let mut client = server.client();
    assert_eq!(info(&mut client, "scrub_bytes_verified"), "0");
    scrub(&mut client);
    assert_eq!(info(&mut client, "scrub_errors"), "0");
    let on_disk: u64 =
        tables(&server).iter().map(|path| fs::metadata(path).map_or(0, |f| f.len())).sum();
    let verified: u64 = info(&mut client, "scrub_bytes_verified").parse().expect("a number");
    assert!(verified >= (VALUES * VALUE_BYTES) as u64 / 2, "{verified} bytes of {on_disk}");
    assert_ne!(info(&mut client, "scrub_last_pass_time"), "0");

    let damaged = tables(&server).first().cloned().expect("a table file");
    let mut bytes = fs::read(&damaged).expect("read the table file");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged, bytes).expect("write the table file");
    scrub(&mut client);
    assert_eq!(info(&mut client, "scrub_errors"), "1");
    let name = damaged.file_name().expect("a file's name").to_string_lossy().into_owned();
    let told = info(&mut client, "scrub_last_error");
    assert!(told.contains(&name) && told.contains("checksum"), "{name}: {told}");
    let log = server.log();
    let line = log.lines().find(|line| line.contains("what is on disk is damaged"));
    assert!(line.is_some_and(|line| line.contains(&name)), "{name} in {log}");
    // Nobody but the scrub is in trouble.
    client.ok("SET another value");
}

#[test]
fn scrubbing_goes_gently_and_ends_with_the_server() {
    if target_is_redis() {
        return env::skip("redis-server keeps nothing in table files");
    }
    let options = Options::default().shards(1).set("scrub-rate", "1").set("scrub-interval", "0");
    let mut server = Server::with(options);
    let mut client = server.client();
    client.ok("SET key value");
    server.terminate();
    server.restart();
    let mut client = server.client();
    assert_eq!(client.run("SCRUB").text(), "Background scrub started");
    client.fails("SCRUB", "ERR Background scrub already in progress");
    let patience = Instant::now() + PATIENCE;
    while info(&mut client, "scrub_in_progress") == "0" {
        assert!(Instant::now() < patience, "the pass does not begin");
        std::thread::sleep(Duration::from_millis(20));
    }
    // At a byte a second it takes for ever; the server ends promptly all the same.
    assert!(server.terminate().success());
}
