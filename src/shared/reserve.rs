//! Space that is set aside for a full disk: the file `reserve` of the data directory, which has its
//! blocks and holds nothing. No other program can take them.
//!
//! Half of it is given back while the disk is full: deletions and compactions that make room need
//! some first. The other half is for what is soon done and then gives room back: starting, which
//! writes new files before it removes old ones, a manifest, and writing deletions out where there
//! is no other room. It is taken again as soon as there is room.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nix::fcntl::{FallocateFlags, fallocate};

use crate::shared::space::Space;

/// The file's name.
const NAME: &str = "reserve";
/// In which the space of a file is counted.
const FILE_BLOCK_BYTES: u64 = 512;
/// The file has whole blocks of any file system.
const STEP_BYTES: u64 = 64 << 10;
/// What is taken is all of it, or so many parts less one, or less.
const PARTS: u64 = 8;

/// See the module.
pub(crate) struct Reserve {
    path: PathBuf,
    /// Held by who changes it.
    changing: Mutex<()>,
}

/// What the file of a data directory has on the disk.
pub(crate) fn held(directory: &Path) -> u64 {
    std::fs::metadata(directory.join(NAME)).map_or(0, |found| found.blocks() * FILE_BLOCK_BYTES)
}

/// Whether a call failed for want of space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
}

impl Reserve {
    /// Of a data directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { path: directory.join(NAME), changing: Mutex::default() }
    }

    fn directory(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new("."))
    }

    /// What it has on the disk.
    pub(crate) fn held(&self) -> u64 {
        held(self.directory())
    }

    /// Does something that needs so many bytes; without them, all of it is given back before. Then
    /// it has the part of `reserve`, what is to be kept free in all, that it should have. Blocks.
    pub(crate) fn with_room<T>(&self, needed: u64, reserve: u64, work: impl FnOnce() -> T) -> T {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held();
        if Space::of(self.directory()).is_some_and(|space| space.usable < needed) {
            self.resize(held, 0);
        }
        let done = work();
        self.settle_alone(reserve);
        done
    }

    /// Does something that needs a little space, of the reserve if there is no other. Blocks.
    pub(crate) fn lend<T>(&self, mut work: impl FnMut() -> io::Result<T>) -> io::Result<T> {
        let done = work();
        if !done.as_ref().is_err_and(is_full) {
            return done;
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let held = self.held();
        self.resize(held, 0);
        let done = work();
        self.resize(0, held);
        done
    }

    /// Has the part of `reserve` that it should have, unless it is needed just now. Blocks.
    pub(crate) fn settle(&self, reserve: u64) {
        if let Ok(_changing) = self.changing.try_lock() {
            self.settle_alone(reserve);
        }
    }

    fn settle_alone(&self, reserve: u64) {
        let Some(space) = Space::of(self.directory()) else { return };
        let held = self.held();
        self.resize(held, to_hold(space.usable, held, reserve));
    }

    /// What cannot be done is tried again soon, by the keeper.
    fn resize(&self, held: u64, bytes: u64) {
        let bytes = bytes - bytes % STEP_BYTES;
        if bytes.abs_diff(held) < STEP_BYTES {
            return;
        }
        let resized = match bytes {
            0 => std::fs::remove_file(&self.path),
            _ => self.resize_file(held, bytes),
        };
        // Blocks come free when the file system has noted it.
        let noted = resized.and_then(|()| File::open(self.directory())?.sync_all());
        if let Err(error) = noted {
            tracing::debug!(%error, file = %self.path.display(), bytes, "not resized");
        }
    }

    fn resize_file(&self, held: u64, bytes: u64) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(&self.path)?;
        if bytes < held {
            file.set_len(bytes)?;
        } else {
            grow(&file, held, bytes)?;
        }
        file.sync_all()
    }
}

/// Takes space up to `bytes`, or a part of that where the last of it is not to be had.
fn grow(file: &File, held: u64, bytes: u64) -> io::Result<()> {
    let allocate = |bytes: u64| {
        let flags = FallocateFlags::empty();
        fallocate(file.as_raw_fd(), flags, 0, bytes.cast_signed()).map_err(io::Error::from)
    };
    let mut taken = Ok(());
    for part in (1..=PARTS).rev() {
        taken = allocate(held + (bytes - held) / PARTS * part);
        if taken.is_ok() {
            return Ok(());
        }
        // Some of it may have been taken.
        file.set_len(held)?;
    }
    taken
}

/// How much of `reserve` the file is to hold when it has `held` and so much is `free` beside it.
fn to_hold(free: u64, held: u64, reserve: u64) -> u64 {
    let (all, least) = (reserve / 2, reserve / 4);
    if held < least {
        // Being able to start comes first.
        return least.min(held + free);
    }
    if held > all {
        return all;
    }
    if free < reserve / 8 {
        return least;
    }
    // Not at once again what was given back a moment ago.
    if free >= all - held + reserve / 4 { all } else { held }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_it_goes_when_the_disk_is_full_and_comes_back_with_room() {
        let reserve = 1600;
        let hold = |free, held| to_hold(free, held, reserve);
        assert_eq!(hold(10_000, 0), 400);
        assert_eq!(hold(10_000, 400), 800);
        assert_eq!(hold(300, 800), 800);
        assert_eq!(hold(199, 800), 400);
        // What was given back is not taken again at once.
        assert_eq!(hold(599, 400), 400);
        assert_eq!(hold(799, 400), 400);
        assert_eq!(hold(800, 400), 800);
        // Nothing more is given back while the server runs.
        assert_eq!(hold(0, 400), 400);
        assert_eq!(hold(0, 100), 100);
        assert_eq!(hold(200, 100), 300);
        // Another configuration.
        assert_eq!(hold(0, 5_000), 800);
    }

    #[test]
    fn it_lends_when_there_is_no_room_and_takes_it_back() {
        let directory = std::env::temp_dir().join(format!("basalt-reserve-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir(&directory).unwrap();
        let reserve = Reserve::new(&directory);
        assert_eq!(reserve.held(), 0);
        for _ in 0..2 {
            reserve.settle(1 << 20);
        }
        assert_eq!(reserve.held(), 512 << 10);
        let mut calls = 0;
        let lent = reserve.lend(|| {
            calls += 1;
            let full = || io::Error::from(ErrorKind::StorageFull);
            if reserve.held() > 0 { Err(full()) } else { Ok("done") }
        });
        assert_eq!((lent.unwrap(), calls, reserve.held()), ("done", 2, 512 << 10));
        let held = |needed| reserve.with_room(needed, 1 << 20, || reserve.held());
        assert_eq!((held(1), reserve.held()), (512 << 10, 512 << 10));
        // Half of it at once, the rest when it is looked at again.
        assert_eq!((held(u64::MAX), reserve.held()), (0, 256 << 10));
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
