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

/// What ext4 keeps back even from root, for its own lists, and does not tell: a share, and at most
/// so many blocks.
const FILE_SYSTEM_SHARE: u64 = 50;
const FILE_SYSTEM_BLOCKS_MAX: u64 = 4096;

/// Log segments are a share of the disk, within bounds.
const SEGMENT_SHARE: u64 = 128;
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// What opening a shard's database takes while its old files are there: lists and notes.
const OPENING_BYTES: u64 = 512 << 10;

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
        let for_root = found
            .blocks_free()
            .saturating_sub((found.blocks() / FILE_SYSTEM_SHARE).min(FILE_SYSTEM_BLOCKS_MAX));
        let usable = if is_root { free.max(for_root) } else { free };
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

    /// What is set aside for a full disk is a part of this: of the reserve, but not of one that was
    /// made very large.
    pub(crate) fn guarded(self, configured: u64) -> u64 {
        self.reserve(configured).min(RESERVE_BYTES_MAX)
    }

    /// What opening so many shards takes, at the moment when it takes the most: what one of them
    /// has in a segment of its log goes into tables before the segment goes.
    pub(crate) fn opening_bytes(self, shards: usize) -> u64 {
        OPENING_BYTES * shards as u64 + self.segment_bytes()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_follows_the_size_of_the_disk() {
        let space = |total_mb: u64| Space { free: 0, usable: 0, total: total_mb << 20 };
        assert_eq!(space(64).reserve(0), 8 << 20);
        assert_eq!(space(200).reserve(0), 16 << 20);
        assert_eq!(space(1000).reserve(0), 50 << 20);
        assert_eq!(space(1 << 20).reserve(0), 256 << 20);
        assert_eq!(space(64).reserve(5), 5);
        assert_eq!((space(1 << 20).guarded(9 << 30), space(64).guarded(5)), (256 << 20, 5));
        assert_eq!(space(64).segment_bytes(), 1 << 20);
        assert_eq!(space(1 << 20).segment_bytes(), 16 << 20);
        // What is never given back while the server runs is enough for a start.
        for total_mb in [64, 200, 1000, 1 << 20] {
            let space = space(total_mb);
            assert!(space.opening_bytes(2) <= space.guarded(0) / 4, "{total_mb} MB");
        }
        assert_eq!(space(64).write_buffer_bytes(64 << 20), 2 << 20);
        assert_eq!(space(1 << 20).write_buffer_bytes(64 << 20), 64 << 20);
    }

    #[test]
    fn a_full_disk_needs_more_room_to_be_well_again() {
        let space = |free| Space { free, usable: free, total: 1000 };
        assert!(!space(100).is_full(100, false) && space(99).is_full(100, false));
        assert!(space(124).is_full(100, true) && !space(125).is_full(100, true));
    }

    #[test]
    fn the_space_of_a_directory_is_known() {
        let space = Space::of(&std::env::temp_dir()).unwrap();
        assert!(space.total > 0 && space.free <= space.usable && space.usable <= space.total);
        assert_eq!(Space::of(Path::new("/nowhere/at/all")), None);
    }
}
