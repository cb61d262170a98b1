//! Commands on keys of any type.

use crate::command::CommandSpec;

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[];
