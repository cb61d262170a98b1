//! Who may do what on a connection: AUTH, HELLO with its options, RESET, QUIT.

use crate::common::server::Options;
use crate::common::{Server, Value};

const NOAUTH: &str = "NOAUTH Authentication required.";
const WRONGPASS: &str = "WRONGPASS invalid username-password pair or user is disabled.";

fn with_password() -> Server {
    Server::with(Options::default().set("requirepass", "secret"))
}

#[test]
fn without_the_password_nothing_but_its_request_is_answered() {
    let server = with_password();
    let mut client = server.client();
    for line in ["PING", "GET key", "SET key value", "COMMAND", "INFO", "CLIENT ID", "SELECT 1"] {
        client.fails(line, NOAUTH);
    }
    // An unknown command is known to be unknown before the password matters, as in Redis.
    client.fails("nosuch", "ERR unknown command 'nosuch', with args beginning with: ");
    client.fails("AUTH wrong", WRONGPASS);
    client.fails("AUTH default wrong", WRONGPASS);
    client.fails("AUTH nobody secret", WRONGPASS);
    client.fails("GET key", NOAUTH);
    client.ok("AUTH secret");
    assert!(client.run("GET key").is_null());
    // A later mistake does not take back what was granted.
    client.fails("AUTH wrong", WRONGPASS);
    assert!(client.run("GET key").is_null());
    server.client().ok("AUTH default secret");
}

#[test]
fn a_password_that_nobody_asked_for_is_an_error() {
    let server = Server::start();
    let mut client = server.client();
    client.fails(
        "AUTH secret",
        "ERR AUTH <password> called without any password configured for the default user. \
         Are you sure your configuration is correct?",
    );
    client.ok("AUTH default anything");
    client.fails("AUTH a b c", "ERR syntax error");
}

#[test]
fn hello_greets_with_what_the_server_is() {
    let server = Server::start();
    let mut client = server.client();
    let hello = client.run("HELLO");
    assert!(matches!(hello, Value::Array(_)), "RESP2 at first: {hello:?}");
    let hello = client.run("HELLO 3");
    assert!(matches!(hello, Value::Map(_)), "RESP3 asked for: {hello:?}");
    let text = |name: &str| hello.field(name).unwrap_or_else(|| panic!("no {name}")).text();
    assert_eq!(text("server"), "redis");
    assert_eq!(text("mode"), "standalone");
    assert_eq!(text("role"), "master");
    assert!(text("version").starts_with("7."), "version {}", text("version"));
    assert_eq!(hello.field("proto"), Some(Value::Int(3)));
    assert_eq!(hello.field("id"), Some(client.run("CLIENT ID")));
    assert_eq!(hello.field("modules"), Some(Value::Array(Vec::new())));
    let names: Vec<String> = hello.pairs().iter().map(|(name, _)| name.text()).collect();
    assert_eq!(names, ["server", "version", "proto", "id", "mode", "role", "modules"]);
}

#[test]
fn hello_refuses_what_it_does_not_know() {
    let server = Server::start();
    let mut client = server.client();
    client.fails("HELLO 4", "NOPROTO unsupported protocol version");
    client.fails("HELLO 1", "NOPROTO unsupported protocol version");
    client.fails("HELLO x", "ERR Protocol version is not an integer or out of range");
    client.fails("HELLO 3 nosuch", "ERR Syntax error in HELLO option 'nosuch'");
    client.fails("HELLO 3 AUTH one", "ERR Syntax error in HELLO option 'AUTH'");
    client.fails("HELLO 3 SETNAME", "ERR Syntax error in HELLO option 'SETNAME'");
    client.fails("HELLO 3 AUTH default x nosuch", "ERR Syntax error in HELLO option 'nosuch'");
    let error = "ERR Client names cannot contain spaces, newlines or special characters.";
    let reply = client.call(&["HELLO", "3", "SETNAME", "two words"]);
    assert_eq!(reply, Value::Error(error.as_bytes().to_vec()));
    // Still RESP2 after all these.
    assert_eq!(client.run("GET absent"), Value::NullBulk);
}

#[test]
fn hello_authenticates_and_names_in_one_step() {
    let server = with_password();
    let mut client = server.client();
    let reply = client.run("HELLO 3");
    // What follows names the option, in words that changed between versions.
    let error = "NOAUTH HELLO must be called with the client already authenticated, otherwise";
    assert!(reply.is_error() && reply.text().starts_with(error), "{reply:?}");
    client.fails("HELLO 3 AUTH default wrong SETNAME me", WRONGPASS);
    client.fails("CLIENT GETNAME", NOAUTH);
    assert!(matches!(client.run("HELLO 3 AUTH default secret SETNAME me"), Value::Map(_)));
    assert_eq!(client.run("CLIENT GETNAME").text(), "me");
}

#[test]
fn reset_makes_a_connection_as_new() {
    let server = with_password();
    let mut client = server.client();
    client.run("HELLO 3 AUTH default secret SETNAME me");
    client.ok("SELECT 5");
    client.ok("SET key value");
    assert_eq!(client.run("RESET"), Value::Simple(b"RESET".to_vec()));
    client.fails("CLIENT GETNAME", NOAUTH);
    client.ok("AUTH secret");
    assert!(matches!(client.run("CLIENT GETNAME"), Value::NullBulk));
    assert_eq!(client.run("GET key"), Value::NullBulk, "database 0 in RESP2");
}

#[test]
fn quit_says_ok_and_closes() {
    let server = Server::start();
    let mut client = server.client();
    // What follows QUIT in the same write is not run.
    client.write_raw(b"PING\r\nQUIT\r\nSET key value\r\n");
    client.assert_closes_with(b"+PONG\r\n+OK\r\n");
    assert!(server.client().run("GET key").is_null());
    // It needs no password.
    let server = with_password();
    let mut client = server.client();
    client.write_raw(b"QUIT\r\n");
    client.assert_closes_with(b"+OK\r\n");
}

#[test]
fn select_knows_sixteen_databases() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("SET key zero");
    client.ok("SELECT 15");
    assert!(client.run("GET key").is_null());
    client.fails("SELECT 16", "ERR DB index is out of range");
    client.fails("SELECT -1", "ERR DB index is out of range");
    client.fails("SELECT x", "ERR value is not an integer or out of range");
    client.ok("SET key fifteen");
    client.ok("SELECT 0");
    assert_eq!(client.run("GET key").text(), "zero");
    client.ok("SWAPDB 0 15");
    assert_eq!(client.run("GET key").text(), "fifteen");
}
