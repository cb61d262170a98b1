//! Expiry on time: keys past their end are gone, from DBSIZE too, without anybody looking.
//!
//! `BASALT_EXPIRY_KEYS` sets how many keys share one deadline (default a hundred thousand).

use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, env};

const KEYS_DEFAULT: u64 = 100_000;
/// Commands in one write.
const BATCH: u64 = 1_000;
/// How late the last key may go. A bound against getting stuck, wide for busy machines: what is
/// usual is printed (0.4 s for a million keys).
const LATE_MAX: Duration = Duration::from_secs(5);
/// How long anybody may wait for a reply while they go, on a machine that is busy anyway.
const PAUSE_MAX: Duration = Duration::from_secs(2);

#[test]
fn many_keys_with_one_deadline_go_on_time_and_without_a_pause() {
    let keys = env::number("BASALT_EXPIRY_KEYS", KEYS_DEFAULT);
    let server = Server::with(Options::default().shards(2));
    let mut client = server.client();
    client.ok("SET survivor value");
    // Time to load them: this side is the slow one.
    let load = Duration::from_secs(3) + Duration::from_micros(25 * keys);
    let loaded = Instant::now();
    let deadline_ms = now_ms(&mut client) + load.as_millis() as i64;
    for start in (0..keys).step_by(BATCH as usize) {
        let end = (start + BATCH).min(keys);
        let commands: Vec<Vec<String>> =
            (start..end).flat_map(|i| set_with_deadline(i, deadline_ms)).collect();
        client.pipeline(&commands);
    }
    assert!(loaded.elapsed() < load, "the keys were not loaded in time: {:?}", loaded.elapsed());
    assert_eq!(client.run("DBSIZE").int(), keys as i64 + 1);

    let (mut longest, mut size) = (Duration::ZERO, keys as i64 + 1);
    let mut now = now_ms(&mut client);
    while size > 1 && now < deadline_ms + 10 * LATE_MAX.as_millis() as i64 {
        let asked = Instant::now();
        assert_eq!(client.run("GET survivor").text(), "value");
        longest = longest.max(asked.elapsed());
        size = client.run("DBSIZE").int();
        now = now_ms(&mut client);
        assert!(now >= deadline_ms || size == keys as i64 + 1, "gone before the deadline");
        std::thread::sleep(Duration::from_millis(2));
    }
    let late = now - deadline_ms;
    eprintln!("{keys} keys: the last went {late} ms late, the longest wait was {longest:?}");
    assert_eq!(size, 1, "keys left {late} ms after their deadline");
    assert!(late <= LATE_MAX.as_millis() as i64, "the last key went {late} ms late");
    assert!(longest <= PAUSE_MAX, "somebody waited {longest:?}");
    let expired = format!("expired_keys:{keys}\r\n");
    assert!(client.run("INFO stats").text().contains(&expired), "not {expired}");
}

/// The commands that make key `i`: a string, or one time in ten a hash.
fn set_with_deadline(i: u64, deadline_ms: i64) -> Vec<Vec<String>> {
    let lines = match i % 10 {
        0 => vec![format!("HSET key:{i} f v"), format!("PEXPIREAT key:{i} {deadline_ms}")],
        _ => vec![format!("SET key:{i} value PXAT {deadline_ms}")],
    };
    lines.iter().map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

/// The server's clock in milliseconds.
fn now_ms(client: &mut Client) -> i64 {
    let time = client.run("TIME").items();
    let number = |at: usize| time[at].text().parse::<i64>().expect("a number in TIME");
    number(0) * 1_000 + number(1) / 1_000
}

#[test]
fn a_key_past_its_end_is_absent_to_every_command() {
    let server = Server::start();
    let mut client = server.client();
    for (look, expected) in [
        ("GET key", "(nil bulk)"),
        ("EXISTS key", ":0"),
        ("TTL key", ":-2"),
        ("TYPE key", "+none"),
        ("DEL key", ":0"),
        ("PERSIST key", ":0"),
        ("RENAME key other", "-ERR no such key"),
        ("INCR key", ":1"),
        ("APPEND key ab", ":2"),
        ("SETNX key value", ":1"),
        ("HSET key field value", ":1"),
        ("STRLEN key", ":0"),
        ("RANDOMKEY", "(nil bulk)"),
        ("KEYS *", "[]"),
        ("OBJECT ENCODING key", "(nil bulk)"),
    ] {
        client.ok("FLUSHALL");
        client.ok("SET key 41 PX 2");
        std::thread::sleep(Duration::from_millis(12));
        assert_eq!(format!("{:?}", client.run(look)), expected, "{look}");
    }
}

#[test]
fn a_new_deadline_replaces_the_old_one() {
    let server = Server::start();
    let mut client = server.client();
    // Prolonged, taken back, overwritten, moved: the first deadline must not catch up with them.
    client.ok("SET prolonged value PX 200");
    client.run("PEXPIRE prolonged 100000");
    client.ok("SET persistent value PX 200");
    client.run("PERSIST persistent");
    client.ok("SET overwritten value PX 200");
    client.ok("SET overwritten value");
    client.ok("SET renamed value PX 200");
    client.ok("RENAME renamed new-name");
    client.ok("SET deleted value PX 200");
    client.run("DEL deleted");
    client.run("HSET deleted field value");
    client.ok("SET shortened value EX 1000");
    client.run("PEXPIRE shortened 200");
    std::thread::sleep(Duration::from_millis(200) + LATE_MAX);
    assert_eq!(client.run("DBSIZE").int(), 4);
    let line = "EXISTS prolonged persistent overwritten deleted";
    assert_eq!(client.run(line).int(), 4);
    assert_eq!(client.run("EXISTS new-name shortened").int(), 0);
}
