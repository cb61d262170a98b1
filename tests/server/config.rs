//! CONFIG: reading and changing directives, writing them back to the file.

use std::fs;
use std::net::SocketAddr;

use crate::common::server::{self, Options};
use crate::common::{Client, Server};

fn get(client: &mut Client, name: &str) -> String {
    let reply = client.run(&format!("CONFIG GET {name}"));
    reply.field(name).unwrap_or_else(|| panic!("CONFIG GET {name}: {reply:?}")).text()
}

#[test]
fn directives_of_the_command_line_are_in_force() {
    let options = Options::default().set("maxclients", "123").set("timeout", "77");
    let server = Server::with(options.set("proto-max-bulk-len", "2mb"));
    let mut client = server.client();
    assert_eq!(get(&mut client, "maxclients"), "123");
    assert_eq!(get(&mut client, "timeout"), "77");
    assert_eq!(get(&mut client, "proto-max-bulk-len"), (2 << 20).to_string());
    assert_eq!(get(&mut client, "port"), server.port.to_string());
    assert_eq!(get(&mut client, "dir"), server.dir().display().to_string());
    assert_eq!(get(&mut client, "databases"), "16");
    assert_eq!(get(&mut client, "appendfsync"), "no");
}

#[test]
fn get_takes_patterns_and_several_names() {
    let server = Server::start();
    let mut client = server.client();
    let names = |line: &str, client: &mut Client| {
        let mut names: Vec<String> =
            client.run(line).pairs().iter().map(|(name, _)| name.text()).collect();
        names.sort();
        names
    };
    assert_eq!(names("CONFIG GET port", &mut client), ["port"]);
    assert_eq!(names("CONFIG GET PORT", &mut client), ["PORT"], "as it was asked for");
    assert_eq!(names("CONFIG GET port timeout port", &mut client), ["port", "timeout"]);
    assert_eq!(names("CONFIG GET nosuch", &mut client), [""; 0]);
    let tcp = names("CONFIG GET tcp-*", &mut client);
    assert!(tcp.contains(&"tcp-keepalive".to_owned()), "{tcp:?}");
    assert!(names("CONFIG GET *", &mut client).len() > 20);
    assert!(matches!(server.client3().run("CONFIG GET port"), crate::common::Value::Map(_)));
}

#[test]
fn set_changes_all_or_nothing() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("CONFIG SET timeout 100 tcp-keepalive 77");
    assert_eq!(get(&mut client, "timeout"), "100");
    assert_eq!(get(&mut client, "tcp-keepalive"), "77");
    let failed = |what: &str| format!("ERR CONFIG SET failed (possibly related to argument {what}");
    let fails = |client: &mut Client, line: &str, error: &str| {
        let reply = client.run(line);
        assert!(reply.is_error() && reply.text().starts_with(error), "{line}: {reply:?}");
    };
    let error = failed("'timeout') - argument couldn't be parsed into an integer");
    fails(&mut client, "CONFIG SET tcp-keepalive 5 timeout abc", &error);
    let error = failed("'timeout') - argument must be between 0 and 2147483647 inclusive");
    fails(&mut client, "CONFIG SET tcp-keepalive 5 timeout -1", &error);
    assert_eq!(get(&mut client, "tcp-keepalive"), "77", "half of a failed CONFIG SET stayed");
    let error = failed("'databases') - can't set immutable config");
    fails(&mut client, "CONFIG SET databases 3", &error);
    let error = failed("'timeout') - duplicate parameter");
    fails(&mut client, "CONFIG SET timeout 1 timeout 2", &error);
    let unknown = "ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'";
    client.fails("CONFIG SET nosuch 1", unknown);
    client.fails("CONFIG SET timeout", "ERR wrong number of arguments for 'config|set' command");
    // Sizes have units.
    client.ok("CONFIG SET maxmemory 100mb");
    assert_eq!(get(&mut client, "maxmemory"), (100 << 20).to_string());
    let error = failed("'maxmemory') - argument must be a memory value");
    fails(&mut client, "CONFIG SET maxmemory 10x", &error);
    let error = failed("'appendfsync') - argument(s) must be one of the following: ");
    fails(&mut client, "CONFIG SET appendfsync nosuch", &error);
}

#[test]
fn a_password_set_at_run_time_holds_for_new_connections() {
    let server = Server::start();
    let mut admin = server.client();
    admin.ok("CONFIG SET requirepass secret");
    assert_eq!(admin.run("PING").text(), "PONG", "who was in stays in");
    server.client().fails("PING", "NOAUTH Authentication required.");
    server.client().ok("AUTH secret");
    assert_eq!(get(&mut admin, "requirepass"), "secret");
    admin.call(&["CONFIG", "SET", "requirepass", ""]);
    assert_eq!(server.client().run("PING").text(), "PONG");
}

#[test]
fn a_port_set_at_run_time_is_listened_on() {
    let server = Server::start();
    let mut client = server.client();
    let reachable = |port: u16| {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        Client::connect(address).is_ok_and(|mut client| client.try_ping().is_ok())
    };
    let port = server::free_port();
    client.ok(&format!("CONFIG SET port {port}"));
    assert!(reachable(port) && !reachable(server.port));
    assert_eq!(client.run("PING").text(), "PONG", "who was in stays in");

    // One that is taken changes nothing.
    let taken = Server::start();
    let reply = client.run(&format!("CONFIG SET timeout 5 port {}", taken.port));
    assert!(reply.is_error() && reply.text().contains("'port'"), "{reply:?}");
    assert_eq!(get(&mut client, "port"), port.to_string());
    assert_eq!(get(&mut client, "timeout"), "0");
    assert!(reachable(port));
    client.ok(&format!("CONFIG SET port {}", server.port));
    assert!(reachable(server.port) && !reachable(port));
}

#[test]
fn addresses_set_at_run_time_are_listened_on() {
    let server = Server::start();
    let mut client = server.client();
    let reachable = |last: u8| {
        let address = SocketAddr::from(([127, 0, 0, last], server.port));
        Client::connect(address).is_ok_and(|mut client| client.try_ping().is_ok())
    };
    assert!(!reachable(2));
    client.call(&["CONFIG", "SET", "bind", "127.0.0.1 127.0.0.2"]);
    assert!(reachable(1) && reachable(2));
    client.call(&["CONFIG", "SET", "bind", "127.0.0.2"]);
    assert!(!reachable(1) && reachable(2));
    // 192.0.2.1 is an address for examples, which no host has.
    let reply = client.call(&["CONFIG", "SET", "bind", "192.0.2.1"]);
    assert!(reply.is_error(), "{reply:?}");
    assert!(reachable(2), "the old address is back");
    client.call(&["CONFIG", "SET", "bind", "127.0.0.1"]);
    assert!(reachable(1) && !reachable(2));
}

#[test]
fn without_the_password_everybody_is_in() {
    let server = Server::with(Options::default().set("requirepass", "secret"));
    let (mut admin, mut waiting) = (server.client(), server.client());
    admin.ok("AUTH secret");
    waiting.fails("PING", "NOAUTH Authentication required.");
    admin.call(&["CONFIG", "SET", "requirepass", ""]);
    assert_eq!(waiting.run("PING").text(), "PONG");
}

#[test]
fn rewrite_keeps_the_file_and_writes_what_changed() {
    let home = server::new_home();
    let file = home.join("basalt.conf");
    let written = "# A comment that must stay\ntimeout 50\n\ntcp-keepalive 60\n";
    fs::write(&file, written).expect("write the configuration file");
    let mut first = Server::with(Options::default().config_file(&file));
    let mut client = first.client();
    assert_eq!(get(&mut client, "timeout"), "50");
    client.ok("CONFIG SET timeout 99 maxclients 321");
    client.ok("CONFIG REWRITE");
    // Its directory, now in the file, has to stay until the end.
    first.terminate();
    let text = fs::read_to_string(&file).expect("read the configuration file");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "# A comment that must stay", "{text}");
    assert_eq!(lines[1], "timeout 99", "in its old place: {text}");
    assert!(lines.contains(&"tcp-keepalive 60"), "{text}");
    assert!(lines.contains(&"maxclients 321"), "{text}");

    // The rewritten file is one that a server starts from.
    let server = Server::with(Options::default().config_file(&file));
    assert_eq!(get(&mut server.client(), "maxclients"), "321");
    drop(server);
    server::remove_home(&home);
}

#[test]
fn rewrite_without_a_file_is_an_error() {
    let server = Server::start();
    server.client().fails("CONFIG REWRITE", "ERR The server is running without a config file");
}

#[test]
fn resetstat_starts_the_counters_again() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("SET key value");
    client.run("GET key");
    client.run("GET absent");
    client.run("GET");
    let stats = client.run("INFO everything").text();
    assert!(stats.contains("keyspace_hits:1\r\nkeyspace_misses:1\r\n"), "{stats}");
    assert!(stats.contains("cmdstat_get:calls=2,"), "{stats}");
    assert!(stats.contains("errorstat_ERR:count=1"), "{stats}");
    client.ok("CONFIG RESETSTAT");
    let stats = client.run("INFO everything").text();
    assert!(stats.contains("keyspace_hits:0\r\nkeyspace_misses:0\r\n"), "{stats}");
    assert!(!stats.contains("cmdstat_get:"), "{stats}");
    assert!(!stats.contains("errorstat_ERR"), "{stats}");
}
