//! The directive table: one row per directive, and all that the server knows about it.
//!
//! Promise: a row is the only place that names a directive's type, default, bounds, whether it can
//! change while the server runs, and the field of [`Settings`] that it fills. The parser, CONFIG
//! GET/SET/REWRITE, `--help` and the error messages all read it. Names, bounds and flags are those
//! of Redis 7.2; a default that differs from Redis's says why in its `doc`.
//!
//! To add a directive: one row in the file of its subject, one field in [`Settings`].

mod data;
mod own;
mod process;
mod replication;
mod storage;

use std::collections::HashMap;
use std::sync::LazyLock;

use super::settings::Settings;
use super::value::{Kind, Value};
use super::words::Word;

/// Directives that are no settings: they exist in files only.
const SPECIAL_DIRECTIVES: [&str; 5] =
    ["include", "rename-command", "user", "loadmodule", "sentinel"];

/// What setting the directive does.
#[derive(Clone, Copy)]
pub(crate) enum Effect {
    /// It fills a field of the settings.
    Live(fn(&mut Settings, &Value)),
    /// It is accepted and reported so that configuration files and clients for Redis work, and has
    /// no other effect, for the reason given.
    Reported(&'static str),
    /// Only the default is accepted: another value would ask for something that is not there, and
    /// ignoring it would mislead. The reason completes "only the default is accepted: ...".
    OnlyDefault(&'static str),
}

/// A check beyond the kind: gives the value to keep, or the reason why there is none.
pub(super) type Check = fn(Value) -> Result<Value, String>;

/// What a value asks for and does not get, although the directive has an effect.
pub(super) type Caveat = fn(&Value) -> Option<&'static str>;

/// One row of the table.
pub(crate) struct Directive {
    pub(crate) name: &'static str,
    /// A second name, which reads and writes the same value.
    pub(crate) alias: Option<&'static str>,
    pub(crate) kind: Kind,
    /// As it would stand in a file after the name.
    pub(crate) default: &'static str,
    /// Cannot be changed by CONFIG SET.
    pub(crate) immutable: bool,
    /// CONFIG SET takes only the value that it has already.
    pub(crate) fixed: bool,
    /// CONFIG SET needs `enable-protected-configs`.
    pub(crate) protected: bool,
    /// CONFIG SET has to wait until the data is loaded.
    pub(crate) not_while_loading: bool,
    /// CONFIG GET shows it only when it is asked for by its full name.
    pub(crate) hidden: bool,
    /// Its value is kept out of logs, SLOWLOG and error messages.
    pub(crate) secret: bool,
    /// Basalt's own, unknown to Redis.
    pub(crate) own: bool,
    pub(crate) effect: Effect,
    pub(crate) doc: &'static str,
    check: Option<Check>,
    caveat: Option<Caveat>,
}

impl Directive {
    /// Why a value, other than the default, does nothing here, or not all that it says.
    pub(crate) fn without_effect(&self, value: &Value) -> Option<&'static str> {
        if *value == self.default_value() {
            return None;
        }
        match self.effect {
            Effect::Reported(reason) => Some(reason),
            _ => self.caveat.and_then(|caveat| caveat(value)),
        }
    }

    /// Reads a value and checks it, whatever its source.
    pub(super) fn parse(
        &self,
        current: Option<&Value>,
        words: &[Vec<u8>],
    ) -> Result<Value, String> {
        let value = self.kind.parse(current, words)?;
        let value = match self.check {
            Some(check) => check(value)?,
            None => value,
        };
        match self.effect {
            Effect::OnlyDefault(reason) if value != self.default_value() => {
                Err(format!("only the default, '{}', is accepted: {reason}", self.default))
            }
            _ => Ok(value),
        }
    }

    /// The value that stands when nothing sets the directive.
    pub(super) fn default_value(&self) -> Value {
        // A test reads every default, so the fallback is never taken.
        self.kind.parse(None, &self.words_of(self.default.as_bytes())).unwrap_or(Value::Integer(0))
    }

    /// One value, as CONFIG SET gets it, in words: split at each blank when many are allowed.
    pub(super) fn words_of(&self, value: &[u8]) -> Vec<Vec<u8>> {
        if !self.kind.takes_many_words() {
            return vec![value.to_vec()];
        }
        if value.is_empty() {
            return Vec::new();
        }
        value.split(|byte| *byte == b' ').map(<[u8]>::to_vec).collect()
    }
}

/// Rows are written with these: the kind and default first, then what is special about the row.
impl Directive {
    const fn new(name: &'static str, kind: Kind, default: &'static str) -> Self {
        Self {
            name,
            alias: None,
            kind,
            default,
            immutable: false,
            fixed: false,
            protected: false,
            not_while_loading: false,
            hidden: false,
            secret: false,
            own: false,
            effect: Effect::Reported(""),
            doc: "",
            check: None,
            caveat: None,
        }
    }

    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    const fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    const fn not_while_loading(mut self) -> Self {
        self.not_while_loading = true;
        self
    }

    const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    const fn own(mut self) -> Self {
        self.own = true;
        self
    }

    const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    const fn caveat(mut self, caveat: Caveat) -> Self {
        self.caveat = Some(caveat);
        self
    }

    const fn live(mut self, bind: fn(&mut Settings, &Value)) -> Self {
        self.effect = Effect::Live(bind);
        self
    }

    const fn reported(mut self, reason: &'static str) -> Self {
        self.effect = Effect::Reported(reason);
        self
    }

    const fn only_default(mut self, reason: &'static str) -> Self {
        self.effect = Effect::OnlyDefault(reason);
        self
    }

    const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

const fn yes_no(name: &'static str, default: &'static str) -> Directive {
    Directive::new(name, Kind::YesNo, default)
}

const fn integer(name: &'static str, default: &'static str, min: i64, max: i64) -> Directive {
    Directive::new(name, Kind::Integer { min, max }, default)
}

const fn memory(name: &'static str, default: &'static str, min: u64, max: u64) -> Directive {
    Directive::new(name, Kind::Memory { min, max }, default)
}

const fn word(name: &'static str, default: &'static str, words: &'static [Word]) -> Directive {
    Directive::new(name, Kind::Word(words), default)
}

const fn text(name: &'static str, default: &'static str) -> Directive {
    Directive::new(name, Kind::Text, default)
}

/// The bounds of Redis's number types.
const INT_MAX: i64 = i32::MAX as i64;
const UINT_MAX: i64 = u32::MAX as i64;
const LONG_MAX: i64 = i64::MAX;
const BYTES_MAX: u64 = i64::MAX as u64;

/// Refuses a name that would leave its directory.
fn plain_file_name(value: Value) -> Result<Value, String> {
    match &value {
        Value::Text(name) if name.contains(&b'/') || name.contains(&b'\\') => {
            Err("argument can't be a path, just a file name".into())
        }
        _ => Ok(value),
    }
}

/// All rows, by subject. A [`super::Config`] keeps the value of each at the same index.
static DIRECTIVES: LazyLock<Vec<&'static Directive>> = LazyLock::new(|| {
    let groups: [&'static [Directive]; 5] =
        [process::ROWS, data::ROWS, storage::ROWS, replication::ROWS, own::ROWS];
    groups.iter().copied().flatten().collect()
});

static BY_NAME: LazyLock<HashMap<&'static str, usize>> = LazyLock::new(|| {
    let names = |(index, row): (usize, &&'static Directive)| {
        [Some(row.name), row.alias].into_iter().flatten().map(move |name| (name, index))
    };
    DIRECTIVES.iter().enumerate().flat_map(names).collect()
});

/// All rows in their order.
pub(crate) fn directives() -> &'static [&'static Directive] {
    &DIRECTIVES
}

/// The index and the row of a directive by its name or alias, in any case.
pub(super) fn find(name: &[u8]) -> Option<(usize, &'static Directive)> {
    let name = str::from_utf8(name).ok()?.to_ascii_lowercase();
    let index = *BY_NAME.get(name.as_str())?;
    Some((index, *DIRECTIVES.get(index)?))
}

/// The directive by its name or alias, in any case.
pub(crate) fn directive(name: &[u8]) -> Option<&'static Directive> {
    find(name).map(|(_, row)| row)
}

/// Names that old configuration files carry and that mean nothing any more.
const OBSOLETE: [&str; 3] =
    ["list-max-ziplist-entries", "list-max-ziplist-value", "lua-replicate-commands"];

pub(super) fn is_obsolete(name: &[u8]) -> bool {
    OBSOLETE.iter().any(|obsolete| name.eq_ignore_ascii_case(obsolete.as_bytes()))
}

/// The known name that is nearest to a mistyped one, if one is near enough to be meant.
pub(super) fn nearest_name(typed: &[u8]) -> Option<&'static str> {
    const TYPED_MAX: usize = 64;
    let typed = str::from_utf8(typed).ok()?.to_ascii_lowercase().replace('_', "-");
    if typed.len() > TYPED_MAX {
        return None;
    }
    let specials = SPECIAL_DIRECTIVES.iter().copied();
    let names = BY_NAME.keys().copied().chain(specials);
    let allowed = (typed.len() / 3).clamp(1, 3);
    names
        .map(|name| (distance(typed.as_bytes(), name.as_bytes()), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, name)| name)
}

/// Edit distance, a swap of neighbours counted as one edit.
fn distance(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (above[j] + usize::from(x != y)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(a.len())
}

#[cfg(test)]
mod tests;
