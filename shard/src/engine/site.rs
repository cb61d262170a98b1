//! Where a shard's database is, and what is known of it before it is opened, and after.

use std::path::PathBuf;

use crate::log::format::{Identity, Lsn};

/// Where a shard's database is, and what is known about it from elsewhere.
#[derive(Clone, Debug)]
pub struct Site {
    /// Its folder.
    pub directory: PathBuf,
    /// Which shard of which data set it is.
    pub identity: Identity,
    /// Number of this start of the data set.
    pub epoch: u64,
    /// Number of the last start that opened all shards; 0: none did, and it may be created.
    pub opened_epoch: u64,
    /// Batches that must be there.
    pub least: Lsn,
    /// Numbers up to this were given to batches, which may not be there; they are not used again.
    pub given_out: Lsn,
    /// Length of a log segment.
    pub segment_bytes: u64,
    /// What is missing or damaged is accepted as lost.
    pub accept_loss: bool,
    /// Room on the disk is scarce: nothing is compacted until [`super::Engine::set_compacting`].
    pub is_scarce: bool,
}

/// How opening went.
#[derive(Clone, Debug, Default)]
pub struct Opened {
    /// The newest batch.
    pub last: Lsn,
    /// Batches that were taken from the log.
    pub replayed: u64,
    /// What was lost and accepted as lost, in words.
    pub losses: Vec<String>,
}

impl Site {
    /// A database by itself, at its start number `epoch`: what tests need.
    pub fn alone(directory: PathBuf, epoch: u64) -> Self {
        Self {
            directory,
            identity: Identity { data_set: [b'0'; 40], shard: 0 },
            epoch,
            opened_epoch: epoch - 1,
            least: 0,
            given_out: 0,
            segment_bytes: 1 << 20,
            accept_loss: false,
            is_scarce: false,
        }
    }

    /// The file with the watermark.
    pub(super) fn watermark(&self) -> PathBuf {
        self.directory.join("watermark")
    }

    /// The folder with the log.
    pub(super) fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    /// For opening again in the same process.
    pub(super) fn for_another_opening(&self, given_out: Lsn, is_scarce: bool) -> Self {
        let opened_epoch = self.epoch;
        Self { opened_epoch, accept_loss: false, given_out, is_scarce, ..self.clone() }
    }

    /// The folder, for people.
    pub(super) fn shown(&self) -> std::path::Display<'_> {
        self.directory.display()
    }
}
