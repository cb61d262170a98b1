//! Who looks after the process, and what it is told (`supervised`): systemd when the server serves
//! and when it stops, by datagrams to its socket; upstart when it serves, by stopping until it is
//! continued.

use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::config::words::Supervision;

/// Who looks after the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Supervisor {
    #[default]
    None,
    Systemd,
    Upstart,
}

impl Supervisor {
    /// The one that the configuration means, as far as the environment has it.
    pub(crate) fn of(supervision: Supervision) -> Self {
        let has = |name: &str| std::env::var_os(name).is_some();
        let (upstart, systemd) = (has("UPSTART_JOB"), has("NOTIFY_SOCKET"));
        match supervision {
            Supervision::Upstart | Supervision::Auto if upstart => Self::Upstart,
            Supervision::Systemd | Supervision::Auto if systemd => Self::Systemd,
            _ => Self::None,
        }
    }

    /// As INFO names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::None => "no",
            Self::Systemd => "systemd",
            Self::Upstart => "upstart",
        }
    }

    /// The databases are about to be opened.
    pub(crate) fn opens(self, asked: Supervision) {
        match (self, asked) {
            (Self::Systemd, _) => {
                notify("STATUS=Opening the databases...\n");
                tracing::info!(
                    "Supervised by systemd. Please make sure you set appropriate values for \
                     TimeoutStartSec and TimeoutStopSec in your service unit."
                );
            }
            (Self::Upstart, _) => {
                tracing::info!("Supervised by upstart, will stop to signal readiness.");
            }
            (Self::None, Supervision::Systemd) => tracing::warn!(
                "systemd supervision requested, but NOTIFY_SOCKET not found: nobody is told when \
                 the server is ready; the unit needs Type=notify"
            ),
            (Self::None, Supervision::Upstart) => tracing::warn!(
                "upstart supervision requested, but UPSTART_JOB not found: nobody is told when \
                 the server is ready"
            ),
            (Self::None, _) => {}
        }
    }

    /// Clients are welcome. Under upstart the process stops until it is continued.
    pub(crate) fn serves(self) {
        match self {
            Self::Systemd => notify("STATUS=Ready to accept connections\nREADY=1\n"),
            Self::Upstart => {
                let _ = signal_hook::low_level::raise(signal_hook::consts::SIGSTOP);
            }
            Self::None => {}
        }
    }

    /// The end has begun.
    pub(crate) fn stops(self) {
        if self == Self::Systemd {
            notify("STATUS=Closing the databases...\nSTOPPING=1\n");
        }
    }
}

fn notify(state: &str) {
    if let Err(error) = send(state) {
        tracing::warn!("systemd cannot be told ({}): {error}", state.trim_end().replace('\n', " "));
    }
}

/// Sends to the socket that `NOTIFY_SOCKET` names: a path, or `@` and a name that is in no file
/// system.
fn send(state: &str) -> io::Result<()> {
    let name = std::env::var_os("NOTIFY_SOCKET").unwrap_or_default();
    let address = match name.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(&name)?,
        _ => {
            let what = "NOTIFY_SOCKET names neither a path nor an abstract socket";
            return Err(io::Error::new(io::ErrorKind::Unsupported, what));
        }
    };
    let socket = UnixDatagram::unbound()?;
    // A supervisor that hangs must not keep the server from its work.
    socket.set_write_timeout(Some(std::time::Duration::from_secs(1)))?;
    socket.send_to_addr(state.as_bytes(), &address).map(|_| ())
}
