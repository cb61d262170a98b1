//! What wakes a loop that sleeps, from any other thread. A loop that is awake is never woken:
//! before it goes to sleep it says so and looks once more.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::eventfd::{EfdFlags, eventfd};

/// See the module. Whoever sleeps watches its descriptor, of which nobody reads: every ring is an
/// event for who watches its edges.
pub(crate) struct Bell {
    event: File,
    is_asleep: AtomicBool,
}

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        let event = eventfd(0, EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?;
        Ok(Self { event: event.into(), is_asleep: AtomicBool::new(false) })
    }

    /// Wakes the loop if it sleeps. What it is to find must be there.
    pub(crate) fn ring(&self) {
        // Sequentially consistent, as is the store below: either this sees that the loop sleeps, or
        // the loop's last look sees what is there.
        if self.is_asleep.swap(false, Ordering::SeqCst) {
            // Cannot fail before somebody has rung 2^64 times.
            let _ = (&self.event).write(&1_u64.to_ne_bytes());
        }
    }

    /// The loop is going to sleep, unless it finds something when it looks once more.
    pub(crate) fn fall_asleep(&self) {
        self.is_asleep.store(true, Ordering::SeqCst);
    }

    /// The loop is awake: it looks by itself.
    pub(crate) fn wake_up(&self) {
        self.is_asleep.store(false, Ordering::SeqCst);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event.as_fd()
    }
}
