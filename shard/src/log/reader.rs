//! Reading a log after the server has ended, however it ended.
//!
//! Groups are taken in order. Where bytes are no group, either the log ends there (a write that
//! was cut off and that nobody was told to be durable) or it is damaged; what the later groups say
//! to be durable tells which.

use std::io;
use std::path::{Path, PathBuf};

use super::format::{
    self, BLOCK_BYTES, GROUP_ALIGNMENT, GroupHeader, Identity, Lsn, SegmentHeader,
};
use super::segment;

/// Batches that are missing or unreadable though they were known to be durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file that is damaged, or that comes after what is missing.
    pub file: PathBuf,
    /// Where in it.
    pub offset: u64,
    /// What is wrong.
    pub what: String,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, byte {}: {}", self.file.display(), self.offset, self.what)
    }
}

/// What a replay comes to, in order.
#[derive(Debug)]
pub enum Found<'a> {
    /// A batch, and its number.
    Batch(Lsn, &'a [u8]),
    /// The end of a segment: all that it had has been handed over.
    SegmentEnd(&'a Path),
}

/// Takes what a replay finds.
pub type Apply<'a, E> = dyn FnMut(Found<'_>) -> Result<(), E> + 'a;

/// What a log held.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// The last batch that could be replayed, or the one that was given as persisted.
    pub last: Lsn,
    /// The newest batch that was met anywhere, readable in its place or not.
    pub newest: Lsn,
    /// The newest generation of a segment; 0: there is none.
    pub generation: u64,
    /// Bytes of the batches that were replayed.
    pub bytes: u64,
    /// Why there may be batches behind `last` that are lost.
    pub damage: Option<Damage>,
}

/// Hands every batch behind `persisted` to `apply`, in order, up to the end of the log or to the
/// first damage. An error of `apply` ends it. Segments whose end was handed over may be removed
/// meanwhile.
pub fn replay<E: From<io::Error>>(
    directory: &Path,
    identity: &Identity,
    persisted: Lsn,
    apply: &mut Apply<'_, E>,
) -> Result<Replayed, E> {
    let mut replayed = Replayed { last: persisted, newest: persisted, ..Replayed::default() };
    if !directory.exists() {
        return Ok(replayed);
    }
    let mut reading = Reading { ended: None, tail: None, replayed: &mut replayed };
    for (generation, path) in segment::list(directory)?.segments {
        let bytes = std::fs::read(&path)?;
        reading.replayed.generation = generation;
        let header = SegmentHeader::decode(&bytes).and_then(|header| {
            if header.identity != *identity {
                Err(format!(
                    "it belongs to shard {} of data set {}",
                    header.identity.shard,
                    String::from_utf8_lossy(&header.identity.data_set)
                ))
            } else if header.generation != generation {
                Err(format!("it is segment {} under another name", header.generation))
            } else {
                Ok(header.salt)
            }
        });
        match header {
            Ok(salt) => reading.segment(&path, &bytes, salt, apply)?,
            // Headers are durable before a segment is used: this is never the end of a log.
            Err(what) => reading.damaged(&path, 0, what),
        }
        if reading.replayed.damage.is_some() {
            break;
        }
        apply(Found::SegmentEnd(&path))?;
    }
    Ok(replayed)
}

struct Reading<'a> {
    /// Where the log seems to end; groups behind it show whether it does.
    ended: Option<(PathBuf, u64)>,
    /// Where the groups of the segment before end.
    tail: Option<(PathBuf, u64)>,
    replayed: &'a mut Replayed,
}

impl Reading<'_> {
    fn damaged(&mut self, file: &Path, offset: u64, what: String) {
        self.replayed.damage = Some(Damage { file: file.to_owned(), offset, what });
    }

    fn segment<E>(
        &mut self,
        path: &Path,
        bytes: &[u8],
        salt: u64,
        apply: &mut Apply<'_, E>,
    ) -> Result<(), E> {
        let mut position = BLOCK_BYTES.min(bytes.len());
        while let Some((offset, header, payload, length)) = next_group(bytes, position, salt) {
            if offset > position && self.ended.is_none() && header.last > self.replayed.last {
                self.ended = Some((path.to_owned(), position as u64));
            }
            position = offset + length;
            self.replayed.newest = self.replayed.newest.max(header.last);
            if header.last <= self.replayed.last {
                // The storage engine has it: whatever was wrong before is of no account.
                continue;
            }
            let wanted = self.replayed.last + 1;
            if header.first <= wanted {
                // It follows on what was replayed, so nothing is missing before it.
                self.ended = None;
                let count = usize::try_from(header.last - header.first + 1);
                let batches = format::batches(payload)
                    .filter(|batches| count.is_ok_and(|count| batches.len() == count));
                let Some(batches) = batches else {
                    self.damaged(path, offset as u64, "a group holds other batches".into());
                    return Ok(());
                };
                for (lsn, batch) in (header.first..=header.last).zip(batches) {
                    if lsn >= wanted {
                        apply(Found::Batch(lsn, batch))?;
                        self.replayed.last = lsn;
                        self.replayed.bytes += batch.len() as u64;
                    }
                }
            } else if header.durable >= wanted {
                let here = || (path.to_owned(), offset as u64);
                let (file, at) =
                    self.ended.take().or_else(|| self.tail.take()).unwrap_or_else(here);
                let what = format!(
                    "batches {wanted} to {} are missing or damaged, and they had been durable; \
                     the log goes on in {}",
                    header.first - 1,
                    path.display()
                );
                self.damaged(&file, at, what);
                return Ok(());
            } else {
                // Written, but its predecessor never became durable: the log ends before it.
                self.ended.get_or_insert_with(|| (path.to_owned(), position as u64));
            }
        }
        self.tail = Some((path.to_owned(), position as u64));
        Ok(())
    }
}

/// The first group at or behind `position`.
fn next_group(
    bytes: &[u8],
    position: usize,
    salt: u64,
) -> Option<(usize, GroupHeader, &[u8], usize)> {
    (position..bytes.len()).step_by(GROUP_ALIGNMENT).find_map(|offset| {
        let (header, payload, length) = format::decode_group(&bytes[offset..], salt)?;
        Some((offset, header, payload, length))
    })
}
