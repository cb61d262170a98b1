//! The sockets that connections are accepted from, and what is in their way.

use std::io;
use std::net::TcpListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long to wait when no connection can be accepted: without descriptors, accept answers at once
/// whether anybody waits or not.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The same trouble is not reported more often.
const REPORT_EVERY: Duration = Duration::from_secs(10);

/// A socket that a thread accepts connections from.
pub(crate) struct Listening {
    pub(crate) socket: TcpListener,
    pub(crate) closed: AtomicBool,
}

impl Listening {
    /// Ends the accepting: its thread lets the socket go.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // Wakes who waits in accept, and frees the address at once.
        let _ = socket2::SockRef::from(&self.socket).shutdown(std::net::Shutdown::Both);
    }
}

/// Where connections come from, and what is in their way.
#[derive(Default)]
pub(crate) struct Accepting {
    /// The TCP sockets that connections are accepted from now.
    sockets: Mutex<Vec<Arc<Listening>>>,
    trouble: Mutex<Trouble>,
}

/// Failures of accept since the last report.
#[derive(Default)]
struct Trouble {
    reported: Option<Instant>,
    failures: u64,
}

impl Accepting {
    /// Accepts from these sockets; from which before.
    pub(crate) fn replace(&self, sockets: Vec<Arc<Listening>>) -> Vec<Arc<Listening>> {
        let mut accepting = self.sockets.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut accepting, sockets)
    }

    /// Whatever accept answers, the listener lives on: after a pause, and with a line in the log
    /// now and then.
    pub(crate) fn failed(&self, error: &io::Error) {
        use io::ErrorKind::{ConnectionAborted, Interrupted};
        if matches!(error.kind(), ConnectionAborted | Interrupted) {
            return;
        }
        let mut trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        trouble.failures += 1;
        if trouble.reported.is_none_or(|reported| reported.elapsed() >= REPORT_EVERY) {
            let failures = std::mem::take(&mut trouble.failures);
            trouble.reported = Some(Instant::now());
            tracing::warn!(%error, failures, "Accepting client connection");
        }
        drop(trouble);
        std::thread::sleep(ACCEPT_PAUSE);
    }
}
