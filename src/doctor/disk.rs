//! The file system with the data, how it is mounted, and the disk's queue.

use super::finding::Finding;
use super::subject::Subject;
use crate::config::words::Durability;

const MOVE: &str = "a data directory on ext4 or xfs of a local disk (--dir)";

pub(super) fn file_system(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "file-system";
    let Some(mount) = &subject.mount else {
        return Finding::skip(CHECK, "the mount is not known");
    };
    let seen = format!("{} at {}", mount.kind, mount.point.display());
    if mount.has("ro") {
        let fix = format!("mount -o remount,rw {}", mount.point.display());
        return Finding::fail(CHECK, seen + ", read-only", "nothing can be written", fix);
    }
    let why = match mount.kind.as_str() {
        "ext4" | "xfs" => return Finding::ok(CHECK, seen),
        "tmpfs" | "ramfs" => "the data is in memory only, and gone with the next reboot",
        "overlay" | "aufs" => {
            "the data is in a container's own layer: it is gone with the container"
        }
        kind if is_remote(kind) => {
            "over a network (or through FUSE) a sync is slow, and may be worth less than it says"
        }
        _ => "Basalt is tested on ext4 and xfs; on others at your own risk",
    };
    let fix = match mount.kind.as_str() {
        "overlay" | "aufs" => "a volume for the data directory (docker run -v basalt:/data)",
        _ => MOVE,
    };
    Finding::warn(CHECK, seen, why, fix)
}

fn is_remote(kind: &str) -> bool {
    const KINDS: &[&str] =
        &["nfs", "cifs", "smb", "fuse", "9p", "virtiofs", "ceph", "glusterfs", "lustre", "afs"];
    KINDS.iter().any(|start| kind.starts_with(start))
}

pub(super) fn mount_options(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "mount-options";
    let Some(mount) = &subject.mount else {
        return Finding::skip(CHECK, "the mount is not known");
    };
    let point = mount.point.display();
    if let Some(option) = ["nobarrier", "barrier=0"].into_iter().find(|option| mount.has(option)) {
        let why = "the disk is not told to empty its cache: a power cut takes back what was \
                   acknowledged";
        let fix = format!("mount -o remount,barrier=1 {point}");
        return match subject.config.appendfsync {
            Durability::Always => Finding::fail(CHECK, option, why, fix),
            _ => Finding::warn(CHECK, option, why, fix),
        };
    }
    if mount.queue(subject.host).is_some() && !mount.has("noatime") && !mount.has("relatime") {
        let why = "every read of a file changes its time of access, which is written to the disk";
        let fix = format!("mount -o remount,noatime {point}");
        return Finding::warn(CHECK, "strictatime", why, fix);
    }
    let mut options = mount.options.clone();
    // Layers of a container are long paths, and say nothing here.
    options.retain(|option| !option.contains('/'));
    options.sort_unstable();
    // Most are said twice: of the mount and of the file system.
    options.dedup();
    Finding::ok(CHECK, options.join(","))
}

pub(super) fn queue(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "disk-queue";
    let host = subject.host;
    let Some(queue) = subject.mount.as_ref().and_then(|mount| mount.queue(host)) else {
        return Finding::skip(CHECK, "this file system has no disk of its own");
    };
    let Ok(queue) = queue.strip_prefix(host.root().canonicalize().unwrap_or_default()) else {
        return Finding::skip(CHECK, "the disk's settings are not where they should be");
    };
    let queue = queue.display();
    let read = |file: &str| host.choice(&format!("{queue}/{file}")).unwrap_or_default();
    let seen = format!(
        "scheduler {}, read-ahead {} KB, cache {}",
        read("scheduler"),
        read("read_ahead_kb"),
        read("write_cache")
    );
    // None of them has been seen to matter for syncs; they explain other hosts' figures.
    Finding::ok(CHECK, seen)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    const QUEUE: &str = "sys/dev/block/8:1/queue/scheduler";

    fn mounted(kind: &str, options: &str, scheduler: &str, arguments: &[&str]) -> Fixture {
        let line = format!("27 1 8:1 / / {options} - {kind} /dev/sda1 rw\n");
        Fixture::with(&[("proc/self/mountinfo", &line), (QUEUE, scheduler)], arguments)
    }

    #[test]
    fn file_systems() {
        for (kind, expected) in [
            ("ext4", Level::Ok),
            ("xfs", Level::Ok),
            ("btrfs", Level::Warn),
            ("tmpfs", Level::Warn),
            ("overlay", Level::Warn),
            ("nfs4", Level::Warn),
            ("fuse.sshfs", Level::Warn),
        ] {
            let found = mounted(kind, "rw,relatime", "none", &[]).check(file_system);
            assert_eq!(found.level, expected, "{found:?}");
        }
        let found = mounted("ext4", "ro,relatime", "none", &[]).check(file_system);
        assert_eq!(found.level, Level::Fail);
        assert_eq!(Fixture::new(&[]).check(file_system).level, Level::Skip);
    }

    #[test]
    fn options() {
        let level = |options: &str, arguments: &[&str]| {
            mounted("ext4", options, "none", arguments).check(mount_options).level
        };
        assert_eq!(level("rw,relatime", &[]), Level::Ok);
        assert_eq!(level("rw,noatime", &[]), Level::Ok);
        assert_eq!(level("rw", &[]), Level::Warn);
        assert_eq!(level("rw,noatime,nobarrier", &[]), Level::Fail);
        assert_eq!(level("rw,noatime,barrier=0", &["--appendfsync", "no"]), Level::Warn);
    }

    #[test]
    fn queues_are_told() {
        let found = mounted("ext4", "rw,relatime", "none [mq-deadline]\n", &[]).check(queue);
        assert_eq!(found.level, Level::Ok);
        assert!(found.seen.starts_with("scheduler mq-deadline, "), "{found:?}");
        assert_eq!(Fixture::new(&[]).check(queue).level, Level::Skip);
    }
}
