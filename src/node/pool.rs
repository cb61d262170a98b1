//! Threads that may block: cache misses, long commands, file work. Jobs wait in one queue; what
//! can be in it is bounded by the commands under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_channel::{Sender, unbounded};

type Work = Box<dyn FnOnce() + Send>;

/// Stack of a blocking thread.
const STACK_BYTES: usize = 512 << 10;

/// See the module.
pub(crate) struct Pool {
    sender: Sender<Work>,
    busy: Arc<AtomicUsize>,
    threads: usize,
}

impl Pool {
    /// Starts `threads` threads.
    pub(crate) fn start(threads: usize) -> std::io::Result<Self> {
        let (sender, receiver) = unbounded::<Work>();
        let busy = Arc::new(AtomicUsize::new(0));
        let threads = threads.max(1);
        for number in 0..threads {
            let receiver = receiver.clone();
            let busy = busy.clone();
            std::thread::Builder::new()
                .name(format!("blocking-{number}"))
                .stack_size(STACK_BYTES)
                .spawn(move || {
                    while let Ok(work) = receiver.recv() {
                        busy.fetch_add(1, Ordering::Relaxed);
                        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                            tracing::error!("work off the loop panicked; this is a bug");
                        }
                        busy.fetch_sub(1, Ordering::Relaxed);
                    }
                })?;
        }
        Ok(Self { sender, busy, threads })
    }

    /// Runs `work` on one of the threads.
    pub(crate) fn run(&self, work: impl FnOnce() + Send + 'static) {
        // Cannot fail: the threads live as long as the sender.
        let _ = self.sender.send(Box::new(work));
    }

    /// Number of threads.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Work that waits, and work under way.
    pub(crate) fn load(&self) -> (usize, usize) {
        (self.sender.len(), self.busy.load(Ordering::Relaxed))
    }
}
