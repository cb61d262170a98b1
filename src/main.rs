//! Basalt: a Redis-protocol server whose data lives on disk, one shard a core.
//!
//! This crate is the process: sockets, executors, sessions, routing between shards, configuration
//! and administration. The database of a shard is the library `basalt-shard`. ARCHITECTURE.md
//! says where to find what.
#![deny(unsafe_code)]

mod cli;
mod client;
mod clock;
mod commands;
mod config;
mod connection;
mod daemon;
mod doctor;
mod execute;
mod io;
mod logging;
mod pubsub;
mod runtime;
mod server;
mod shared;
mod sys;
mod telemetry;
mod thread;
mod upkeep;

use std::io::Write;
use std::process::ExitCode;

use crate::config::{Config, Sources, Surroundings};
use crate::daemon::{Background, Recorded};
use crate::server::start::{Fatal, Launch};
use crate::shared::data_directory;
use crate::shared::data_directory::Claim;
use crate::shared::supervision::Supervisor;

/// RocksDB and the loops allocate and free much, on many threads and for long: jemalloc keeps that
/// from fragmenting.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli::Request { arguments, doctor } = cli::request();
    let start_dir = match std::env::current_dir() {
        Ok(directory) => directory,
        Err(error) => return fail(&format!("cannot tell the current directory: {error}")),
    };
    let mut stdin = Recorded::new(std::io::stdin());
    let mut surroundings = Surroundings { start_dir, stdin: &mut stdin, matches: config_glob };
    let loaded = Config::load(&arguments, &mut surroundings);
    if let Some(options) = doctor {
        return doctor::run(loaded.map(|(config, _)| config), options);
    }
    let (config, sources) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error.to_string()),
    };
    let supervisor = Supervisor::of(config.supervised);
    let background = Background::enter();
    // Under a supervisor the process stays the one that was started, as with redis-server.
    if config.daemonize && supervisor == Supervisor::None && background.is_none() {
        return daemon::start(&stdin.read).unwrap_or_else(|error| fail(&error));
    }
    match serve(config, sources, supervisor, background) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Fatal::Start(error)) => {
            tracing::error!("{error}");
            fail(&error)
        }
        Err(Fatal::Stop(error)) => {
            tracing::error!("{error}");
            end("could not stop cleanly", &error)
        }
    }
}

/// Nothing is written, not even to the log, before the data directory is known to be ours.
fn serve(
    config: Config,
    sources: Sources,
    supervisor: Supervisor,
    background: Option<Background>,
) -> Result<(), Fatal> {
    data_directory::enter(&config.dir)?;
    let claim = Claim::take(&config.dir)?;
    logging::start(&config, background.is_some())?;
    if background.is_some() && config.logfile.is_none() {
        say("Warning: in the background (daemonize) and without a logfile the log is lost.");
    }
    server::start::run(config, sources, Launch { claim, supervisor, background })
}

/// How patterns of directives match: in any case.
fn config_glob(pattern: &[u8], text: &[u8]) -> bool {
    basalt_shard::glob::glob_match(pattern, text, true)
}

fn fail(text: &str) -> ExitCode {
    end("cannot start", text)
}

fn end(what: &str, text: &str) -> ExitCode {
    say(&format!("\n*** FATAL: Basalt {what} ***\n{text}"));
    ExitCode::FAILURE
}

/// Says something to who started the process, when the log is not there yet, or no longer.
fn say(text: &str) {
    // Nobody may be there to read it.
    let _ = writeln!(std::io::stderr(), "{text}");
}
