//! What the kernel says about processes and this thread: CPU time, memory, pinning, limits.
//!
//! Reads `/proc`; a server in a container or on another host is out of its sight.

use std::fs;
use std::io;
use std::ops::Sub;
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity, set_current_timer_slack};
use rustix::time::{ClockId, clock_gettime};

/// CPU time of a process, all threads and the kernel's work on its behalf.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct CpuTime {
    pub(crate) user: Duration,
    pub(crate) system: Duration,
}

impl CpuTime {
    pub(crate) fn total(&self) -> Duration {
        self.user + self.system
    }
}

impl Sub for CpuTime {
    type Output = CpuTime;

    fn sub(self, earlier: CpuTime) -> CpuTime {
        CpuTime {
            user: self.user.saturating_sub(earlier.user),
            system: self.system.saturating_sub(earlier.system),
        }
    }
}

/// Resident and proportional set size in bytes; the latter only where we may see it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Memory {
    pub(crate) rss: u64,
    pub(crate) pss: Option<u64>,
}

/// `/proc/<pid>/stat`, which counts in ticks of 10 ms: exact enough over seconds.
pub(crate) fn cpu(pid: u32) -> io::Result<CpuTime> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    parse_stat(&stat, rustix::param::clock_ticks_per_second())
        .ok_or_else(|| io::Error::other("no CPU times in its stat file"))
}

fn parse_stat(stat: &str, ticks_per_second: u64) -> Option<CpuTime> {
    // The second field, the program's name in brackets, may hold spaces and brackets itself.
    let (_, fields) = stat.rsplit_once(')')?;
    // utime and stime are the fields 14 and 15; these begin with the third.
    let mut times = fields.split_ascii_whitespace().skip(11);
    let mut next = || {
        let ticks: u64 = times.next()?.parse().ok()?;
        Some(Duration::from_secs_f64(ticks as f64 / ticks_per_second as f64))
    };
    Some(CpuTime { user: next()?, system: next()? })
}

pub(crate) fn memory(pid: u32) -> io::Result<Memory> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let rss = kilobytes(&status, "VmRSS:")
        .ok_or_else(|| io::Error::other("no VmRSS in its status file"))?;
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok();
    let pss = rollup.and_then(|text| kilobytes(&text, "Pss:"));
    Ok(Memory { rss: rss * 1024, pss: pss.map(|pss| pss * 1024) })
}

fn kilobytes(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.trim().strip_suffix("kB")?.trim().parse().ok()
}

/// CPU time of the calling thread.
pub(crate) fn thread_cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

/// Binds the calling thread to one CPU.
pub(crate) fn pin_thread(cpu: usize) -> io::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu);
    Ok(sched_setaffinity(None, &set)?)
}

/// Lets the calling thread's waits end within 1 ns of their time, if the kernel can, instead of
/// the usual 50 us, which would be longer than what an open loop measures.
pub(crate) fn sharpen_timers() -> io::Result<()> {
    Ok(set_current_timer_slack(std::num::NonZeroU64::new(1))?)
}

/// Raises the limit of open files as far as this process may.
pub(crate) fn raise_file_limit() -> io::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_a_hostile_name() {
        let stat = "12 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 250 100 0 0 20 0 4 0";
        let time = parse_stat(stat, 100).expect("valid");
        assert_eq!(time.user, Duration::from_millis(2500));
        assert_eq!(time.system, Duration::from_secs(1));
        assert_eq!(parse_stat("12 (a) S 1", 100), None);
    }

    #[test]
    fn own_process_can_be_seen() {
        let pid = std::process::id();
        assert!(cpu(pid).is_ok());
        assert!(memory(pid).expect("readable").rss > 100_000);
        assert!(cpu(u32::MAX).is_err());
    }

    #[test]
    fn kilobytes_of_a_field() {
        let text = "Name:\tx\nVmRSS:\t   1234 kB\n";
        assert_eq!(kilobytes(text, "VmRSS:"), Some(1234));
        assert_eq!(kilobytes(text, "Pss:"), None);
    }
}
