//! Errors of RocksDB in our words.

use rocksdb::ErrorKind;

use super::error::EngineError;

/// What the system says when there is no room, in the texts of RocksDB's errors.
const NO_ROOM: [&str; 2] = ["No space left on device", "Disk quota exceeded"];

/// Of a read.
pub(super) fn read_error(error: rocksdb::Error) -> EngineError {
    match storage_error(error) {
        EngineError::Io(what) => EngineError::Unreadable(what),
        other => other,
    }
}

/// Of anything else.
pub(super) fn storage_error(error: rocksdb::Error) -> EngineError {
    match error.kind() {
        ErrorKind::Incomplete => EngineError::NotInMemory,
        ErrorKind::Corruption => EngineError::Corrupted(error.into_string()),
        _ if NO_ROOM.iter().any(|text| error.as_ref().contains(text)) => EngineError::DiskFull,
        _ if error.as_ref().contains("Input/output error") => {
            EngineError::Io(format!("Input/output error ({error})"))
        }
        _ => EngineError::Io(error.into_string()),
    }
}
