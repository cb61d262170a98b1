//! Memory: the budget against what there is, and whether the kernel takes pages away.

use super::finding::Finding;
use super::report::size;
use super::subject::Subject;
use crate::config::memory_plan::{self, MemoryPlan};

pub(super) fn budget(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "memory-budget";
    let root = subject.host.root();
    let (Ok(available), Ok(budget)) =
        (memory_plan::available(root), memory_plan::budget(subject.config, root))
    else {
        return Finding::skip(CHECK, "the host's memory is not known");
    };
    let set = if subject.config.maxmemory == 0 { "half" } else { "maxmemory" };
    let seen = format!("{} ({set}) of {} of the host or the cgroup", size(budget), size(available));
    let fix = format!("maxmemory {}mb, or a higher memory limit", available / 2 / (1 << 20));
    let shards = subject.config.shards as usize;
    let finding = if let Err(why) = MemoryPlan::new(subject.config, shards, budget) {
        Finding::fail(CHECK, seen, &why, fix)
    } else if budget > available {
        Finding::fail(CHECK, seen, "the kernel kills the process before the budget is used", fix)
    } else if budget > available / 5 * 4 {
        let why = "the kernel needs room too, for the page cache and for the sockets";
        Finding::warn(CHECK, seen, why, fix)
    } else {
        Finding::ok(CHECK, seen)
    };
    finding.with_numbers(&[("budget_bytes", budget), ("available_bytes", available)])
}

/// Less swap than this in use is nothing to speak of.
const SWAP_USED_SHARE: u64 = 100;
const SWAPPINESS_MAX: u64 = 10;
/// What a loop waits for when its memory is on the disk.
const SWAPPED: &str = "a loop that touches a page in the swap waits for the disk, and with it all \
                       clients of its shard";

pub(super) fn swap(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "swap";
    let bytes = |name| subject.host.memory_bytes(name);
    let (Some(total), Some(free), Some(memory)) =
        (bytes("SwapTotal"), bytes("SwapFree"), bytes("MemTotal"))
    else {
        return Finding::skip(CHECK, "the swap is not known");
    };
    let used = total.saturating_sub(free);
    let finding = if total == 0 {
        Finding::ok(CHECK, "none")
    } else if used > memory / SWAP_USED_SHARE {
        let seen = format!("{} of {} in use", size(used), size(total));
        Finding::warn(CHECK, seen, SWAPPED, "a lower maxmemory, more memory, or swapoff -a")
    } else {
        Finding::ok(CHECK, format!("{}, {} in use", size(total), size(used)))
    };
    finding.with_numbers(&[("total_bytes", total), ("used_bytes", used)])
}

pub(super) fn swappiness(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "swappiness";
    let Some(value) = subject.host.sysctl("vm.swappiness") else {
        return Finding::skip(CHECK, "vm.swappiness is not known");
    };
    let seen = format!("vm.swappiness = {value}");
    if value <= SWAPPINESS_MAX {
        Finding::ok(CHECK, seen)
    } else if subject.host.memory_bytes("SwapTotal") == Some(0) {
        Finding::ok(CHECK, format!("{seen}, and there is no swap"))
    } else {
        Finding::warn(CHECK, seen, SWAPPED, "sysctl -w vm.swappiness=1")
    }
}

pub(super) fn overcommit(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "overcommit";
    let Some(value) = subject.host.sysctl("vm.overcommit_memory") else {
        return Finding::skip(CHECK, "vm.overcommit_memory is not known");
    };
    let seen = format!("vm.overcommit_memory = {value}");
    if value != 2 {
        // Nothing is forked here, so it need not be 1.
        return Finding::ok(CHECK, seen);
    }
    let why = "the allocator keeps more addresses than memory, and an allocation that the kernel \
               refuses ends the process";
    Finding::warn(CHECK, seen, why, "sysctl -w vm.overcommit_memory=0")
}

pub(super) fn huge_pages(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "transparent-huge-pages";
    const FILE: &str = "sys/kernel/mm/transparent_hugepage/enabled";
    let Some(value) = subject.host.choice(FILE) else {
        return Finding::ok(CHECK, "this kernel has none");
    };
    if value != "always" {
        return Finding::ok(CHECK, value);
    }
    let why = "a huge page stays whole while a part of it is in use: the process grows beyond its \
               budget, for no gain in speed that could be measured";
    Finding::warn(CHECK, value, why, format!("echo madvise > /{FILE}"))
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    const KIB: u64 = 1 << 10;

    #[test]
    fn the_budget_fits_into_what_there_is() {
        for (megabytes, expected) in
            [(0, Level::Ok), (400, Level::Ok), (450, Level::Warn), (513, Level::Fail)]
        {
            let fixture = Fixture::with(
                &[
                    ("proc/meminfo", "MemTotal: 16384000 kB\n"),
                    ("proc/self/cgroup", "0::/a\n"),
                    ("sys/fs/cgroup/a/memory.max", "536870912\n"),
                ],
                &["--maxmemory", &format!("{megabytes}mb")],
            );
            let found = fixture.check(budget);
            assert_eq!(found.level, expected, "{megabytes}: {found:?}");
            assert_eq!(found.numbers[1], ("available_bytes", 512 * KIB * KIB));
        }
        assert_eq!(Fixture::new(&[]).check(budget).level, Level::Skip);
    }

    #[test]
    fn swap_is_no_harm_until_it_is_used() {
        let meminfo = |total: u64, free: u64| {
            let text = format!("MemTotal: 1000000 kB\nSwapTotal: {total} kB\nSwapFree: {free} kB");
            Fixture::new(&[("proc/meminfo", &text), ("proc/sys/vm/swappiness", "60\n")])
        };
        let levels =
            |fixture: Fixture| (fixture.check(swap).level, fixture.check(swappiness).level);
        assert_eq!(levels(meminfo(0, 0)), (Level::Ok, Level::Ok));
        assert_eq!(levels(meminfo(50_000, 40_000)), (Level::Ok, Level::Warn));
        assert_eq!(levels(meminfo(50_000, 39_999)), (Level::Warn, Level::Warn));
        assert_eq!(levels(Fixture::new(&[])), (Level::Skip, Level::Skip));
        let low = Fixture::new(&[("proc/sys/vm/swappiness", "10\n")]);
        assert_eq!(low.check(swappiness).level, Level::Ok);
    }

    #[test]
    fn words_of_the_kernel() {
        for (value, expected) in [("0", Level::Ok), ("1", Level::Ok), ("2", Level::Warn)] {
            let fixture = Fixture::new(&[("proc/sys/vm/overcommit_memory", value)]);
            assert_eq!(fixture.check(overcommit).level, expected, "{value}");
        }
        for (value, expected) in
            [("[always] madvise never", Level::Warn), ("always [madvise] never", Level::Ok)]
        {
            let file = "sys/kernel/mm/transparent_hugepage/enabled";
            assert_eq!(Fixture::new(&[(file, value)]).check(huge_pages).level, expected, "{value}");
        }
    }
}
