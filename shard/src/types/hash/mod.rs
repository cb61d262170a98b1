//! Hashes.

use crate::command::CommandSpec;

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[];
