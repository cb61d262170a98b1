//! The space on the disk with the data, and what of it is for what.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::statvfs::statvfs;

/// Share of the disk that is kept free, and its bounds.
const RESERVE_SHARE: u64 = 20;
const RESERVE_BYTES_MIN: u64 = 16 << 20;
const RESERVE_BYTES_MAX: u64 = 256 << 20;
/// On a small disk the reserve is no more than this share.
const RESERVE_SHARE_MAX: u64 = 8;

/// Log segments are a share of the disk, within bounds.
const SEGMENT_SHARE: u64 = 64;
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// What opening a shard's database takes while its old files are there: lists and notes.
const OPENING_BYTES: u64 = 512 << 10;
/// And of its log, this many segments, of one shard at a time.
const OPENING_SEGMENTS: u64 = 2;

/// Writes that are not in table files may take this share of the disk: when it is full there must
/// be room for writing them.
const WRITE_BUFFER_SHARE: u64 = 32;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    /// For everybody, now.
    pub(crate) free: u64,
    /// For this process: root may take what ext4 keeps back for it.
    pub(crate) usable: u64,
    pub(crate) total: u64,
}

impl Space {
    /// Of the file system that holds `path`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let found = statvfs(path).ok()?;
        let unit = found.fragment_size();
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
        let free = found.blocks_available();
        let usable = if is_root { found.blocks_free() } else { free };
        Some(Self {
            free: free.saturating_mul(unit),
            usable: usable.saturating_mul(unit),
            total: found.blocks().saturating_mul(unit),
        })
    }

    /// What is kept free; `configured` 0: by the size of the disk.
    pub(crate) fn reserve(self, configured: u64) -> u64 {
        if configured > 0 {
            return configured;
        }
        (self.total / RESERVE_SHARE)
            .clamp(RESERVE_BYTES_MIN, RESERVE_BYTES_MAX)
            .min(self.total / RESERVE_SHARE_MAX)
    }

    /// Length of a log segment.
    pub(crate) fn segment_bytes(self) -> u64 {
        let share = self.total / SEGMENT_SHARE;
        share.clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX).next_multiple_of(4096)
    }

    /// What opening so many shards takes, at the moment when it takes the most.
    pub(crate) fn opening_bytes(self, shards: usize) -> u64 {
        OPENING_BYTES * shards as u64 + OPENING_SEGMENTS * self.segment_bytes()
    }

    /// What write buffers may have that have so much of the memory.
    pub(crate) fn write_buffer_bytes(self, of_memory: u64) -> usize {
        of_memory.min(self.total / WRITE_BUFFER_SHARE) as usize
    }

    /// Whether it counts as full, if it did (`was_full`) or not: a quarter of the reserve more has
    /// to come free than had to go.
    pub(crate) fn is_full(self, reserve: u64, was_full: bool) -> bool {
        self.free < reserve + if was_full { reserve / 4 } else { 0 }
    }
}
