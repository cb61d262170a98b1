//! Commands under other names.

use super::error::Location;

/// A line `rename-command FROM TO`; an empty `to` takes the command away.
///
/// Whether there is such a command is for the owner of the command table to check, who reports
/// at `location`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rename {
    pub(crate) from: Vec<u8>,
    pub(crate) to: Vec<u8>,
    pub(crate) location: Location,
}
