//! Reading configuration: lines from files, standard input and the command line, in this order,
//! each later one overriding the ones before, into one value per directive.
//!
//! Promise: any bytes give a configuration or a [`ConfigError`], in bounded time and memory; a
//! file never includes itself. Relative paths, those of `include` too, start at the directory in
//! which the process was started.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::error::{ConfigError, Fault, Location, Origin};
use super::include;
use super::matcher::Matcher;
use super::rename::Rename;
use super::syntax::split_words;
use super::table::{Directive, Effect, directives, find, is_obsolete};
use super::value::{Kind, Value, WRONG_WORD_COUNT};

/// A configuration has some hundred lines; what is larger than this is another kind of file.
const FILE_BYTES_MAX: u64 = 16 << 20;
const INCLUDE_DEPTH_MAX: usize = 16;

/// What reading needs from its surroundings.
pub(crate) struct Surroundings<'a> {
    /// The directory in which the process was started; absolute.
    pub(crate) start_dir: PathBuf,
    /// Read only when the command line says `-`.
    pub(crate) stdin: &'a mut dyn Read,
    /// Matches a glob pattern (first) with a text.
    pub(crate) matches: Matcher,
}

/// What has been read so far.
pub(super) struct Draft<'a, 'b> {
    surroundings: &'a mut Surroundings<'b>,
    pub(super) values: Vec<Value>,
    pub(super) renames: Vec<Rename>,
    /// All files that were read, in order.
    pub(super) files: Vec<PathBuf>,
    /// The files being read, outermost first, by their canonical paths.
    open: Vec<PathBuf>,
    save_seen: bool,
}

impl<'a, 'b> Draft<'a, 'b> {
    pub(super) fn new(surroundings: &'a mut Surroundings<'b>) -> Self {
        let mut values: Vec<_> = directives().iter().map(|row| row.default_value()).collect();
        for (row, value) in directives().iter().zip(&mut values) {
            make_absolute(row, value, &surroundings.start_dir);
        }
        Self {
            surroundings,
            values,
            renames: Vec::new(),
            files: Vec::new(),
            open: Vec::new(),
            save_seen: false,
        }
    }

    /// Reads a file. `from` is the line that includes it.
    pub(super) fn read_file(
        &mut self,
        path: &Path,
        from: Option<&Location>,
    ) -> Result<(), ConfigError> {
        let path = self.surroundings.start_dir.join(path);
        let failed = |fault| match from {
            Some(location) => ConfigError::at(location, fault),
            None => ConfigError::anywhere(fault),
        };
        let unreadable = |error| failed(Fault::Unreadable { path: path.clone(), error });
        let canonical = fs::canonicalize(&path).map_err(unreadable)?;
        if self.open.contains(&canonical) {
            return Err(failed(Fault::IncludeCycle(path)));
        }
        if self.open.len() >= INCLUDE_DEPTH_MAX {
            return Err(failed(Fault::IncludeDepth { depth_max: INCLUDE_DEPTH_MAX }));
        }
        let text = fs::File::open(&canonical).and_then(read_bounded).map_err(unreadable)?;
        let Some(text) = text else {
            return Err(failed(Fault::TooLarge { path, bytes_max: FILE_BYTES_MAX }));
        };
        self.files.push(path.clone());
        self.read_as_file(&text, canonical, path)
    }

    /// Reads a text as the file at `path`, which `canonical` names for the search for cycles.
    pub(super) fn read_as_file(
        &mut self,
        text: &[u8],
        canonical: PathBuf,
        path: PathBuf,
    ) -> Result<(), ConfigError> {
        self.open.push(canonical);
        self.read_text(text, &Origin::File(path))?;
        self.open.pop();
        Ok(())
    }

    pub(super) fn read_stdin(&mut self) -> Result<(), ConfigError> {
        let path = PathBuf::from("-");
        match read_bounded(&mut self.surroundings.stdin) {
            Ok(Some(text)) => self.read_text(&text, &Origin::Stdin),
            Ok(None) => {
                Err(ConfigError::anywhere(Fault::TooLarge { path, bytes_max: FILE_BYTES_MAX }))
            }
            Err(error) => Err(ConfigError::anywhere(Fault::Unreadable { path, error })),
        }
    }

    pub(super) fn read_text(&mut self, text: &[u8], origin: &Origin) -> Result<(), ConfigError> {
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            if line.is_empty() || line.starts_with(b"#") {
                continue;
            }
            let location =
                Location { origin: origin.clone(), line_number: index + 1, line: line.to_vec() };
            let words = split_words(line)
                .ok_or_else(|| ConfigError::at(&location, Fault::UnbalancedQuotes))?;
            if let Some((name, arguments)) = words.split_first() {
                self.read_directive(name, arguments, &location)?;
            }
        }
        Ok(())
    }

    fn read_directive(
        &mut self,
        name: &[u8],
        arguments: &[Vec<u8>],
        location: &Location,
    ) -> Result<(), ConfigError> {
        if let Some((index, row)) = find(name) {
            return self.read_setting(index, row, arguments, location);
        }
        if is_obsolete(name) && arguments.len() == 1 {
            return Ok(());
        }
        let lower = String::from_utf8_lossy(name).to_ascii_lowercase();
        let fault = match (lower.as_str(), arguments) {
            ("include", [path]) => return self.include(path, location),
            ("include", _) => {
                wrong_count("include", "the path of a file, or a pattern for several")
            }
            ("rename-command", [from, to]) => {
                self.renames.push(Rename {
                    from: from.clone(),
                    to: to.clone(),
                    location: location.clone(),
                });
                return Ok(());
            }
            ("rename-command", _) => {
                wrong_count("rename-command", "a command and its new name, or \"\" to take it away")
            }
            ("user", _) => unsupported(lower, "there are no users besides the default one"),
            ("loadmodule", _) => unsupported(lower, "there are no modules"),
            ("sentinel", _) => unsupported(lower, "there is no Sentinel mode"),
            _ => Fault::UnknownDirective(name.to_vec()),
        };
        Err(ConfigError::at(location, fault))
    }

    fn read_setting(
        &mut self,
        index: usize,
        row: &'static Directive,
        arguments: &[Vec<u8>],
        location: &Location,
    ) -> Result<(), ConfigError> {
        let failed = |reason: String| {
            let expects = match row.effect {
                Effect::OnlyDefault(_) if row.default.is_empty() => "\"\"".to_string(),
                Effect::OnlyDefault(_) => row.default.to_string(),
                _ => row.kind.expects(),
            };
            ConfigError::at(location, Fault::BadValue { directive: row.name, reason, expects })
        };
        let Some(slot) = self.values.get_mut(index) else { return Ok(()) };
        // `--save "3600 1 300 100"`: one word that holds all of them.
        let split = match arguments {
            [only] if row.kind.takes_many_words() && !only.is_empty() => split_words(only)
                .ok_or_else(|| ConfigError::at(location, Fault::UnbalancedQuotes))?,
            _ => arguments.to_vec(),
        };
        let mut value = row.parse(Some(slot), &split).map_err(failed)?;
        make_absolute(row, &mut value, &self.surroundings.start_dir);
        match (slot, value) {
            // The first `save` takes the place of the default, each later one adds to it, and an
            // empty one starts over.
            (Value::Save(all), Value::Save(more)) if self.save_seen && !more.is_empty() => {
                all.extend(more);
            }
            (slot, value) => {
                self.save_seen |= matches!(value, Value::Save(_));
                *slot = value;
            }
        }
        Ok(())
    }

    fn include(&mut self, pattern: &[u8], location: &Location) -> Result<(), ConfigError> {
        let Surroundings { start_dir, matches, .. } = &*self.surroundings;
        for path in include::expand(pattern, start_dir, *matches) {
            self.read_file(&path, Some(location))?;
        }
        Ok(())
    }
}

/// All of a file, or none if it is too long.
fn read_bounded(file: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut text)?;
    Ok(u64::try_from(text.len()).is_ok_and(|length| length <= FILE_BYTES_MAX).then_some(text))
}

fn wrong_count(directive: &'static str, expects: &str) -> Fault {
    Fault::BadValue { directive, reason: WRONG_WORD_COUNT.into(), expects: expects.into() }
}

fn unsupported(directive: String, reason: &'static str) -> Fault {
    Fault::Unsupported { directive, reason }
}

/// Directories are kept absolute, so that they mean the same wherever the process goes.
pub(super) fn make_absolute(row: &Directive, value: &mut Value, start_dir: &Path) {
    use std::os::unix::ffi::OsStringExt;
    if matches!(row.kind, Kind::Directory)
        && let Some(path) = value.path()
    {
        // Collecting the components drops the `.` ones.
        let absolute: PathBuf = start_dir.join(path).components().collect();
        *value = Value::Text(absolute.into_os_string().into_vec());
    }
}
