//! The log over real files: what comes back after it was cut, damaged, or mixed up with others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use super::format::{BLOCK_BYTES, Identity, Lsn};
use super::{Access, Found, Log, Replayed, Settings, replay};
use crate::random::Random;

const IDENTITY: Identity = Identity { data_set: [b'd'; 40], shard: 1 };
const SEGMENT_BYTES: u64 = 64 << 10;

/// A directory that goes with the test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("basalt-log-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    fn settings(&self) -> Settings {
        Settings { directory: self.0.clone(), identity: IDENTITY, segment_bytes: SEGMENT_BYTES }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<_> =
            fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        files
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn batch(lsn: Lsn) -> Vec<u8> {
    let length = (lsn * 37 % 700) as usize;
    lsn.to_le_bytes().iter().copied().cycle().take(length).collect()
}

fn push(log: &Log, lsn: Lsn, batch: &[u8]) {
    let fill = |payload: &mut Vec<u8>| {
        payload.extend_from_slice(batch);
        Ok::<_, ()>(())
    };
    log.pending().push(lsn, fill).unwrap();
}

fn append(log: &Log, lsns: impl IntoIterator<Item = Lsn>) {
    for lsn in lsns {
        push(log, lsn, &batch(lsn));
    }
}

/// Replays what is behind `persisted`, and checks that it is what was appended.
fn read(directory: &Path, persisted: Lsn) -> Replayed {
    let mut next = persisted + 1;
    replay::<std::io::Error>(directory, &IDENTITY, persisted, &mut |found| {
        if let Found::Batch(lsn, bytes) = found {
            assert_eq!((lsn, bytes), (next, &batch(lsn)[..]));
            next += 1;
        }
        Ok(())
    })
    .inspect(|replayed| assert_eq!(replayed.last, next - 1))
    .unwrap()
}

#[test]
fn what_was_flushed_comes_back_over_many_segments() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    let mut random = Random::new(3);
    let mut lsn = 0;
    for round in 0..400 {
        let count = random.below(5);
        append(&log, lsn + 1..=lsn + count);
        lsn += count;
        let access = if round % 3 == 0 { Access::Direct } else { Access::Buffered };
        let flushed = if round % 5 == 0 { log.sync(access) } else { log.flush(access) };
        assert_eq!(flushed.unwrap(), lsn);
        if round % 50 == 0 {
            log.prepare(&mut || ()).unwrap();
        }
    }
    assert!(log.generation() > 3, "{}", log.generation());
    assert!(log.durable() < lsn && log.bytes_not_durable() > 0);
    log.sync(Access::Direct).unwrap();
    assert_eq!((log.durable(), log.bytes_not_durable(), log.bytes_not_flushed()), (lsn, 0, 0));
    let replayed = read(&directory.0, 0);
    assert_eq!((replayed.last, replayed.newest, replayed.damage), (lsn, lsn, None));
    assert_eq!(read(&directory.0, lsn - 7).last, lsn);
    assert_eq!(read(&directory.0, lsn + 7).last, lsn + 7);
    // A new log behind it.
    let next = replayed.generation + 1;
    drop(log);
    let log = Log::begin(directory.settings(), lsn, next).unwrap();
    assert_eq!(read(&directory.0, lsn).damage, None);
    append(&log, [lsn + 1]);
    log.flush(Access::Buffered).unwrap();
    assert_eq!(read(&directory.0, lsn).last, lsn + 1);
}

#[test]
fn half_made_and_spare_files_are_no_hindrance() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    append(&log, 1..=5);
    log.sync(Access::Direct).unwrap();
    drop(log);
    for name in ["segment-00000002.new", "segment-00000003.new", "spare-00000001"] {
        fs::write(directory.0.join(name), "anything").unwrap();
    }
    assert_eq!(read(&directory.0, 0).last, 5);
    let _log = Log::begin(directory.settings(), 5, 2).unwrap();
    assert_eq!(directory.files(), [directory.0.join("segment-00000002")]);
    assert_eq!(read(&directory.0, 5).damage, None);
}

/// A full disk has no other room for it.
#[test]
fn a_log_begins_in_the_space_of_the_old_one() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    for first in (1..=1000).step_by(50) {
        append(&log, first..first + 50);
        log.sync(Access::Direct).unwrap();
    }
    drop(log);
    let inodes = || -> BTreeSet<u64> {
        directory.files().iter().map(|file| fs::metadata(file).unwrap().ino()).collect()
    };
    let before = inodes();
    assert!(before.len() > 2, "{before:?}");
    let log = Log::begin(directory.settings(), 1000, 50).unwrap();
    let segments = ["segment-00000050", "segment-00000051"].map(|name| directory.0.join(name));
    assert_eq!((directory.files().len(), inodes().is_subset(&before)), (2, true));
    // What is prepared has the space of the other file.
    log.prepare(&mut || ()).unwrap();
    assert_eq!((directory.files(), inodes().is_subset(&before)), (segments.to_vec(), true));
    append(&log, [1001]);
    log.flush(Access::Buffered).unwrap();
    drop(log);
    assert_eq!(read(&directory.0, 1000).last, 1001);
    // A file of another length, or with holes, is of no use.
    for file in directory.files() {
        fs::File::create(&file).unwrap().set_len(SEGMENT_BYTES).unwrap();
    }
    drop(Log::begin(directory.settings(), 1001, 60).unwrap());
    assert_eq!(directory.files(), [directory.0.join("segment-00000060")]);
    assert!(fs::metadata(&directory.files()[0]).unwrap().blocks() * 512 >= SEGMENT_BYTES);
}

#[test]
fn while_a_segment_is_made_the_log_goes_on_and_other_things_get_done() {
    let directory = Directory::new();
    let settings = Settings { segment_bytes: 1 << 20, ..directory.settings() };
    let log = Log::begin(settings, 0, 1).unwrap();
    let mut lsn = 0;
    log.prepare(&mut || {
        lsn += 1;
        append(&log, [lsn]);
        assert_eq!(log.sync(Access::Buffered).unwrap(), lsn);
    })
    .unwrap();
    assert!(lsn > 1, "done {lsn} times");
    assert_eq!(read(&directory.0, 0).last, lsn);
}

#[test]
fn released_segments_are_used_again_and_what_they_held_is_gone() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    let mut lsn = 0;
    for _ in 0..600 {
        append(&log, lsn + 1..=lsn + 3);
        lsn += 3;
        log.sync(Access::Direct).unwrap();
        log.release(lsn - 2).unwrap();
        log.prepare(&mut || ()).unwrap();
        assert!(directory.files().len() <= 4, "{:?}", directory.files());
    }
    assert!(log.generation() > 8);
    let persisted = lsn - 2;
    assert_eq!(read(&directory.0, persisted).last, lsn);
}

#[test]
fn a_batch_longer_than_a_segment_gets_one_of_its_own() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    log.prepare(&mut || ()).unwrap();
    let long = vec![7; 5 * SEGMENT_BYTES as usize];
    push(&log, 1, &long);
    push(&log, 2, b"short");
    log.sync(Access::Direct).unwrap();
    push(&log, 3, b"later");
    log.sync(Access::Direct).unwrap();
    let mut found = Vec::new();
    let replayed = replay::<std::io::Error>(&directory.0, &IDENTITY, 0, &mut |batch| {
        if let Found::Batch(lsn, bytes) = batch {
            found.push((lsn, bytes.len()));
        }
        Ok(())
    });
    assert_eq!(replayed.unwrap().damage, None);
    assert_eq!(found, [(1, long.len()), (2, 5), (3, 5)]);
}

#[test]
fn a_batch_that_is_not_completed_leaves_no_trace() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    let refuse = |payload: &mut Vec<u8>| {
        payload.extend_from_slice(b"refused");
        Err("refused")
    };
    assert_eq!(log.pending().push(1, refuse), Err("refused"));
    push(&log, 1, &batch(1));
    assert_eq!(log.pending().push(2, refuse), Err("refused"));
    assert_eq!(log.sync(Access::Buffered).unwrap(), 1);
    assert_eq!(read(&directory.0, 0).last, 1);
    assert_eq!(log.bytes_not_durable(), 0);
}

/// A log of ten groups of two batches, every one synced; where each group begins.
fn ten_groups(directory: &Directory) -> (PathBuf, Vec<usize>) {
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    let mut starts = vec![BLOCK_BYTES];
    for group in 0..10 {
        let lsns = group * 2 + 1..=group * 2 + 2;
        append(&log, lsns.clone());
        log.sync(Access::Direct).unwrap();
        let payload: usize = lsns.map(|lsn| batch(lsn).len() + 8).sum();
        starts.push(starts[starts.len() - 1] + super::format::group_bytes(payload));
    }
    (directory.files()[0].clone(), starts)
}

#[test]
fn a_torn_tail_is_the_end_and_damage_before_it_is_not() {
    let directory = Directory::new();
    let (file, starts) = ten_groups(&directory);
    let good = fs::read(&file).unwrap();
    // The last group is the only one that nothing behind it calls durable.
    for at in starts[9]..starts[10] - 8 {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        fs::write(&file, &bytes).unwrap();
        let replayed = read(&directory.0, 0);
        assert_eq!((replayed.last, replayed.damage), (18, None), "byte {at}");
    }
    for length in [starts[9], starts[9] + 1, starts[10] - 9] {
        fs::write(&file, &good[..length]).unwrap();
        assert_eq!((read(&directory.0, 0).last, read(&directory.0, 0).damage), (18, None));
    }
    for (group, start) in starts[..9].iter().copied().enumerate() {
        for at in [start, start + 30, start + 45] {
            let mut bytes = good.clone();
            bytes[at] ^= 1;
            fs::write(&file, &bytes).unwrap();
            let replayed = read(&directory.0, 0);
            let damage = replayed.damage.expect("damage");
            assert_eq!((damage.file, damage.offset), (file.clone(), start as u64));
            assert_eq!((replayed.last, replayed.newest), (2 * group as u64, 2 * group as u64 + 4));
            // What the storage engine has need not be readable any more.
            assert_eq!(read(&directory.0, 2 * group as u64 + 2).damage, None);
        }
    }
    let mut bytes = good.clone();
    bytes[20] ^= 1;
    fs::write(&file, &bytes).unwrap();
    assert!(read(&directory.0, 0).damage.is_some(), "a damaged header");
}

#[test]
fn groups_that_were_written_behind_a_hole_but_never_durable_are_dropped() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    append(&log, 1..=2);
    log.sync(Access::Buffered).unwrap();
    for lsn in 3..10 {
        append(&log, [lsn]);
        log.flush(Access::Buffered).unwrap();
    }
    let file = directory.files()[0].clone();
    let mut bytes = fs::read(&file).unwrap();
    let third = BLOCK_BYTES + super::format::group_bytes(batch(1).len() + batch(2).len() + 16);
    bytes[third + 50] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let replayed = read(&directory.0, 0);
    assert_eq!((replayed.last, replayed.newest, replayed.damage), (2, 9, None));
}

#[test]
fn missing_older_and_foreign_segments_are_noticed() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    let mut lsn = 0;
    let mut older = BTreeMap::new();
    while log.generation() < 4 {
        append(&log, [lsn + 1]);
        lsn += 1;
        log.sync(Access::Direct).unwrap();
        if lsn == 20 {
            let file = directory.files()[0].clone();
            older.insert(file.clone(), fs::read(file).unwrap());
        }
    }
    drop(log);
    let files = directory.files();
    let contents: Vec<_> = files.iter().map(|file| fs::read(file).unwrap()).collect();
    let restore = || {
        for (file, bytes) in files.iter().zip(&contents) {
            fs::write(file, bytes).unwrap();
        }
    };
    assert_eq!(read(&directory.0, 0).last, lsn);
    fs::remove_file(&files[1]).unwrap();
    assert!(read(&directory.0, 0).damage.unwrap().what.contains("missing or damaged"));
    restore();
    let (file, bytes) = older.into_iter().next().unwrap();
    fs::write(&file, bytes).unwrap();
    let damage = read(&directory.0, 0).damage.unwrap();
    assert_eq!(damage.file, file);
    restore();
    fs::rename(&files[0], &files[1]).unwrap();
    assert!(read(&directory.0, 0).damage.unwrap().what.contains("another name"));
    restore();
    let other = Identity { shard: 2, ..IDENTITY };
    let replayed = replay::<std::io::Error>(&directory.0, &other, 0, &mut |_| Ok(())).unwrap();
    assert!(replayed.damage.unwrap().what.contains("belongs to shard 1"));
}

#[test]
fn a_sync_closes_the_files_of_full_segments() {
    let directory = Directory::new();
    let log = Log::begin(directory.settings(), 0, 1).unwrap();
    for lsns in [1..=200, 201..=400, 401..=600] {
        append(&log, lsns);
        log.flush(Access::Buffered).unwrap();
    }
    assert!(log.unsynced_files() >= 2, "{}", log.unsynced_files());
    log.sync(Access::Buffered).unwrap();
    assert_eq!(log.unsynced_files(), 0);
    assert_eq!(read(&directory.0, 0).last, 600);
}
