//! Power cuts on file systems of the test's own.

use std::fs::{self, File};
use std::io::Write;

use crate::volume::{FileSystem, Volume, XFS_SIZE_MIN};

/// The tool is checked before what is built on it: a synced file survives a cut, another does not.
#[test]
fn a_cut_takes_what_was_not_synced_and_leaves_what_was() {
    for file_system in [FileSystem::Ext4, FileSystem::Xfs] {
        let Some(mut volume) = Volume::create(file_system, XFS_SIZE_MIN) else { return };
        let write = |name: &str| {
            let mut file = File::create(volume.path().join(name)).expect("create");
            file.write_all(&[b'x'; 10_000]).expect("write");
            file
        };
        write("synced").sync_all().expect("sync");
        drop(write("lost"));
        volume.cut_power();
        assert!(File::create(volume.path().join("late")).is_err(), "nothing works after the cut");
        volume.mount_again();
        let read = |name: &str| fs::read(volume.path().join(name)).unwrap_or_default();
        assert_eq!(read("synced"), [b'x'; 10_000], "{file_system:?}");
        assert_ne!(read("lost"), [b'x'; 10_000], "{file_system:?}: the cut takes nothing");
        assert!(read("late").is_empty());
    }
}
