//! Merging level 0 while writes rest.
//!
//! A lookup asks every file of level 0, and there are many of them, because merging few would
//! rewrite much of the next level for little. Nothing speaks for waiting once nothing is written:
//! then two files are enough to be merged, until writes come again.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rocksdb::DB;

use super::Family;
use super::buffer_sizes::{BufferSizes, LEVEL_0_TRIGGER};
use super::families::handle;

/// Writes rest when for so long less was written than this part of a memtable: a trickle that fills
/// one every minute would rewrite the next level for every other.
const REST: Duration = Duration::from_secs(20);
const REST_PART: usize = 8;
/// Files of level 0 that are merged meanwhile.
const FILES_AT_REST: &str = "2";

/// See the module.
pub(super) struct Rest {
    state: Mutex<State>,
}

struct State {
    window: Window,
    /// Families whose trigger is that of a rest.
    merging: Vec<Family>,
    /// The sizes that the database goes by otherwise.
    sizes: BufferSizes,
}

impl Rest {
    /// For a database that was opened with these sizes.
    pub(super) fn new(sizes: BufferSizes, now: Instant) -> Self {
        let bytes_max = (sizes.memtable / REST_PART) as u64;
        let window = Window { since: now, first: 0, bytes_max };
        Self { state: Mutex::new(State { window, merging: Vec::new(), sizes }) }
    }

    /// Has the database go by other sizes, if these are others. Whether they are.
    pub(super) fn resize(&self, db: &DB, sizes: BufferSizes) -> Result<bool, rocksdb::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.sizes == sizes {
            return Ok(false);
        }
        sizes.apply(db)?;
        state.merging.clear();
        state.window.bytes_max = (sizes.memtable / REST_PART) as u64;
        state.sizes = sizes;
        Ok(true)
    }

    /// Has all of level 0 merged until writes come again, so that what was deleted leaves the disk.
    pub(super) fn merge_now(&self, db: &DB) -> Result<(), rocksdb::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for family in Family::ALL {
            if !state.merging.contains(&family) {
                state.merging.push(family);
            }
            db.set_options_cf(handle(db, family), &[(LEVEL_0_TRIGGER, "1")])?;
        }
        Ok(())
    }

    /// Looks whether writes rest, to be called several times a second with the bytes that were
    /// written since the start.
    pub(super) fn look(&self, db: &DB, written: u64, now: Instant) -> Result<(), rocksdb::Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.window.look(written, now) {
            Some(Pace::Resting) => {
                let to_merge = Family::ALL.into_iter().filter(|family| {
                    let name = "rocksdb.num-files-at-level0";
                    let files = db.property_int_value_cf(handle(db, *family), name);
                    files.ok().flatten().is_some_and(|files| files > 1)
                });
                let to_merge: Vec<_> =
                    to_merge.filter(|family| !state.merging.contains(family)).collect();
                for family in to_merge {
                    state.merging.push(family);
                    db.set_options_cf(handle(db, family), &[(LEVEL_0_TRIGGER, FILES_AT_REST)])?;
                }
            }
            Some(Pace::Writing) => {
                let files = state.sizes.level_0_files()[0].to_string();
                while let Some(family) = state.merging.last() {
                    db.set_options_cf(handle(db, *family), &[(LEVEL_0_TRIGGER, &files)])?;
                    state.merging.pop();
                }
            }
            None => {}
        }
        Ok(())
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Pace {
    Writing,
    Resting,
}

/// What was written since a moment.
struct Window {
    since: Instant,
    /// Bytes that were written before.
    first: u64,
    /// With more it is not a rest.
    bytes_max: u64,
}

impl Window {
    /// `None`: it is too early to say.
    fn look(&mut self, written: u64, now: Instant) -> Option<Pace> {
        let pace = if written.saturating_sub(self.first) > self.bytes_max {
            Pace::Writing
        } else if now - self.since >= REST {
            Pace::Resting
        } else {
            return None;
        };
        (self.since, self.first) = (now, written);
        Some(pace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::options::{Budget, SharedResources};
    use crate::engine::{Site, opening, storing};

    #[test]
    fn level_0_is_merged_while_writes_rest() {
        let folder = std::env::temp_dir().join(format!("basalt-rest-{}", std::process::id()));
        let budget = Budget { block_cache_bytes: 1 << 20, write_buffer_bytes: 1 << 20, shards: 1 };
        let shared = SharedResources::new(budget).unwrap();
        let (open, _) = opening::open(&Site::alone(folder.clone(), 1), &shared).unwrap();
        let (db, heads) = (&open.db, handle(&open.db, Family::Heads));
        let files = || {
            let files = db.property_int_value_cf(heads, "rocksdb.num-files-at-level0");
            files.unwrap().unwrap()
        };
        let write_files = |count| {
            for number in 0..count {
                db.put_cf(heads, format!("key {number}"), b"value").unwrap();
                storing::flush_all(db).unwrap();
            }
        };
        write_files(3);
        let later = Instant::now() + 2 * REST;
        // Too early, and too much.
        open.rest.look(db, 0, Instant::now()).unwrap();
        open.rest.look(db, 1 << 30, later).unwrap();
        assert_eq!(files(), 3);
        open.rest.look(db, 1 << 30, later + REST).unwrap();
        let patience = Instant::now() + Duration::from_secs(20);
        while files() > 1 && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(files(), 0);
        // From the next write on as before.
        open.rest.look(db, 2 << 30, later + REST).unwrap();
        write_files(3);
        std::thread::sleep(Duration::from_millis(100));
        assert_eq!(files(), 3);
        drop(open);
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn little_in_a_long_time_is_a_rest() {
        let start = Instant::now();
        let mut window = Window { since: start, first: 0, bytes_max: 100 };
        let at = |seconds| start + Duration::from_secs(seconds);
        for (second, written, pace) in [
            (1, 100, None),
            (2, 101, Some(Pace::Writing)),
            (21, 201, None),
            (22, 201, Some(Pace::Resting)),
            (41, 301, None),
            (42, 302, Some(Pace::Writing)),
            (61, 302, None),
            (62, 302, Some(Pace::Resting)),
            (82, 302, Some(Pace::Resting)),
        ] {
            assert_eq!(window.look(written, at(second)), pace, "second {second}");
        }
    }
}
