//! A request that waits for its reply.

use crate::command::Command;

/// A request that waits for its reply.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InFlight {
    pub(crate) command: Command,
    /// Which of the worker's connections has sent it.
    pub(crate) connection: usize,
    /// Whether it belongs to the measured part of the run.
    pub(crate) measured: bool,
    /// When it was meant to be sent, on the worker's clock.
    pub(crate) intended: u64,
}
