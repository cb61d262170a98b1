//! Signals, a log file that is moved, and an output that nobody reads.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Stdio;
use std::time::Duration;

use super::{Home, Running, command, send_signal, text, until, wait_until_it_answers};
use crate::common::Server;
use crate::common::server::{self, Options};

#[test]
fn a_hangup_does_not_end_the_server() {
    let mut server = Server::start();
    let mut client = server.client();
    client.ok("SET key value");
    for signal in ["HUP", "PIPE", "HUP"] {
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(50));
        assert_eq!(client.run("GET key").text(), "value", "after SIG{signal}");
    }
    assert!(server.terminate().success(), "it stops in order all the same");
}

#[test]
fn a_server_that_was_suspended_goes_on() {
    let server = Server::start();
    let mut client = server.client();
    client.ok("SET key value");
    for signal in ["TSTP", "STOP"] {
        server.signal(signal);
        std::thread::sleep(Duration::from_millis(200));
        server.signal("CONT");
        assert_eq!(client.run("GET key").text(), "value", "after SIG{signal}");
    }
}

#[test]
fn signals_that_nobody_catches_end_the_server_as_they_end_redis() {
    for (signal, number) in [("USR1", 10), ("USR2", 12)] {
        let mut server = Server::with(Options::default().durable().appendfsync("always"));
        server.client().ok("SET key value");
        server.signal(signal);
        assert_eq!(server.wait_for_exit().signal(), Some(number));
        server.restart();
        assert_eq!(server.client().run("GET key").text(), "value", "after SIG{signal}");
    }
}

#[test]
fn a_crash_leaves_a_line_in_the_log_and_its_signal_as_the_end() {
    for (signal, number) in [("SEGV", 11), ("ABRT", 6), ("BUS", 7), ("FPE", 8), ("ILL", 4)] {
        let mut server = Server::with(Options::default().shards(1));
        server.signal(signal);
        assert_eq!(server.wait_for_exit().signal(), Some(number), "SIG{signal}");
        let log = server.log();
        assert!(log.contains(&format!("crashed by signal: {number}")), "{log}");
    }
    let mut server = Server::start();
    server.client().ok("CONFIG SET crash-log-enabled no");
    server.signal("SEGV");
    assert_eq!(server.wait_for_exit().signal(), Some(11));
    assert!(!server.log().contains("crashed by signal"), "{}", server.log());
}

#[test]
fn a_log_file_that_was_moved_away_gets_no_more_lines() {
    let home = Home::new();
    let (log, moved) = (home.path("log"), home.path("log.1"));
    let server = Server::with(Options::default().set("logfile", &home.shown("log")));
    let mut client = server.client();
    until("there is a log", || text(&log).contains("eady to accept connections"));
    fs::rename(&log, &moved).expect("move the log");
    let before = text(&moved);
    server.signal("HUP");
    if server.is_redis() {
        return;
    }
    until("the log is made again", || text(&log).contains("SIGHUP"));
    assert_eq!(text(&moved), before);
    // A name that vanished is made again without a signal.
    fs::remove_file(&log).expect("remove the log");
    client.ok("CONFIG SET timeout 77");
    until("the log is made once more", || text(&log).contains("timeout"));
}

#[test]
fn a_server_whose_output_nobody_reads_goes_on() {
    let home = Home::new();
    let port = server::free_port();
    let mut command = command(&home, port, "", &[]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("start");
    let mut running = Running(child);
    let mut client = wait_until_it_answers(port);
    drop((running.0.stdout.take(), running.0.stderr.take()));
    for timeout in 0..20 {
        client.ok(&format!("CONFIG SET timeout {}", 100 + timeout));
    }
    client.ok("SET key value");
    assert_eq!(client.run("GET key").text(), "value");
    send_signal(running.0.id(), "TERM");
    assert!(running.0.wait().expect("wait").success());
}

#[test]
fn a_server_starts_with_its_output_closed() {
    let home = Home::new();
    let port = server::free_port();
    let child = command(&home, port, "exec >&- 2>&-;", &[]).spawn().expect("start");
    let mut running = Running(child);
    let mut client = wait_until_it_answers(port);
    client.ok("SET key value");
    // No file of the data has come to be the standard output.
    let directory = home.path("data");
    for standard in [1, 2] {
        let link = fs::read_link(format!("/proc/{}/fd/{standard}", running.0.id()));
        assert!(!link.is_ok_and(|link| link.starts_with(&directory)));
    }
    send_signal(running.0.id(), "TERM");
    assert!(running.0.wait().expect("wait").success());
}
