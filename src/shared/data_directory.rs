//! The data directory: who uses it, what is in it, and which logical database stands where.
//!
//! ```text
//! DIR/lock            locked while a server uses the directory
//! DIR/basalt.manifest the manifest, a text of `name value` lines (below), replaced as a whole
//! DIR/shard-000/ …    one RocksDB a shard
//! DIR/reserve         space for a full disk (`reserve`)
//!
//! basalt-manifest 4                     the format of all of this
//! id 40 hexadecimal digits              of this data set, made once
//! shards 2                              number of shard folders
//! epoch 7                               number of starts, for versions that are never reused
//! opened 7                              the last start that opened all shards; 0: none did
//! batches 1300 1250                     what each shard had written at least, as last noted
//! databases 0 1 2 … 15                  the physical database of each logical one (SWAPDB)
//! checksum 8 hexadecimal digits         CRC-32C of all lines above
//! ```
//!
//! Format 4 differs from 3 in the heads of large collections (`shard/src/keyspace/head`). A
//! directory of format 3 is opened, and is of format 4 from then on.
//!
//! `opened` and `batches` tell a shard folder that is older than the data set, or missing, from one
//! that was never made.
//!
//! Slots are divided evenly over the shards, in order, so the number of shards says all about
//! where a key is.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::shared::reserve;
use crate::shared::reserve::Reserve;
use crate::shared::space::Space;

const MANIFEST: &str = "basalt.manifest";
/// What is written, and the oldest that is read.
const FORMAT: u32 = 4;
const OLDEST_FORMAT: u32 = 3;

/// What the manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) id: String,
    pub(crate) shards: usize,
    pub(crate) epoch: u32,
    /// The last start that opened all shards; 0: none did.
    pub(crate) opened: u32,
    /// Number of the newest batch of each shard, at least.
    pub(crate) batches: Vec<u64>,
    pub(crate) databases: Vec<u8>,
}

fn joined<T: ToString>(numbers: &[T]) -> String {
    numbers.iter().map(T::to_string).collect::<Vec<_>>().join(" ")
}

fn checksum_line(text: &str) -> String {
    format!("checksum {:08x}\n", crc32c::crc32c(text.as_bytes()))
}

impl Manifest {
    fn to_text(&self) -> String {
        let text = format!(
            "basalt-manifest {FORMAT}\nid {}\nshards {}\nepoch {}\nopened {}\nbatches {}\n\
             databases {}\n",
            self.id,
            self.shards,
            self.epoch,
            self.opened,
            joined(&self.batches),
            joined(&self.databases),
        );
        let checksum = checksum_line(&text);
        text + &checksum
    }

    fn parse(text: &str) -> Result<Self, String> {
        let damaged = || {
            "it is damaged: restore it from a backup of the last start; without it, data could \
             be mixed up or lost"
                .to_owned()
        };
        let mut lines = text.lines();
        let mut value = |name: &str| -> Result<&str, String> {
            lines
                .next()
                .and_then(|line| line.strip_prefix(name))
                .and_then(|rest| rest.strip_prefix(' '))
                .ok_or_else(damaged)
        };
        let format: u32 = value("basalt-manifest")?.parse().map_err(|_| damaged())?;
        if !(OLDEST_FORMAT..=FORMAT).contains(&format) {
            return Err(format!(
                "its format is version {format}, this server reads versions {OLDEST_FORMAT} to \
                 {FORMAT}: start it with the Basalt that wrote it, or a newer one"
            ));
        }
        let end = text.rfind("checksum ").ok_or_else(damaged)?;
        if text[end..] != checksum_line(&text[..end]) {
            return Err(damaged());
        }
        let id = value("id")?.to_owned();
        let number = |text: &str| text.parse().map_err(|_| damaged());
        let shards: u32 = number(value("shards")?)?;
        let epoch: u32 = number(value("epoch")?)?;
        let opened: u32 = number(value("opened")?)?;
        let batches: Result<Vec<u64>, _> =
            value("batches")?.split(' ').map(str::parse::<u64>).collect();
        let batches = batches.map_err(|_| damaged())?;
        let databases: Result<Vec<u8>, _> =
            value("databases")?.split(' ').map(str::parse::<u8>).collect();
        let databases = databases.map_err(|_| damaged())?;
        let mut sorted = databases.clone();
        sorted.sort_unstable();
        let shards = shards as usize;
        if sorted.windows(2).any(|pair| pair[0] == pair[1])
            || shards == 0
            || batches.len() != shards
            || id.len() != 40
        {
            return Err(damaged());
        }
        Ok(Self { id, shards, epoch, opened, batches, databases })
    }
}

/// A data directory that is ours: no other Basalt uses it until this is dropped. Before it is,
/// nothing is touched that could be another server's: sockets, log, pid file.
pub(crate) struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Makes the directory at `path` ours.
    pub(crate) fn take(path: &Path) -> Result<Self, String> {
        let shown = path.display();
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(path.join("lock"))
            .map_err(|error| format!("cannot use the data directory {shown}: {error}"))?;
        lock.try_lock().map_err(|error| match error {
            std::fs::TryLockError::WouldBlock => format!(
                "the data directory {shown} is in use by another Basalt; stop it, or give this \
                 one a directory of its own with --dir"
            ),
            std::fs::TryLockError::Error(error) => format!("cannot lock {shown}: {error}"),
        })?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }
}

/// Makes the data directory the working directory, where relative names of other files start and
/// what the system keeps of a crash goes. One that is not there is not made.
pub(crate) fn enter(path: &Path) -> Result<(), String> {
    const MISSING: &str = ". It is not made by itself, for where its volume is not mounted the \
                           server would start without its data. Mount the volume, make the \
                           directory (install -d -m 700), or name another with --dir";
    std::env::set_current_dir(path).map_err(|error| {
        let hint = if error.kind() == io::ErrorKind::NotFound { MISSING } else { "" };
        format!("Can't chdir to the data directory '{}': {error}{hint}", path.display())
    })
}

/// An opened data directory.
pub(crate) struct DataDirectory {
    claim: Claim,
    manifest: Mutex<Manifest>,
    reserve: Reserve,
}

impl DataDirectory {
    /// Opens the directory, or makes a new data set of `shards` shards and `databases` databases
    /// there. `shards` 0: as many as there are, or `default_shards` for a new one.
    pub(crate) fn open(
        claim: Claim,
        (shards, default_shards): (usize, usize),
        databases: usize,
        new_id: &str,
    ) -> Result<Self, String> {
        let path = &claim.path;
        let mut manifest = match read(path, shards)? {
            Some(old) => Manifest { epoch: old.epoch.saturating_add(1), ..old },
            None => {
                let shards = if shards == 0 { default_shards } else { shards };
                Manifest {
                    id: new_id.to_owned(),
                    shards,
                    epoch: 1,
                    opened: 0,
                    batches: vec![0; shards],
                    databases: Vec::new(),
                }
            }
        };
        extend(&mut manifest.databases, databases);
        let reserve = Reserve::new(path);
        let directory = Self { claim, manifest: Mutex::new(manifest.clone()), reserve };
        directory.write(&manifest).map_err(|error| {
            let advice = advice(&error, directory.path(), manifest.shards);
            format!("cannot write {}: {error}{advice}", directory.manifest_path().display())
        })?;
        Ok(directory)
    }

    /// What the manifest says.
    pub(crate) fn manifest(&self) -> Manifest {
        self.manifest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Folder of a shard's database.
    pub(crate) fn shard_folder(&self, shard: usize) -> PathBuf {
        self.claim.path.join(folder_name(shard))
    }

    /// The manifest's file, which is there as soon as the directory is open.
    pub(crate) fn manifest_path(&self) -> PathBuf {
        self.claim.path.join(MANIFEST)
    }

    /// Space that is set aside on its disk.
    pub(crate) fn reserve(&self) -> &Reserve {
        &self.reserve
    }

    /// The directory itself.
    pub(crate) fn path(&self) -> &Path {
        &self.claim.path
    }

    /// Records another order of the databases, durably. Blocks.
    pub(crate) fn set_databases(&self, databases: Vec<u8>) -> io::Result<()> {
        self.change(|manifest| manifest.databases = databases)
    }

    /// Records that this start opened all shards, which have these newest batches. Blocks.
    pub(crate) fn set_opened(&self, batches: Vec<u64>) -> io::Result<()> {
        self.change(|manifest| {
            manifest.opened = manifest.epoch;
            manifest.batches = batches;
        })
    }

    /// Replaces the manifest, durably.
    fn change(&self, change: impl FnOnce(&mut Manifest)) -> io::Result<()> {
        let mut manifest = self.manifest.lock().unwrap_or_else(PoisonError::into_inner);
        let mut new = manifest.clone();
        change(&mut new);
        self.write(&new)?;
        *manifest = new;
        Ok(())
    }

    fn write(&self, manifest: &Manifest) -> io::Result<()> {
        self.reserve.lend(|| self.write_whole(manifest))
    }

    fn write_whole(&self, manifest: &Manifest) -> io::Result<()> {
        let temporary = self.claim.path.join(format!("{MANIFEST}.new"));
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(manifest.to_text().as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, self.manifest_path())?;
        File::open(&self.claim.path)?.sync_all()
    }
}

/// The manifest of the data set at `path`, `None` for a new one, or why it cannot be opened with so
/// many `shards` (0: as many as there are). Changes nothing and takes no lock.
pub(crate) fn read(path: &Path, shards: usize) -> Result<Option<Manifest>, String> {
    let manifest_path = path.join(MANIFEST);
    match std::fs::read(&manifest_path) {
        Ok(text) => {
            let manifest = Manifest::parse(&String::from_utf8_lossy(&text))
                .map_err(|why| format!("{}: {why}", manifest_path.display()))?;
            check(path, &manifest, shards)?;
            Ok(Some(manifest))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if shard_folders(path).next().is_some() {
                return Err(format!(
                    "{} has shard folders but no {MANIFEST}: restore the manifest from a \
                     backup; starting without it could mix up or lose data",
                    path.display()
                ));
            }
            Ok(None)
        }
        Err(error) => Err(format!("{}: {error}", manifest_path.display())),
    }
}

/// What to do about an error of a start, for the end of a sentence.
fn advice(error: &io::Error, path: &Path, shards: usize) -> String {
    match Space::of(path) {
        Some(space) if reserve::is_full(error) => format!(
            "; make some room, about {} bytes, and start again; nothing is lost",
            space.opening_bytes(shards)
        ),
        _ => String::new(),
    }
}

fn folder_name(shard: usize) -> String {
    format!("shard-{shard:03}")
}

fn shard_folders(path: &Path) -> impl Iterator<Item = String> {
    std::fs::read_dir(path)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("shard-"))
}

/// Whether what is on disk is what the manifest and the configuration say.
fn check(path: &Path, manifest: &Manifest, shards: usize) -> Result<(), String> {
    let shown = path.display();
    if shards != 0 && shards != manifest.shards {
        return Err(format!(
            "{shown} holds data of {} shards, but --shards {shards} was asked for; the number of \
             shards of a data set cannot change: leave the option out, or start with an empty \
             directory and copy the data over",
            manifest.shards
        ));
    }
    for shard in 0..manifest.shards {
        if !path.join(folder_name(shard)).exists() && manifest.opened > 0 {
            return Err(format!(
                "{shown}/{} is missing: a part of the data set is gone. Restore it from a backup \
                 together with the rest",
                folder_name(shard)
            ));
        }
    }
    let known: Vec<String> = (0..manifest.shards).map(folder_name).collect();
    if let Some(foreign) = shard_folders(path).find(|name| !known.contains(name)) {
        return Err(format!(
            "{shown}/{foreign} does not belong to this data set of {} shards; move it away",
            manifest.shards
        ));
    }
    Ok(())
}

/// Gives new logical databases a physical one each.
fn extend(databases: &mut Vec<u8>, count: usize) {
    for physical in 0..=u8::MAX {
        if databases.len() >= count {
            return;
        }
        if !databases.contains(&physical) {
            databases.push(physical);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temporary(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("basalt-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        path
    }

    #[test]
    fn a_data_set_keeps_its_shards_and_counts_its_starts() {
        let path = temporary("manifest");
        let id = "0123456789012345678901234567890123456789";
        assert!(Claim::take(&path).is_err() && !path.exists(), "a missing directory is not made");
        std::fs::create_dir(&path).unwrap();
        let open = |shards| DataDirectory::open(Claim::take(&path)?, (shards, 2), 16, id);
        let first = open(0).unwrap();
        assert_eq!(first.manifest().shards, 2);
        assert!(open(0).err().unwrap().contains("in use"));
        for shard in 0..2 {
            std::fs::create_dir_all(first.shard_folder(shard)).unwrap();
        }
        first.set_opened(vec![3, 4]).unwrap();
        first.set_databases((0..16).rev().collect()).unwrap();
        drop(first);
        assert!(open(3).err().unwrap().contains("--shards 3"));
        let second = open(2).unwrap();
        let manifest = second.manifest();
        assert_eq!((manifest.epoch, manifest.opened, manifest.databases[0]), (2, 1, 15));
        assert_eq!(manifest.batches, [3, 4]);
        drop(second);
        std::fs::create_dir(path.join("shard-007")).unwrap();
        assert!(open(0).err().unwrap().contains("shard-007"));
        std::fs::remove_dir(path.join("shard-007")).unwrap();
        std::fs::remove_dir_all(path.join("shard-001")).unwrap();
        assert!(open(0).err().unwrap().contains("shard-001 is missing"));
        std::fs::remove_file(path.join(MANIFEST)).unwrap();
        assert!(open(0).err().unwrap().contains("no basalt.manifest"));
        std::fs::remove_dir_all(&path).unwrap();
    }

    #[test]
    fn a_damaged_manifest_is_refused() {
        let id = "0123456789012345678901234567890123456789".to_owned();
        let good = Manifest {
            id,
            shards: 1,
            epoch: 1,
            opened: 1,
            batches: vec![7],
            databases: vec![0, 1],
        };
        let text = good.to_text();
        assert_eq!(Manifest::parse(&text).unwrap(), good);
        for at in 0..text.len() {
            let mut damaged = text.clone().into_bytes();
            damaged[at] ^= 1;
            let damaged = String::from_utf8(damaged).unwrap();
            assert!(Manifest::parse(&damaged).is_err(), "{damaged}");
            assert!(Manifest::parse(&text[..at]).is_err(), "{at} bytes");
        }
        for other in [OLDEST_FORMAT - 1, FORMAT + 1] {
            let refusal = Manifest::parse(&format!("basalt-manifest {other}\n")).unwrap_err();
            assert!(refusal.contains(&format!("format is version {other},")), "{refusal}");
        }
        let lines = text.replacen(" 4", " 3", 1);
        let (lines, _) = lines.split_at(lines.find("checksum").unwrap());
        let old = format!("{lines}{}", checksum_line(lines));
        assert_eq!(Manifest::parse(&old).unwrap(), good);
    }
}
