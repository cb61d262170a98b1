//! The ledger: what was written, what of it was acknowledged, and whether a server still has it.
//!
//! `run --ledger` has each connection, a **writer** here, write keys of its own (`author`), keeps
//! every write with its times in memory, and puts them into a file when the run ends, as it does
//! when the server is gone. `verify` reads the file (`file`), asks a server for all those keys
//! (`observe`) and judges what it has (`judge`).
//!
//! A server carries out one writer's writes to one shard in the order sent. So for each writer and
//! shard there must be a **cut**: a number of writes so that every key is just as those writes, and
//! no later ones, leave it. Nothing acknowledged was lost where the cut lies behind the last
//! acknowledged write. A value that was never written, a value older than another survivor, a
//! write lost between survivors, a field or a deadline of another time: no cut explains these.

mod author;
mod content;
mod file;
mod judge;
mod observe;
mod part;
mod register;
mod slot;
#[cfg(test)]
mod tests;
mod verify;
mod write;

use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) use author::Authors;
pub(crate) use verify::verify;
pub(crate) use write::can_record;

use write::Write;

/// What `run` writes where no mix is given: more values than deletions, and all kinds of both.
pub(crate) const DEFAULT_MIX: &str =
    "set=30,append=8,del=6,incr=20,hset=24,hdel=4,expire=6,persist=2";

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ledger {
    /// Distinguishes runs: it is in every key and in every value.
    pub(crate) run: u64,
    /// What every key begins with, the run included.
    pub(crate) prefix: String,
    /// When the run began, in microseconds of Unix time; the times of writes count from here.
    pub(crate) began_unix_micros: u64,
    pub(crate) writers: Vec<Writer>,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Writer {
    pub(crate) id: u32,
    /// In the order sent.
    pub(crate) writes: Vec<Sent>,
    /// To the first writes, in their order: the others are of unknown outcome.
    pub(crate) replies: Vec<Reply>,
    /// When the connection was lost, in microseconds after the start.
    pub(crate) lost_micros: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) micros: u64,
    pub(crate) write: Write,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) micros: u64,
    /// An error was the answer, which says nothing of whether the write has happened.
    pub(crate) refused: bool,
}

/// The replies to one connection while a run goes on.
#[derive(Debug, Default)]
pub(crate) struct Answers {
    pub(crate) replies: Vec<Reply>,
    pub(crate) lost_micros: Option<u64>,
}

impl Writer {
    /// When a write was acknowledged, if it was.
    fn acknowledged(&self, index: usize) -> Option<u64> {
        self.replies.get(index).filter(|reply| !reply.refused).map(|reply| reply.micros)
    }

    fn was_refused(&self, index: usize) -> bool {
        self.replies.get(index).is_some_and(|reply| reply.refused)
    }
}

impl Ledger {
    /// Whether the server went away, and when: with the first connection, or after all replies.
    fn end_micros(&self) -> u64 {
        let lost = self.writers.iter().filter_map(|writer| writer.lost_micros).min();
        let replies = self.writers.iter().filter_map(|writer| writer.replies.last());
        lost.or(replies.map(|reply| reply.micros).max()).unwrap_or(0)
    }
}

/// A number for a run that no other run has: the time in microseconds.
pub(crate) fn new_run() -> u64 {
    unix_micros(SystemTime::now())
}

pub(crate) fn unix_micros(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// The prefix of a run's keys.
pub(crate) fn prefix_of(key_prefix: &str, run: u64) -> String {
    format!("{key_prefix}{run:x}:")
}
