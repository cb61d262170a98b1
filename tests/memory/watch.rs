//! Looks at the server's memory while it is abused.

use std::fmt;
use std::fs;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::common::{Client, Server};

const PAUSE: Duration = Duration::from_millis(50);

pub struct Watch(JoinHandle<Seen>);

/// The most that it had in memory, and what INFO said when it had most of what INFO was asked for.
pub struct Seen {
    pub peak_bytes: u64,
    info_bytes: u64,
    info: Vec<String>,
}

impl Watch {
    pub fn start(server: &Server, deadline: Instant) -> Self {
        let (mut client, pid) = (server.client(), server.pid());
        Self(std::thread::spawn(move || {
            let mut seen = Seen { peak_bytes: 0, info_bytes: 0, info: Vec::new() };
            while Instant::now() < deadline {
                seen.look(&mut client, pid);
                std::thread::sleep(PAUSE);
            }
            seen
        }))
    }

    pub fn stop(self) -> Seen {
        self.0.join().expect("the watching thread")
    }
}

/// A line of /proc/PID/status.
fn status_bytes(pid: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().nth(1)).unwrap_or("0");
    number.parse::<u64>().expect("a number of kB") * 1024
}

impl Seen {
    fn look(&mut self, client: &mut Client, pid: u32) {
        self.peak_bytes = self.peak_bytes.max(status_bytes(pid, "VmHWM"));
        let resident = status_bytes(pid, "VmRSS");
        if resident > self.info_bytes
            && let Ok(replies) = client.try_pipeline(&[vec!["INFO", "memory"]])
        {
            let text = replies[0].text();
            let wanted =
                |line: &&str| line.starts_with("memory_") || line.starts_with("used_memory_rss:");
            self.info = text.lines().filter(wanted).map(str::to_owned).collect();
            self.info_bytes = resident;
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "peak {} MB; with {} MB:", self.peak_bytes >> 20, self.info_bytes >> 20)?;
        for line in &self.info {
            writeln!(f, "  {line}")?;
        }
        Ok(())
    }
}
