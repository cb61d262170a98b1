//! Which files an `include` names: one path as it stands, or all files that match a pattern.
//!
//! A pattern that matches nothing names nothing, so that a directory for additions may be empty.
//! Each part of a path is matched on its own; a name that starts with a dot needs a pattern that
//! does. The number of files is bounded.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::matcher::Matcher;

/// More files than anybody keeps in a directory for configuration.
const FILES_MAX: usize = 4096;

/// The files that `pattern` names, sorted within each directory.
pub(super) fn expand(pattern: &[u8], start_dir: &Path, matches: Matcher) -> Vec<PathBuf> {
    let path = start_dir.join(OsStr::from_bytes(pattern));
    if !is_pattern(pattern) {
        return vec![path];
    }
    let mut found = vec![PathBuf::new()];
    for part in path.components() {
        found = match part {
            Component::Normal(name) if is_pattern(name.as_bytes()) => found
                .iter()
                .flat_map(|dir| matching_entries(dir, name.as_bytes(), matches))
                .take(FILES_MAX)
                .collect(),
            other => found.into_iter().map(|dir| dir.join(other)).collect(),
        };
    }
    found.retain(|path| path.exists());
    found
}

fn is_pattern(name: &[u8]) -> bool {
    name.iter().any(|byte| b"*?[".contains(byte))
}

fn matching_entries(dir: &Path, pattern: &[u8], matches: Matcher) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(dir) else { return Vec::new() };
    let mut names: Vec<_> = entries
        .filter_map(|entry| Some(entry.ok()?.file_name()))
        .filter(|name| !name.as_bytes().starts_with(b".") || pattern.starts_with(b"."))
        .filter(|name| matches(pattern, name.as_bytes()))
        .collect();
    names.sort();
    names.into_iter().map(|name| dir.join(name)).collect()
}
