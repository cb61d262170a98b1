//! The process itself: what it was started with, when, who looks after it, and how it ends.

use std::sync::Arc;
use std::time::Instant;

use crate::config::Sources;
use crate::shared::stop::StopSignal;
use crate::shared::supervision::Supervisor;

/// See the module.
pub(crate) struct Process {
    /// Where its configuration came from.
    pub(crate) sources: Sources,
    /// 40 random hexadecimal digits, new at each start.
    pub(crate) run_id: String,
    pub(crate) started: Instant,
    /// Who looks after the process.
    pub(crate) supervisor: Supervisor,
    /// Says that the process is to end.
    pub(crate) stop: Arc<StopSignal>,
}
