//! How far a client has come lately.

use std::cell::Cell;

use crate::clock::steady_ms;

/// Who has moved less than [`PROGRESS_BYTES`] in this time does nothing. Longer than packets that
/// are lost take to be sent again.
pub(crate) const STALLED_AFTER_MS: u64 = 500;
pub(crate) const PROGRESS_BYTES: usize = 64 << 10;

/// How far a client has come lately with its request, or with taking its replies.
#[derive(Default)]
pub(crate) struct Progress {
    /// `None`: nothing has begun.
    since_ms: Cell<Option<u64>>,
    moved: Cell<usize>,
}

impl Progress {
    /// A request has become long, or replies could not be sent at once.
    pub(crate) fn begin(&self) {
        self.since_ms.set(Some(steady_ms()));
        self.moved.set(0);
    }

    /// So many bytes have come, or gone.
    pub(crate) fn note(&self, bytes: usize) {
        self.moved.set(self.moved.get() + bytes);
        if self.moved.get() >= PROGRESS_BYTES {
            self.begin();
        }
    }

    /// Milliseconds until it counts as none, unless there is some; 0: it does.
    pub(crate) fn stalls_in_ms(&self) -> u64 {
        let Some(since_ms) = self.since_ms.get() else { return 0 };
        (since_ms + STALLED_AFTER_MS).saturating_sub(steady_ms())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_no_progress() {
        let progress = Progress::default();
        assert_eq!(progress.stalls_in_ms(), 0);
        progress.note(PROGRESS_BYTES - 1);
        assert_eq!(progress.stalls_in_ms(), 0);
        progress.note(1);
        assert!(progress.stalls_in_ms() > 0);
        assert_eq!(progress.moved.get(), 0);
    }
}
