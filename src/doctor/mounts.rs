//! Which file system holds a path, how it is mounted, and the disk below it.

use std::path::{Path, PathBuf};

use super::host::Host;

/// A line of `/proc/self/mountinfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: PathBuf,
    /// As in `ext4`.
    pub(super) kind: String,
    /// Those of the mount and those of the file system.
    pub(super) options: Vec<String>,
    /// As in `8:1`; without a disk of its own it begins with `0:`.
    device: String,
}

impl Mount {
    /// Of the mount that holds `path`, which is absolute and without links.
    pub(super) fn of(host: &Host, path: &Path) -> Option<Self> {
        let text = host.text("proc/self/mountinfo")?;
        let mounts = text.lines().filter_map(Self::parse);
        // Of mounts over each other the last one is seen.
        mounts
            .filter(|mount| path.starts_with(&mount.point))
            .max_by_key(|mount| mount.point.components().count())
    }

    fn parse(line: &str) -> Option<Self> {
        // id parent major:minor root point options tags… - kind source options
        let (own, shared) = line.split_once(" - ")?;
        let own: Vec<&str> = own.split(' ').collect();
        let mut shared = shared.split(' ');
        let kind = shared.next()?.to_owned();
        let super_options = shared.nth(1).unwrap_or_default();
        let options = own.get(5)?.split(',').chain(super_options.split(','));
        Some(Self {
            point: PathBuf::from(unescape(own.get(4)?)),
            kind,
            options: options.map(str::to_owned).collect(),
            device: (*own.get(2)?).to_owned(),
        })
    }

    pub(super) fn has(&self, option: &str) -> bool {
        self.options.iter().any(|has| has == option)
    }

    /// The directory below `/sys` with the settings of the disk's queue.
    pub(super) fn queue(&self, host: &Host) -> Option<PathBuf> {
        let device = host.root().join("sys/dev/block").join(&self.device).canonicalize().ok()?;
        // A partition has none of its own.
        [device.join("queue"), device.parent()?.join("queue")].into_iter().find(|q| q.is_dir())
    }
}

/// Where `/etc/fstab` has a volume above `path`, or at it, that is not mounted: what is there now
/// is the directory below.
pub(super) fn not_mounted(host: &Host, path: &Path) -> Option<PathBuf> {
    let mounted = host.text("proc/self/mountinfo")?;
    let mounted: Vec<PathBuf> = mounted.lines().filter_map(Mount::parse).map(|m| m.point).collect();
    let table = host.text("etc/fstab")?;
    // device point kind options …
    let points =
        table.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(|line| {
            let point = line.split_ascii_whitespace().nth(1)?;
            Some(PathBuf::from(unescape(point)))
        });
    let mut points = points.filter(|point| point.is_absolute() && path.starts_with(point));
    points.find(|point| !mounted.contains(point))
}

/// The kernel writes blanks, tabs, line ends and backslashes as three octal digits.
fn unescape(text: &str) -> String {
    let mut pieces = text.split('\\');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let code = piece.get(..3).and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match code {
            Some(code) => {
                plain.push(char::from(code));
                plain.push_str(&piece[3..]);
            }
            None => {
                plain.push('\\');
                plain.push_str(piece);
            }
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::TestDir;

    const MOUNTS: &str = "27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard\n\
        30 27 0:27 / /dev/shm rw - tmpfs tmpfs rw\n\
        31 27 8:2 / /my\\040data rw,noatime - xfs /dev/sda2 rw\n\
        32 27 0:44 / /my\\040data rw,noatime - overlay overlay rw,lowerdir=/a\n";

    #[test]
    fn the_innermost_and_last_mount_holds_a_path() {
        let dir = TestDir::new();
        dir.write("proc/self/mountinfo", MOUNTS);
        let host = Host::new(dir.path());
        let kind = |path: &str| Mount::of(&host, Path::new(path)).unwrap().kind;
        assert_eq!(kind("/dev/shm/x"), "tmpfs");
        assert_eq!(kind("/dev/shmx"), "ext4");
        assert_eq!(kind("/my data/a"), "overlay");
        let root = Mount::of(&host, Path::new("/a")).unwrap();
        assert!(root.has("relatime") && root.has("discard") && !root.has("noatime"), "{root:?}");
    }

    #[test]
    fn a_partition_has_the_queue_of_its_disk() {
        let dir = TestDir::new();
        dir.write("proc/self/mountinfo", MOUNTS);
        dir.write("sys/devices/sda/queue/scheduler", "none\n");
        dir.write("sys/devices/sda/sda1/partition", "1\n");
        std::fs::create_dir_all(dir.path().join("sys/dev/block")).unwrap();
        let link = dir.path().join("sys/dev/block/8:1");
        std::os::unix::fs::symlink(dir.path().join("sys/devices/sda/sda1"), link).unwrap();
        let host = Host::new(dir.path());
        let queue = |path: &str| Mount::of(&host, Path::new(path)).unwrap().queue(&host);
        assert_eq!(queue("/a"), Some(dir.path().join("sys/devices/sda/queue")));
        assert_eq!(queue("/dev/shm"), None);
    }

    #[test]
    fn a_volume_that_is_not_mounted_is_found_by_the_table() {
        let dir = TestDir::new();
        dir.write("proc/self/mountinfo", MOUNTS);
        let table = "# /gone/x is a comment\nUUID=1 / ext4 defaults 0 1\n\
                     /dev/sda2 /my\\040data/ xfs defaults 0 0\n/dev/sdb1 none swap sw 0 0\n\
                     /dev/sdb2\t/srv/basalt ext4 noauto 0 2\n";
        dir.write("etc/fstab", table);
        let host = Host::new(dir.path());
        let missing = |path: &str| not_mounted(&host, Path::new(path));
        assert_eq!(missing("/srv/basalt/data"), Some("/srv/basalt".into()));
        assert_eq!(missing("/srv/basalt"), Some("/srv/basalt".into()));
        for path in ["/srv/basalted", "/my data/a", "/a", "/gone/x"] {
            assert_eq!(missing(path), None, "{path}");
        }
    }

    #[test]
    fn odd_lines_and_names_do_no_harm() {
        assert_eq!(Mount::parse(""), None);
        assert_eq!(Mount::parse("1 2 - "), None);
        assert_eq!(unescape("a\\040b\\134c\\9\\"), "a b\\c\\9\\");
    }
}
