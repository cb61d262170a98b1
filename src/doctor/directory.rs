//! The data directory: whose it is, what is in it, the room around it, and how quickly the disk
//! makes a write durable there.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::stat::{major, minor};

use crate::config::words::Durability;
use crate::doctor::finding::Finding;
use crate::doctor::host::Host;
use crate::doctor::mounts;
use crate::doctor::report::size;
use crate::doctor::subject::Subject;
use crate::doctor::sync_probe;
use crate::shared::data_directory;
use crate::shared::reserve;
use crate::shared::space::Space;

pub(super) fn directory(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "data-directory";
    let path = &subject.config.dir;
    let shown = path.display();
    let manifest = match data_directory::read(path, subject.config.shards as usize) {
        Ok(manifest) => manifest,
        Err(why) => {
            let fix = "restore what is missing, or another --dir";
            return Finding::fail(CHECK, shown.to_string(), &why, fix);
        }
    };
    let is_missing = subject.place != *path;
    let seen = match (server(subject.host, path), manifest) {
        (Some(process), _) => format!("{shown}, in use by process {process}"),
        (None, _) if is_missing => format!("{shown}, which is not there"),
        (None, None) => format!("{shown}, where the server will start without any data"),
        (None, Some(_)) => shown.to_string(),
    };
    if let Some(point) = mounts::not_mounted(subject.host, path) {
        let why = format!("/etc/fstab has a volume at {}, which is not mounted", point.display());
        return Finding::fail(CHECK, seen, &why, format!("mount {}", point.display()));
    }
    let (Ok(found), Some(user)) = (std::fs::metadata(&subject.place), user(subject.host)) else {
        return Finding::skip(CHECK, format!("{shown} cannot be looked at"));
    };
    if is_missing {
        let why = "the server does not make it: its volume may not be mounted";
        return Finding::fail(CHECK, seen, why, format!("install -d -m 700 -o {user} {shown}"));
    }
    if !found.is_dir() {
        let why = format!("{shown} is no directory");
        return Finding::fail(CHECK, seen, &why, "another --dir");
    }
    if user == 0 && found.uid() != 0 {
        let why = format!(
            "it belongs to user {}; the doctor runs as root, and sees root's rights and limits",
            found.uid()
        );
        let fix = format!("run the doctor as the server's user: setpriv --reuid {}", found.uid());
        return Finding::warn(CHECK, seen, &why, fix);
    }
    if nix::unistd::access(path, nix::unistd::AccessFlags::W_OK).is_err() {
        let why = format!("user {user} may not write to it");
        let fix = format!("install -d -m 700 -o {user} {shown}");
        return Finding::fail(CHECK, seen, &why, fix);
    }
    if found.uid() != user {
        let why = format!("it belongs to user {}, not to {user} who runs this", found.uid());
        return Finding::warn(CHECK, seen, &why, format!("chown -R {user} {shown}"));
    }
    if found.mode() & 0o077 != 0 {
        let why = "other users of the host may look into it";
        return Finding::warn(CHECK, seen, why, format!("chmod 700 {shown}"));
    }
    Finding::ok(CHECK, seen)
}

/// The user in whose name this process acts.
fn user(host: &Host) -> Option<u32> {
    host.field("proc/self/status", "Uid")?.split_whitespace().nth(1)?.parse().ok()
}

/// The process that has locked the directory, as far as can be seen from here. Trying the lock
/// could make a server that starts at this moment fail.
pub(super) fn server(host: &Host, directory: &Path) -> Option<u32> {
    let lock = std::fs::metadata(directory.join("lock")).ok()?;
    let device = lock.dev();
    let place = format!("{:02x}:{:02x}:{}", major(device), minor(device), lock.ino());
    // 1: FLOCK ADVISORY WRITE process major:minor:inode 0 EOF
    host.text("proc/locks")?.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.get(1) == Some(&"FLOCK") && words.get(5) == Some(&place.as_str()) {
            return words.get(4)?.parse().ok();
        }
        None
    })
}

pub(super) fn space(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "disk-space";
    let Some(space) = Space::of(&subject.place) else {
        return Finding::skip(CHECK, "the space is not known");
    };
    space_of(space, reserve::held(&subject.config.dir), subject.config.disk_reserve)
}

fn space_of(space: Space, held: u64, disk_reserve: u64) -> Finding {
    const CHECK: &str = "disk-space";
    let reserve = space.reserve(disk_reserve);
    // What the server has set aside is free for it.
    let (free, total) = (space.free + held, space.total);
    let (seen_free, seen_held) = (size(space.free), size(held));
    let seen = format!(
        "{seen_free} of {} free, a reserve of {}, {seen_held} of it set aside",
        size(total),
        size(reserve)
    );
    let fix = "make room, or a larger disk";
    let finding = if free < reserve {
        let why = "commands that add data are refused below the reserve";
        Finding::fail(CHECK, seen, why, fix)
    } else if free < total / 10 || free / 4 < reserve {
        let why = "compactions write new files before they remove old ones";
        Finding::warn(CHECK, seen, why, fix)
    } else {
        Finding::ok(CHECK, seen)
    };
    finding.with_numbers(&[
        ("free_bytes", space.free),
        ("total_bytes", total),
        ("reserve_bytes", reserve),
        ("reserve_held_bytes", held),
    ])
}

/// Syncs that are slower than this are worth a word: for who waits for each, or for one a second.
const SLOW_US: [(Durability, u64, u64); 3] = [
    (Durability::Always, 5_000, 20_000),
    (Durability::Everysec, 200_000, 1_000_000),
    (Durability::No, u64::MAX, u64::MAX),
];

pub(super) fn sync_latency(subject: &Subject<'_>) -> Finding {
    const CHECK: &str = "sync-latency";
    // Not to be the one who takes the last of it.
    const ROOM_BYTES: u64 = 16 << 20;
    if Space::of(&subject.place).is_none_or(|space| space.free < ROOM_BYTES) {
        return Finding::skip(CHECK, "not measured: there is no room on the disk");
    }
    match sync_probe::measure(&subject.place) {
        Ok(latencies) => judge(latencies, subject.config.appendfsync),
        Err(error) => {
            Finding::skip(CHECK, format!("not measured in {}: {error}", subject.place.display()))
        }
    }
}

fn judge(latencies: sync_probe::Latencies, durability: Durability) -> Finding {
    const CHECK: &str = "sync-latency";
    let sync_probe::Latencies { writes, p50_us, p99_us, max_us, direct } = latencies;
    let seen = format!(
        "p50 {p50_us} us, p99 {p99_us} us, max {max_us} us ({writes} writes of 4 KB{}, fdatasync)",
        if direct { ", O_DIRECT" } else { ", no direct I/O here" }
    );
    let is_slow = |(mode, p50, p99): &(Durability, u64, u64)| {
        *mode == durability && (p50_us > *p50 || p99_us > *p99)
    };
    let finding = if SLOW_US.iter().any(is_slow) {
        let why = "the reply to a write waits for a sync (appendfsync always), and what waits \
                   gathers in memory";
        let fix = "a disk with a cache that survives power cuts; nobody else who syncs on it; or \
                   appendfsync everysec";
        Finding::warn(CHECK, seen, why, fix)
    } else {
        Finding::ok(CHECK, seen)
    };
    finding.with_numbers(&[
        ("writes", writes as u64),
        ("p50_us", p50_us),
        ("p99_us", p99_us),
        ("max_us", max_us),
    ])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::super::finding::Level;
    use super::super::tests::Fixture;
    use super::*;

    fn mine() -> String {
        let user = user(&Host::new(Path::new("/"))).unwrap();
        format!("Name: x\nUid:\t{user}\t{user}\t{user}\t{user}\n")
    }

    #[test]
    fn a_directory_of_our_own() {
        let fixture = Fixture::new(&[("proc/self/status", &mine())]);
        // It is not there yet, and the server would not make it.
        let found = fixture.check(directory);
        assert_eq!(found.level, Level::Fail);
        assert!(found.seen.ends_with("is not there"), "{found:?}");
        let path = fixture.data();
        std::fs::create_dir(&path).unwrap();
        let mode = |mode| std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
        mode(0o755);
        assert_eq!(fixture.check(directory).level, Level::Warn);
        mode(0o700);
        let found = fixture.check(directory);
        assert_eq!(found.level, Level::Ok);
        assert!(found.seen.ends_with("will start without any data"), "{found:?}");
        // What the server would refuse is told in its words.
        std::fs::create_dir(path.join("shard-000")).unwrap();
        let found = fixture.check(directory);
        assert_eq!(found.level, Level::Fail);
        assert!(found.why.contains("no basalt.manifest"), "{found:?}");
    }

    #[test]
    fn a_directory_whose_volume_is_not_mounted() {
        let fixture = Fixture::new(&[
            ("proc/self/status", &mine()),
            ("proc/self/mountinfo", "27 1 8:1 / / rw shared:1 - ext4 /dev/sda1 rw\n"),
        ]);
        let path = fixture.data();
        std::fs::create_dir(&path).unwrap();
        let table = format!("/dev/sdb1 {} ext4 defaults 0 2\n", path.display());
        let found = fixture.and("etc/fstab", &table).check(directory);
        assert_eq!(found.level, Level::Fail);
        assert!(found.why.contains("not mounted"), "{found:?}");
    }

    #[test]
    fn a_directory_of_somebody_else() {
        let fixture = Fixture::new(&[("proc/self/status", "Uid:\t77\t77\t77\t77\n")]);
        std::fs::create_dir(fixture.data()).unwrap();
        assert_eq!(fixture.check(directory).level, Level::Warn);
    }

    #[test]
    fn a_running_server_is_seen() {
        let fixture = Fixture::new(&[("proc/self/status", &mine())]);
        let path = fixture.data();
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).unwrap();
        let lock = std::fs::File::create(path.join("lock")).unwrap();
        let real = Host::new(Path::new("/"));
        assert_eq!(server(&real, &path), None);
        lock.lock().unwrap();
        assert_eq!(server(&real, &path), Some(std::process::id()));
        let locks = std::fs::read_to_string("/proc/locks").unwrap();
        let fixture = fixture.and("proc/locks", &locks);
        let found = fixture.check(directory);
        assert!(found.seen.contains("in use by process"), "{found:?}");
    }

    #[test]
    fn room() {
        let level = |free, total| space_of(Space { free, usable: free, total }, 0, 100).level;
        assert_eq!(level(99, 1000), Level::Fail);
        let set_aside = space_of(Space { free: 60, usable: 60, total: 1000 }, 40, 100);
        assert_eq!(set_aside.level, Level::Warn);
        assert_eq!(level(100, 1000), Level::Warn);
        assert_eq!(level(400, 5000), Level::Warn);
        assert_eq!(level(500, 5000), Level::Ok);
    }

    #[test]
    fn slow_syncs_matter_as_often_as_somebody_waits() {
        let level = |p50_us, p99_us, durability| {
            let max_us = p99_us;
            let latencies =
                sync_probe::Latencies { writes: 200, p50_us, p99_us, max_us, direct: true };
            judge(latencies, durability).level
        };
        assert_eq!(level(200, 900, Durability::Always), Level::Ok);
        assert_eq!(level(6_000, 9_000, Durability::Always), Level::Warn);
        assert_eq!(level(200, 30_000, Durability::Always), Level::Warn);
        assert_eq!(level(200, 30_000, Durability::Everysec), Level::Ok);
        assert_eq!(level(6_000, 2_000_000, Durability::Everysec), Level::Warn);
        assert_eq!(level(6_000, 2_000_000, Durability::No), Level::Ok);
    }

    #[test]
    fn syncs_are_measured_where_the_data_will_be() {
        let found = Fixture::new(&[]).check(sync_latency);
        let names: Vec<_> = found.numbers.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["writes", "p50_us", "p99_us", "max_us"], "{found:?}");
    }
}
