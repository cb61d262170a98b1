//! The file with the process id. It is a help for scripts and nothing that data depends on: one
//! that cannot be written is a warning, as with redis-server. One of another server that runs is
//! left as it is, and only one that is still ours is removed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::Config;

/// Where it is in the background without a `pidfile`, as redis-server has one of its own.
const IN_BACKGROUND: &str = "/var/run/basalt.pid";

/// A pid file of ours, which goes when this is dropped.
pub(crate) struct PidFile(PathBuf);

impl PidFile {
    /// Writes the file, if there is to be one.
    pub(crate) fn write(config: &Config, in_background: bool) -> Option<Self> {
        let path = match &config.pidfile {
            Some(path) => config.resolve(path),
            None if in_background => IN_BACKGROUND.into(),
            None => return None,
        };
        if let Some(other) = process_in(&path).filter(|process| is_another_server(*process)) {
            tracing::warn!(
                "Failed to write PID file {}: it is that of another server that runs, process \
                 {other}; give each a file of its own with --pidfile",
                path.display()
            );
            return None;
        }
        match write(&path) {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                tracing::warn!("Failed to write PID file {}: {error}", path.display());
                None
            }
        }
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        if process_in(&self.0) == Some(std::process::id()) {
            let _ = fs::remove_file(&self.0);
        }
    }
}

fn write(path: &Path) -> io::Result<()> {
    // Whatever the umask: who may write it decides whom a script will kill.
    let mut file =
        OpenOptions::new().create(true).write(true).truncate(true).mode(0o644).open(path)?;
    file.write_all(format!("{}\n", std::process::id()).as_bytes())
}

fn process_in(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// A process that runs and has our program's name; another one only came to have the number of a
/// server that was killed.
fn is_another_server(process: u32) -> bool {
    let name = |process: &str| fs::read(format!("/proc/{process}/comm")).ok();
    process != std::process::id()
        && name("self")
            .is_some_and(|own| name(&process.to_string()).is_some_and(|name| name == own))
}
