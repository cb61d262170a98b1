//! What wakes a syncing thread.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Wakes a syncing thread.
#[derive(Default)]
pub(crate) struct Bell {
    sleeping: Mutex<bool>,
    rung: Condvar,
}

impl Bell {
    /// There may be something to do.
    pub(crate) fn ring(&self) {
        let sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        if *sleeping {
            self.rung.notify_one();
        }
    }

    /// Sleeps until it is rung, `most` at the longest, unless there `is` something to do.
    pub(crate) fn wait(&self, is: impl FnOnce() -> bool, most: Duration) {
        let mut sleeping = self.sleeping.lock().unwrap_or_else(PoisonError::into_inner);
        if !is() {
            *sleeping = true;
            let (mut awake, _) =
                self.rung.wait_timeout(sleeping, most).unwrap_or_else(PoisonError::into_inner);
            *awake = false;
        }
    }
}
