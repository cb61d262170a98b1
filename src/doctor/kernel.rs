//! The kernel, and whether a shard's loop can run on it: its rings are really set up, as the server
//! does it.

use super::finding::Finding;
use super::subject::Subject;

/// Sets a loop up and ends it; says whether the kernel took the flag that spares interrupts.
pub(super) type RingProbe = fn() -> Result<bool, String>;

/// As the server does it.
pub(super) fn try_rings() -> Result<bool, String> {
    let thread = crate::runtime::start("doctor", None, || async {})?;
    thread.join().map_err(|_| "the loop ended in a panic".to_owned())?;
    Ok(crate::sys::coop_taskrun_is_known())
}

const LEAST: (u32, u32) = (5, 8);
const NO_INTERRUPTS: (u32, u32) = (5, 19);
const UPGRADE: &str = "boot a newer kernel; 6.1 or newer is best";

pub(super) fn version(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "kernel";
    let release = subject.host.text("proc/sys/kernel/osrelease").unwrap_or_default();
    let seen = format!("Linux {release}");
    match parse(&release) {
        None => Finding::skip(CHECK, "the kernel's version is not known"),
        Some(version) if version < LEAST => {
            Finding::fail(CHECK, seen, "io_uring lacks what a loop needs before Linux 5.8", UPGRADE)
        }
        Some(version) if version < NO_INTERRUPTS => Finding::warn(
            CHECK,
            seen,
            "before Linux 5.19 every packet interrupts the loop: about 16 instead of 9 us a GET",
            UPGRADE,
        ),
        Some(_) => Finding::ok(CHECK, seen),
    }
}

fn parse(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

pub(super) fn io_uring(subject: &Subject<'_>, probe: RingProbe) -> Finding {
    const CHECK: &str = "io-uring";
    let disabled = subject.host.sysctl("kernel.io_uring_disabled").unwrap_or(0);
    match probe() {
        Ok(true) => Finding::ok(CHECK, "a loop's rings were set up, with COOP_TASKRUN"),
        Ok(false) => Finding::warn(
            CHECK,
            "a loop's rings were set up, without COOP_TASKRUN",
            "without that flag every packet interrupts the loop: about 16 instead of 9 us a GET",
            UPGRADE,
        ),
        Err(error) if disabled > 0 => Finding::fail(
            CHECK,
            format!("kernel.io_uring_disabled = {disabled}"),
            &error,
            "sysctl -w kernel.io_uring_disabled=0 (or 1, with the server's group in \
             kernel.io_uring_group)",
        ),
        Err(error) if error.contains("MemLock") => Finding::fail(
            CHECK,
            "a loop's rings cannot be set up",
            &error,
            "more locked memory: see locked-memory",
        ),
        Err(error) => Finding::fail(
            CHECK,
            "a loop's rings cannot be set up",
            &error,
            "in a container: a seccomp profile that allows io_uring_setup, io_uring_enter and \
             io_uring_register; see tuning/README.md",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    #[test]
    fn versions() {
        for (release, level) in [
            ("6.18.44-fc", Level::Ok),
            ("5.19.0-1-amd64\n", Level::Ok),
            ("5.15.0-91-generic", Level::Warn),
            ("5.8.0", Level::Warn),
            ("5.7.19", Level::Fail),
            ("4.19.0", Level::Fail),
            ("odd", Level::Skip),
        ] {
            let fixture = Fixture::new(&[("proc/sys/kernel/osrelease", release)]);
            assert_eq!(fixture.check(version).level, level, "{release}");
        }
    }

    #[test]
    fn rings() {
        let fixture = Fixture::new(&[("proc/sys/kernel/io_uring_disabled", "2\n")]);
        let with = |probe: RingProbe| fixture.check(|subject| io_uring(subject, probe));
        assert_eq!(with(|| Ok(true)).level, Level::Ok);
        assert_eq!(with(|| Ok(false)).level, Level::Warn);
        let refused = with(|| Err("no".into()));
        assert_eq!(refused.level, Level::Fail);
        assert!(refused.fix.contains("io_uring_disabled=0"), "{refused:?}");
        let refused =
            |probe: RingProbe| Fixture::new(&[]).check(|subject| io_uring(subject, probe));
        assert!(refused(|| Err("MemLockLimit(1/2)".into())).fix.contains("locked-memory"));
        let refused = refused(|| Err("no".into()));
        assert!(refused.fix.contains("seccomp"), "{refused:?}");
    }
}
