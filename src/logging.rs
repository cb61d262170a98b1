//! The log: `tracing` events as lines, to standard output or to `logfile`, from `loglevel` on.
//!
//! A log file may be moved or removed while the server runs: before each line it is looked whether
//! the name still is that of the open file, as redis-server in effect does by opening it for each.
//! What cannot be written is lost and harms nobody: the disk may be full, and who reads standard
//! output may be gone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::prelude::*;
use tracing_subscriber::reload;

use crate::config::Config;
use crate::config::words::LogLevel;
use crate::sys;

static LEVEL: std::sync::OnceLock<reload::Handle<LevelFilter, tracing_subscriber::Registry>> =
    std::sync::OnceLock::new();

/// The log file is to be opened before the next line, whatever its name stands for.
static REOPEN: AtomicBool = AtomicBool::new(false);

fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Verbose | LogLevel::Notice => LevelFilter::INFO,
        LogLevel::Warning => LevelFilter::WARN,
        LogLevel::Nothing => LevelFilter::OFF,
    }
}

/// Sets the log up. In the background there is no standard output to write to.
pub(crate) fn start(config: &Config, in_background: bool) -> Result<(), String> {
    let (level, handle) = reload::Layer::new(filter(config.loglevel));
    let _ = LEVEL.set(handle);
    let lines = fmt::layer().with_target(false).with_ansi(false);
    let lines = match &config.logfile {
        None if in_background => lines.with_writer(io::sink).boxed(),
        None => lines.with_writer(|| Forgiving(io::stdout())).boxed(),
        Some(path) => {
            let path = config.resolve(path);
            let file = LogFile::open(path.clone())
                .map_err(|error| format!("Can't open the log file {}: {error}", path.display()))?;
            lines.with_writer(Mutex::new(Forgiving(file))).boxed()
        }
    };
    if config.logfile.is_none() && !in_background {
        sys::set_crash_log(io::stdout().as_raw_fd());
    }
    tracing_subscriber::registry().with(level).with(lines).init();
    tell_panics();
    sys::tell_crashes(config.crash_log_enabled);
    Ok(())
}

/// A panic is told in the log too: standard error may lead nowhere.
fn tell_panics() {
    let usual = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let what = panic.to_string().replace('\n', " ");
        tracing::error!(thread = thread.name(), "{what}; this is a bug, please report it");
        usual(panic);
    }));
}

/// Takes over another `loglevel` and `crash-log-enabled`.
pub(crate) fn reload(config: &Config) {
    if let Some(handle) = LEVEL.get() {
        let _ = handle.reload(filter(config.loglevel));
    }
    sys::tell_crashes(config.crash_log_enabled);
}

/// Has the log file opened anew before the next line.
pub(crate) fn reopen() {
    REOPEN.store(true, Ordering::Relaxed);
}

/// Writes, and never fails: an error would be said on standard error, which may be gone too, and
/// then end the thread.
struct Forgiving<W>(W);

impl<W: Write> Write for Forgiving<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = self.0.write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}

/// A log file under its name.
struct LogFile {
    path: PathBuf,
    file: File,
}

impl LogFile {
    fn open(path: PathBuf) -> io::Result<Self> {
        let file = open(&path)?;
        sys::set_crash_log(file.as_raw_fd());
        Ok(Self { path, file })
    }

    fn has_its_name(&self) -> io::Result<bool> {
        let (named, open) = (std::fs::metadata(&self.path)?, self.file.metadata()?);
        Ok((named.dev(), named.ino()) == (open.dev(), open.ino()))
    }
}

/// Nobody else may write it, whatever the umask.
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o644).open(path)
}

impl Write for LogFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let is_asked = REOPEN.swap(false, Ordering::Relaxed);
        if (is_asked || !self.has_its_name().unwrap_or(false))
            && let Ok(file) = open(&self.path)
        {
            // Where it cannot be opened, the old one is better than none.
            sys::set_crash_log(file.as_raw_fd());
            self.file = file;
        }
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::tests::TestDir;

    #[test]
    fn a_log_file_that_is_moved_removed_or_out_of_reach_goes_on() {
        let dir = TestDir::new();
        let folder = dir.path().join("logs");
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("log");
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let mut log = LogFile::open(path.clone()).unwrap();
        log.write_all(b"1\n").unwrap();
        std::fs::rename(&path, folder.join("log.1")).unwrap();
        log.write_all(b"2\n").unwrap();
        assert_eq!((read(&folder.join("log.1")), read(&path)), ("1\n".into(), "2\n".into()));
        std::fs::remove_file(&path).unwrap();
        log.write_all(b"3\n").unwrap();
        assert_eq!(read(&path), "3\n");
        // Its folder is gone: the line goes to the old file; and the folder is back.
        let away = dir.path().join("away");
        std::fs::rename(&folder, &away).unwrap();
        log.write_all(b"4\n").unwrap();
        assert_eq!(read(&away.join("log")), "3\n4\n");
        std::fs::create_dir(&folder).unwrap();
        log.write_all(b"5\n").unwrap();
        assert_eq!(read(&path), "5\n");
    }

    #[test]
    fn a_reader_that_is_gone_is_no_error() {
        struct Broken;
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
        let mut log = Forgiving(Broken);
        log.write_all(b"line\n").unwrap();
        log.flush().unwrap();
    }
}
