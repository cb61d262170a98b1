//! Servers under test: started on a free loopback port with a directory of their own, ended by
//! process id, cleaned up on drop, their log printed when a test fails.
//!
//! The target is the `basalt` just built, or the program in `BASALT_TEST_SERVER`; a redis-server
//! there is given its own spelling of the same wishes, so that the tests can be checked against
//! it. The oracle is always the redis-server in PATH.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::client::Client;
use super::env;
use super::resp::Value;

/// How long a start may take: opening the databases, or loading a file for a redis-server.
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an orderly end may take.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
const POLL_INTERVAL: Duration = Duration::from_millis(10);
/// Another process may take a free port between the look and the start.
const PORT_ATTEMPTS: usize = 5;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Basalt,
    Redis,
}

/// What a server is started with. Directives are those of the command line.
#[derive(Clone)]
pub struct Options {
    shards: usize,
    appendfsync: String,
    durable: bool,
    port: Option<u16>,
    config_file: Option<PathBuf>,
    dir: Option<PathBuf>,
    directives: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    /// Soft and hard.
    open_files: Option<(u64, u64)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shards: 2,
            // Whether a write survives a power cut is the subject of few tests.
            appendfsync: "no".to_owned(),
            durable: false,
            port: None,
            config_file: None,
            dir: None,
            directives: Vec::new(),
            environment: Vec::new(),
            open_files: None,
        }
    }
}

impl Options {
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    pub fn appendfsync(mut self, mode: &str) -> Self {
        self.appendfsync = mode.to_owned();
        self
    }

    /// The data must outlive the process. Basalt's always does; a redis-server has to be told.
    pub fn durable(mut self) -> Self {
        self.durable = true;
        self
    }

    /// A port of the test's choice in place of a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    pub fn config_file(mut self, path: &Path) -> Self {
        self.config_file = Some(path.to_owned());
        self
    }

    /// A data directory of the test's choice, which the test removes.
    pub fn dir(mut self, path: &Path) -> Self {
        self.dir = Some(path.to_owned());
        self
    }

    /// One directive; a value of several words becomes several arguments.
    pub fn set(mut self, directive: &str, value: &str) -> Self {
        self.directives.push((directive.to_owned(), value.to_owned()));
        self
    }

    /// A variable of the server's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The limit of open files that it is started with, soft and hard.
    pub fn open_files(mut self, soft: u64, hard: u64) -> Self {
        self.open_files = Some((soft, hard));
        self
    }

    fn arguments(&self, kind: Kind, port: u16, dir: &Path) -> Vec<String> {
        let mut all = vec![
            ("port".to_owned(), port.to_string()),
            ("dir".to_owned(), dir.display().to_string()),
        ];
        // redis-server has this directive from its append-only file, with the same meaning.
        all.push(("appendfsync".to_owned(), self.appendfsync.clone()));
        match kind {
            Kind::Basalt => all.push(("shards".to_owned(), self.shards.to_string())),
            Kind::Redis => {
                all.push(("save".to_owned(), String::new()));
                if self.durable {
                    all.push(("appendonly".to_owned(), "yes".to_owned()));
                }
            }
        }
        all.extend(self.directives.iter().cloned());
        let mut arguments = Vec::new();
        arguments.extend(self.config_file.iter().map(|path| path.display().to_string()));
        for (name, value) in all {
            arguments.push(format!("--{name}"));
            if value.is_empty() {
                arguments.push(value);
            } else {
                arguments.extend(value.split(' ').map(str::to_owned));
            }
        }
        arguments
    }
}

/// How a start ended that brought no server.
#[derive(Debug)]
pub struct NoStart {
    /// `None`: it did neither answer nor end in time, and was killed.
    pub status: Option<ExitStatus>,
    pub log: String,
}

pub struct Server {
    pub kind: Kind,
    pub port: u16,
    program: PathBuf,
    options: Options,
    /// Holds the data directory and the log; removed on drop.
    home: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// The target with the default options.
    pub fn start() -> Self {
        Self::with(Options::default())
    }

    pub fn with(options: Options) -> Self {
        let (program, kind) = target();
        Self::launch(program, kind, options)
    }

    /// The reference server, or `None` where a test may be skipped for want of it.
    pub fn oracle() -> Option<Self> {
        Self::oracle_with(Options::default())
    }

    pub fn oracle_with(options: Options) -> Option<Self> {
        let program = env::tool_or_skip("redis-server", "the oracle; Debian package redis-server")?;
        Some(Self::launch(program, Kind::Redis, options))
    }

    /// Starts the target on a directory that must make it refuse; gives its exit and its log.
    pub fn refused(options: Options, dir: &Path) -> (ExitStatus, String) {
        let (program, kind) = target();
        let home = new_home();
        let port = options.port.unwrap_or_else(free_port);
        let arguments = options.arguments(kind, port, dir);
        let mut child = spawn(&program, &arguments, &options, &home);
        let status = wait_for_exit(&mut child, START_TIMEOUT);
        let log = read_log(&home);
        remove_home(&home);
        match status {
            Some(status) => (status, log),
            None => {
                end(&mut child);
                panic!("the server started where it had to refuse; its log:\n{log}");
            }
        }
    }

    fn launch(program: PathBuf, kind: Kind, options: Options) -> Self {
        match Self::try_launch(program.clone(), kind, options, START_TIMEOUT) {
            Ok(server) => server,
            Err(NoStart { status: Some(_), log }) => {
                panic!("{} did not start; its log:\n{}", program.display(), tail(&log))
            }
            Err(NoStart { status: None, .. }) => {
                panic!("no answer to PING after {START_TIMEOUT:?}")
            }
        }
    }

    /// As `with`, where the start may fail, or hang.
    pub fn try_with(options: Options, timeout: Duration) -> Result<Self, NoStart> {
        let (program, kind) = target();
        Self::try_launch(program, kind, options, timeout)
    }

    fn try_launch(
        program: PathBuf,
        kind: Kind,
        options: Options,
        timeout: Duration,
    ) -> Result<Self, NoStart> {
        let home = new_home();
        let port = options.port.unwrap_or_else(free_port);
        let mut server = Self { kind, port, program, options, home, child: None };
        let mut attempts_left = if server.options.port.is_some() { 1 } else { PORT_ATTEMPTS };
        loop {
            server.spawn();
            let status = match server.wait_until_ready(timeout) {
                Ready::Yes => return Ok(server),
                Ready::Ended(status) => Some(status),
                Ready::Silent => None,
            };
            attempts_left -= 1;
            let log = server.log();
            if attempts_left == 0 || !log.contains("Address already in use") {
                return Err(NoStart { status, log });
            }
            server.port = free_port();
        }
    }

    fn spawn(&mut self) {
        assert!(self.child.is_none(), "the server runs already");
        fs::create_dir_all(self.dir()).expect("create the data directory");
        let arguments = self.options.arguments(self.kind, self.port, &self.dir());
        self.child = Some(spawn(&self.program, &arguments, &self.options, &self.home));
    }

    /// Waits until PING is answered.
    fn wait_until_ready(&mut self, timeout: Duration) -> Ready {
        let deadline = Instant::now() + timeout;
        while Instant::now() < deadline {
            let child = self.child.as_mut().expect("a running server");
            if let Some(status) = child.try_wait().expect("look at the server") {
                self.child = None;
                return Ready::Ended(status);
            }
            if let Ok(mut client) = Client::connect(self.address()) {
                let answer = client.try_write_raw(b"*1\r\n$4\r\nPING\r\n");
                match answer.and_then(|()| client.read_any()) {
                    Ok(Value::Simple(_)) => return Ready::Yes,
                    // A password is asked for: the server is up.
                    Ok(Value::Error(text)) if text.starts_with(b"NOAUTH") => return Ready::Yes,
                    _ => {}
                }
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        Ready::Silent
    }

    pub fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// A new connection, in RESP2 as every connection starts.
    pub fn client(&self) -> Client {
        Client::connect(self.address()).expect("connect to the server")
    }

    /// A new connection in RESP3.
    pub fn client3(&self) -> Client {
        let mut client = self.client();
        let hello = client.run("HELLO 3");
        assert!(matches!(hello, Value::Map(_)), "reply to HELLO 3: {hello:?}");
        client
    }

    /// The data directory.
    pub fn dir(&self) -> PathBuf {
        self.options.dir.clone().unwrap_or_else(|| self.home.join("data"))
    }

    pub fn is_redis(&self) -> bool {
        self.kind == Kind::Redis
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("a running server").id()
    }

    pub fn log(&self) -> String {
        read_log(&self.home)
    }

    /// Ends the process without giving it a chance to tidy up.
    pub fn kill9(&mut self) {
        end(&mut self.child.take().expect("a running server"));
    }

    /// Sends a signal by name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let sent =
            Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(sent.expect("run kill").success(), "signal {name} was not sent");
    }

    /// Waits for an end that the test has asked for.
    pub fn wait_for_exit(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("a running server");
        wait_for_exit(&mut child, STOP_TIMEOUT).unwrap_or_else(|| {
            end(&mut child);
            panic!("the server has not ended after {STOP_TIMEOUT:?}")
        })
    }

    /// As `wait_for_exit`, where the server may not end: then it is killed, and `None`.
    pub fn exit_within(&mut self, timeout: Duration) -> Option<ExitStatus> {
        let mut child = self.child.take().expect("a running server");
        let status = wait_for_exit(&mut child, timeout);
        if status.is_none() {
            end(&mut child);
        }
        status
    }

    /// Asks for an orderly end and waits for it.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("TERM");
        self.wait_for_exit()
    }

    /// Starts the ended server again: same directory, same port, same options.
    pub fn restart(&mut self) {
        self.spawn();
        let ready = self.wait_until_ready(START_TIMEOUT);
        let log = self.log();
        assert!(matches!(ready, Ready::Yes), "the server did not start again; log:\n{log}");
    }
}

/// What came of waiting for a start.
enum Ready {
    Yes,
    Ended(ExitStatus),
    Silent,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            end(&mut child);
        }
        if std::thread::panicking() {
            eprintln!("--- log of {}:\n{}", self.program.display(), tail(&self.log()));
        }
        remove_home(&self.home);
    }
}

/// The program under test.
fn target() -> (PathBuf, Kind) {
    let built = || PathBuf::from(env!("CARGO_BIN_EXE_basalt"));
    let program = std::env::var_os(env::SERVER_PROGRAM).map_or_else(built, PathBuf::from);
    let name = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let kind = if name.contains("redis-server") { Kind::Redis } else { Kind::Basalt };
    (program, kind)
}

/// Whether a redis-server stands in for Basalt: what only Basalt promises is then not tested.
pub fn target_is_redis() -> bool {
    target().1 == Kind::Redis
}

/// The target's program, for tests that run it without a server coming of it.
pub fn target_program() -> PathBuf {
    target().0
}

fn spawn(program: &Path, arguments: &[String], options: &Options, home: &Path) -> Child {
    let log = File::options().create(true).append(true).open(home.join("log"));
    let log = log.expect("open the log");
    let mut command = match options.open_files {
        None => Command::new(program),
        Some((soft, hard)) => {
            // The shell becomes the server, which so has its process id.
            let line = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$0\" \"$@\"");
            let mut shell = Command::new("sh");
            shell.arg("-c").arg(line).arg(program);
            shell
        }
    };
    command
        .args(arguments)
        .envs(options.environment.iter().map(|(name, value)| (name, value)))
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("share the log"))
        .stderr(log)
        .spawn()
        .unwrap_or_else(|e| panic!("cannot run {}: {e}", program.display()))
}

fn wait_for_exit(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let deadline = Instant::now() + timeout;
    while Instant::now() < deadline {
        if let Some(status) = child.try_wait().expect("look at the server") {
            return Some(status);
        }
        std::thread::sleep(POLL_INTERVAL);
    }
    None
}

/// SIGKILL, and the wait that frees the process entry. An already ended one is fine.
fn end(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// A port that was free a moment ago, never the same twice: two tests side by side must not take
/// each other's server for their own.
pub fn free_port() -> u16 {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bind to any port");
        let port = listener.local_addr().expect("the bound port").port();
        if given.insert(port) {
            return port;
        }
    }
}

/// A new directory of this process, below the system's temporary directory.
pub fn new_home() -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let name = format!("basalt-test-{}-{count}", std::process::id());
    let home = std::env::temp_dir().join(name);
    // Left behind by an earlier process of the same id.
    remove_home(&home);
    fs::create_dir_all(&home).expect("create a directory for the test");
    home
}

pub fn remove_home(home: &Path) {
    if env::is_set(env::KEEP_DIRECTORIES) {
        eprintln!("kept {}", home.display());
        return;
    }
    match fs::remove_dir_all(home) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            eprintln!("cannot remove {}: {error}", home.display());
        }
        _ => {}
    }
}

fn read_log(home: &Path) -> String {
    String::from_utf8_lossy(&fs::read(home.join("log")).unwrap_or_default()).into_owned()
}

fn tail(log: &str) -> String {
    const LINES_MAX: usize = 60;
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}
