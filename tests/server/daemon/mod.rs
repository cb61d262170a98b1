//! The conventions of a Unix daemon.

mod files;
mod signals;
mod supervision;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::Client;
use crate::common::server;

const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what has to come.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "still waiting until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("look at a file").permissions().mode() & 0o777
}

/// A directory with one for data in it, removed at the end.
struct Home(PathBuf);

impl Home {
    fn new() -> Self {
        let home = server::new_home();
        fs::create_dir(home.join("data")).expect("make a directory");
        Self(home)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn shown(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        server::remove_home(&self.0);
    }
}

/// A process that is ended with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The server's command with what every one of these needs, in `home` with the shell's `prelude`.
fn command(home: &Home, port: u16, prelude: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    let line = format!("{prelude} exec \"$0\" \"$@\"");
    command.arg("-c").arg(line).arg(server::target_program());
    command.args(["--port", &port.to_string(), "--dir", &home.shown("data")]);
    command.args(arguments).current_dir(&home.0).stdin(Stdio::null());
    command
}

fn wait_until_it_answers(port: u16) -> Client {
    let address = ([127, 0, 0, 1], port).into();
    let mut client = None;
    until("it answers", || {
        client = Client::connect(address).ok();
        client.as_mut().is_some_and(|client| client.try_ping().is_ok())
    });
    client.expect("a client")
}

fn send_signal(process: u32, name: &str) {
    let sent = Command::new("kill").arg(format!("-{name}")).arg(process.to_string()).status();
    assert!(sent.expect("run kill").success(), "signal {name} was not sent");
}

/// Runs a command that has to end, and that all who have its output open let go.
fn output_of(mut command: Command) -> Output {
    let running = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("run");
    let process = running.id();
    let (sender, ended) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(running.wait_with_output()));
    ended.recv_timeout(PATIENCE).map_or_else(
        |_| {
            send_signal(process, "KILL");
            panic!("it has not ended, or has left its output to somebody who has not");
        },
        |output| output.expect("its output"),
    )
}
