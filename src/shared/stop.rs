//! The end of the process: who asks for it, and how far the process is.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

/// The databases are being opened.
pub(crate) const OPENING: u8 = 0;
/// There is something to stop in order.
pub(crate) const SERVING: u8 = 1;
/// It ends.
pub(crate) const STOPPING: u8 = 2;

/// Says once that the process is to end.
pub(crate) struct StopSignal {
    phase: AtomicU8,
    sender: Sender<()>,
}

impl StopSignal {
    /// The other end hears of the stop.
    pub(crate) fn new() -> (Arc<Self>, Receiver<()>) {
        let (sender, stopped) = bounded(1);
        (Arc::new(Self { phase: AtomicU8::new(OPENING), sender }), stopped)
    }

    /// From now on there is something to stop in order.
    pub(crate) fn serves(&self) {
        self.phase.store(SERVING, Ordering::SeqCst);
    }

    /// How far the process is: one of the constants above.
    pub(crate) fn phase(&self) -> u8 {
        self.phase.load(Ordering::SeqCst)
    }

    /// Ends the process, cleanly.
    pub(crate) fn stop(&self) {
        self.phase.store(STOPPING, Ordering::SeqCst);
        // Full: it was said before.
        let _ = self.sender.try_send(());
    }
}
