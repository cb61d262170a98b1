//! Signals, each as redis-server takes it.
//!
//! SIGTERM and SIGINT end the process in order; while the databases are opened they end it at
//! once, as does a second SIGINT while it stops: all that was acknowledged is safe all the same.
//! SIGHUP has the log file opened anew. SIGPIPE is ignored, as in every Rust program; all others do
//! what the system has for them.

use std::sync::Arc;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::logging;
use crate::shared::stop::{OPENING, STOPPING, StopSignal};

/// Catches the signals from now on.
pub(crate) fn start(stop: &Arc<StopSignal>) -> Result<(), String> {
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP])
        .map_err(|error| format!("cannot catch signals: {error}"))?;
    let stop = stop.clone();
    std::thread::Builder::new()
        .name("signals".into())
        .stack_size(128 << 10)
        .spawn(move || {
            for signal in signals.forever() {
                take(signal, &stop);
            }
        })
        .map(|_| ())
        .map_err(|error| format!("cannot start threads: {error}"))
}

/// What a signal does.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    ReopenLog,
    Stop,
    Exit(i32),
}

fn answer(signal: i32, phase: u8) -> Answer {
    match (signal, phase) {
        (SIGHUP, _) => Answer::ReopenLog,
        (_, OPENING) => Answer::Exit(0),
        // Who presses Ctrl-C twice does not want to wait.
        (SIGINT, STOPPING) => Answer::Exit(1),
        _ => Answer::Stop,
    }
}

fn take(signal: i32, stop: &StopSignal) {
    let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
    match answer(signal, stop.phase()) {
        Answer::ReopenLog => {
            logging::reopen();
            tracing::info!("Received SIGHUP: the log file is opened anew, nothing else changes");
        }
        Answer::Stop => {
            tracing::info!("Received {name} scheduling shutdown...");
            stop.stop();
        }
        Answer::Exit(code) => {
            if code == 0 {
                tracing::warn!("Received {name} during loading, exiting now.");
            } else {
                tracing::warn!("You insist... exiting now.");
            }
            signal_hook::low_level::exit(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shared::stop::SERVING;

    #[test]
    fn a_second_interrupt_does_not_wait_and_one_while_opening_neither() {
        for signal in [SIGTERM, SIGINT] {
            assert_eq!(answer(signal, OPENING), Answer::Exit(0));
            assert_eq!(answer(signal, SERVING), Answer::Stop);
        }
        assert_eq!(answer(SIGINT, STOPPING), Answer::Exit(1));
        assert_eq!(answer(SIGTERM, STOPPING), Answer::Stop);
        for phase in [OPENING, SERVING, STOPPING] {
            assert_eq!(answer(SIGHUP, phase), Answer::ReopenLog);
        }
    }
}
