//! Start and end: what makes a server refuse to start and what it says then, and that an orderly
//! end leaves nothing behind that the next start stumbles over.

use std::fs;
use std::net::TcpListener;
use std::process::Command;
use std::time::Duration;

use crate::common::resp;
use crate::common::server::{self, Options};
use crate::common::{Client, Server};

/// Runs a start that must be refused, in a directory of its own.
fn refused(options: Options) -> String {
    let home = server::new_home();
    let (status, log) = Server::refused(options, &home);
    server::remove_home(&home);
    assert!(!status.success(), "an exit code that says so, not {status}; log:\n{log}");
    log
}

fn assert_says(log: &str, words: &[&str]) {
    for word in words {
        assert!(log.contains(word), "{word:?} is not in:\n{log}");
    }
}

#[test]
fn an_unknown_directive_on_the_command_line_stops_the_start() {
    let log = refused(Options::default().set("nosuch-directive", "5"));
    assert_says(&log, &["nosuch-directive"]);
}

#[test]
fn a_bad_value_on_the_command_line_stops_the_start() {
    let log = refused(Options::default().set("maxclients", "many"));
    assert_says(&log, &["maxclients", "many"]);
    if !server::target_is_redis() {
        let log = refused(Options::default().set("shards", "100000"));
        assert_says(&log, &["shards", "100000"]);
    }
}

#[test]
fn a_mistake_in_the_file_is_told_with_file_and_line() {
    for (line, words) in [
        ("nosuch-directive 5", ["nosuch-directive", "3"]),
        ("timeout soon", ["timeout", "3"]),
        ("appendfsync sometimes", ["appendfsync", "3"]),
        ("timeout", ["timeout", "3"]),
        ("requirepass \"Unbalanced quotes", ["Unbalanced quotes", "3"]),
    ] {
        let home = server::new_home();
        let file = home.join("mistake.conf");
        fs::write(&file, format!("# comment\n\n{line}\n")).expect("write the file");
        let (status, log) = Server::refused(Options::default().config_file(&file), &home);
        server::remove_home(&home);
        assert!(!status.success(), "{line}: {status}");
        assert_says(&log, &words);
        if !server::target_is_redis() {
            assert_says(&log, &["mistake.conf"]);
        }
    }
}

#[test]
fn a_port_in_use_is_said_so() {
    let taken = TcpListener::bind(("127.0.0.1", 0)).expect("bind to any port");
    let port = taken.local_addr().expect("the bound port").port();
    let log = refused(Options::default().port(port));
    assert_says(&log, &["in use", &port.to_string()]);
}

#[test]
fn a_directory_in_use_is_refused() {
    // Two redis-servers do share a directory; Basalt's databases must not.
    if server::target_is_redis() {
        return;
    }
    let mut first = Server::start();
    first.client().ok("SET key value");
    let (status, log) = Server::refused(Options::default(), &first.dir());
    assert!(!status.success(), "{status}; log:\n{log}");
    assert_says(&log, &["in use", &first.dir().display().to_string()]);
    // The one that runs is none the worse, and its end frees the directory.
    assert_eq!(first.client().run("GET key").text(), "value");
    first.kill9();
    first.restart();
    assert_eq!(first.client().run("GET key").text(), "value");
}

#[test]
fn another_number_of_shards_is_refused() {
    if server::target_is_redis() {
        return;
    }
    let mut server = Server::with(Options::default().shards(2));
    server.client().ok("SET key value");
    server.terminate();
    let (status, log) = Server::refused(Options::default().shards(3), &server.dir());
    assert!(!status.success(), "{status}; log:\n{log}");
    assert_says(&log, &["shards", "2", "3"]);
    server.restart();
    assert_eq!(server.client().run("GET key").text(), "value");
}

#[test]
fn a_signal_ends_the_server_in_order() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::with(Options::default().durable());
        let mut client = server.client();
        client.ok("SET key value");
        server.signal(signal);
        let status = server.wait_for_exit();
        assert!(status.success(), "after {signal}: {status}; log:\n{}", server.log());
        client.assert_closes_with(b"");
        server.restart();
        assert_eq!(server.client().run("GET key").text(), "value");
    }
}

#[test]
fn shutdown_ends_the_server_without_a_reply() {
    for line in ["SHUTDOWN", "SHUTDOWN NOSAVE", "shutdown save", "SHUTDOWN NOW FORCE"] {
        let mut server = Server::with(Options::default().durable());
        let (mut client, mut other) = (server.client(), server.client());
        client.ok("SET key value");
        other.run("PING");
        let words: Vec<&str> = line.split(' ').collect();
        client.send(&words);
        client.assert_closes_with(b"");
        other.assert_closes_with(b"");
        assert!(server.wait_for_exit().success(), "after {line}; log:\n{}", server.log());
        server.restart();
        assert_eq!(server.client().run("GET key").text(), "value", "after {line}");
    }
}

#[test]
fn shutdown_refuses_what_it_does_not_know() {
    let server = Server::start();
    let mut client = server.client();
    client.fails("SHUTDOWN nosuch", "ERR syntax error");
    client.fails("SHUTDOWN SAVE NOSAVE", "ERR syntax error");
    client.fails("SHUTDOWN ABORT", "ERR No shutdown in progress.");
    assert_eq!(client.run("PING").text(), "PONG");
}

#[test]
fn the_end_waits_for_what_was_sent() {
    // A pipeline that is being answered when the signal comes: every OK that came is true.
    let mut server = Server::with(Options::default().durable().appendfsync("always"));
    let mut client = server.client();
    let mut acknowledged = 0;
    for i in 0..2_000 {
        client.send(&["SET".to_owned(), format!("key:{i}"), i.to_string()]);
    }
    while client.read_any().is_ok() {
        acknowledged += 1;
        if acknowledged == 100 {
            server.signal("TERM");
        }
        if acknowledged == 2_000 {
            break;
        }
    }
    server.wait_for_exit();
    server.restart();
    let mut client = server.client();
    for i in 0..acknowledged {
        assert_eq!(client.run(&format!("GET key:{i}")).text(), i.to_string());
    }
}

/// Messages that come behind the one that ends a shard's thread must not keep it from ending.
#[test]
fn it_ends_in_the_middle_of_much_work() {
    for (round, mode) in ["everysec", "always", "no", "everysec", "always"].iter().enumerate() {
        let options = Options::default().durable().shards(2).appendfsync(mode);
        let mut server = Server::with(options);
        let clients: Vec<_> = (0..4)
            .map(|number| {
                let mut client = server.client();
                std::thread::spawn(move || {
                    for i in 0.. {
                        let key = format!("{number}:{i}");
                        let other = format!("{key}b");
                        let request = resp::encode_request(&["MSET", &key, "1", &other, "2"]);
                        let sent = client.try_write_raw(&request);
                        if sent.is_err() || client.read_any().is_err() {
                            break;
                        }
                    }
                })
            })
            .collect();
        std::thread::sleep(Duration::from_millis(50 + 37 * round as u64));
        server.signal("TERM");
        let status = server.exit_within(Duration::from_secs(20));
        assert!(status.is_some_and(|status| status.success()), "{mode}: {status:?}");
        for client in clients {
            client.join().expect("a client ends with its connection");
        }
    }
}

#[test]
fn help_and_version_need_no_server() {
    let run = |argument: &str| {
        let output = Command::new(server::target_program()).arg(argument).output();
        let output = output.expect("run the server's program");
        assert!(output.status.success(), "{argument}: {}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let version = run("--version");
    assert!(version.split_whitespace().any(|word| word.contains('.')), "{version}");
    assert_eq!(version.lines().count(), 1, "{version}");
    if !server::target_is_redis() {
        assert!(run("--help").contains("--port"));
    }
}

#[test]
fn one_line_at_start_tells_what_runs() {
    if server::target_is_redis() {
        return;
    }
    let server = Server::with(Options::default().shards(2));
    let log = server.log();
    let dir = server.dir().display().to_string();
    let line = log.lines().find(|line| line.contains("shards") && line.contains(&dir));
    let line = line.unwrap_or_else(|| panic!("no such line in:\n{log}"));
    assert_says(line, &["2", env!("CARGO_PKG_VERSION"), "no"]);
}

#[test]
fn connections_are_refused_after_the_end_and_welcome_after_the_restart() {
    let mut server = Server::with(Options::default().durable());
    server.terminate();
    assert!(Client::connect(server.address()).is_err(), "somebody still listens");
    server.restart();
    let mut client = server.client();
    client.set_timeout(Duration::from_secs(5));
    assert_eq!(client.run("PING").text(), "PONG");
}

#[test]
fn compactions_stand_back_behind_the_loops() {
    let server = Server::with(Options::default().shards(2));
    let tasks = std::fs::read_dir(format!("/proc/{}/task", server.pid())).unwrap();
    let priorities: Vec<(String, i64)> = tasks
        .filter_map(|task| {
            let folder = task.unwrap().path();
            let name = std::fs::read_to_string(folder.join("comm")).ok()?;
            let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
            // Behind the name, which may have spaces, the 17th field.
            let nice = stat.rsplit_once(')')?.1.split_whitespace().nth(16)?.parse().ok()?;
            Some((name.trim().to_owned(), nice))
        })
        .collect();
    let of = |part: &str| {
        let named = priorities.iter().filter(|(name, _)| name.starts_with(part));
        named.map(|(_, nice)| *nice).collect::<Vec<_>>()
    };
    let usual = of("accept");
    assert!(!usual.is_empty() && !of("shard-").is_empty(), "{priorities:?}");
    assert!(of("shard-").iter().all(|nice| *nice == usual[0]), "{priorities:?}");
    assert_eq!(of("rocksdb:high"), [usual[0]], "{priorities:?}");
    let compactions = of("rocksdb:low");
    assert!(!compactions.is_empty(), "{priorities:?}");
    assert!(compactions.iter().all(|nice| *nice > usual[0]), "{priorities:?}");
}
