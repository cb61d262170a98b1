//! What the threads share of all clients: how many there may be, what they hold, who has to wait.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::io::accepting::Accepting;
use crate::shared::client_memory::ClientMemory;
use crate::shared::open_files::OpenFiles;
use crate::shared::pause::Pause;

/// See the module.
pub(crate) struct Clients {
    /// Memory that clients hold.
    pub(crate) memory: ClientMemory,
    pub(crate) open_files: OpenFiles,
    /// `maxclients`, for the acceptor.
    pub(crate) max: AtomicUsize,
    /// Where connections come from.
    pub(crate) accepting: Accepting,
    /// Names clients; the next number.
    pub(crate) next_id: AtomicU64,
    /// CLIENT PAUSE.
    pub(crate) pause: Pause,
    /// Clients that watch all commands.
    pub(crate) monitors: AtomicUsize,
    /// Bytes on their way to them on other threads.
    pub(crate) monitored_bytes: AtomicUsize,
}

impl Clients {
    /// At the start.
    pub(crate) fn new(max: usize, memory: ClientMemory, open_files: OpenFiles) -> Self {
        Self {
            memory,
            open_files,
            max: AtomicUsize::new(max),
            accepting: Accepting::default(),
            next_id: AtomicU64::new(1),
            pause: Pause::default(),
            monitors: AtomicUsize::new(0),
            monitored_bytes: AtomicUsize::new(0),
        }
    }

    /// Whether any client watches all commands.
    pub(crate) fn is_monitored(&self) -> bool {
        self.monitors.load(Ordering::Relaxed) != 0
    }
}
