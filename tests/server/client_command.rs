//! CLIENT and its subcommands.

use std::time::{Duration, Instant};

use crate::common::server::Options;
use crate::common::{Client, Server, Value};

/// The value of `name=` in a line of CLIENT LIST.
fn field<'a>(line: &'a str, name: &str) -> &'a str {
    line.split_whitespace()
        .find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
        .unwrap_or_else(|| panic!("no {name} in {line}"))
}

fn info(client: &mut Client) -> String {
    client.run("CLIENT INFO").text()
}

#[test]
fn list_tells_every_connection_and_its_fields() {
    let server = Server::start();
    let (mut one, mut two) = (server.client(), server.client3());
    one.ok("CLIENT SETNAME first");
    two.ok("SELECT 3");
    let list = one.run("CLIENT LIST").text();
    assert_eq!(list.lines().count(), 2, "{list}");
    let line = |name: &str, value: &str| {
        list.lines().find(|line| field(line, name) == value).unwrap_or_else(|| panic!("{list}"))
    };
    let (first, second) = (line("name", "first"), line("db", "3"));
    assert_eq!(field(first, "addr"), one.local_address().to_string());
    assert_eq!(field(first, "laddr"), server.address().to_string());
    assert_eq!(field(first, "cmd"), "client|list");
    assert_eq!(field(first, "user"), "default");
    assert_eq!(field(first, "resp"), "2");
    assert_eq!(field(first, "id"), one.run("CLIENT ID").int().to_string());
    assert_eq!(field(second, "cmd"), "select");
    assert_eq!(field(second, "resp"), "3");
    assert_eq!(field(second, "flags"), "N");
    // In the order of Redis, for those who parse by position.
    let names: Vec<&str> =
        first.split(' ').map(|part| part.split('=').next().unwrap_or_default()).collect();
    let expected = "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free \
                    argv-mem multi-mem rbs rbp obl oll omem tot-mem events cmd user redir resp";
    let newer = ["lib-name", "lib-ver", "watch", "tot-net-in", "tot-net-out", "tot-cmds"];
    let names: Vec<&str> = names.into_iter().filter(|name| !newer.contains(name)).collect();
    assert_eq!(names.join(" "), expected);
}

#[test]
fn list_selects_by_id_and_type() {
    let server = Server::start();
    let (mut one, mut two) = (server.client(), server.client());
    let (a, b) = (one.run("CLIENT ID").int(), two.run("CLIENT ID").int());
    assert!(a < b, "ids grow: {a} {b}");
    let list = one.run(&format!("CLIENT LIST ID {b} 999999")).text();
    assert_eq!(list.lines().map(|line| field(line, "id")).collect::<Vec<_>>(), [b.to_string()]);
    // The connection that asked whether the server is ready goes when its end is noticed.
    let deadline = Instant::now() + Duration::from_secs(10);
    while one.run("CLIENT LIST TYPE normal").text().lines().count() != 2 {
        assert!(Instant::now() < deadline, "{}", one.run("CLIENT LIST TYPE normal").text());
    }
    assert_eq!(one.run("CLIENT LIST TYPE replica").text(), "");
    one.fails("CLIENT LIST TYPE nosuch", "ERR Unknown client type 'nosuch'");
    one.fails("CLIENT LIST ID x", "ERR Invalid client ID");
    one.fails("CLIENT LIST nosuch", "ERR syntax error");
}

#[test]
fn names_are_set_and_taken_back() {
    let server = Server::start();
    let mut client = server.client();
    assert!(client.run("CLIENT GETNAME").is_null());
    client.ok("CLIENT SETNAME me");
    assert_eq!(client.run("CLIENT GETNAME").text(), "me");
    assert_eq!(field(&info(&mut client), "name"), "me");
    let reply = client.call(&["CLIENT", "SETNAME", "two words"]);
    let error = "ERR Client names cannot contain spaces, newlines or special characters.";
    assert_eq!(reply.text(), error);
    client.call(&["CLIENT", "SETNAME", ""]);
    assert!(client.run("CLIENT GETNAME").is_null());
    if !server.is_redis() {
        client.ok("CLIENT SETINFO LIB-NAME library");
        client.ok("CLIENT SETINFO lib-ver 1.2.3");
        assert_eq!(field(&info(&mut client), "lib-name"), "library");
        assert_eq!(field(&info(&mut client), "lib-ver"), "1.2.3");
        client.fails("CLIENT SETINFO nosuch x", "ERR Unrecognized option 'nosuch'");
    }
}

#[test]
fn kill_ends_the_connections_it_names() {
    let server = Server::start();
    let mut admin = server.client();
    let mut by_id = server.client();
    let id = by_id.run("CLIENT ID").int();
    assert_eq!(admin.run(&format!("CLIENT KILL ID {id}")).int(), 1);
    by_id.assert_closes_with(b"");
    assert_eq!(admin.run(&format!("CLIENT KILL ID {id}")).int(), 0);

    let mut by_address = server.client();
    by_address.run("PING");
    admin.ok(&format!("CLIENT KILL {}", by_address.local_address()));
    by_address.assert_closes_with(b"");
    admin.fails("CLIENT KILL 127.0.0.1:1", "ERR No such client");

    // Itself is spared unless it says otherwise.
    let mut others: Vec<Client> = (0..5).map(|_| server.client()).collect();
    for other in &mut others {
        other.run("PING");
    }
    assert_eq!(admin.run("CLIENT KILL TYPE normal").int(), 5);
    for mut other in others {
        other.assert_closes_with(b"");
    }
    admin.fails("CLIENT KILL nosuch x", "ERR syntax error");
    admin.fails("CLIENT KILL ID x", "ERR client-id should be greater than 0");
    admin.fails("CLIENT KILL USER nobody", "ERR No such user 'nobody'");
    let address = admin.local_address();
    assert_eq!(admin.run(&format!("CLIENT KILL ADDR {address} SKIPME no")).int(), 1);
    admin.assert_closes_with(b"");
}

#[test]
fn kill_takes_the_old_ones_of_all_shards() {
    if crate::common::server::target_is_redis() {
        return; // MAXAGE is newer than what may stand in for the target.
    }
    let server = Server::with(Options::default().shards(4));
    let mut old: Vec<Client> = (0..8).map(|_| server.client()).collect();
    for client in &mut old {
        client.run("PING");
    }
    std::thread::sleep(Duration::from_millis(2100));
    let mut young = server.client();
    assert_eq!(young.run("CLIENT KILL MAXAGE 2").int(), 8);
    for mut client in old {
        client.assert_closes_with(b"");
    }
    assert_eq!(young.run("CLIENT LIST").text().lines().count(), 1);
    young.fails("CLIENT KILL MAXAGE 0", "ERR maxage should be greater than 0");
}

#[test]
fn pause_holds_writes_or_everything_back() {
    const PAUSE: Duration = Duration::from_millis(300);
    let server = Server::with(Options::default().shards(2));
    let (mut admin, mut client) = (server.client(), server.client());
    client.ok("SET key before");

    let start = Instant::now();
    admin.ok(&format!("CLIENT PAUSE {} WRITE", PAUSE.as_millis()));
    assert_eq!(client.run("GET key").text(), "before");
    assert!(start.elapsed() < PAUSE, "a read waited");
    client.ok("SET key after");
    assert!(start.elapsed() >= PAUSE, "a write did not wait");

    let start = Instant::now();
    admin.ok(&format!("CLIENT PAUSE {}", PAUSE.as_millis()));
    assert_eq!(client.run("GET key").text(), "after");
    assert!(start.elapsed() >= PAUSE, "a read did not wait");

    admin.ok("CLIENT PAUSE 100000 WRITE");
    client.send(&["SET", "key", "unpaused"]);
    client.assert_silent(Duration::from_millis(100));
    admin.ok("CLIENT UNPAUSE");
    assert_eq!(client.read().text(), "OK");
    admin.fails("CLIENT PAUSE x", "ERR timeout is not an integer or out of range");
    admin.fails("CLIENT PAUSE 10 nosuch", "ERR CLIENT PAUSE mode must be WRITE or ALL");
}

#[test]
fn reply_off_and_skip_silence_the_server() {
    let server = Server::start();
    let mut client = server.client();
    client.write_raw(b"CLIENT REPLY OFF\r\nSET key 1\r\nGET key\r\nCLIENT REPLY ON\r\nGET key\r\n");
    assert_eq!(client.read(), Value::Simple(b"OK".to_vec()));
    assert_eq!(client.read().text(), "1");
    client.write_raw(b"CLIENT REPLY SKIP\r\nINCR key\r\nINCR key\r\n");
    assert_eq!(client.read(), Value::Int(3));
    client.fails("CLIENT REPLY nosuch", "ERR syntax error");
}

#[test]
fn no_evict_and_no_touch_are_flags() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("CLIENT NO-EVICT on");
    assert_eq!(field(&info(&mut client), "flags"), "e");
    client.ok("CLIENT NO-EVICT off");
    assert_eq!(field(&info(&mut client), "flags"), "N");
    if !server.is_redis() {
        client.ok("CLIENT NO-TOUCH on");
        assert_eq!(field(&info(&mut client), "flags"), "T");
        client.ok("CLIENT NO-TOUCH off");
    }
    client.fails("CLIENT NO-EVICT nosuch", "ERR syntax error");
}

#[test]
fn help_lists_the_subcommands() {
    let server = Server::start();
    let mut client = server.client();
    for container in ["CLIENT", "CONFIG", "COMMAND", "OBJECT", "SLOWLOG", "LATENCY", "MEMORY"] {
        let help = client.run(&format!("{container} HELP")).items();
        let first = format!("{container} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
        assert_eq!(help[0], Value::Simple(first.into_bytes()));
        let last = help.last().map(Value::text).unwrap_or_default();
        assert!(last.ends_with("this help."), "the end of {container} HELP: {last:?}");
    }
}
