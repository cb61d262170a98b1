//! File systems of a test's own: an image file on a loop device, mounted below the system's
//! temporary directory, unmounted and removed on drop, also when the test fails.
//!
//! `cut_power` is a power cut as a disk sees it: what the file system has not written yet is gone,
//! and the next mount finds what a journal makes of the rest. The server must be stopped (SIGSTOP)
//! before it, for ext4 acknowledges a sync that races with the cut, and ended before `mount_again`.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{env, server};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FileSystem {
    Ext4,
    Xfs,
}

impl FileSystem {
    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
        }
    }

    fn maker(self) -> (&'static str, &'static str) {
        match self {
            FileSystem::Ext4 => ("mkfs.ext4", "Debian package e2fsprogs"),
            FileSystem::Xfs => ("mkfs.xfs", "Debian package xfsprogs"),
        }
    }
}

/// mkfs.xfs refuses anything smaller.
pub const XFS_SIZE_MIN: u64 = 300 << 20;
/// How long a mount may stay busy after the server's end.
const UNMOUNT_TIMEOUT: Duration = Duration::from_secs(10);
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

pub struct Volume {
    file_system: FileSystem,
    /// Holds the image and the mount point.
    home: PathBuf,
    mounted: bool,
}

impl Volume {
    /// A new, empty, mounted file system; `None`, with a line that says why, where the machine
    /// does not allow one. The image is sparse: it takes the room that is written.
    pub fn create(file_system: FileSystem, size_bytes: u64) -> Option<Self> {
        if let Some(reason) = no_mounts_because() {
            // No runner of a forge has these rights, so this is no reason to fail there.
            eprintln!("SKIPPED: {reason}");
            return None;
        }
        let (maker, package) = file_system.maker();
        let maker = env::tool_or_skip(maker, package)?;
        // It speaks to ext4 as well; without the tool there is no cutting of power.
        env::tool_or_skip("xfs_io", "Debian package xfsprogs")?;
        let mut volume = Self { file_system, home: server::new_home(), mounted: false };
        let image = File::create(volume.image()).expect("create an image");
        image.set_len(size_bytes).expect("give the image its size");
        drop(image);
        run(Command::new(maker).arg("-q").arg(volume.image()));
        fs::create_dir(volume.path()).expect("create the mount point");
        volume.mount();
        Some(volume)
    }

    /// The root of the mounted file system.
    pub fn path(&self) -> PathBuf {
        self.home.join("mount")
    }

    fn image(&self) -> PathBuf {
        self.home.join("image")
    }

    fn mount(&mut self) {
        assert!(!self.mounted, "mounted already");
        // The loop device that `mount` sets up detaches itself at the unmount.
        let mut mount = Command::new("mount");
        mount.args(["-t", self.file_system.name(), "-o", "loop"]);
        run(mount.arg(self.image()).arg(self.path()));
        self.mounted = true;
    }

    /// From now on nothing reaches the disk, what has not reached it is lost, and every call on
    /// a file fails.
    pub fn cut_power(&self) {
        run(Command::new("xfs_io").args(["-x", "-c", "shutdown"]).arg(self.path()));
    }

    /// After a cut: the file system as the next boot finds it. Nothing may have a file open.
    pub fn mount_again(&mut self) {
        assert!(self.unmount(), "{} stays busy", self.path().display());
        self.mount();
    }

    /// False: it is still busy.
    fn unmount(&mut self) -> bool {
        let deadline = Instant::now() + UNMOUNT_TIMEOUT;
        while self.mounted {
            let done = Command::new("umount").arg(self.path()).output().expect("run umount");
            self.mounted = !done.status.success();
            if self.mounted && Instant::now() > deadline {
                return false;
            }
            if self.mounted {
                sleep(RETRY_INTERVAL);
            }
        }
        true
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        if env::is_set(env::KEEP_DIRECTORIES) {
            eprintln!("kept mounted: {}", self.path().display());
            return;
        }
        if !self.unmount() {
            // Gone from sight now, and for good when whoever holds it ends.
            let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
            eprintln!("{} was busy, unmounted lazily", self.path().display());
        }
        server::remove_home(&self.home);
    }
}

/// A file that takes all room at once, without writing it: what other programs may do.
pub struct Ballast(PathBuf);

impl Ballast {
    pub fn fill(volume: &Volume) -> Self {
        let path = volume.path().join("ballast");
        fs::write(&path, "").expect("create the ballast");
        let ballast = Self(path);
        ballast.refill();
        ballast
    }

    /// Takes what has come free since.
    pub fn refill(&self) {
        let (mut at, mut step) = (self.bytes(), 1 << 30);
        while step >= 4096 {
            let mut fallocate = Command::new("fallocate");
            fallocate.args(["--offset", &at.to_string(), "--length", &step.to_string()]);
            match fallocate.arg(&self.0).output().expect("run fallocate").status.success() {
                true => at += step,
                false => step /= 2,
            }
        }
    }

    /// Gives so many bytes back.
    pub fn give_back(&self, bytes: u64) {
        let file = File::options().write(true).open(&self.0).expect("open the ballast");
        file.set_len(self.bytes().saturating_sub(bytes)).expect("shorten the ballast");
        file.sync_all().expect("sync the ballast");
    }

    fn bytes(&self) -> u64 {
        fs::metadata(&self.0).expect("look at the ballast").len()
    }
}

impl Drop for Ballast {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Why this process may not mount, if so.
fn no_mounts_because() -> Option<&'static str> {
    const CAP_SYS_ADMIN: u64 = 1 << 21;
    let root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    if !root {
        return Some("only root may mount file systems");
    }
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let capabilities = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let capabilities = capabilities.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok());
    if capabilities.is_none_or(|held| held & CAP_SYS_ADMIN == 0) {
        return Some("this root may not mount file systems (no CAP_SYS_ADMIN)");
    }
    if !Path::new("/dev/loop-control").exists() {
        return Some("there are no loop devices");
    }
    None
}

/// Runs a tool that must succeed.
fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}: {text}", output.status);
}
