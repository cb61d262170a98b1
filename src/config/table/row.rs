//! A row of the directive table, and the words that rows are written with.

use super::super::settings::Settings;
use super::super::value::{Kind, Value};
use super::super::words::Word;

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
    pub(crate) fn parse(
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
    pub(crate) fn default_value(&self) -> Value {
        // A test reads every default, so the fallback is never taken.
        self.kind.parse(None, &self.words_of(self.default.as_bytes())).unwrap_or(Value::Integer(0))
    }

    /// One value, as CONFIG SET gets it, in words: split at each blank when many are allowed.
    pub(crate) fn words_of(&self, value: &[u8]) -> Vec<Vec<u8>> {
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
    pub(super) const fn new(name: &'static str, kind: Kind, default: &'static str) -> Self {
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

    pub(super) const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    pub(super) const fn immutable(mut self) -> Self {
        self.immutable = true;
        self
    }

    pub(super) const fn fixed(mut self) -> Self {
        self.fixed = true;
        self
    }

    pub(super) const fn protected(mut self) -> Self {
        self.protected = true;
        self
    }

    pub(super) const fn not_while_loading(mut self) -> Self {
        self.not_while_loading = true;
        self
    }

    pub(super) const fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    pub(super) const fn secret(mut self) -> Self {
        self.secret = true;
        self
    }

    pub(super) const fn own(mut self) -> Self {
        self.own = true;
        self
    }

    pub(super) const fn check(mut self, check: Check) -> Self {
        self.check = Some(check);
        self
    }

    pub(super) const fn caveat(mut self, caveat: Caveat) -> Self {
        self.caveat = Some(caveat);
        self
    }

    pub(super) const fn live(mut self, bind: fn(&mut Settings, &Value)) -> Self {
        self.effect = Effect::Live(bind);
        self
    }

    pub(super) const fn reported(mut self, reason: &'static str) -> Self {
        self.effect = Effect::Reported(reason);
        self
    }

    pub(super) const fn only_default(mut self, reason: &'static str) -> Self {
        self.effect = Effect::OnlyDefault(reason);
        self
    }

    pub(super) const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }
}

pub(super) const fn yes_no(name: &'static str, default: &'static str) -> Directive {
    Directive::new(name, Kind::YesNo, default)
}

pub(super) const fn integer(
    name: &'static str,
    default: &'static str,
    min: i64,
    max: i64,
) -> Directive {
    Directive::new(name, Kind::Integer { min, max }, default)
}

pub(super) const fn memory(
    name: &'static str,
    default: &'static str,
    min: u64,
    max: u64,
) -> Directive {
    Directive::new(name, Kind::Memory { min, max }, default)
}

pub(super) const fn word(
    name: &'static str,
    default: &'static str,
    words: &'static [Word],
) -> Directive {
    Directive::new(name, Kind::Word(words), default)
}

pub(super) const fn text(name: &'static str, default: &'static str) -> Directive {
    Directive::new(name, Kind::Text, default)
}

/// The bounds of Redis's number types.
pub(super) const INT_MAX: i64 = i32::MAX as i64;
pub(super) const UINT_MAX: i64 = u32::MAX as i64;
pub(super) const LONG_MAX: i64 = i64::MAX;
pub(super) const BYTES_MAX: u64 = i64::MAX as u64;

/// Refuses a name that would leave its directory.
pub(super) fn plain_file_name(value: Value) -> Result<Value, String> {
    match &value {
        Value::Text(name) if name.contains(&b'/') || name.contains(&b'\\') => {
            Err("argument can't be a path, just a file name".into())
        }
        _ => Ok(value),
    }
}
