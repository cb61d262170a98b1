//! The space on the disk with the data. When it becomes scarce, commands that add data are refused
//! while there is still room for what makes room: deletions, and the compactions after them; and
//! for stopping and starting ([`super::reserve`]).

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::shared::data_directory::DataDirectory;
use crate::shared::space::Space;
use crate::thread::node::Node;

/// How often the space is looked at.
const EVERY: Duration = Duration::from_millis(100);

/// Starts the thread that watches the space: nothing that itself waits for some may hold it up. It
/// ends with the process.
pub(crate) fn start(node: &Arc<Node>) -> std::io::Result<()> {
    let node = node.clone();
    std::thread::Builder::new().name("disk-space".into()).stack_size(128 << 10).spawn(
        move || {
            loop {
                watch(&node);
                std::thread::sleep(EVERY);
            }
        },
    )?;
    Ok(())
}

/// Looks at the space and notes whether there is enough. Blocks.
fn watch(node: &Node) {
    let directory = &node.storage.data_directory;
    let Some(space) = Space::of(directory.path()) else { return };
    let was_full = node.storage.disk_full.load(Ordering::Relaxed);
    let reserve = space.reserve(node.config().disk_reserve);
    // What is set aside is free for us.
    let space = Space { free: space.free + directory.reserve().held(), ..space };
    directory.reserve().settle(space.guarded(node.config().disk_reserve));
    let full = space.is_full(reserve, was_full);
    if full == was_full {
        return;
    }
    node.storage.disk_full.store(full, Ordering::Relaxed);
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

/// Sets aside what is to be set aside, before the process ends. Blocks.
pub(crate) fn settle(node: &Node) {
    let directory = &node.storage.data_directory;
    if let Some(space) = Space::of(directory.path()) {
        directory.reserve().with_room(0, space.guarded(node.config().disk_reserve), || ());
    }
}

/// Makes room by writing out what was deleted, for which all that is set aside is there if there is
/// no other. Blocks.
pub(crate) fn making_room<T>(node: &Node, work: impl FnOnce() -> T) -> Option<T> {
    let directory = &node.storage.data_directory;
    let space = Space::of(directory.path())?;
    let reserve = space.guarded(node.config().disk_reserve);
    // With less it would be in vain, and others might take the last of it.
    let is_enough = space.usable + directory.reserve().held() >= reserve / 8;
    is_enough.then(|| directory.reserve().with_room(reserve / 8, reserve, work))
}

/// What is missing for opening the databases of so many shards, in words, if there is too little
/// room for it.
pub(crate) fn lack_for_opening(directory: &DataDirectory, shards: usize) -> Option<String> {
    let needed = Space::of(directory.path())?.opening_bytes(shards);
    lack(directory, needed)
}

/// The same for opening one anew that serves readers: it is not closed for a mere chance.
pub(crate) fn lack_for_reopening(node: &Node) -> Option<String> {
    let space = Space::of(node.storage.data_directory.path())?;
    let reserve = space.guarded(node.config().disk_reserve);
    lack(&node.storage.data_directory, space.opening_bytes(1).max(reserve / 8 * 3))
}

fn lack(directory: &DataDirectory, needed: u64) -> Option<String> {
    let available = Space::of(directory.path())?.usable + directory.reserve().held();
    (available < needed).then(|| {
        format!(
            "{available} bytes are free for Basalt in {}, and opening takes about {needed}",
            directory.path().display()
        )
    })
}

/// Opens the databases of so many shards, with what is set aside for it if there is no other room.
/// Blocks.
pub(crate) fn opening<T>(
    directory: &DataDirectory,
    disk_reserve: u64,
    shards: usize,
    open: impl FnOnce() -> T,
) -> T {
    let Some(space) = Space::of(directory.path()) else { return open() };
    let needed = space.opening_bytes(shards);
    directory.reserve().with_room(needed, space.guarded(disk_reserve), open)
}
