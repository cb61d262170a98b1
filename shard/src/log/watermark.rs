//! A shard's watermark: how far its log had come, kept outside of the log, so that a log which is
//! missing, cut short or older than the data set is noticed instead of opened as if nothing were
//! missing. Written several times a second, it may lag behind by that much.
//!
//! ```text
//! 0 "basaltwm"   8 format u32 = 1   12 shard u32   16 data set, 40 hex digits
//! 56 epoch u64   64 generation of the segment in use u64   72 newest durable batch u64
//! 80 newest batch in the kernel u64   88 CRC-32C of 0..88, u32
//! ```

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use super::format::{Identity, Lsn};

const MAGIC: &[u8; 8] = b"basaltwm";
const FORMAT: u32 = 1;
const CHECKED_BYTES: usize = 88;
const BYTES: usize = CHECKED_BYTES + 4;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Watermark {
    /// Whose it is.
    pub identity: Identity,
    /// Number of the start of the data set that wrote it.
    pub epoch: u64,
    /// Of the segment in use.
    pub generation: u64,
    /// Everything up to this batch was durable.
    pub durable: Lsn,
    /// Everything up to this batch was in the kernel.
    pub flushed: Lsn,
}

impl Watermark {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(BYTES);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
        bytes.extend_from_slice(&self.identity.shard.to_le_bytes());
        bytes.extend_from_slice(&self.identity.data_set);
        for number in [self.epoch, self.generation, self.durable, self.flushed] {
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        let checksum = crc32c::crc32c(&bytes);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Result<Self, String> {
        let damaged = || "it is damaged".to_owned();
        let checked = bytes.get(..CHECKED_BYTES).ok_or_else(damaged)?;
        let checksum = bytes.get(CHECKED_BYTES..BYTES).ok_or_else(damaged)?;
        if checked[..8] != *MAGIC || crc32c::crc32c(checked).to_le_bytes() != checksum {
            return Err(damaged());
        }
        let word = |at: usize| {
            checked[at..at + 4].try_into().map(u32::from_le_bytes).map_err(|_| damaged())
        };
        let number = |at: usize| {
            checked[at..at + 8].try_into().map(u64::from_le_bytes).map_err(|_| damaged())
        };
        let format = word(8)?;
        if format != FORMAT {
            return Err(format!(
                "its format is version {format}, this server reads version {FORMAT}"
            ));
        }
        Ok(Self {
            identity: Identity {
                data_set: checked[16..56].try_into().map_err(|_| damaged())?,
                shard: word(12)?,
            },
            epoch: number(56)?,
            generation: number(64)?,
            durable: number(72)?,
            flushed: number(80)?,
        })
    }

    /// Reads a watermark; `None`: there is no such file. Blocks.
    pub fn read(path: &Path) -> Result<Option<Self>, String> {
        match std::fs::read(path) {
            Ok(bytes) => Self::decode(&bytes).map(Some),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Makes it durable, whole: a new file takes the place of the old one. Where there is no room
    /// for one, it is written over the old one, as [`Watermark::update`] does. Blocks.
    pub fn replace(&self, path: &Path) -> io::Result<()> {
        let temporary = path.with_extension("new");
        match self.write_whole(&temporary, path) {
            Err(error)
                if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded)
                    && path.exists() =>
            {
                // An empty one may be there.
                let _ = std::fs::remove_file(&temporary);
                self.update(path)?;
                File::open(path)?.sync_all()
            }
            written => written,
        }
    }

    fn write_whole(&self, temporary: &Path, path: &Path) -> io::Result<()> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(temporary)?;
        file.write_all_at(&self.encode(), 0)?;
        file.sync_all()?;
        std::fs::rename(temporary, path)?;
        match path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }

    /// Writes it over the one that is there, which is quick: it is shorter than what a disk writes
    /// at once. Not durable. Blocks.
    pub fn update(&self, path: &Path) -> io::Result<()> {
        OpenOptions::new().write(true).open(path)?.write_all_at(&self.encode(), 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watermark_comes_back_and_damage_is_noticed() {
        let watermark = Watermark {
            identity: Identity { data_set: [b'5'; 40], shard: 1 },
            epoch: 2,
            generation: 3,
            durable: 4,
            flushed: 5,
        };
        let bytes = watermark.encode();
        assert_eq!(bytes.len(), BYTES);
        assert_eq!(bytes[56..CHECKED_BYTES].iter().filter(|byte| **byte != 0).count(), 4);
        assert_eq!(Watermark::decode(&bytes), Ok(watermark));
        for at in 0..BYTES {
            let mut damaged = bytes.clone();
            damaged[at] ^= 8;
            assert!(Watermark::decode(&damaged).is_err(), "byte {at}");
            assert!(Watermark::decode(&bytes[..at]).is_err(), "{at} bytes");
        }
    }
}
