//! The files of a log: making them, writing to them, their names.
//!
//! ```text
//! segment-00000007       in use, or prepared to be the next
//! segment-00000007.new   being made; used again or removed at the next start
//! spare-00000003         no longer needed, to be used again
//! ```
//!
//! A segment has its full length on the disk before it is used, so that writing to it changes no
//! metadata: a sync then costs one flush of the device instead of a commit of the file system's
//! journal too, and a full disk does not hit the log first.

use std::collections::hash_map::RandomState;
use std::fs::{File, OpenOptions};
use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, OFlags, fallocate};

use super::format::{BLOCK_BYTES, Identity, SegmentHeader};

/// Zeros are written, and synced, in pieces of this many bytes: a sync of the segment in use must
/// not have to wait for very many of them.
const ZEROS_BYTES: usize = 256 << 10;

/// How names begin.
const SEGMENT: &str = "segment-";
const SPARE: &str = "spare-";
/// In which the space of a file is counted.
const FILE_BLOCK_BYTES: u64 = 512;

/// How bytes get to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Through the page cache: quick, and safe from `kill -9` at once.
    Buffered,
    /// Past the page cache, for bytes that are synced right after: half the work for the kernel.
    Direct,
}

/// What a new segment's space is before it is written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Space {
    /// Reserved: quick to make.
    Reserved,
    /// Written with zeros: quick to sync. (A reserved block costs the first sync that writes to it
    /// a change of metadata.)
    Written,
}

/// See the module.
pub(super) struct Segment {
    pub(super) file: Arc<File>,
    /// `None`: this file system has no direct I/O.
    direct: Option<File>,
    pub(super) path: PathBuf,
    pub(super) generation: u64,
    pub(super) bytes: u64,
    pub(super) salt: u64,
}

impl Segment {
    /// Makes a segment, durably, from a spare file if there is one. Blocks, and does `between`
    /// again and again while it does.
    pub(super) fn make(
        directory: &Path,
        spare: Option<PathBuf>,
        header: SegmentHeader,
        space: Space,
        between: &mut dyn FnMut(),
    ) -> io::Result<Self> {
        let path = directory.join(segment_name(header.generation));
        let temporary = path.with_extension("new");
        if let Some(spare) = &spare {
            std::fs::rename(spare, &temporary)?;
            // Before the header changes: under its old name it would pass for another's.
            sync_directory(directory)?;
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&temporary)?;
        if spare.is_none()
            && let Err(error) = reserve(&file, header.bytes, space, between)
        {
            // Not to be left behind: the disk is probably full.
            drop(file);
            let _ = std::fs::remove_file(&temporary);
            return Err(error);
        }
        file.write_all_at(&header.encode(), 0)?;
        file.sync_all()?;
        std::fs::rename(&temporary, &path)?;
        sync_directory(directory)?;
        let direct = OpenOptions::new()
            .write(true)
            .custom_flags(OFlags::DIRECT.bits() as i32)
            .open(&path)
            .ok();
        Ok(Self {
            file: Arc::new(file),
            direct,
            path,
            generation: header.generation,
            bytes: header.bytes,
            salt: header.salt,
        })
    }

    /// Writes whole blocks, from aligned memory, at the beginning of a block.
    pub(super) fn write_at(&self, blocks: &[u8], offset: u64, access: Access) -> io::Result<()> {
        let file = match (access, &self.direct) {
            (Access::Direct, Some(direct)) => direct,
            _ => &*self.file,
        };
        file.write_all_at(blocks, offset)
    }
}

fn reserve(file: &File, bytes: u64, space: Space, between: &mut dyn FnMut()) -> io::Result<()> {
    match fallocate(file, FallocateFlags::empty(), 0, bytes) {
        Ok(()) => {}
        // Then writing zeros is the only way.
        Err(rustix::io::Errno::OPNOTSUPP) => return write_zeros(file, bytes, between),
        Err(error) => return Err(error.into()),
    }
    match space {
        Space::Reserved => Ok(()),
        Space::Written => write_zeros(file, bytes, between),
    }
}

fn write_zeros(file: &File, bytes: u64, between: &mut dyn FnMut()) -> io::Result<()> {
    let zeros = vec![0; ZEROS_BYTES];
    let mut offset = 0;
    while offset < bytes {
        let piece = (bytes - offset).min(ZEROS_BYTES as u64);
        file.write_all_at(&zeros[..piece as usize], offset)?;
        file.sync_data()?;
        between();
        offset += piece;
    }
    Ok(())
}

/// Whether all space of a segment of so many bytes belongs to a file.
pub(super) fn is_whole(path: &Path, bytes: u64) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|found| found.len() == bytes && found.blocks() * FILE_BLOCK_BYTES >= bytes)
}

/// Gives a segment that is no longer needed the name of a spare one.
pub(super) fn set_aside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let number = name.trim_start_matches(SEGMENT).trim_start_matches(SPARE);
    let spare = path.with_file_name(format!("{SPARE}{}", number.trim_end_matches(".new")));
    std::fs::rename(path, &spare)?;
    Ok(spare)
}

/// The header of segments to come.
pub(super) fn header(identity: Identity, generation: u64, bytes: u64) -> SegmentHeader {
    // The standard library's random keys: no client knows them.
    let salt = RandomState::new().hash_one(generation);
    SegmentHeader { identity, generation, bytes: bytes.next_multiple_of(BLOCK_BYTES as u64), salt }
}

/// Makes the names in a directory durable.
pub(super) fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Name of the segment file of a generation.
pub(super) fn segment_name(generation: u64) -> String {
    format!("{SEGMENT}{generation:08}")
}

/// What the files of a log's directory are.
#[derive(Default)]
pub(super) struct Files {
    /// Segments by generation.
    pub(super) segments: Vec<(u64, PathBuf)>,
    /// Spare and half-made ones.
    pub(super) leftovers: Vec<PathBuf>,
}

/// Lists a log's directory.
pub(super) fn list(directory: &Path) -> io::Result<Files> {
    let mut files = Files::default();
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(number) = name.strip_prefix(SEGMENT) {
            match number.parse() {
                Ok(generation) => files.segments.push((generation, path)),
                Err(_) if number.ends_with(".new") => files.leftovers.push(path),
                Err(_) => {}
            }
        } else if name.starts_with(SPARE) {
            files.leftovers.push(path);
        }
    }
    files.segments.sort_unstable();
    Ok(files)
}
