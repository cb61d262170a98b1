//! What stands where in a data directory, and which keys belong to which of two shards. The only
//! place of these tests that knows names of files.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a file is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Class {
    Manifest,
    Watermark,
    LogSegment,
    Current,
    TableManifest,
    Table,
    Options,
    /// Locks, names and notes that no data depends on.
    Other,
}

/// Every class in which a damaged file matters.
pub const CLASSES: [Class; 7] = [
    Class::Manifest,
    Class::Watermark,
    Class::LogSegment,
    Class::Current,
    Class::TableManifest,
    Class::Table,
    Class::Options,
];

/// The folders with the segments of two logs.
pub const LOG_FOLDER: &str = "shard-000/log";
pub const OTHER_LOG_FOLDER: &str = "shard-001/log";

pub fn class_of(path: &Path) -> Class {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    match &*name {
        "basalt.manifest" => Class::Manifest,
        "watermark" => Class::Watermark,
        "CURRENT" => Class::Current,
        name if name.starts_with("segment-") || name.ends_with(".log") => Class::LogSegment,
        name if name.starts_with("MANIFEST-") => Class::TableManifest,
        name if name.starts_with("OPTIONS-") => Class::Options,
        name if name.ends_with(".sst") => Class::Table,
        _ => Class::Other,
    }
}

/// All files below a directory, in a fixed order, by paths relative to it.
pub fn files(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("read a folder") {
            let path = entry.expect("read an entry").path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(directory).expect("below it").to_owned()),
            }
        }
    }
    found.sort();
    found
}

/// A copy of a whole directory; holes stay holes.
pub fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    let mut copy = Command::new("cp");
    let status =
        copy.args(["-a", "--sparse=always", "--no-target-directory"]).arg(from).arg(to).status();
    let status = status.expect("run cp");
    assert!(status.success(), "cp: {status}");
}

/// A key of one of two shards: the tag in braces alone decides, half of the slots each.
pub fn key_of_shard(shard: usize, name: &str) -> String {
    // By the Redis Cluster specification, "foo" is of slot 12182 and "bar" of slot 5061.
    let tag = ["bar", "foo"][shard];
    format!("{{{tag}}}:{name}")
}
