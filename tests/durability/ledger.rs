//! Load with a ledger of what was acknowledged, and the verdict on a server: both by
//! `basalt-loadtest`, whose README tells what it checks.

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Client, Rng, Server, server};

/// Load that runs until the server is lost.
pub struct Load {
    tool: Tool,
    ledger: Ledger,
}

/// The running program, ended on drop.
struct Tool(Child);

/// The file, removed on drop.
pub struct Ledger {
    home: PathBuf,
}

/// What `verify` says.
pub struct Report {
    /// Nothing is lost but what may be, and nothing is as no crash can leave it.
    pub passed: bool,
    pub acknowledged: u64,
    pub lost: u64,
    pub oldest_lost_s: f64,
    pub text: String,
}

/// How long the load may take to begin and, once the server is gone, to end.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(2);

impl Load {
    /// Starts load of a random shape and waits until the first writes have arrived.
    pub fn start(server: &Server, rng: &mut Rng) -> Self {
        let ledger = Ledger { home: server::new_home() };
        let mut client = server.client();
        let size_before = size(&mut client);
        let connections = *rng.pick(&[2, 8, 24]);
        let number = |options: &[usize], rng: &mut Rng| rng.pick(options).to_string();
        let mut run = Command::new(tool());
        run.args(["run", "--quiet", "--warm-up", "0s", "--duration", "10m", "--timeout", "60s"]);
        run.args(["-a", &server.address().to_string(), "-c", &connections.to_string()]);
        run.args(["-P", &number(&[1, 4, 32], rng)]);
        run.args(["--keys", &(connections * rng.pick(&[2, 20])).to_string()]);
        run.args(["--fields", &number(&[10, 700], rng)]);
        run.args(["--value-size", *rng.pick(&["10", "100", "1-2000"])]);
        run.args(["--seed", &rng.below(1 << 30).to_string()]);
        let output = fs::File::create(ledger.home.join("output")).expect("create a file");
        let tool = run
            .arg("--ledger")
            .arg(ledger.path())
            .stdout(output.try_clone().expect("share a file"))
            .stderr(output)
            .spawn()
            .expect("run basalt-loadtest");
        let mut load = Self { tool: Tool(tool), ledger };
        let deadline = Instant::now() + TIMEOUT;
        while size(&mut client) == size_before {
            assert!(load.runs(), "the load has ended: {}", load.output());
            assert!(Instant::now() < deadline, "the load does not begin: {}", load.output());
            sleep(POLL_INTERVAL);
        }
        load
    }

    /// Waits for the load to end, which it does when the server is gone.
    pub fn finish(mut self) -> Ledger {
        let deadline = Instant::now() + TIMEOUT;
        while self.runs() {
            assert!(Instant::now() < deadline, "the load does not end: {}", self.output());
            sleep(POLL_INTERVAL);
        }
        assert!(self.ledger.path().exists(), "no ledger: {}", self.output());
        self.ledger
    }

    fn runs(&mut self) -> bool {
        self.tool.0.try_wait().expect("look at the load").is_none()
    }

    fn output(&self) -> String {
        fs::read_to_string(self.ledger.home.join("output")).unwrap_or_default()
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ledger {
    fn path(&self) -> PathBuf {
        self.home.join("ledger")
    }

    /// Asks the server for everything. Writes acknowledged no more than `may_lose` before the end
    /// may be missing from the end of each shard.
    pub fn verify(&self, server: &Server, may_lose: Duration) -> Report {
        let mut verify = Command::new(tool());
        verify.args(["verify", "-a", &server.address().to_string(), "--ledger"]).arg(self.path());
        if !may_lose.is_zero() {
            verify.args(["--may-lose", &format!("{}ms", may_lose.as_millis())]);
        }
        let Output { status, stdout, stderr } =
            verify.stdin(Stdio::null()).output().expect("run basalt-loadtest");
        let text = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        assert!(matches!(status.code(), Some(0 | 2)), "verify: {status}: {text}");
        let fact = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            line.unwrap_or_else(|| panic!("no '{name}' in: {text}")).to_owned()
        };
        let count = |name: &str| fact(name).parse().expect("a count");
        // In a round by itself it may be that nothing was: the end can come before the first reply.
        Report {
            passed: status.success(),
            acknowledged: count("writes acknowledged"),
            lost: count("acknowledged writes lost"),
            oldest_lost_s: fact("oldest lost write, seconds before the end")
                .parse()
                .expect("seconds"),
            text: text.clone(),
        }
    }
}

impl Drop for Ledger {
    fn drop(&mut self) {
        server::remove_home(&self.home);
    }
}

fn size(client: &mut Client) -> i64 {
    client.run("DBSIZE").int()
}

/// Cargo puts the programs of the workspace side by side, but tells each test of its own
/// package's alone.
fn tool() -> PathBuf {
    let tool = PathBuf::from(env!("CARGO_BIN_EXE_basalt")).with_file_name("basalt-loadtest");
    let hint = "cargo build --release --workspace";
    assert!(tool.exists(), "{} is missing: {hint}", tool.display());
    tool
}
