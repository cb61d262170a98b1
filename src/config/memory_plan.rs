//! The memory budget: how much the host lets the process have, and how the budget is divided.
//!
//! One number, `maxmemory`, covers everything. When it is 0 the budget is half of what the host or
//! the cgroup has. Promise: the parts of a [`MemoryPlan`] together never exceed its budget, and a
//! size that was set explicitly is given exactly.
//!
//! ```text
//! budget = fixed (what the process needs whatever it does)
//!        + shared = clients and work off the loops      1/5
//!                 + write buffers                       1/5, never beyond 224 MB per shard
//!                 + hot cache                           1/4
//!                 + block cache (with indexes and filters)  what remains
//! ```

use std::fs;
use std::io;
use std::path::Path;

use super::cgroup;
use super::settings::Settings;

/// What the budget is divided into; bytes over all shards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MemoryPlan {
    pub(crate) budget: u64,
    /// For the process itself.
    pub(crate) fixed: u64,
    /// For what clients send and are sent, and for work off the loops.
    pub(crate) clients: u64,
    pub(crate) hot_cache: u64,
    pub(crate) block_cache: u64,
    pub(crate) write_buffers: u64,
    /// The size was set, and stays.
    pub(crate) hot_cache_is_set: bool,
    /// The same.
    pub(crate) block_cache_is_set: bool,
}

/// A budget below this leaves no room for the parts; it is raised to this.
const BUDGET_MIN: u64 = 32 << 20;
/// What the process needs whatever it does, and for each of its shards: threads, buffers of logs,
/// flushes and compactions, and what the allocator holds back. Measured under load.
const FIXED: u64 = 12 << 20;
const FIXED_PER_SHARD: u64 = 4 << 20;
/// Where there is very little, the caches get the half of it all the same.
const FIXED_SHARE_MAX: u64 = 2;
/// Larger write buffers make recovery longer without making writes faster. Four times the largest
/// memtable, and three of the largest tables before it: see the engine's options.
const WRITE_BUFFERS_PER_SHARD_MAX: u64 = 224 << 20;

impl MemoryPlan {
    /// Divides `budget`. Sizes in the settings that are not 0 are kept; the others share the rest
    /// in their usual proportions.
    pub(crate) fn new(settings: &Settings, shards: usize, budget: u64) -> Result<Self, String> {
        let budget = budget.max(BUDGET_MIN);
        let shards = shards.max(1) as u64;
        let fixed_per_shards = FIXED_PER_SHARD.saturating_mul(shards);
        let fixed = FIXED.saturating_add(fixed_per_shards).min(budget / FIXED_SHARE_MAX);
        let clients = (budget - fixed) / 5;
        let for_parts = budget - fixed - clients;
        let write_buffers_max = WRITE_BUFFERS_PER_SHARD_MAX.saturating_mul(shards);
        let given =
            [settings.write_buffer_size, settings.hot_cache_size, settings.block_cache_size];
        let asked = given.iter().fold(0_u64, |sum, size| sum.saturating_add(*size));
        let shared = for_parts.checked_sub(asked).ok_or_else(|| {
            format!(
                "hot-cache-size, block-cache-size and write-buffer-size come to {asked} bytes, \
                 but of a memory budget of {budget} bytes only {for_parts} are for them (the rest \
                 is for clients and the process itself). Lower them, set them to 0 to have the \
                 budget divided, or raise maxmemory"
            )
        })?;
        let parts = shares(shared, given.map(|size| size == 0));
        let pick = |given: u64, share: u64| if given == 0 { share } else { given };
        let hot_cache = pick(settings.hot_cache_size, parts[1]);
        let write_buffers = pick(settings.write_buffer_size, parts[0].min(write_buffers_max));
        let block_cache = match settings.block_cache_size {
            0 => for_parts - hot_cache - write_buffers,
            given => given,
        };
        Ok(Self {
            budget,
            fixed,
            clients,
            hot_cache,
            block_cache,
            write_buffers,
            hot_cache_is_set: settings.hot_cache_size != 0,
            block_cache_is_set: settings.block_cache_size != 0,
        })
    }
}

/// Of the hot caches, what copies of other shards' keys get at most: one in so many bytes.
const COPIES_SHARE: u64 = 4;

/// Of the hot caches of `shards` shards, what each may have while its thread's copies have so many
/// bytes.
pub(crate) fn hot_cache_per_shard(hot_cache: u64, shards: usize, copies_bytes: u64) -> u64 {
    (hot_cache / shards as u64).saturating_sub(copies_bytes)
}

/// Of the same, what each of their threads may have for copies.
pub(crate) fn copies_per_shard(hot_cache: u64, shards: usize) -> u64 {
    if shards > 1 { hot_cache / shards as u64 / COPIES_SHARE } else { 0 }
}

/// Divides `shared` among the parts that are open: write buffers, hot cache, block cache.
fn shares(shared: u64, open: [bool; 3]) -> [u64; 3] {
    const WEIGHTS: [u64; 3] = [20, 25, 35];
    let weight = |index: usize| if open[index] { WEIGHTS[index] } else { 0 };
    let total = weight(0) + weight(1) + weight(2);
    let share = |index: usize| {
        let exact = u128::from(shared) * u128::from(weight(index)) / u128::from(total.max(1));
        u64::try_from(exact).unwrap_or(shared)
    };
    [share(0), share(1), share(2)]
}

/// The budget: `maxmemory`, or half of what the process may have at most.
pub(crate) fn budget(settings: &Settings, root: &Path) -> io::Result<u64> {
    match settings.maxmemory {
        0 => Ok(available(root)? / 2),
        set => Ok(set),
    }
}

/// What the process may use at most: the memory of the host or, if lower, the lowest limit of its
/// cgroup and the cgroups around it. `root` is `/`, or a directory with copies for tests.
pub(crate) fn available(root: &Path) -> io::Result<u64> {
    let host = host_memory(&root.join("proc/meminfo"))?;
    let files = cgroup::files(root, "memory", "memory.max", "memory.limit_in_bytes");
    Ok(files.iter().filter_map(|file| limit_in(file)).fold(host, u64::min))
}

/// The memory of the host, whatever the process may have of it.
pub(crate) fn host_memory(meminfo: &Path) -> io::Result<u64> {
    let text = fs::read_to_string(meminfo)?;
    let kilobytes = text
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:"))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse::<u64>().ok());
    let missing = || {
        let message = format!("{} has no line 'MemTotal: N kB'", meminfo.display());
        io::Error::new(io::ErrorKind::InvalidData, message)
    };
    Ok(kilobytes.ok_or_else(missing)?.saturating_mul(1024))
}

/// `max` and the huge number with which version 1 says the same are no limits: the host has less.
fn limit_in(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::tests::TestDir;
    use super::*;

    const MB: u64 = 1 << 20;
    const MEMINFO: &str = "MemTotal:       16384000 kB\nMemFree:  123 kB\nMemAvailable:   99 kB\n";
    const HOST: u64 = 16_384_000 * 1024;

    fn root(files: &[(&str, &str)]) -> TestDir {
        let dir = TestDir::new();
        dir.write("proc/meminfo", MEMINFO);
        for (path, text) in files {
            dir.write(path, text);
        }
        dir
    }

    fn check(files: &[(&str, &str)], expected: u64) {
        assert_eq!(available(root(files).path()).unwrap(), expected, "{files:?}");
    }

    #[test]
    fn host_without_cgroups() {
        check(&[], HOST);
        let empty = TestDir::new();
        assert!(available(empty.path()).is_err());
        empty.write("proc/meminfo", "MemFree: 1 kB\n");
        assert_eq!(available(empty.path()).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn cgroup_version_2() {
        let own = ("proc/self/cgroup", "0::/system.slice/basalt.service\n");
        check(&[own, ("sys/fs/cgroup/system.slice/basalt.service/memory.max", "max\n")], HOST);
        check(
            &[own, ("sys/fs/cgroup/system.slice/basalt.service/memory.max", "536870912\n")],
            512 * MB,
        );
        check(&[own, ("sys/fs/cgroup/system.slice/memory.max", "104857600\n")], 100 * MB);
        // In a container with a namespace of its own.
        let inside = ("proc/self/cgroup", "0::/\n");
        check(&[inside, ("sys/fs/cgroup/memory.max", "104857600\n")], 100 * MB);
        // In a container that sees the host's path, or one outside of its namespace.
        for path in ["0::/docker/0123\n", "0::/../../x\n"] {
            check(&[("proc/self/cgroup", path), ("sys/fs/cgroup/memory.max", "1048576\n")], MB);
        }
    }

    #[test]
    fn cgroup_version_1() {
        let own = ("proc/self/cgroup", "5:cpu,cpuacct:/a\n4:memory:/a/b\n0::/a\n");
        let limit = "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes";
        check(&[own, (limit, "268435456\n")], 256 * MB);
        check(&[own, (limit, "9223372036854771712\n")], HOST);
        check(
            &[
                own,
                (limit, "268435456\n"),
                ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "1048576"),
            ],
            MB,
        );
        check(&[own, (limit, "garbage")], HOST);
    }

    #[test]
    fn budget_is_half_of_what_there_is() {
        let dir = root(&[]);
        assert_eq!(budget(&Settings::default(), dir.path()).unwrap(), HOST / 2);
        let set = Settings { maxmemory: 5, ..Settings::default() };
        assert_eq!(budget(&set, dir.path()).unwrap(), 5);
    }

    fn plan(settings: Settings, shards: usize, budget: u64) -> MemoryPlan {
        let plan = MemoryPlan::new(&settings, shards, budget).unwrap();
        let sum =
            plan.fixed + plan.clients + plan.hot_cache + plan.block_cache + plan.write_buffers;
        assert!(sum <= plan.budget, "{plan:?}");
        plan
    }

    #[test]
    fn the_parts_fill_the_budget() {
        for budget in [0, 1, 256 * MB, 512 * MB, 64 << 30, u64::MAX] {
            for shards in [1, 2, 64] {
                let plan = plan(Settings::default(), shards, budget);
                assert_eq!(plan.budget, budget.max(BUDGET_MIN));
                let caches = [plan.hot_cache, plan.block_cache, plan.write_buffers];
                let parts = [&[plan.fixed, plan.clients][..], &caches].concat();
                assert_eq!(parts.iter().sum::<u64>(), plan.budget);
                assert!(parts.iter().all(|part| *part > 0), "{plan:?}");
            }
        }
    }

    #[test]
    fn explicit_sizes_are_kept() {
        let given = Settings {
            hot_cache_size: 10 * MB,
            block_cache_size: 20 * MB,
            write_buffer_size: 30 * MB,
            ..Settings::default()
        };
        let all = plan(given.clone(), 2, 256 * MB);
        assert_eq!(
            (all.hot_cache, all.block_cache, all.write_buffers),
            (10 * MB, 20 * MB, 30 * MB)
        );
        let one = plan(Settings { hot_cache_size: 100 * MB, ..Settings::default() }, 2, 256 * MB);
        assert_eq!(one.hot_cache, 100 * MB);
        assert!(one.block_cache > one.write_buffers);
        assert!(
            MemoryPlan::new(&given, 2, 64 * MB).is_err_and(|reason| reason.contains("maxmemory"))
        );
    }

    #[test]
    fn write_buffers_have_a_cap() {
        let capped = plan(Settings::default(), 1, 64 << 30);
        assert_eq!(capped.write_buffers, 224 * MB);
        assert!(capped.block_cache > 32 << 30);
    }
}
