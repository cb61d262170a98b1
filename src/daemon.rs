//! Going to the background (`daemonize`): the program starts itself once more, in a session of its
//! own and without a terminal, and the one that was called ends when that one serves, or could not
//! start. (redis-server forks and ends at once; whether the start succeeded only its log says.)
//!
//! Starting anew instead of forking needs no unsafe code, and nothing that threads of this process
//! (the allocator's, say) had in their hands.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode, Stdio};

/// Tells the process in the background who started it. The number keeps a variable that was left
/// in an environment from meaning anything.
const STARTED_BY: &str = "BASALT_BACKGROUND_OF";
/// What the process in the background writes when it serves.
const SERVES: &[u8] = b"serves";

/// This process is to serve in the background.
pub(crate) struct Background(());

impl Background {
    /// If the process was started by [`start`]: takes it out of its session.
    pub(crate) fn enter() -> Option<Self> {
        let parent = nix::unistd::getppid().as_raw();
        let by = std::env::var(STARTED_BY).ok()?;
        if by != parent.to_string() {
            return None;
        }
        // It fails where the process leads one already, which is as good.
        let _ = nix::unistd::setsid();
        Some(Self(()))
    }

    /// The server serves: who waits for that may go on, and the terminal is let go.
    pub(crate) fn serves(self) {
        let mut stdout = io::stdout();
        // Whoever started it may be gone.
        let _ = stdout.write_all(SERVES).and_then(|()| stdout.flush());
        if let Ok(nothing) = File::options().read(true).write(true).open("/dev/null") {
            for standard in [stdout.as_raw_fd(), io::stderr().as_raw_fd()] {
                let _ = nix::unistd::dup2(nothing.as_raw_fd(), standard);
            }
        }
    }
}

/// Starts the server in the background with the arguments of this process, and waits until it
/// serves. `input` is what this process has read of its standard input.
pub(crate) fn start(input: &[u8]) -> Result<ExitCode, String> {
    let failed = |error: io::Error| {
        format!(
            "daemonize: cannot start in the background: {error}. Start without it, under a \
             service manager or with 'setsid'."
        )
    };
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("basalt"));
    let mut child = Command::new(std::env::current_exe().map_err(failed)?)
        .arg0(name)
        .args(arguments)
        .env(STARTED_BY, std::process::id().to_string())
        .stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() })
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that ends early says itself why.
        let _ = stdin.write_all(input);
    }
    let mut said = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        stdout.take(SERVES.len() as u64).read_to_end(&mut said).map_err(failed)?;
    }
    if said == SERVES {
        return Ok(ExitCode::SUCCESS);
    }
    // It has said why on standard error, which it shares.
    let code = child.wait().map_err(failed)?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

/// Keeps what is read, for the process in the background to read once more.
pub(crate) struct Recorded<R> {
    from: R,
    pub(crate) read: Vec<u8>,
}

impl<R> Recorded<R> {
    pub(crate) fn new(from: R) -> Self {
        Self { from, read: Vec::new() }
    }
}

impl<R: Read> Read for Recorded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.from.read(buffer)?;
        self.read.extend_from_slice(buffer.get(..length).unwrap_or_default());
        Ok(length)
    }
}
