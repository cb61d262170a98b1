//! Files beside the data: nothing is touched that is another server's, and nothing that is ours is
//! left behind or open to others.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::process::{Command, Stdio};

use super::{Home, Running, command, mode, send_signal, text, wait_until_it_answers};
use crate::common::Server;
use crate::common::server::{self, Options};

#[test]
fn whatever_the_umask_nobody_else_writes_its_files_or_reads_its_data() {
    if server::target_is_redis() {
        return;
    }
    let home = Home::new();
    let port = server::free_port();
    let files = ["--logfile", "log", "--pidfile", "pid", "--unixsocket", "socket"];
    let files = [&files[..], &["--unixsocketperm", "700"]].concat();
    let child = command(&home, port, "umask 0;", &files).spawn().expect("start");
    let mut running = Running(child);
    let mut client = wait_until_it_answers(port);
    client.ok("SET key value");
    let data = home.path("data");
    for name in ["log", "pid"] {
        assert_eq!(mode(&data.join(name)), 0o644, "{name}");
    }
    for name in ["lock", "basalt.manifest"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    for name in ["shard-000", "socket"] {
        assert_eq!(mode(&data.join(name)), 0o700, "{name}");
    }
    send_signal(running.0.id(), "TERM");
    assert!(running.0.wait().expect("wait").success());
}

#[test]
fn relative_names_start_in_the_data_directory_and_those_of_the_files_where_it_was_started() {
    let home = Home::new();
    fs::write(home.path("more.conf"), "timeout 50\n").expect("write");
    fs::write(home.path("main.conf"), "include more.conf\n").expect("write");
    let port = server::free_port();
    let mut command = Command::new(server::target_program());
    command.arg("main.conf").args(["--port", &port.to_string(), "--dir", "data"]);
    command.args(["--unixsocket", "socket", "--pidfile", "pid", "--logfile", "log"]);
    let child = command.current_dir(&home.0).stdin(Stdio::null()).spawn().expect("start");
    let mut running = Running(child);
    let mut client = wait_until_it_answers(port);
    let data = home.path("data").canonicalize().expect("a path");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", running.0.id())).expect("look"), data);
    for name in ["socket", "pid", "log"] {
        assert!(data.join(name).exists(), "{name}");
    }
    UnixStream::connect(data.join("socket")).expect("connect");
    if !server::target_is_redis() {
        client.ok("CONFIG REWRITE");
    }
    send_signal(running.0.id(), "TERM");
    assert!(running.0.wait().expect("wait").success());
    for name in ["socket", "pid"] {
        assert!(!data.join(name).exists(), "{name} was left behind");
    }
}

#[test]
fn a_second_server_that_is_refused_leaves_the_files_of_the_first_alone() {
    if server::target_is_redis() {
        return;
    }
    let home = Home::new();
    let [socket, pid, log] = ["socket", "pid", "log"].map(|name| home.path(name));
    let options = Options::default()
        .set("unixsocket", &home.shown("socket"))
        .set("pidfile", &home.shown("pid"))
        .set("logfile", &home.shown("log"));
    let mut first = Server::with(options.clone());
    first.client().ok("SET key value");
    let look = || {
        let file = fs::symlink_metadata(&socket).expect("the socket");
        (file.dev(), file.ino(), text(&pid), text(&log))
    };
    let before = look();
    let (status, said) = Server::refused(options, &first.dir());
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("in use"), "{said}");
    assert_eq!(look(), before);
    UnixStream::connect(&socket).expect("connect to the first server");
    assert_eq!(first.client().run("GET key").text(), "value");
    assert!(first.terminate().success());
    assert!(!socket.exists() && !pid.exists());
}

#[test]
fn the_socket_of_a_server_with_another_directory_is_left_alone() {
    if server::target_is_redis() {
        return;
    }
    let home = Home::new();
    let socket = home.path("socket");
    let options = Options::default().set("unixsocket", &home.shown("socket"));
    let mut first = Server::with(options.clone());
    let other = Home::new();
    let (status, said) = Server::refused(options.clone(), &other.path("data"));
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("Another server listens on this socket"), "{said}");
    UnixStream::connect(&socket).expect("connect to the first server");
    // One that a server left behind is in nobody's way, and what is no socket is not removed.
    first.kill9();
    assert!(fs::symlink_metadata(&socket).expect("left behind").file_type().is_socket());
    first.restart();
    UnixStream::connect(&socket).expect("connect to the server that was started again");
    first.kill9();
    fs::remove_file(&socket).expect("remove");
    fs::write(&socket, "precious").expect("write");
    let (_, said) = Server::refused(options, &other.path("data"));
    assert!(said.contains("no socket"), "{said}");
    assert_eq!(text(&socket), "precious");
}

#[test]
fn a_port_in_use_leaves_no_socket_and_no_pid_file_behind() {
    let home = Home::new();
    let first = Server::start();
    let options = Options::default()
        .port(first.port)
        .set("unixsocket", &home.shown("socket"))
        .set("pidfile", &home.shown("pid"));
    let (status, said) = Server::refused(options, &home.path("data"));
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(!home.path("socket").exists() && !home.path("pid").exists());
}

#[test]
fn a_pid_file_that_cannot_be_written_is_a_warning() {
    let mut server = Server::with(Options::default().set("pidfile", "/nonexistent/folder/pid"));
    assert_eq!(server.client().run("PING").text(), "PONG");
    if !server.is_redis() {
        let log = server.log();
        assert!(log.contains("Failed to write PID file /nonexistent/folder/pid"), "{log}");
    }
    assert!(server.terminate().success());
}

#[test]
fn the_pid_file_of_another_server_stays_and_one_left_behind_is_replaced() {
    if server::target_is_redis() {
        return;
    }
    let home = Home::new();
    let pid = home.path("pid");
    let options = Options::default().set("pidfile", &home.shown("pid"));
    let mut first = Server::with(options.clone());
    let second = Server::with(options);
    assert_eq!(text(&pid).trim(), first.pid().to_string());
    assert!(second.log().contains("another server that runs"), "{}", second.log());
    drop(second);
    assert_eq!(text(&pid).trim(), first.pid().to_string());
    first.kill9();
    first.restart();
    assert_eq!(text(&pid).trim(), first.pid().to_string());
    // Somebody else's by now.
    fs::write(&pid, "1\n").expect("write");
    assert!(first.terminate().success());
    assert_eq!(text(&pid), "1\n");
}

#[test]
fn a_data_directory_that_is_not_there_is_not_made() {
    let home = Home::new();
    let missing = home.path("volume/data");
    let (status, said) = Server::refused(Options::default(), &missing);
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("No such file or directory"), "{said}");
    assert!(said.contains(&missing.display().to_string()), "{said}");
    assert!(!home.path("volume").exists());
    // Nor is a file one.
    fs::write(home.path("file"), "").expect("write");
    let (status, said) = Server::refused(Options::default(), &home.path("file"));
    assert_eq!(status.code(), Some(1), "{said}");
    assert!(said.contains("Not a directory"), "{said}");
}

#[test]
fn a_start_without_any_data_is_told() {
    if server::target_is_redis() {
        return;
    }
    const TOLD: &str = "There was no data in the directory";
    let mut server = Server::start();
    assert!(server.log().contains(TOLD), "{}", server.log());
    server.terminate();
    server.restart();
    assert_eq!(server.log().matches(TOLD).count(), 1, "{}", server.log());
}
