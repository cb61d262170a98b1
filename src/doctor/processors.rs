//! Processors: how many for the shards, their clock and their speed.

use super::finding::Finding;
use super::subject::Subject;
use crate::config::cgroup;

pub(super) fn shards(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "processors";
    let (shards, cores) = (subject.shards, subject.cores);
    let quota = quota_milli(subject);
    let mut seen = format!("{cores} for {shards} shards");
    if let Some(quota) = quota {
        seen += &format!(", a quota of {}.{:03}", quota / 1000, quota % 1000);
    }
    let finding = if shards > cores {
        let why = "loops that share a processor wait for each other";
        let fix = "more processors; a new data set has a shard for each processor by itself";
        Finding::warn(CHECK, seen, why, fix)
    } else if quota.is_some_and(|quota| quota < shards as u64 * 1000) {
        let why = "when the quota is used up all loops stand still until the next period";
        Finding::warn(CHECK, seen, why, "a quota of a processor for each shard at least, or none")
    } else {
        Finding::ok(CHECK, seen)
    };
    finding.with_numbers(&[("processors", cores as u64), ("shards", shards as u64)])
}

/// The lowest quota of the cgroups, in thousandths of a processor.
fn quota_milli(subject: &Subject<'_>) -> Option<u64> {
    let root = subject.host.root();
    let quotas = cgroup::files(root, "cpu", "cpu.max", "cpu.cfs_quota_us");
    let quota = |file: std::path::PathBuf| {
        let text = std::fs::read_to_string(&file).ok()?;
        let mut words = text.split_whitespace();
        // `max` and -1 say that there is none.
        let quota_us: u64 = words.next()?.parse().ok()?;
        let period_us: u64 = match words.next() {
            Some(period) => period.parse().ok()?,
            None => {
                let period = std::fs::read_to_string(file.with_file_name("cpu.cfs_period_us"));
                period.ok()?.trim().parse().ok()?
            }
        };
        quota_us.saturating_mul(1000).checked_div(period_us)
    };
    quotas.into_iter().filter_map(quota).min()
}

/// Clocks that are read without a call of the system.
const QUICK_CLOCKS: &[&str] =
    &["tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter"];

pub(super) fn clock(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "clock";
    const FILE: &str = "sys/devices/system/clocksource/clocksource0/current_clocksource";
    let Some(clock) = subject.host.choice(FILE) else {
        return Finding::skip(CHECK, "the clock source is not known");
    };
    if QUICK_CLOCKS.contains(&clock.as_str()) {
        return Finding::ok(CHECK, clock);
    }
    let why = "every turn of a loop reads the clock, and this one is a call of the system";
    Finding::warn(CHECK, clock, why, format!("echo tsc > /{FILE}, if the kernel thinks it stable"))
}

pub(super) fn governor(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "cpu-governor";
    let processors = subject.host.root().join("sys/devices/system/cpu");
    let mut all: Vec<(String, String)> = std::fs::read_dir(processors)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| {
            let folder = format!("sys/devices/system/cpu/{name}/cpufreq");
            let driver = subject.host.text(&format!("{folder}/scaling_driver"));
            let governor = subject.host.text(&format!("{folder}/scaling_governor"))?;
            Some((governor, driver.unwrap_or_default()))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    // With these drivers the processor itself decides, and `powersave` does not hold it back.
    let is_slow = |(governor, driver): &(String, String)| {
        let decides = matches!(driver.as_str(), "intel_pstate" | "amd-pstate-epp");
        matches!(governor.as_str(), "powersave" | "conservative") && !decides
    };
    let words: Vec<&str> = all.iter().map(|(governor, _)| governor.as_str()).collect();
    if all.is_empty() {
        Finding::ok(CHECK, "not ours to choose (a virtual machine, or no cpufreq)")
    } else if all.iter().any(is_slow) {
        let why = "a loop that sleeps between packets never gets the processor's full speed";
        Finding::warn(CHECK, words.join(", "), why, "cpupower frequency-set -g performance")
    } else {
        Finding::ok(CHECK, words.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    #[test]
    fn a_processor_for_each_shard() {
        // A fixture has two processors.
        let level =
            |shards: &str| Fixture::with(&[], &["--shards", shards]).check(super::shards).level;
        assert_eq!(level("0"), Level::Ok);
        assert_eq!(level("2"), Level::Ok);
        assert_eq!(level("3"), Level::Warn);
    }

    #[test]
    fn quotas_of_both_versions() {
        let check = |files: &[(&str, &str)], expected: Option<u64>| {
            let found = Fixture::new(files).with_subject(quota_milli);
            assert_eq!(found, expected, "{files:?}");
        };
        let second = ("proc/self/cgroup", "0::/a/b\n");
        check(&[second, ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n")], None);
        check(&[second, ("sys/fs/cgroup/a/b/cpu.max", "150000 100000\n")], Some(1500));
        check(&[second, ("sys/fs/cgroup/a/cpu.max", "50000 100000\n")], Some(500));
        check(&[second, ("sys/fs/cgroup/a/cpu.max", "1 0\n")], None);
        let first = ("proc/self/cgroup", "3:cpu,cpuacct:/a\n");
        let period = ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n");
        check(&[first, period, ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "-1\n")], None);
        check(&[first, period, ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "200000")], Some(2000));
        let low = Fixture::new(&[second, ("sys/fs/cgroup/cpu.max", "199000 100000\n")]);
        assert_eq!(low.check(shards).level, Level::Warn);
    }

    #[test]
    fn clocks() {
        for (clock, expected) in
            [("tsc\n", Level::Ok), ("kvm-clock\n", Level::Ok), ("hpet\n", Level::Warn)]
        {
            let file = "sys/devices/system/clocksource/clocksource0/current_clocksource";
            let found = Fixture::new(&[(file, clock)]).check(super::clock);
            assert_eq!(found.level, expected, "{clock}");
        }
    }

    #[test]
    fn governors() {
        let folder = "sys/devices/system/cpu/cpu1/cpufreq";
        for (governor, driver, expected) in [
            ("performance\n", "acpi-cpufreq\n", Level::Ok),
            ("schedutil\n", "acpi-cpufreq\n", Level::Ok),
            ("powersave\n", "acpi-cpufreq\n", Level::Warn),
            ("powersave\n", "intel_pstate\n", Level::Ok),
        ] {
            let fixture = Fixture::new(&[
                (&format!("{folder}/scaling_governor"), governor),
                (&format!("{folder}/scaling_driver"), driver),
            ]);
            assert_eq!(fixture.check(super::governor).level, expected, "{governor} {driver}");
        }
        assert_eq!(Fixture::new(&[]).check(super::governor).level, Level::Ok);
    }
}
