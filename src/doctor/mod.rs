//! `basalt doctor`: looks at the host as the server would use it, and says what to do about it.
//!
//! It takes the server's own arguments, so that it looks at the directory, the limits and the sizes
//! that count. Promise: it changes nothing, leaves nothing behind, takes no lock and asks no
//! server. All it costs a running one is the syncs of [`sync_probe`], a second's worth at most.
//!
//! A check is a function from a [`Subject`] to a [`Finding`]; what a check reads below `/proc` and
//! `/sys` a test gives it in a directory. The checks: [`kernel`], [`limits`], [`memory`],
//! [`processors`], [`network`], [`disk`], [`directory`].

mod directory;
mod disk;
mod finding;
mod host;
mod kernel;
mod limits;
mod memory;
mod mounts;
mod network;
mod processors;
mod report;
mod subject;
mod sync_probe;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use crate::config::{Config, ConfigError};
use finding::{Finding, Level};
use host::Host;
use subject::Subject;

/// What is asked of the doctor beside the server's own arguments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) json: bool,
    /// Warnings count for the exit code too.
    pub(crate) strict: bool,
}

/// All findings, in the order in which they are told.
fn findings(subject: &Subject<'_>) -> Vec<Finding> {
    vec![
        kernel::version(subject),
        kernel::io_uring(subject, kernel::try_rings),
        limits::open_files(subject),
        limits::locked_memory(subject),
        processors::shards(subject),
        processors::clock(subject),
        processors::governor(subject),
        memory::budget(subject),
        memory::swap(subject),
        memory::swappiness(subject),
        memory::overcommit(subject),
        memory::huge_pages(subject),
        network::backlog(subject),
        network::half_open(subject),
        directory::directory(subject),
        disk::file_system(subject),
        disk::mount_options(subject),
        disk::queue(subject),
        directory::space(subject),
        directory::sync_latency(subject),
    ]
}

/// Looks, prints, and gives the exit code: 0 nothing serious, 1 warnings and `strict`, 2 failures.
pub(crate) fn run(config: Result<Config, ConfigError>, options: Options) -> ExitCode {
    let host = Host::new(Path::new("/"));
    let (directory, findings) = match &config {
        Ok(config) => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            let subject = Subject::new(&host, config, cores);
            (config.dir.display().to_string(), findings(&subject))
        }
        Err(error) => {
            let seen = "the server would not start with it";
            let fix = "mend the line or the option that is named";
            let finding = Finding::fail("configuration", seen, &error.to_string(), fix);
            (String::new(), vec![finding])
        }
    };
    let printed = if options.json {
        report::json(&directory, &findings)
    } else {
        report::text(&format!("Basalt {}: the host", env!("CARGO_PKG_VERSION")), &findings)
    };
    // Who closed the pipe has read enough.
    let _ = std::io::stdout().write_all(printed.as_bytes());
    ExitCode::from(exit_code(&findings, options.strict))
}

fn exit_code(findings: &[Finding], strict: bool) -> u8 {
    match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Fail) => 2,
        Some(Level::Warn) if strict => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
