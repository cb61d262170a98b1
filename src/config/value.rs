//! What a directive may hold: the kinds of value, how each is read from words, what is said about
//! a word that does not fit, and how a value is shown.
//!
//! The error texts are Redis 7.2's, byte for byte. Reading never panics and keeps no partial
//! result: it gives a whole value or an error.

use basalt_shard::effects::Classes;

use super::events;
use super::numbers::{parse_integer, parse_memory};
use super::special::{
    OutputLimits, SavePoint, join, parse_addresses, parse_oom_scores, parse_output_limits,
    parse_percentiles, parse_replica_of, parse_save, show_output_limits, show_percentiles,
    show_save,
};
use super::words::Word;

/// The kind of value of a directive, with its bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    YesNo,
    Integer {
        min: i64,
        max: i64,
    },
    /// Bytes, with the units b, k, kb, m, mb, g, gb.
    Memory {
        min: u64,
        max: u64,
    },
    /// Bytes, or a share of `maxmemory` such as `5%`.
    MemoryOrPercent,
    Octal {
        max: u32,
    },
    /// One word of a list.
    Word(&'static [Word]),
    /// Several words of a list; the first of the list stands for none.
    Words(&'static [Word]),
    Text,
    /// The path of a directory, kept absolute.
    Directory,
    Addresses,
    Save,
    OutputLimits,
    OomScores,
    Percentiles,
    Events,
    ReplicaOf,
}

/// The value of a directive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    YesNo(bool),
    Integer(i64),
    Memory(u64),
    Percent(u8),
    Octal(u32),
    Word(&'static str),
    Words(Vec<&'static str>),
    Text(Vec<u8>),
    Addresses(Vec<String>),
    Save(Vec<SavePoint>),
    OutputLimits(OutputLimits),
    OomScores([i64; 3]),
    Percentiles(Vec<f64>),
    Events(Classes),
    ReplicaOf(Option<(Vec<u8>, u16)>),
}

impl Kind {
    /// Whether the directive takes any number of words. CONFIG SET has only one, so it splits that.
    pub(super) fn takes_many_words(self) -> bool {
        matches!(
            self,
            Self::Words(_)
                | Self::Addresses
                | Self::Save
                | Self::OutputLimits
                | Self::OomScores
                | Self::Percentiles
                | Self::ReplicaOf
        )
    }

    /// Reads a value. `current` is what the directive holds now: `client-output-buffer-limit`
    /// changes only the classes that are named.
    pub(super) fn parse(self, current: Option<&Value>, words: &[Vec<u8>]) -> Result<Value, String> {
        if self.takes_many_words() {
            return self.parse_many(current, words);
        }
        let [word] = words else {
            return Err(WRONG_WORD_COUNT.into());
        };
        match self {
            Self::YesNo => match word.to_ascii_lowercase().as_slice() {
                b"yes" => Ok(Value::YesNo(true)),
                b"no" => Ok(Value::YesNo(false)),
                _ => Err("argument must be 'yes' or 'no'".into()),
            },
            Self::Integer { min, max } => {
                let number =
                    parse_integer(word).ok_or("argument couldn't be parsed into an integer")?;
                within(min, number, max).map(Value::Integer)
            }
            Self::Memory { min, max } => {
                let bytes = parse_memory(word).ok_or("argument must be a memory value")?;
                within(min, bytes, max).map(Value::Memory)
            }
            Self::MemoryOrPercent => parse_memory_or_percent(word),
            Self::Octal { max } => parse_octal(word, max),
            Self::Word(list) => find_word(list, word).map(Value::Word),
            Self::Events => events::parse(word).map(Value::Events),
            _ => Ok(Value::Text(word.clone())),
        }
    }

    fn parse_many(self, current: Option<&Value>, words: &[Vec<u8>]) -> Result<Value, String> {
        match self {
            Self::Words(list) => parse_words(list, words).map(Value::Words),
            Self::Addresses => parse_addresses(words).map(Value::Addresses),
            Self::Save => parse_save(words).map(Value::Save),
            Self::OomScores => parse_oom_scores(words).map(Value::OomScores),
            Self::Percentiles => parse_percentiles(words).map(Value::Percentiles),
            Self::ReplicaOf => parse_replica_of(words).map(Value::ReplicaOf),
            _ => {
                let current = current.map(Value::output_limits).unwrap_or_default();
                parse_output_limits(current, words).map(Value::OutputLimits)
            }
        }
    }

    /// What would be right, for the message about a bad value.
    pub(crate) fn expects(self) -> String {
        match self {
            Self::YesNo => "yes or no".into(),
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::Memory { min, max } => {
                let range = match (min, max) {
                    (0, UNBOUNDED_BYTES..) => String::new(),
                    (_, UNBOUNDED_BYTES..) => format!(" from {min}"),
                    _ => format!(" from {min} to {max}"),
                };
                format!("a number of bytes{range}, with or without a unit as in 100mb")
            }
            Self::MemoryOrPercent => {
                "a number of bytes such as 100mb, or a share of maxmemory such as 5%".into()
            }
            Self::Octal { max } => format!("an octal number from 0 to {max:o}"),
            Self::Word(list) => format!("one of: {}", names(list)),
            Self::Words(list) => format!("one or more of: {}", names(list)),
            Self::Text => "one word (in quotes when it holds blanks)".into(),
            Self::Directory => "the path of a directory".into(),
            Self::Addresses => "addresses to listen on, as in: 127.0.0.1 -::1".into(),
            Self::Save => "pairs of seconds and changes, as in: 3600 1 300 100, or \"\"".into(),
            Self::OutputLimits => {
                "<normal|replica|pubsub> <hard limit> <soft limit> <soft seconds>, \
                 as in: normal 256mb 64mb 60"
                    .into()
            }
            Self::OomScores => "three integers from -2000 to 2000".into(),
            Self::Percentiles => "numbers from 0 to 100, as in: 50 99 99.9, or \"\"".into(),
            Self::Events => "letters out of KEg$lshzxetdmnA, or \"\"".into(),
            Self::ReplicaOf => "<host> <port>, or: no one".into(),
        }
    }
}

/// A bound that no machine reaches is not worth telling.
const UNBOUNDED_BYTES: u64 = i64::MAX.unsigned_abs();

pub(super) const WRONG_WORD_COUNT: &str = "wrong number of arguments";

impl Value {
    /// The text that CONFIG GET prints.
    pub(crate) fn show(&self) -> Vec<u8> {
        let text = match self {
            Self::YesNo(yes) => if *yes { "yes" } else { "no" }.into(),
            Self::Integer(number) => number.to_string(),
            Self::Memory(bytes) => bytes.to_string(),
            Self::Percent(percent) => format!("{percent}%"),
            Self::Octal(number) => format!("{number:o}"),
            Self::Word(word) => (*word).into(),
            Self::Words(words) => words.join(" "),
            Self::Text(bytes) => return bytes.clone(),
            Self::Addresses(addresses) => addresses.join(" "),
            Self::Save(points) => show_save(points),
            Self::OutputLimits(limits) => show_output_limits(limits),
            Self::OomScores(scores) => join(scores.iter().map(i64::to_string)),
            Self::Percentiles(percentiles) => show_percentiles(percentiles),
            Self::Events(classes) => events::show(*classes),
            Self::ReplicaOf(None) => String::new(),
            Self::ReplicaOf(Some((host, port))) => {
                let mut shown = host.clone();
                shown.extend(format!(" {port}").into_bytes());
                return shown;
            }
        };
        text.into_bytes()
    }
}

/// What the bindings of the table read. The table makes each ask only for what its kind gives
/// (a test goes through all rows), so the other cases are the type's zero.
impl Value {
    pub(super) fn yes(&self) -> bool {
        matches!(self, Self::YesNo(true))
    }

    pub(super) fn number<N: TryFrom<i64> + Default>(&self) -> N {
        match self {
            Self::Integer(number) => N::try_from(*number).unwrap_or_default(),
            Self::Octal(number) => N::try_from(i64::from(*number)).unwrap_or_default(),
            _ => N::default(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        match self {
            Self::Memory(bytes) => *bytes,
            _ => 0,
        }
    }

    pub(super) fn word(&self) -> &'static str {
        match self {
            Self::Word(word) => word,
            _ => "",
        }
    }

    pub(super) fn text(&self) -> Option<&[u8]> {
        match self {
            Self::Text(bytes) if !bytes.is_empty() => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn path(&self) -> Option<std::path::PathBuf> {
        use std::os::unix::ffi::OsStrExt;
        self.text().map(|bytes| std::ffi::OsStr::from_bytes(bytes).into())
    }

    pub(super) fn classes(&self) -> Classes {
        match self {
            Self::Events(classes) => *classes,
            _ => Classes::default(),
        }
    }

    pub(super) fn output_limits(&self) -> OutputLimits {
        match self {
            Self::OutputLimits(limits) => *limits,
            _ => OutputLimits::default(),
        }
    }
}

fn parse_memory_or_percent(word: &[u8]) -> Result<Value, String> {
    if let Some(bytes) = parse_memory(word) {
        return within(0, bytes, i64::MAX.unsigned_abs()).map(Value::Memory);
    }
    let percent = word.strip_suffix(b"%").and_then(parse_integer).filter(|percent| *percent >= 0);
    match percent.map(u8::try_from) {
        None => Err("argument must be a memory or percent value".into()),
        // Redis keeps percentages as negative numbers, and there is no negative zero.
        Some(Ok(0)) => Ok(Value::Memory(0)),
        Some(Ok(percent @ ..=100)) => Ok(Value::Percent(percent)),
        Some(_) => Err("percentage argument must be less or equal to 100".into()),
    }
}

fn parse_octal(word: &[u8], max: u32) -> Result<Value, String> {
    let digits = str::from_utf8(word).ok().filter(|text| !text.starts_with('+'));
    let number = digits
        .and_then(|text| i64::from_str_radix(text, 8).ok())
        .ok_or("argument couldn't be parsed as an octal number")?;
    u32::try_from(number)
        .ok()
        .filter(|number| *number <= max)
        .map(Value::Octal)
        .ok_or_else(|| format!("argument must be between 0 and {max:o} inclusive"))
}

fn parse_words(list: &'static [Word], words: &[Vec<u8>]) -> Result<Vec<&'static str>, String> {
    if words.is_empty() {
        return Err(not_one_of(list));
    }
    let found =
        words.iter().map(|word| find_word(list, word)).collect::<Result<Vec<_>, String>>()?;
    // The first word of the list stands for none of the others. The order is the list's.
    let (none, flags) = list.split_first().map_or(("", list), |(first, rest)| (first.1, rest));
    let set: Vec<_> = flags.iter().map(|flag| flag.1).filter(|flag| found.contains(flag)).collect();
    Ok(if set.is_empty() { vec![none] } else { set })
}

fn find_word(list: &'static [Word], word: &[u8]) -> Result<&'static str, String> {
    let found = list.iter().find(|(accepted, _)| word.eq_ignore_ascii_case(accepted.as_bytes()));
    found.map(|(_, reported)| *reported).ok_or_else(|| not_one_of(list))
}

fn not_one_of(list: &[Word]) -> String {
    format!("argument(s) must be one of the following: {}", names(list))
}

fn names(list: &[Word]) -> String {
    list.iter().map(|(accepted, _)| *accepted).collect::<Vec<_>>().join(", ")
}

fn within<N: PartialOrd + std::fmt::Display>(min: N, number: N, max: N) -> Result<N, String> {
    if min <= number && number <= max {
        Ok(number)
    } else {
        Err(format!("argument must be between {min} and {max} inclusive"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_or_percent() {
        let check = |word: &str| Kind::MemoryOrPercent.parse(None, &[word.into()]);
        assert_eq!(check("1kb"), Ok(Value::Memory(1024)));
        assert_eq!(check("5%"), Ok(Value::Percent(5)));
        assert_eq!(check("100%"), Ok(Value::Percent(100)));
        assert_eq!(check("0%"), Ok(Value::Memory(0)));
        let too_much = Err("percentage argument must be less or equal to 100".to_string());
        assert_eq!(check("101%"), too_much);
        assert_eq!(check("300%"), too_much);
        for word in ["-1%", "%", "x", "5%%", ""] {
            assert_eq!(
                check(word),
                Err("argument must be a memory or percent value".into()),
                "{word}"
            );
        }
    }

    #[test]
    fn octal() {
        let check = |word: &str| Kind::Octal { max: 0o777 }.parse(None, &[word.into()]);
        assert_eq!(check("700"), Ok(Value::Octal(0o700)));
        assert_eq!(check("0755"), Ok(Value::Octal(0o755)));
        let range = Err("argument must be between 0 and 777 inclusive".to_string());
        assert_eq!(check("1000"), range);
        assert_eq!(check("-1"), range);
        for word in ["", "8", "+7", "rw"] {
            assert!(check(word).is_err_and(|reason| reason.contains("octal")), "{word}");
        }
    }
}
