//! What can be wrong with a configuration, said so that it can be put right: the place, the line
//! as it stands, the directive, and what it expects.
//!
//! Values of secret directives never appear in a message.

use std::fmt;
use std::io;
use std::path::PathBuf;

use super::table::{directive, nearest_name};

/// Where a line of configuration comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    File(PathBuf),
    Stdin,
    CommandLine,
}

/// A line of configuration and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) origin: Origin,
    /// From 1.
    pub(crate) line_number: usize,
    pub(crate) line: Vec<u8>,
}

/// Why a configuration cannot be used. The process prints it and does not start.
#[derive(Debug)]
pub(crate) struct ConfigError {
    /// None: the fault is not in one line.
    pub(crate) location: Option<Box<Location>>,
    pub(crate) fault: Fault,
}

#[derive(Debug)]
pub(crate) enum Fault {
    UnbalancedQuotes,
    UnknownDirective(Vec<u8>),
    /// The directive takes another number of words, or another kind of value.
    BadValue {
        directive: &'static str,
        reason: String,
        expects: String,
    },
    /// The directive is one of Redis's that this server cannot honour.
    Unsupported {
        directive: String,
        reason: &'static str,
    },
    Unreadable {
        path: PathBuf,
        error: io::Error,
    },
    TooLarge {
        path: PathBuf,
        bytes_max: u64,
    },
    IncludeCycle(PathBuf),
    IncludeDepth {
        depth_max: usize,
    },
    /// Two directives contradict each other.
    Conflict(String),
}

impl ConfigError {
    pub(crate) fn at(location: &Location, fault: Fault) -> Self {
        Self { location: Some(Box::new(location.clone())), fault }
    }

    pub(crate) fn anywhere(fault: Fault) -> Self {
        Self { location: None, fault }
    }
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = &self.location {
            match &location.origin {
                Origin::File(path) => {
                    writeln!(f, "In {}, line {}:", path.display(), location.line_number)?;
                }
                Origin::Stdin => writeln!(f, "On standard input, line {}:", location.line_number)?,
                Origin::CommandLine => writeln!(f, "On the command line:")?,
            }
            writeln!(f, ">>> '{}'", location.shown_line())?;
        }
        self.fault.fmt(f)
    }
}

impl Location {
    /// The line without the value of a secret directive, on one line, and not endlessly long.
    fn shown_line(&self) -> String {
        const LINE_CHARS_MAX: usize = 200;
        let name = self.line.split(u8::is_ascii_whitespace).next().unwrap_or_default();
        match secret_name(name) {
            Some(name) => format!("{name} (value not shown)"),
            None => shown(&self.line, LINE_CHARS_MAX),
        }
    }
}

/// The secret directive that a word names or seems to mean, with `=` and a value or without.
fn secret_name(word: &[u8]) -> Option<&'static str> {
    let word = word.split(|byte| *byte == b'=').next().unwrap_or_default();
    let word: Vec<u8> = word.iter().copied().filter(|byte| !b"\"'".contains(byte)).collect();
    let row = directive(&word).or_else(|| directive(nearest_name(&word)?.as_bytes()))?;
    row.secret.then_some(row.name)
}

/// Bytes for a message: control characters replaced, cut after `chars_max`.
fn shown(bytes: &[u8], chars_max: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let printable = |c: char| if c.is_control() { '?' } else { c };
    let mut cut: String = text.chars().take(chars_max).map(printable).collect();
    if text.chars().nth(chars_max).is_some() {
        cut.push_str("...");
    }
    cut
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnbalancedQuotes => write!(
                f,
                "Unbalanced quotes in configuration line: every quote needs its end, \
                 and a blank or the end of the line must follow that."
            ),
            Self::UnknownDirective(name) => unknown_directive(f, name),
            Self::BadValue { directive, reason, expects } => {
                write!(f, "{directive}: {reason}. It expects {expects}.")
            }
            Self::Unsupported { directive, reason } => {
                write!(f, "{directive}: not supported by Basalt: {reason}. Remove the line.")
            }
            Self::Unreadable { path, error } => {
                write!(f, "Can't open config file '{}': {error}", path.display())
            }
            Self::TooLarge { path, bytes_max } => write!(
                f,
                "'{}' is not a configuration file: it has more than {bytes_max} bytes.",
                path.display()
            ),
            Self::IncludeCycle(path) => {
                write!(f, "include: '{}' includes itself, directly or not.", path.display())
            }
            Self::IncludeDepth { depth_max } => {
                write!(f, "include: files may include each other {depth_max} deep, no deeper.")
            }
            Self::Conflict(reason) => f.write_str(reason),
        }
    }
}

fn unknown_directive(f: &mut fmt::Formatter<'_>, name: &[u8]) -> fmt::Result {
    const NAME_CHARS_MAX: usize = 64;
    // What follows a `=` may be a password.
    let (before, value) = match name.iter().position(|byte| *byte == b'=') {
        Some(at) => (&name[..at], true),
        None => (name, false),
    };
    let equals = if value { "=..." } else { "" };
    write!(f, "Unknown directive '{}{equals}'.", shown(before, NAME_CHARS_MAX))?;
    if value && let Some(row) = directive(before) {
        return write!(f, " The value follows after a blank: '{} VALUE'.", row.name);
    }
    match nearest_name(before) {
        Some(nearest) => write!(f, " Did you mean '{nearest}'?"),
        None => {
            write!(f, " 'basalt --help' lists Basalt's own; the others are those of Redis 7.2.")
        }
    }
}

/// Why CONFIG SET changes nothing. [`ConfigSetError::reply`] is the error to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ConfigSetError {
    UnknownOption(Vec<u8>),
    /// A directive, as the error names it, and why.
    Failed {
        name: Vec<u8>,
        reason: String,
    },
    Loading,
}

impl ConfigSetError {
    /// For a value that is well-formed but cannot be put into effect, such as a port in use.
    pub(crate) fn failed(name: &str, reason: impl Into<String>) -> Self {
        Self::Failed { name: name.into(), reason: reason.into() }
    }

    /// The error reply, with its code and without the protocol's framing.
    pub(crate) fn reply(&self) -> Vec<u8> {
        let mut reply = match self {
            Self::UnknownOption(name) => {
                [b"ERR Unknown option or number of arguments for CONFIG SET - '", &name[..], b"'"]
                    .concat()
            }
            Self::Failed { name, reason } => [
                b"ERR CONFIG SET failed (possibly related to argument '",
                &name[..],
                b"') - ",
                reason.as_bytes(),
            ]
            .concat(),
            Self::Loading => b"LOADING Redis is loading the dataset in memory".to_vec(),
        };
        for byte in &mut reply {
            if matches!(byte, b'\r' | b'\n') {
                *byte = b' ';
            }
        }
        reply
    }
}
