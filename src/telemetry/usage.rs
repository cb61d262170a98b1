//! What the process uses of the host: memory and processor time.
//!
//! Everything about memory walks the allocator's arenas or reads `/proc`: off the loop only. The
//! processor time of a thread is a quick call, for any thread.

use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::{TimeVal, TimeValLike};
use tikv_jemalloc_ctl::{Access, AsName, epoch, stats, version};

use crate::shared::counters::Counters;

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// Asked for and not given back.
    pub(crate) allocated: u64,
    /// Pages that hold some of that.
    pub(crate) active: u64,
    /// Pages that the allocator has from the system.
    pub(crate) resident: u64,
    /// For the allocator itself.
    pub(crate) metadata: u64,
    /// What the system says that the process has in memory.
    pub(crate) rss: u64,
    /// Of that, the program and its libraries, which are also on the disk.
    pub(crate) program: u64,
}

/// Memory in use now.
pub(crate) fn memory() -> Memory {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let (rss, program) = (status_bytes(&status, "VmRSS:"), status_bytes(&status, "RssFile:"));
    Memory { rss, program, ..allocator_memory() }
}

/// The same without what the system says.
pub(crate) fn allocator_memory() -> Memory {
    // The numbers are those of the latest epoch.
    if epoch::advance().is_err() {
        return Memory::default();
    }
    let number = |read: tikv_jemalloc_ctl::Result<usize>| read.unwrap_or(0) as u64;
    Memory {
        allocated: number(stats::allocated::read()),
        active: number(stats::active::read()),
        resident: number(stats::resident::read()),
        metadata: number(stats::metadata::read()),
        ..Memory::default()
    }
}

/// A number of kilobytes in `/proc/self/status`, in bytes.
fn status_bytes(status: &str, name: &str) -> u64 {
    status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.trim().strip_suffix(" kB"))
        .and_then(|kilobytes| kilobytes.trim().parse::<u64>().ok())
        .map_or(0, |kilobytes| kilobytes * 1024)
}

/// The allocator and its version, as in `jemalloc-5.3.0`.
pub(crate) fn allocator() -> String {
    let long = version::read().unwrap_or("unknown");
    format!("jemalloc-{}", long.split('-').next().unwrap_or(long))
}

/// What the allocator counts, for people.
pub(crate) fn allocator_report() -> String {
    if epoch::advance().is_err() {
        return "The allocator keeps no statistics.\n".into();
    }
    let mut report = format!("{}, bytes:\n", allocator());
    let mut line = |name: &str, what: &str, value: tikv_jemalloc_ctl::Result<usize>| {
        let value = value.map_or_else(|_| "unknown".into(), |value| value.to_string());
        report.push_str(&format!("{name:<10} {value:>16}  {what}\n"));
    };
    line("allocated", "asked for and not given back", stats::allocated::read());
    line("active", "in pages that hold some of that", stats::active::read());
    line("metadata", "for the allocator itself", stats::metadata::read());
    line("resident", "in memory", stats::resident::read());
    line("mapped", "in the address space", stats::mapped::read());
    line("retained", "of addresses kept for later", stats::retained::read());
    let arenas = tikv_jemalloc_ctl::arenas::narenas::read();
    line("arenas", "(a number, not bytes)", arenas.map(|arenas| arenas as usize));
    report
}

/// Makes the allocator give back what it keeps for later: pages age at once, for a moment.
pub(crate) fn purge() {
    // Two at once could take the other's moment for the setting.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    for kind in ["dirty", "muzzy"] {
        for_each_arena(kind, |setting| {
            let known: Result<isize, _> = setting.update(0);
            if let Ok(decay_ms) = known {
                let _ = setting.write(decay_ms);
            }
        });
    }
}

/// Calls with the name of each arena's setting of how long pages of a kind are kept. An arena that
/// is not in use has no settings.
fn for_each_arena(kind: &str, change: impl Fn(&tikv_jemalloc_ctl::Name)) {
    let arenas = tikv_jemalloc_ctl::arenas::narenas::read().unwrap_or(0);
    for arena in 0..arenas {
        change(format!("arena.{arena}.{kind}_decay_ms\0").as_str().name());
    }
}

/// Notes what is allocated when the server is ready.
pub(crate) fn note_startup(counters: &Counters) {
    counters.memory_startup.store(memory().allocated, Ordering::Relaxed);
}

/// Takes a sample for the peak, and gives it back.
pub(crate) fn note_peak(counters: &Counters) -> Memory {
    let memory = memory();
    counters.memory_peak.fetch_max(memory.allocated, Ordering::Relaxed);
    memory
}

/// Processor time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct ProcessorTime {
    pub(crate) user_us: u64,
    pub(crate) system_us: u64,
}

impl ProcessorTime {
    /// Of all threads of the process.
    pub(crate) fn of_process() -> Self {
        Self::of(UsageWho::RUSAGE_SELF)
    }

    /// Of processes that this one started and that have ended.
    pub(crate) fn of_children() -> Self {
        Self::of(UsageWho::RUSAGE_CHILDREN)
    }

    /// Of the thread that asks.
    pub(crate) fn of_thread() -> Self {
        Self::of(UsageWho::RUSAGE_THREAD)
    }

    fn of(who: UsageWho) -> Self {
        let microseconds = |time: TimeVal| u64::try_from(time.num_microseconds()).unwrap_or(0);
        getrusage(who).map_or_else(
            |_| Self::default(),
            |usage| Self {
                user_us: microseconds(usage.user_time()),
                system_us: microseconds(usage.system_time()),
            },
        )
    }

    /// Adds another thread's.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { user_us: self.user_us + other.user_us, system_us: self.system_us + other.system_us }
    }

    /// Both together.
    pub(crate) fn total_us(self) -> u64 {
        self.user_us + self.system_us
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_set_is_read_in_bytes() {
        let status = "VmHWM:\t  900 kB\nVmRSS:\t     712 kB\nRssAnon: 1 kB\nRssFile: 2 kB\n";
        assert_eq!(status_bytes(status, "VmRSS:"), 729_088);
        assert_eq!(status_bytes(status, "RssFile:"), 2048);
        assert_eq!(status_bytes("VmRSS:\t x kB\n", "VmRSS:"), 0);
        assert_eq!(status_bytes("", "VmRSS:"), 0);
    }

    #[test]
    fn allocations_show() {
        let before = memory();
        let block = std::hint::black_box(vec![1_u8; 64 << 20]);
        let after = memory();
        // Other tests allocate and free beside this one, but not that much.
        assert!(after.allocated > before.allocated + (32 << 20), "{before:?} {after:?}");
        assert!(after.active >= after.allocated && after.resident > 0 && after.rss > 64 << 20);
        drop(block);
        assert!(allocator().starts_with("jemalloc-5."), "{}", allocator());
    }

    #[test]
    fn the_allocator_goes_by_our_settings() {
        let kept_ms: isize = "opt.dirty_decay_ms\0".name().read().unwrap();
        let at_once_from: usize = "opt.oversize_threshold\0".name().read().unwrap();
        assert_eq!((kept_ms, at_once_from), (1000, 1 << 20));
    }

    #[test]
    fn memory_is_given_back() {
        purge();
        let report = allocator_report();
        assert!(report.lines().count() == 8 && !report.contains("unknown"), "{report}");
    }

    #[test]
    fn processor_time_passes() {
        let before = ProcessorTime::of_thread();
        let started = std::time::Instant::now();
        while ProcessorTime::of_thread().total_us() < before.total_us() + 20_000 {
            assert!(started.elapsed().as_secs() < 20, "no processor time was counted");
        }
        assert!(ProcessorTime::of_process().total_us() >= 20_000);
    }
}
