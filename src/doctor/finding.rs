//! What one check has found.

/// How serious it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    Ok,
    /// It could not be looked at.
    Skip,
    Warn,
    /// The server would not start, or not keep what it promises.
    Fail,
}

impl Level {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Skip => "SKIP",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
        }
    }
}

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) check: &'static str,
    pub(super) level: Level,
    /// What is there.
    pub(super) seen: String,
    /// Why it matters; empty where nothing is to be done.
    pub(super) why: String,
    /// What to do about it, a command where there is one.
    pub(super) fix: String,
    /// What was measured, by name.
    pub(super) numbers: Vec<(&'static str, u64)>,
}

impl Finding {
    fn new(check: &'static str, level: Level, seen: String, why: &str, fix: &str) -> Self {
        Self { check, level, seen, why: why.to_owned(), fix: fix.to_owned(), numbers: Vec::new() }
    }

    pub(super) fn ok(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Level::Ok, seen.into(), "", "")
    }

    pub(super) fn skip(check: &'static str, seen: impl Into<String>) -> Self {
        Self::new(check, Level::Skip, seen.into(), "", "")
    }

    pub(super) fn warn(
        check: &'static str,
        seen: impl Into<String>,
        why: &str,
        fix: impl AsRef<str>,
    ) -> Self {
        Self::new(check, Level::Warn, seen.into(), why, fix.as_ref())
    }

    pub(super) fn fail(
        check: &'static str,
        seen: impl Into<String>,
        why: &str,
        fix: impl AsRef<str>,
    ) -> Self {
        Self::new(check, Level::Fail, seen.into(), why, fix.as_ref())
    }

    pub(super) fn with_numbers(mut self, numbers: &[(&'static str, u64)]) -> Self {
        self.numbers = numbers.to_vec();
        self
    }
}
