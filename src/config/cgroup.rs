//! Where the kernel keeps the limits of the process's control groups: version 1 and 2, on the host
//! and in containers.

use std::fs;
use std::path::{Path, PathBuf};

/// The files that hold a limit, from the process's own group up to the outermost. `root` is `/`, or
/// a directory with copies for tests.
///
/// In a container the path in `/proc/self/cgroup` may be the host's, which does not exist under
/// the container's own `/sys/fs/cgroup`; what does not exist sets no limit, and the mount's top,
/// which is the container's own group then, is always among them.
pub(crate) fn files(
    root: &Path,
    controller: &str,
    version_2: &str,
    version_1: &str,
) -> Vec<PathBuf> {
    let Ok(text) = fs::read_to_string(root.join("proc/self/cgroup")) else { return Vec::new() };
    let mount = root.join("sys/fs/cgroup");
    text.lines()
        .filter_map(|line| {
            // hierarchy-id ":" controllers ":" path; version 2 has neither id nor controllers.
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            if controllers.is_empty() {
                Some((mount.clone(), path, version_2))
            } else if controllers.split(',').any(|name| name == controller) {
                Some((mount.join(controller), path, version_1))
            } else {
                None
            }
        })
        .flat_map(|(top, path, file)| levels(&top, path).into_iter().map(move |dir| dir.join(file)))
        .collect()
}

/// The directory of a cgroup and of each around it, up to `top`.
fn levels(top: &Path, path: &str) -> Vec<PathBuf> {
    let inner = Path::new(path.trim_start_matches('/'));
    let plain = inner.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    let inner = if plain { inner } else { Path::new("") };
    inner.ancestors().map(|part| top.join(part)).collect()
}
