//! A command that took long, on its way from where it ran to the thread of its client.

use basalt_shard::table::CommandId;

/// A command that took long enough for one of the two.
pub(crate) struct Slow {
    pub(crate) id: CommandId,
    pub(crate) duration_us: u64,
    /// Cut, and without secrets.
    pub(crate) arguments: Vec<Vec<u8>>,
}
