//! How the verifying of what is on disk stands; `upkeep::scrub` does it.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What INFO tells.
#[derive(Clone, Default)]
pub(crate) struct ScrubStatus {
    pub(crate) is_running: bool,
    /// Seconds since 1970; 0: never.
    pub(crate) last_pass_s: u64,
    pub(crate) passes: u64,
    /// Since the start, all passes together.
    pub(crate) bytes: u64,
    pub(crate) errors: u64,
    pub(crate) last_error: String,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) status: ScrubStatus,
    pub(crate) is_asked: bool,
    is_stopped: bool,
}

/// The same, for everybody to read, and what wakes the thread.
#[derive(Default)]
pub(crate) struct Scrub {
    state: Mutex<State>,
    bell: Condvar,
}

impl Scrub {
    /// How it stands, to be changed.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How it stands.
    pub(crate) fn status(&self) -> ScrubStatus {
        self.state().status.clone()
    }

    /// Asks for a pass. False: one is under way.
    pub(crate) fn ask(&self) -> bool {
        let mut state = self.state();
        let is_free = !state.status.is_running && !state.is_asked;
        state.is_asked = true;
        self.bell.notify_all();
        is_free
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        self.state().is_stopped = true;
        self.bell.notify_all();
    }

    /// Sleeps, unless it is to end. True: it is.
    pub(crate) fn pause(&self, time: Duration, until: impl Fn(&State) -> bool) -> bool {
        let waits = |state: &mut State| !state.is_stopped && !until(state);
        let (state, _) = self
            .bell
            .wait_timeout_while(self.state(), time, waits)
            .unwrap_or_else(PoisonError::into_inner);
        state.is_stopped
    }
}
