//! The small commands on connections and on the process: asked with right and wrong words, they
//! answer as redis-server does, in both protocols.

use crate::common::server::Options;
use crate::common::{Server, Value};

/// One a line. What differs by nature (times, numbers of connections) is asked for elsewhere.
const LINES: &str = "\
debug protocol string
debug protocol integer
debug protocol double
debug protocol null
debug protocol array
debug protocol set
debug protocol map
debug protocol verbatim
debug protocol true
debug protocol false
debug protocol bignum
debug protocol nosuch
debug protocol
debug error CODE-and-a-text
debug object
debug object nosuch
debug sleep 0
debug sleep x
debug sleep 0 0
debug jmap
debug quicklist-packed-threshold 100b
debug quicklist-packed-threshold x
debug quicklist-packed-threshold 5gb
debug set-active-expire 1
debug set-active-expire
debug change-repl-id
debug log text
debug replicate a b
debug
client unblock 1 2 3
client unblock 1 x
client unblock x
client unblock 999999
client kill nosuch
client kill id 0
client kill id 5 x
client kill x y
client kill type x
client kill user x
client kill skipme x
client pause -1
client pause 99999999999999999999
client pause 1 x
client pause 1 x y
client pause 0 write
client unpause
client list id
client list id 1 x
client list type
client list type x
client list id 999999
client trackinginfo
client getredir
client setname name
client getname
client no-evict x
client reply x
client
client nosuch
slowlog get 1 2
slowlog get x
slowlog get -2
slowlog get 0
slowlog reset
slowlog nosuch
latency graph x
latency history x
latency latest
latency reset
latency reset a b
latency histogram nosuch
latency
memory
memory nosuch
memory purge
memory malloc-stats x
config set a b c
config set nosuch x
config set maxclients x
config get
config get nosuch
config nosuch
config rewrite
config resetstat
lolwut version x
lastsave x
time x
monitor x
role
role x
auth a b c
auth x
auth default x
auth other x
hello 4
hello 3 setname
hello 3 auth x
select 16
select -1
select x
select 99999999999
select 3
echo text
echo
ping text
ping a b
reset
client getname
";

#[test]
fn they_answer_as_redis_does() {
    let options = || Options::default().set("enable-debug-command", "yes");
    let Some(oracle) = Server::oracle_with(options()) else {
        eprintln!("skipped: there is no redis-server");
        return;
    };
    let target = Server::with(options());
    for protocol in ["2", "3"] {
        let mut clients = [oracle.client(), target.client()];
        for client in &mut clients {
            client.call(&["HELLO", protocol]);
        }
        let mut differences = Vec::new();
        for line in LINES.lines() {
            let [expected, found] = clients.each_mut().map(|client| client.run(line));
            if expected != found {
                differences.push(format!("{line}: {expected:?}, here {found:?}"));
            }
        }
        assert!(differences.is_empty(), "RESP{protocol}:\n{}", differences.join("\n"));
    }
}

#[test]
fn debug_is_for_those_who_may() {
    let server = Server::start();
    let reply = server.client().run("DEBUG SLEEP 0");
    assert!(reply.text().starts_with("ERR DEBUG command not allowed."), "{reply:?}");
    let server = Server::with(Options::default().set("enable-debug-command", "local"));
    server.client().ok("DEBUG SLEEP 0");
}

#[test]
fn debug_object_describes_keys_of_every_shard() {
    let server = Server::with(Options::default().set("enable-debug-command", "yes"));
    let mut client = server.client();
    for key in 0..20 {
        client.ok(&format!("SET {key} text"));
        let line = client.run(&format!("DEBUG OBJECT {key}")).text();
        assert!(line.contains(" encoding:embstr "), "{line}");
    }
}

#[test]
fn debug_sleep_holds_only_its_connection_up() {
    let server = Server::with(Options::default().shards(1).set("enable-debug-command", "yes"));
    let (mut sleeper, mut other) = (server.client(), server.client());
    sleeper.send(&["DEBUG", "SLEEP", "0.3"]);
    for _ in 0..10 {
        other.ok("SET key value");
    }
    sleeper.assert_silent(std::time::Duration::from_millis(50));
    assert_eq!(sleeper.read(), Value::Simple(b"OK".to_vec()));
}

#[test]
fn debug_can_stop_keys_from_going() {
    let server = Server::with(Options::default().set("enable-debug-command", "yes"));
    let mut client = server.client();
    let expired = |client: &mut crate::common::Client| {
        let stats = client.run("INFO stats").text();
        let line = stats.lines().find_map(|line| line.strip_prefix("expired_keys:"));
        line.expect("expired_keys in INFO").parse::<u64>().expect("a number")
    };
    client.ok("DEBUG SET-ACTIVE-EXPIRE 0");
    client.ok("SET key value PX 1");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(expired(&mut client), 0);
    assert!(client.run("GET key").is_null());
    client.ok("DEBUG SET-ACTIVE-EXPIRE 1");
    std::thread::sleep(std::time::Duration::from_millis(300));
    assert_eq!(expired(&mut client), 1);
}

#[test]
fn memory_and_lolwut_tell_something() {
    let server = Server::start();
    let mut client = server.client3();
    client.ok("SET key value");
    let stats = client.run("MEMORY STATS");
    assert_eq!(stats.field("keys.count"), Some(Value::Int(1)));
    assert!(stats.field("total.allocated").expect("total.allocated").int() > 1 << 20);
    assert!(stats.field("db.0").is_some(), "{stats:?}");
    assert!(client.run("MEMORY MALLOC-STATS").text().contains("allocated"));
    assert!(!client.run("MEMORY DOCTOR").text().is_empty());
    let picture = client.run("LOLWUT").text();
    assert!(picture.lines().last().expect("a line").starts_with("Redis ver. "), "{picture}");
}
