//! Commands on the bits of strings.

use crate::command::CommandSpec;

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[];
