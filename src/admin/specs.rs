//! Descriptions of the administration commands.

use basalt_shard::command::CommandSpec;

/// The commands of this folder.
pub(crate) const SPECS: &[CommandSpec] = &[];
