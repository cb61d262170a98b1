//! The log of one shard: every batch of writes, in order, before the storage engine has it on the
//! disk. What is in the log and was made durable survives whatever comes.
//!
//! Batches gather in memory ([`Log::pending`]); [`Log::flush`] hands all that has gathered to the
//! kernel as one *group*, [`Log::sync`] makes it durable. A shard's thread appends and, in the
//! modes that do not sync before every reply, flushes; another thread syncs. The storage engine
//! keeps with the data the number of the newest batch that it has, so after a crash the batches
//! behind it are replayed ([`replay`]), and whatever the engine has on the disk can be dropped from
//! the log ([`Log::release`]). Formats: [`format`], and [`watermark`] for what tells that a log is
//! not the newest one.
//!
//! Errors are final: after a failed write or sync nothing that this log says can be relied on, as
//! the kernel may have dropped the pages. The data set is then opened anew.

mod buffer;
pub mod format;
mod reader;
mod segment;
pub mod watermark;

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use buffer::AlignedBuffer;
use format::{BLOCK_BYTES, GROUP_ALIGNMENT, GroupHeader, Identity, Lsn};
use rustix::fs::statvfs;
use segment::{Segment, Space};

pub use reader::{Apply, Damage, Found, Replayed, replay};
pub use segment::Access;

/// Memory for batches that grew beyond this is not kept.
const KEPT_BYTES: usize = 1 << 20;

/// A long group is written in pieces of so many bytes: direct I/O needs a copy of what it writes.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// How often it is tried to make a segment that the disk has no room for, and when again.
const FULL_ATTEMPTS: usize = 100;
const FULL_PAUSE: Duration = Duration::from_millis(20);

/// What a log is made with.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where its files are.
    pub directory: PathBuf,
    /// Whose it is.
    pub identity: Identity,
    /// Length of a segment. A group that is longer gets a segment of its own.
    pub segment_bytes: u64,
}

/// Batches that are not in the kernel.
#[derive(Default)]
struct Pending {
    payload: Vec<u8>,
    first: Lsn,
    last: Lsn,
}

/// A segment that is full.
struct Closed {
    path: PathBuf,
    bytes: u64,
    /// Its last batch.
    last: Lsn,
}

struct Writer {
    segment: Segment,
    /// Where in the segment the buffer belongs.
    offset: u64,
    /// The last block, as far as it is used.
    buffer: AlignedBuffer,
    /// The batches of the group that is being written; kept for its memory.
    payload: Vec<u8>,
    closed: VecDeque<Closed>,
    /// Files of closed segments that were not synced since they were written to, each with its last
    /// batch.
    unsynced: Vec<(Lsn, Arc<File>)>,
}

impl Writer {
    fn has_room(&self, needed: u64) -> bool {
        self.offset + self.buffer.len() as u64 + needed <= self.segment.bytes
    }
}

/// See the module.
pub struct Log {
    settings: Settings,
    pending: Mutex<Pending>,
    writer: Mutex<Writer>,
    /// Held during a sync; whether one has failed.
    syncing: Mutex<bool>,
    /// The next segment, made ahead of time.
    next: Mutex<Option<Segment>>,
    spare: Mutex<Option<PathBuf>>,
    next_generation: AtomicU64,
    generation: AtomicU64,
    flushed: AtomicU64,
    durable: AtomicU64,
    /// Bytes of batches, since this log was opened.
    appended_bytes: AtomicU64,
    flushed_bytes: AtomicU64,
    durable_bytes: AtomicU64,
    /// Bytes written to segments: what fills blocks up counts, and a block that is written twice.
    written_bytes: AtomicU64,
}

/// The batches that gather; while it is held, none of them can be flushed.
pub struct Appending<'a> {
    log: &'a Log,
    pending: MutexGuard<'a, Pending>,
}

impl Appending<'_> {
    /// Appends batch number `lsn`, the next one: what `fill` appends to what is there. On an error
    /// there is no such batch.
    pub fn push<E>(
        &mut self,
        lsn: Lsn,
        fill: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
    ) -> Result<(), E> {
        let pending = &mut *self.pending;
        let bytes = format::push_batch(&mut pending.payload, fill)?;
        if pending.last == 0 {
            pending.first = lsn;
        }
        pending.last = lsn;
        self.log.appended_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Log {
    /// Begins a log behind batch `last`, whose segments get generations from `generation` on. What
    /// the directory holds is of no use any more: the space of two files is used again, for there
    /// may be no other, and the rest is removed. Blocks.
    pub fn begin(settings: Settings, last: Lsn, generation: u64) -> io::Result<Self> {
        std::fs::create_dir_all(&settings.directory)?;
        let header = segment::header(settings.identity, generation, settings.segment_bytes);
        let old = segment::list(&settings.directory)?;
        let mut kept = Vec::new();
        // Half-made ones first: one may have the name that the new segment gets on its way.
        for path in old.leftovers.into_iter().chain(old.segments.into_iter().map(|old| old.1)) {
            if kept.len() < 2 && segment::is_whole(&path, header.bytes) {
                kept.push(path);
            } else {
                std::fs::remove_file(path)?;
            }
        }
        let first = kept.pop();
        let spare = kept.pop().map(|path| segment::set_aside(&path)).transpose()?;
        let segment =
            Segment::make(&settings.directory, first, header, Space::Reserved, &mut || ())?;
        segment::sync_directory(&settings.directory)?;
        Ok(Self {
            settings,
            pending: Mutex::default(),
            writer: Mutex::new(Writer {
                segment,
                offset: BLOCK_BYTES as u64,
                buffer: AlignedBuffer::default(),
                payload: Vec::new(),
                closed: VecDeque::new(),
                unsynced: Vec::new(),
            }),
            syncing: Mutex::default(),
            next: Mutex::default(),
            spare: Mutex::new(spare),
            next_generation: AtomicU64::new(generation + 1),
            generation: AtomicU64::new(generation),
            flushed: AtomicU64::new(last),
            durable: AtomicU64::new(last),
            appended_bytes: AtomicU64::new(0),
            flushed_bytes: AtomicU64::new(0),
            durable_bytes: AtomicU64::new(0),
            written_bytes: AtomicU64::new(0),
        })
    }

    /// To append batches.
    pub fn pending(&self) -> Appending<'_> {
        Appending { log: self, pending: lock(&self.pending) }
    }

    /// Everything up to this batch is in the kernel.
    pub fn flushed(&self) -> Lsn {
        self.flushed.load(Ordering::Acquire)
    }

    /// Everything up to this batch is durable.
    pub fn durable(&self) -> Lsn {
        self.durable.load(Ordering::Acquire)
    }

    /// Bytes of batches that are not durable.
    pub fn bytes_not_durable(&self) -> u64 {
        let durable = self.durable_bytes.load(Ordering::Relaxed);
        self.appended_bytes.load(Ordering::Relaxed).saturating_sub(durable)
    }

    /// Bytes of batches that are not in the kernel.
    pub fn bytes_not_flushed(&self) -> u64 {
        let flushed = self.flushed_bytes.load(Ordering::Relaxed);
        self.appended_bytes.load(Ordering::Relaxed).saturating_sub(flushed)
    }

    /// Bytes of batches, and bytes written for them, since this log was opened.
    pub fn traffic_bytes(&self) -> (u64, u64) {
        let [appended, written] = [&self.appended_bytes, &self.written_bytes];
        (appended.load(Ordering::Relaxed), written.load(Ordering::Relaxed))
    }

    /// Generation of the segment in use.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// Bytes of the segments in use, and how many there are. Waits for a write under way.
    pub fn size(&self) -> (u64, usize) {
        let writer = lock(&self.writer);
        let closed: u64 = writer.closed.iter().map(|closed| closed.bytes).sum();
        (closed + writer.segment.bytes, writer.closed.len() + 1)
    }

    /// Hands what has gathered to the kernel: from here on `kill -9` loses none of it. Returns the
    /// newest batch there.
    pub fn flush(&self, access: Access) -> io::Result<Lsn> {
        self.flush_locked(lock(&self.writer), lock(&self.pending), access)
    }

    /// The same, through the page cache, for a thread that must not wait. `None`: somebody is at
    /// work on it, or it needs a new segment, which takes time to make.
    pub fn try_flush(&self) -> io::Result<Option<Lsn>> {
        let (Ok(writer), Ok(pending)) = (self.writer.try_lock(), self.pending.try_lock()) else {
            return Ok(None);
        };
        let needed = format::group_bytes(pending.payload.len()) as u64;
        if pending.last != 0 && !writer.has_room(needed) && lock(&self.next).is_none() {
            return Ok(None);
        }
        self.flush_locked(writer, pending, Access::Buffered).map(Some)
    }

    fn flush_locked(
        &self,
        mut writer: MutexGuard<'_, Writer>,
        mut pending: MutexGuard<'_, Pending>,
        access: Access,
    ) -> io::Result<Lsn> {
        let (first, last, appended_bytes) = {
            if pending.last == 0 {
                return Ok(self.flushed());
            }
            std::mem::swap(&mut pending.payload, &mut writer.payload);
            let numbers = (pending.first, std::mem::take(&mut pending.last));
            (numbers.0, numbers.1, self.appended_bytes.load(Ordering::Relaxed))
        };
        drop(pending);
        let durable = self.durable();
        self.write_group(&mut writer, GroupHeader { first, last, durable }, access)?;
        writer.payload.clear();
        writer.payload.shrink_to(KEPT_BYTES);
        self.flushed.store(last, Ordering::Release);
        self.flushed_bytes.store(appended_bytes, Ordering::Relaxed);
        Ok(last)
    }

    fn write_group(
        &self,
        writer: &mut Writer,
        header: GroupHeader,
        access: Access,
    ) -> io::Result<()> {
        let needed = format::group_bytes(writer.payload.len()) as u64;
        if !writer.has_room(needed) {
            self.change_segment(writer, header.first - 1, needed)?;
        }
        let Writer { segment, offset, buffer, payload, .. } = writer;
        buffer.extend(&format::encode_group_header(&header, segment.salt, payload));
        let mut pieces = payload.chunks(WRITE_BYTES_MAX).peekable();
        while let Some(piece) = pieces.next() {
            buffer.extend(piece);
            if pieces.peek().is_some() {
                // A group is what its checksum says, in however many pieces it was written.
                let end = buffer.len();
                let whole_blocks = end - end % BLOCK_BYTES;
                segment.write_at(&buffer.bytes()[..whole_blocks], *offset, access)?;
                self.written_bytes.fetch_add(whole_blocks as u64, Ordering::Relaxed);
                buffer.keep(whole_blocks, end);
                *offset += whole_blocks as u64;
            }
        }
        buffer.pad(GROUP_ALIGNMENT);
        let end = buffer.len();
        buffer.pad(BLOCK_BYTES);
        segment.write_at(buffer.bytes(), *offset, access)?;
        self.written_bytes.fetch_add(buffer.len() as u64, Ordering::Relaxed);
        let whole_blocks = end - end % BLOCK_BYTES;
        buffer.keep(whole_blocks, end);
        *offset += whole_blocks as u64;
        Ok(())
    }

    /// Goes on in the next segment, with room for `needed` bytes. `last` is the last batch of the
    /// one that ends.
    fn change_segment(&self, writer: &mut Writer, last: Lsn, needed: u64) -> io::Result<()> {
        let bytes = self.settings.segment_bytes.max(BLOCK_BYTES as u64 + needed);
        let mut prepared = lock(&self.next);
        let next = match prepared.take() {
            Some(prepared) if prepared.bytes >= bytes => prepared,
            other => {
                if let Some(too_small) = other {
                    std::fs::remove_file(&too_small.path)?;
                }
                self.make_segment_patiently(bytes)?
            }
        };
        self.generation.store(next.generation, Ordering::Release);
        drop(prepared);
        let old = std::mem::replace(&mut writer.segment, next);
        writer.unsynced.push((last, old.file));
        writer.closed.push_back(Closed { path: old.path, bytes: old.bytes, last });
        writer.offset = BLOCK_BYTES as u64;
        writer.buffer = AlignedBuffer::default();
        Ok(())
    }

    /// Makes a segment, also on a disk that has just become full: in a moment there is what was
    /// set aside for it. Failing is final, and this is not worth it.
    fn make_segment_patiently(&self, bytes: u64) -> io::Result<Segment> {
        for _ in 0..FULL_ATTEMPTS {
            match self.make_segment(bytes, Space::Reserved, &mut || ()) {
                Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                    std::thread::sleep(FULL_PAUSE);
                }
                made => return made,
            }
        }
        self.make_segment(bytes, Space::Reserved, &mut || ())
    }

    fn make_segment(
        &self,
        bytes: u64,
        space: Space,
        between: &mut dyn FnMut(),
    ) -> io::Result<Segment> {
        let generation = self.next_generation.fetch_add(1, Ordering::Relaxed);
        let header = segment::header(self.settings.identity, generation, bytes);
        let spare =
            if bytes == self.settings.segment_bytes { lock(&self.spare).take() } else { None };
        Segment::make(&self.settings.directory, spare, header, space, between)
    }

    /// Makes everything that has gathered so far durable, and returns the newest such batch. Blocks
    /// on the device.
    pub fn sync(&self, access: Access) -> io::Result<Lsn> {
        // One at a time: who comes second must not call durable what is in a file that the first
        // has yet to sync, nor miss an error that the kernel reports only once.
        let mut has_failed = lock(&self.syncing);
        if *has_failed {
            return Err(io::Error::other("Input/output error"));
        }
        let synced = self.sync_alone(access);
        *has_failed = synced.is_err();
        synced
    }

    fn sync_alone(&self, access: Access) -> io::Result<Lsn> {
        self.flush(access)?;
        let (files, last, bytes) = {
            let mut writer = lock(&self.writer);
            let closed = std::mem::take(&mut writer.unsynced);
            let mut files: Vec<_> = closed.into_iter().map(|(_, file)| file).collect();
            files.push(writer.segment.file.clone());
            (files, self.flushed(), self.flushed_bytes.load(Ordering::Relaxed))
        };
        for file in files {
            file.sync_data()?;
        }
        self.durable.fetch_max(last, Ordering::AcqRel);
        self.durable_bytes.fetch_max(bytes, Ordering::Relaxed);
        Ok(last)
    }

    /// Files of closed segments that stay open until the next sync.
    pub fn unsynced_files(&self) -> usize {
        lock(&self.writer).unsynced.len()
    }

    /// Makes the next segment ready, if it is not. Blocks, on a busy disk for seconds, and does
    /// `between` again and again while it does.
    pub fn prepare(&self, between: &mut dyn FnMut()) -> io::Result<()> {
        if lock(&self.next).is_some() {
            return Ok(());
        }
        let segment = self.make_segment(self.settings.segment_bytes, Space::Written, between)?;
        let mut next = lock(&self.next);
        if segment.generation < self.generation() {
            // It was needed before it was ready, and another was made: this one is too late, for
            // segments are read in the order of their generations.
            drop(next);
            return std::fs::remove_file(&segment.path);
        }
        *next = Some(segment);
        Ok(())
    }

    /// Whether there is a file that the next segment can be made from.
    pub fn has_spare(&self) -> bool {
        lock(&self.spare).is_some()
    }

    /// Whether the disk has room for two segments. A file that is half-made takes, for a moment,
    /// what others need more.
    pub fn has_ample_room(&self) -> bool {
        statvfs(&self.settings.directory).map_or(true, |found| {
            found.f_bavail.saturating_mul(found.f_frsize) / 2 >= self.settings.segment_bytes
        })
    }

    /// The storage engine has everything up to batch `persisted` on the disk: what the log has of
    /// it may go. Blocks.
    pub fn release(&self, persisted: Lsn) -> io::Result<()> {
        loop {
            let closed = {
                let mut writer = lock(&self.writer);
                // What need not be there any more need not be synced, nor kept open.
                writer.unsynced.retain(|(last, _)| *last > persisted);
                writer.closed.pop_front_if(|closed| closed.last <= persisted)
            };
            let Some(closed) = closed else { return Ok(()) };
            let mut spare = lock(&self.spare);
            if spare.is_none() && closed.bytes == self.settings.segment_bytes {
                *spare = Some(segment::set_aside(&closed.path)?);
            } else {
                std::fs::remove_file(&closed.path)?;
            }
        }
    }
}

#[cfg(test)]
mod tests;
