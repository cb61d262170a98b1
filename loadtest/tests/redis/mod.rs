//! A redis-server for tests, where one is installed.

use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// A redis-server of the test's own, ended with it.
pub(crate) struct Redis {
    process: Child,
    pub(crate) addr: String,
}

impl Redis {
    /// `None` where redis-server is not installed.
    pub(crate) fn start() -> Option<Redis> {
        let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = free.local_addr().expect("bound");
        drop(free);
        let process = Command::new("redis-server")
            .args(["--port", &addr.port().to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .current_dir(std::env::temp_dir())
            .stdout(Stdio::null())
            .spawn()
            .ok()?;
        let redis = Redis { process, addr: addr.to_string() };
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(addr).is_err() {
            assert!(Instant::now() < deadline, "redis-server does not come up");
            thread::sleep(Duration::from_millis(20));
        }
        Some(redis)
    }

    /// Runs a command, by redis-cli of the same package.
    pub(crate) fn cli(&self, command: &[&str]) {
        let port = self.addr.rsplit(':').next().unwrap_or_default();
        let done = Command::new("redis-cli").args(["-p", port]).args(command).output();
        assert!(done.expect("run redis-cli").status.success(), "{command:?}");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
