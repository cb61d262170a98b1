//! Who looks after the process, going to the background, and what is told of directives.

use std::fs::{self, File};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::Path;
use std::process::{Command, Output};

use super::{
    Home, PATIENCE, Running, command, output_of, send_signal, text, until, wait_until_it_answers,
};
use crate::common::server::{self, Options};
use crate::common::{Client, Server};

/// What a supervisor's socket gets, until `last` is among it.
fn messages(socket: &UnixDatagram, last: &str) -> String {
    socket.set_read_timeout(Some(PATIENCE)).expect("set a timeout");
    let (mut all, mut buffer) = (String::new(), [0; 4096]);
    while !all.lines().any(|line| line == last) {
        let length = socket.recv(&mut buffer).expect("a message");
        all.push_str(&String::from_utf8_lossy(&buffer[..length]));
        all.push('\n');
    }
    all
}

#[test]
fn systemd_is_told_when_the_server_is_ready_and_when_it_stops() {
    // redis-server may have been built without it.
    if server::target_is_redis() {
        return;
    }
    let home = Home::new();
    let path = home.shown("notify");
    let abstract_name = format!("basalt-test-{}", std::process::id());
    let by_name = SocketAddr::from_abstract_name(&abstract_name).expect("a name");
    let sockets = [
        (UnixDatagram::bind(&path).expect("bind"), path.clone()),
        (UnixDatagram::bind_addr(&by_name).expect("bind"), format!("@{abstract_name}")),
    ];
    for (socket, name) in &sockets {
        for supervised in ["systemd", "auto"] {
            let options = Options::default().set("supervised", supervised);
            // Under a supervisor it stays in the foreground.
            let options = options.env("NOTIFY_SOCKET", name).set("daemonize", "yes");
            let mut server = Server::with(options);
            let said = messages(socket, "READY=1");
            assert!(said.contains("STATUS=Ready to accept connections"), "{said}");
            let info = server.client().run("INFO server").text();
            assert!(info.contains("process_supervised:systemd"), "{info}");
            assert!(info.contains(&format!("process_id:{}\r", server.pid())), "{info}");
            server.signal("TERM");
            messages(socket, "STOPPING=1");
            assert!(server.wait_for_exit().success());
        }
        // And only if that was asked for.
        drop(Server::with(Options::default().env("NOTIFY_SOCKET", name)));
        socket.set_nonblocking(true).expect("set");
        assert!(socket.recv(&mut [0; 100]).is_err());
        socket.set_nonblocking(false).expect("set");
    }
}

#[test]
fn a_supervisor_that_is_not_there_is_a_warning() {
    if server::target_is_redis() {
        return;
    }
    let cases = [
        ("systemd", "/nonexistent/socket", "systemd cannot be told"),
        ("systemd", "vsock:2:1", "systemd cannot be told"),
        ("upstart", "", "UPSTART_JOB not found"),
    ];
    for (supervised, socket, warning) in cases {
        let options = Options::default().set("supervised", supervised);
        let mut server = Server::with(options.env("NOTIFY_SOCKET", socket));
        assert!(server.log().contains(warning), "{}", server.log());
        assert!(server.terminate().success());
    }
    let server = Server::with(Options::default().set("supervised", "systemd"));
    assert!(server.log().contains("NOTIFY_SOCKET not found"), "{}", server.log());
    let info = server.client().run("INFO server").text();
    assert!(info.contains("process_supervised:no"), "{info}");
}

#[test]
fn upstart_is_told_by_a_stop_that_lasts_until_it_continues() {
    let home = Home::new();
    let port = server::free_port();
    let mut command = command(&home, port, "", &["--supervised", "upstart"]);
    let mut running = Running(command.env("UPSTART_JOB", "basalt").spawn().expect("start"));
    let stat = format!("/proc/{}/stat", running.0.id());
    let state = || text(Path::new(&stat)).rsplit_once(") ").map(|(_, rest)| rest.chars().next());
    until("it has stopped", || state() == Some(Some('T')));
    send_signal(running.0.id(), "CONT");
    let mut client = wait_until_it_answers(port);
    let info = client.run("INFO server").text();
    assert!(info.contains("process_supervised:upstart"), "{info}");
    send_signal(running.0.id(), "TERM");
    assert!(running.0.wait().expect("wait").success());
}

/// A server in the background, ended with the test.
struct InBackground(u32);

impl InBackground {
    fn is_running(&self) -> bool {
        // A container may have nobody who takes its end; then it stays as a zombie.
        let stat = text(Path::new(&format!("/proc/{}/stat", self.0)));
        stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
    }
}

impl Drop for InBackground {
    fn drop(&mut self) {
        if self.is_running() {
            send_signal(self.0, "KILL");
        }
    }
}

fn start_in_background(home: &Home, port: u16, arguments: &[&str]) -> Output {
    let pid_file = home.shown("pid");
    let all = [&["--daemonize", "yes", "--pidfile", pid_file.as_str()][..], arguments].concat();
    output_of(command(home, port, "", &all))
}

#[test]
fn daemonize_returns_when_the_server_serves_in_the_background() {
    let home = Home::new();
    let port = server::free_port();
    let output = start_in_background(&home, port, &["--logfile", "log"]);
    assert!(output.status.success(), "{output:?}");
    until("there is a pid file", || text(&home.path("pid")).ends_with('\n'));
    let process = text(&home.path("pid")).trim().parse().expect("a process id");
    let server = InBackground(process);
    let address = ([127, 0, 0, 1], port).into();
    if !server::target_is_redis() {
        // At once: there is nothing to wait for.
        assert_eq!(Client::connect(address).expect("connect").run("PING").text(), "PONG");
    }
    let mut client = wait_until_it_answers(port);
    let info = client.run("INFO server").text();
    assert!(info.contains(&format!("process_id:{process}\r")), "{info}");
    // It leads a session of its own, and has nothing of the terminal.
    let stat = text(Path::new(&format!("/proc/{process}/stat")));
    let fields: Vec<&str> = stat.rsplit_once(") ").expect("fields").1.split(' ').collect();
    assert_eq!((fields[3], fields[4]), (process.to_string().as_str(), "0"), "{stat}");
    for standard in 0..3 {
        let link = fs::read_link(format!("/proc/{process}/fd/{standard}")).expect("a link");
        assert_eq!(link, Path::new("/dev/null"));
    }
    client.ok("CONFIG SET timeout 77");
    if !server::target_is_redis() {
        until("the log has a line", || text(&home.path("data/log")).contains("timeout"));
    }
    send_signal(process, "TERM");
    until("it has ended", || !server.is_running());
    assert!(!home.path("pid").exists());
}

#[test]
fn daemonize_says_why_a_start_failed() {
    if server::target_is_redis() {
        return;
    }
    let home = Home::new();
    let first = Server::start();
    let output = start_in_background(&home, first.port, &[]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("in use") && said.contains("without a logfile"), "{said}");
    assert!(!home.path("pid").exists());
    // And of a configuration that is wrong, before anything is in the background.
    let output = start_in_background(&home, first.port, &["--timeout", "soon"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
}

#[test]
fn daemonize_takes_a_configuration_from_standard_input() {
    let home = Home::new();
    let port = server::free_port();
    fs::write(home.path("input"), "timeout 1234\n").expect("write");
    let mut command = Command::new(server::target_program());
    command.args(["--port", &port.to_string(), "--dir", &home.shown("data")]);
    command.args(["--daemonize", "yes", "--pidfile", &home.shown("pid"), "-"]);
    command.stdin(File::open(home.path("input")).expect("open"));
    command.current_dir(&home.0);
    let output = output_of(command);
    assert!(output.status.success(), "{output:?}");
    let mut client = wait_until_it_answers(port);
    let server = InBackground(text(&home.path("pid")).trim().parse().expect("a process id"));
    let timeout = client.run("CONFIG GET timeout").field("timeout").expect("a value");
    assert_eq!(timeout.text(), "1234");
    send_signal(server.0, "TERM");
    until("it has ended", || !server.is_running());
}

#[test]
fn directives_that_do_nothing_here_are_told() {
    if server::target_is_redis() {
        return;
    }
    let options = Options::default()
        .set("io-threads", "4")
        .set("maxmemory-policy", "allkeys-lru")
        .set("lazyfree-lazy-expire", "yes")
        .set("timeout", "100");
    let server = Server::with(options);
    let told = |name: &str| {
        let start = format!("'{name}' is accepted, but: ");
        server.log().matches(&start).count()
    };
    for name in ["io-threads", "maxmemory-policy", "lazyfree-lazy-expire"] {
        assert_eq!(told(name), 1, "{name}; {}", server.log());
    }
    assert_eq!(told("timeout"), 0);
    let mut client = server.client();
    client.ok("CONFIG SET hz 50 timeout 200");
    until("CONFIG SET has told it", || told("hz") == 1);
    assert_eq!((told("io-threads"), told("timeout")), (1, 0));
    // It cannot change while the server runs.
    for name in ["logfile", "pidfile", "unixsocket", "supervised", "daemonize"] {
        let reply = client.call(&["CONFIG", "SET", name, "no"]);
        assert!(reply.text().contains("can't set immutable config"), "{name}: {reply:?}");
    }
}
