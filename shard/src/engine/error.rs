//! Why the engine did not do as asked.

/// Why the engine did not do as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EngineError {
    /// The answer is not in memory, and the read was not allowed to go to disk.
    NotInMemory,
    /// A write would have had to wait for flushes or compactions; nothing was written.
    Stalled,
    /// Bytes on disk are not what was written there.
    Corrupted(String),
    /// There is no space on the disk.
    DiskFull,
    /// The file system or device did not give back what is there.
    Unreadable(String),
    /// The file system or device did not take a write.
    Io(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            EngineError::NotInMemory => f.write_str("not in memory"),
            EngineError::Stalled => f.write_str("writes are stalled by background work"),
            EngineError::Corrupted(what) => write!(f, "corrupted data: {what}"),
            EngineError::DiskFull => f.write_str("No space left on device"),
            EngineError::Unreadable(what) => write!(f, "cannot be read: {what}"),
            EngineError::Io(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for EngineError {}

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        use std::io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            return EngineError::DiskFull;
        }
        // "Input/output error", without the number that the standard library puts behind it.
        let text = error.to_string();
        EngineError::Io(text.split(" (os error").next().unwrap_or(&text).to_owned())
    }
}
