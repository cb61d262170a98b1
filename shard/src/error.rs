//! What a command can end with instead of a reply, and Redis's error texts, each in one place.

use std::borrow::Cow;

use crate::engine::error::EngineError;
use crate::resp::ReplyBuffer;

/// Error texts that more than one command answers with; byte for byte those of Redis
/// where Redis has them.
pub mod text {
    pub const WRONG_TYPE: &str =
        "WRONGTYPE Operation against a key holding the wrong kind of value";
    pub const SYNTAX: &str = "ERR syntax error";
    pub const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
    pub const NOT_A_FLOAT: &str = "ERR value is not a valid float";
    pub const OUT_OF_RANGE: &str = "ERR value is out of range";
    pub const NOT_POSITIVE: &str = "ERR value is out of range, must be positive";
    pub const SAME_OBJECT: &str = "ERR source and destination objects are the same";
    pub const NO_SUCH_KEY: &str = "ERR no such key";
    pub const INDEX_OUT_OF_RANGE: &str = "ERR index out of range";
    pub const INCREMENT_OVERFLOW: &str = "ERR increment or decrement would overflow";
    pub const INCREMENT_NAN: &str = "ERR increment would produce NaN or Infinity";
    pub const STRING_TOO_LONG: &str =
        "ERR string exceeds maximum allowed size (proto-max-bulk-len)";
    pub const REPLY_TOO_LONG: &str =
        "ERR the reply does not fit the memory for clients (maxmemory)";
    pub const VALUE_TOO_LONG: &str =
        "ERR the value does not fit the memory for clients (maxmemory)";
    pub const NO_ROOM: &str = "ERR there is no memory for the value at the moment, too many big \
                               ones are being read or written (maxmemory); try again";
    pub const OFFSET_OUT_OF_RANGE: &str = "ERR offset is out of range";
    pub const INVALID_CURSOR: &str = "ERR invalid cursor";
    pub const DB_OUT_OF_RANGE: &str = "ERR DB index is out of range";
    pub const BAD_PAYLOAD: &str = "ERR Bad data format";
}

/// Why a handler stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// The client's fault: an error reply, without the leading `-`.
    Reply(Cow<'static, str>),
    /// The data is not in memory, or the command is too long for the loop: everything it did is
    /// thrown away and it runs again on a thread that may block.
    OffLoop,
    /// There is no room in memory for what would have to be read or written ([`crate::room`]):
    /// everything it did is thrown away and it runs again when there is.
    NoRoom,
    /// The storage failed.
    Storage(EngineError),
}

impl CommandError {
    /// An error reply with a text made at run time.
    pub fn reply(text: impl Into<Cow<'static, str>>) -> Self {
        CommandError::Reply(text.into())
    }
}

impl From<&'static str> for CommandError {
    fn from(text: &'static str) -> Self {
        CommandError::Reply(Cow::Borrowed(text))
    }
}

impl From<EngineError> for CommandError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::NotInMemory => CommandError::OffLoop,
            other => CommandError::Storage(other),
        }
    }
}

/// The error for a number of arguments that a command cannot take, by its full name.
pub fn wrong_arity(full_name: &str) -> CommandError {
    CommandError::reply(format!("ERR wrong number of arguments for '{full_name}' command"))
}

/// What a handler returns; the reply itself goes into the reply buffer.
pub type CommandResult = Result<(), CommandError>;

/// Answers with an error.
pub fn write_error(error: &CommandError, reply: &mut ReplyBuffer) {
    match error {
        CommandError::Reply(text) => reply.error(text.as_bytes()),
        CommandError::NoRoom => reply.error(text::NO_ROOM.as_bytes()),
        CommandError::OffLoop => {
            reply.error(storage_error_reply(&EngineError::NotInMemory).as_bytes());
        }
        CommandError::Storage(error) => reply.error(storage_error_reply(error).as_bytes()),
    }
}

/// Puts an error in the place of a reply, from `start` on, that has become too long.
pub fn refuse_if_over(reply: &mut ReplyBuffer, start: usize) {
    if reply.is_over() {
        reply.truncate(start);
        reply.error(text::REPLY_TOO_LONG.as_bytes());
    }
}

/// The reply for a command that the storage failed.
pub fn storage_error_reply(error: &EngineError) -> String {
    match error {
        EngineError::Corrupted(what) => format!("CORRUPTED data on disk is damaged: {what}"),
        EngineError::Unreadable(what) => format!("ERR reading from the disk failed: {what}"),
        EngineError::Io(what) => {
            // What the system said; where it happened is in the server's log.
            let brief = what.split(" (").next().unwrap_or(what);
            format!("MISCONF Errors writing to the AOF file: {brief}")
        }
        other => format!("MISCONF Errors writing to the AOF file: {other}"),
    }
}
