//! The log: `tracing` events as lines, to standard output or to `logfile`, from `loglevel` on.

use std::fs::OpenOptions;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use crate::config::Config;
use crate::config::words::LogLevel;

static LEVEL: std::sync::OnceLock<reload::Handle<LevelFilter, tracing_subscriber::Registry>> =
    std::sync::OnceLock::new();

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Verbose | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    }
}

/// Sets the log up.
pub(crate) fn start(config: &Config) -> Result<(), String> {
    let (level, handle) = reload::Layer::new(filter(config.loglevel));
    let _ = LEVEL.set(handle);
    let lines = fmt::layer().with_target(false);
    let lines = match &config.logfile {
        None => lines.with_ansi(false).boxed(),
        Some(path) => {
            let path = config.resolve(path);
            let file =
                OpenOptions::new().create(true).append(true).open(&path).map_err(|error| {
                    format!("cannot open the log file {}: {error}", path.display())
                })?;
            lines.with_ansi(false).with_writer(Mutex::new(file)).boxed()
        }
    };
    tracing_subscriber::registry().with(level).with(lines).init();
    Ok(())
}

/// Takes over another `loglevel`.
pub(crate) fn set_level(level: LogLevel) {
    if let Some(handle) = LEVEL.get() {
        let _ = handle.reload(filter(level));
    }
}
