//! Configuration: Redis's directives and Basalt's own, from files, the command line and CONFIG SET.
//!
//! A [`Config`] is an immutable snapshot, cheap to clone: the process keeps one behind an `Arc` and
//! swaps the whole when CONFIG SET makes a new one, so that no command ever sees half a change.
//! The typed settings are reached through it (`config.port`).
//!
//! - [`table`]: the directives, one row each;
//! - [`value`], [`special`], [`events`], [`words`]: what a directive may hold;
//! - [`syntax`], [`file`], [`include`], [`args`]: reading;
//! - [`runtime`]: CONFIG GET and CONFIG SET;
//! - [`rewrite`]: CONFIG REWRITE;
//! - [`memory_plan`], [`cgroup`]: how the memory budget is found and divided.
//!
//! Nothing in here puts a setting into effect, opens a socket, or writes anything but the file of
//! CONFIG REWRITE.

mod args;
pub(crate) mod cgroup;
pub(crate) mod error;
mod events;
mod file;
mod include;
mod matcher;
pub(crate) mod memory_plan;
mod numbers;
mod rename;
pub(crate) mod rewrite;
pub(crate) mod runtime;
pub(crate) mod settings;
pub(crate) mod special;
mod syntax;
pub(crate) mod table;
pub(crate) mod value;
pub(crate) mod words;

use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;

pub(crate) use error::{ConfigError, Fault};
pub(crate) use file::Surroundings;
pub(crate) use rename::Rename;
use settings::Settings;
use table::{Directive, Effect, directives, find};
use value::Value;

/// A whole configuration. See the module's documentation.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    settings: Arc<Settings>,
    /// The value of each directive, in the order of [`directives`].
    values: Arc<[Value]>,
    renames: Arc<[Rename]>,
}

/// Where a configuration came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    /// The file named on the command line, absolute. CONFIG REWRITE writes it.
    pub(crate) config_file: Option<PathBuf>,
    /// All files that were read, those of `include` too.
    pub(crate) files: Vec<PathBuf>,
    /// Where the process was started: where relative names in the files start.
    pub(crate) start_dir: PathBuf,
}

impl Deref for Config {
    type Target = Settings;

    fn deref(&self) -> &Settings {
        &self.settings
    }
}

impl Config {
    /// Reads the configuration that the command line asks for. `arguments` are those after the
    /// program's name.
    pub(crate) fn load(
        arguments: &[Vec<u8>],
        surroundings: &mut Surroundings<'_>,
    ) -> Result<(Self, Sources), ConfigError> {
        let command_line = args::parse(arguments);
        let start_dir = surroundings.start_dir.clone();
        let config_file = command_line.config_file.map(|path| start_dir.join(path));
        let mut draft = file::Draft::new(surroundings);
        if let Some(path) = &config_file {
            draft.read_file(path, None)?;
        }
        if command_line.stdin {
            draft.read_stdin()?;
        }
        draft.read_text(&command_line.directives, &error::Origin::CommandLine)?;
        let files = std::mem::take(&mut draft.files);
        let config = Self::from_parts(draft.values, draft.renames);
        config.check_sizes().map_err(|reason| ConfigError::anywhere(Fault::Conflict(reason)))?;
        Ok((config, Sources { config_file, files, start_dir }))
    }

    fn from_parts(values: Vec<Value>, renames: Vec<Rename>) -> Self {
        let settings = settings_of(&values);
        Self { settings: Arc::new(settings), values: values.into(), renames: renames.into() }
    }

    /// The `rename-command` lines in their order.
    pub(crate) fn renames(&self) -> &[Rename] {
        &self.renames
    }

    /// The value of one directive as CONFIG GET prints it; for INFO and for tests.
    pub(crate) fn value_of(&self, name: &str) -> Option<Vec<u8>> {
        let (index, _) = find(name.as_bytes())?;
        self.values.get(index).map(Value::show)
    }

    /// The path of a file that a directive names: a relative one starts at `dir`.
    pub(crate) fn resolve(&self, path: &Path) -> PathBuf {
        self.dir.join(path)
    }

    /// Directives that are set to something that they do not do here, or not in full, with the
    /// reason.
    pub(crate) fn without_effect(&self) -> Vec<(&'static str, &'static str)> {
        self.rows()
            .filter_map(|(row, value)| Some((row.name, row.without_effect(value)?)))
            .collect()
    }

    /// Warns of those among the directives asked for.
    pub(crate) fn warn_without_effect(&self, is_asked: impl Fn(&str) -> bool) {
        for (directive, reason) in self.without_effect() {
            if is_asked(directive) {
                tracing::warn!("'{directive}' is accepted, but: {reason}");
            }
        }
    }

    fn rows(&self) -> impl Iterator<Item = (&'static Directive, &Value)> {
        directives().iter().copied().zip(self.values.iter())
    }

    /// Refuses sizes that together exceed the budget they are parts of.
    fn check_sizes(&self) -> Result<(), String> {
        if self.maxmemory == 0 {
            return Ok(());
        }
        memory_plan::MemoryPlan::new(self, self.shards as usize, self.maxmemory).map(|_| ())
    }
}

/// Two configurations are equal when every directive has the same value.
impl PartialEq for Config {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values && self.renames == other.renames
    }
}

fn settings_of(values: &[Value]) -> Settings {
    let mut settings = Settings::default();
    for (row, value) in directives().iter().zip(values) {
        if let Effect::Live(bind) = row.effect {
            bind(&mut settings, value);
        }
    }
    settings
}

#[cfg(test)]
pub(crate) mod tests;
