//! Basalt: a Redis-protocol server whose data lives on disk, one shard a core.
//!
//! This crate is the process: sockets, executors, sessions, routing between shards, configuration
//! and administration. The database of a shard is the library `basalt-shard`. ARCHITECTURE.md
//! says where to find what.
#![deny(unsafe_code)]

mod admin;
mod cli;
mod config;
mod doctor;
mod logging;
mod net;
mod node;
mod router;
mod runtime;
mod session;
mod sys;

use std::process::ExitCode;

use crate::config::{Config, Surroundings};
use crate::node::start::Fatal;

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
    let mut stdin = std::io::stdin();
    let mut surroundings = Surroundings { start_dir, stdin: &mut stdin, matches: config_glob };
    let loaded = Config::load(&arguments, &mut surroundings);
    if let Some(options) = doctor {
        return doctor::run(loaded.map(|(config, _)| config), options);
    }
    let (config, sources) = match loaded {
        Ok(loaded) => loaded,
        Err(error) => return fail(&error.to_string()),
    };
    if let Err(error) = logging::start(&config) {
        return fail(&error);
    }
    match node::start::run(config, sources) {
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

/// How patterns of directives match: in any case.
fn config_glob(pattern: &[u8], text: &[u8]) -> bool {
    basalt_shard::glob::glob_match(pattern, text, true)
}

fn fail(text: &str) -> ExitCode {
    end("cannot start", text)
}

#[expect(clippy::print_stderr, reason = "the process ends, and the log may not be there yet")]
fn end(what: &str, text: &str) -> ExitCode {
    eprintln!("\n*** FATAL: Basalt {what} ***\n{text}");
    ExitCode::FAILURE
}
