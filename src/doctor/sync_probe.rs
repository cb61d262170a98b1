//! How long the disk takes to make a write durable, measured as a shard's log does it: blocks of
//! 4 KB, one after the other, past the page cache, to space that is written already, each with an
//! `fdatasync`.
//!
//! Promise: at most [`WRITES_MAX`] writes and about [`TIME_MAX`]; nothing stays in the directory,
//! for the file has no name (or where the file system cannot do that, loses it at once).

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;

const WRITES_MAX: usize = 200;
const TIME_MAX: Duration = Duration::from_secs(1);
const BLOCK_BYTES: usize = 4096;
const BLOCKS: usize = 256;

/// What came of it, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Latencies {
    pub(super) writes: usize,
    pub(super) p50_us: u64,
    pub(super) p99_us: u64,
    pub(super) max_us: u64,
    /// Whether the page cache was passed by; not every file system can.
    pub(super) direct: bool,
}

/// Measures in `directory`.
pub(super) fn measure(directory: &Path) -> io::Result<Latencies> {
    let (file, direct) = open(directory)?;
    let length = BLOCKS * BLOCK_BYTES;
    let memory = vec![0_u8; length + BLOCK_BYTES];
    let address = memory.as_ptr().addr();
    let start = address.next_multiple_of(BLOCK_BYTES) - address;
    let zeros = &memory[start..start + length];
    file.write_all_at(zeros, 0)?;
    file.sync_all()?;
    let mut times_us = Vec::with_capacity(WRITES_MAX);
    let began = Instant::now();
    while times_us.len() < WRITES_MAX && (times_us.is_empty() || began.elapsed() < TIME_MAX) {
        let offset = times_us.len() % BLOCKS * BLOCK_BYTES;
        let started = Instant::now();
        file.write_all_at(&zeros[..BLOCK_BYTES], offset as u64)?;
        file.sync_data()?;
        times_us.push(u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX));
    }
    Ok(summary(times_us, direct))
}

fn summary(mut times_us: Vec<u64>, direct: bool) -> Latencies {
    times_us.sort_unstable();
    let writes = times_us.len();
    // The smallest time that so many percent of the writes did not exceed.
    let percentile = |percent: usize| {
        let rank = (writes * percent).div_ceil(100).max(1);
        times_us.get(rank - 1).copied().unwrap_or(0)
    };
    Latencies {
        writes,
        p50_us: percentile(50),
        p99_us: percentile(99),
        max_us: percentile(100),
        direct,
    }
}

/// A file without a name, and whether it passes the page cache by.
fn open(directory: &Path) -> io::Result<(File, bool)> {
    match unnamed(directory, OFlag::O_DIRECT) {
        Ok(file) => return Ok((file, true)),
        // No room, no right: neither will it be possible in another way.
        Err(error) if !is_unsupported(&error) => return Err(error),
        Err(_) => {}
    }
    match unnamed(directory, OFlag::empty()) {
        Ok(file) => return Ok((file, false)),
        Err(error) if !is_unsupported(&error) => return Err(error),
        Err(_) => {}
    }
    match unlinked(directory, OFlag::O_DIRECT) {
        Ok(file) => Ok((file, true)),
        Err(error) if is_unsupported(&error) => Ok((unlinked(directory, OFlag::empty())?, false)),
        Err(error) => Err(error),
    }
}

fn unnamed(directory: &Path, flags: OFlag) -> io::Result<File> {
    let flags = flags | OFlag::O_TMPFILE;
    OpenOptions::new().write(true).mode(0o600).custom_flags(flags.bits()).open(directory)
}

fn unlinked(directory: &Path, flags: OFlag) -> io::Result<File> {
    let path = directory.join(format!(".basalt-doctor-{}", std::process::id()));
    let mut options = OpenOptions::new();
    let file =
        options.write(true).create_new(true).mode(0o600).custom_flags(flags.bits()).open(&path);
    // A refused O_DIRECT may leave the file behind; one that was there before is not ours.
    if !matches!(&file, Err(error) if error.kind() == io::ErrorKind::AlreadyExists) {
        let _ = std::fs::remove_file(&path);
    }
    file
}

/// The file system does not know a flag. Old ones take O_TMPFILE for opening a directory.
fn is_unsupported(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(nix::errno::Errno::from_i32);
    use nix::errno::Errno;
    matches!(code, Some(Errno::EINVAL | Errno::EOPNOTSUPP | Errno::EISDIR))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::TestDir;

    #[test]
    fn percentiles_are_of_the_sorted_times() {
        let latencies = summary((1..=200).rev().collect(), true);
        assert_eq!((latencies.p50_us, latencies.p99_us, latencies.max_us), (100, 198, 200));
        let one = summary(vec![7], false);
        assert_eq!((one.writes, one.p50_us, one.p99_us, one.max_us), (1, 7, 7, 7));
    }

    #[test]
    fn nothing_is_left_behind() {
        let dir = TestDir::new();
        let latencies = measure(dir.path()).unwrap();
        assert!((1..=WRITES_MAX).contains(&latencies.writes), "{latencies:?}");
        assert!(latencies.p50_us <= latencies.p99_us && latencies.p99_us <= latencies.max_us);
        let named = unlinked(dir.path(), OFlag::empty()).unwrap();
        named.write_all_at(b"still writable", 0).unwrap();
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_missing_directory_is_an_error() {
        assert!(measure(Path::new("/nowhere/at/all")).is_err());
    }
}
