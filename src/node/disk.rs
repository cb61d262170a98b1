//! The space on the disk with the data. When it becomes scarce, commands that add data are refused
//! while there is still room for what makes room: deletions, and the compactions after them.

use std::path::Path;
use std::sync::atomic::Ordering;

use nix::sys::statvfs::statvfs;

use crate::node::Node;

/// Share of the disk that is kept free, and its bounds.
const RESERVE_SHARE: u64 = 20;
const RESERVE_BYTES_MIN: u64 = 16 << 20;
const RESERVE_BYTES_MAX: u64 = 256 << 20;
/// On a small disk the reserve is no more than this share.
const RESERVE_SHARE_MAX: u64 = 8;

/// The reply to a command that would add data to a full disk.
pub(crate) const FULL: &[u8] = b"MISCONF Errors writing to the AOF file: No space left on device";

/// Log segments are a share of the disk, within bounds.
const SEGMENT_SHARE: u64 = 64;
const SEGMENT_BYTES_MIN: u64 = 1 << 20;
const SEGMENT_BYTES_MAX: u64 = 16 << 20;

/// Bytes of a file system.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Space {
    /// For us, now.
    pub(crate) free: u64,
    pub(crate) total: u64,
}

impl Space {
    /// Of the file system that holds `path`.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let found = statvfs(path).ok()?;
        let unit = found.fragment_size();
        Some(Self {
            free: found.blocks_available().saturating_mul(unit),
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

    /// Whether it counts as full, if it did (`was_full`) or not: a quarter of the reserve more has
    /// to come free than had to go.
    fn is_full(self, reserve: u64, was_full: bool) -> bool {
        self.free < reserve + if was_full { reserve / 4 } else { 0 }
    }
}

/// Looks at the space and notes whether there is enough. Blocks.
pub(crate) fn watch(node: &Node) {
    let Some(space) = Space::of(node.data_directory.path()) else { return };
    let was_full = node.disk_full.load(Ordering::Relaxed);
    let reserve = space.reserve(node.config().disk_reserve);
    let full = space.is_full(reserve, was_full);
    if full == was_full {
        return;
    }
    node.disk_full.store(full, Ordering::Relaxed);
    if full {
        tracing::error!(
            free_bytes = space.free,
            reserve_bytes = reserve,
            "the disk is full: commands that add data are refused, reading and deleting go on"
        );
    } else {
        tracing::info!(free_bytes = space.free, "there is room on the disk again");
    }
}

/// Whether there is too little room for opening a database.
pub(crate) fn is_full(node: &Node) -> bool {
    let reserve = |space: Space| space.reserve(node.config().disk_reserve);
    Space::of(node.data_directory.path()).is_some_and(|space| space.free < reserve(space) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserve_follows_the_size_of_the_disk() {
        let space = |total_mb: u64| Space { free: 0, total: total_mb << 20 };
        assert_eq!(space(64).reserve(0), 8 << 20);
        assert_eq!(space(200).reserve(0), 16 << 20);
        assert_eq!(space(1000).reserve(0), 50 << 20);
        assert_eq!(space(1 << 20).reserve(0), 256 << 20);
        assert_eq!(space(64).reserve(5), 5);
        assert_eq!(space(64).segment_bytes(), 1 << 20);
        assert_eq!(space(1 << 20).segment_bytes(), 16 << 20);
    }

    #[test]
    fn a_full_disk_needs_more_room_to_be_well_again() {
        let space = |free| Space { free, total: 1000 };
        assert!(!space(100).is_full(100, false) && space(99).is_full(100, false));
        assert!(space(124).is_full(100, true) && !space(125).is_full(100, true));
    }

    #[test]
    fn the_space_of_a_directory_is_known() {
        let space = Space::of(&std::env::temp_dir()).unwrap();
        assert!(space.total > 0 && space.free <= space.total);
        assert_eq!(Space::of(Path::new("/nowhere/at/all")), None);
    }
}
