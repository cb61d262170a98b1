//! From bytes to items: every encoding of every core type.
//!
//! The type byte says how a value is encoded. Up to 21 its meaning is the same everywhere; beyond,
//! Redis and Valkey went different ways ([`Format`]).

use super::error::{Damage, Failure};
use super::input::{Input, Source};
use super::item::{Item, Sink, give};
use super::listpack::{self, Entry};
use super::{intset, stream, ziplist, zipmap};
use crate::number;

/// Whose type bytes these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Redis,
    Valkey,
}

/// What type of value it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Stream,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    String,
    /// Elements or members as strings.
    Strings,
    ListZiplist,
    Quicklist,
    Quicklist2,
    Intset,
    SetListpack,
    /// With scores as text, or as doubles.
    Scores(ScoreForm),
    ZsetZiplist,
    ZsetListpack,
    Hash,
    HashZipmap,
    HashZiplist,
    HashListpack,
    HashWithDeadlines(DeadlineForm),
    HashListpackWithDeadlines(DeadlineForm),
    Stream(stream::Version),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScoreForm {
    Text,
    Double,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DeadlineForm {
    /// Of Redis's candidates for 7.4.
    Absolute,
    /// Of Redis from 7.4 on: the earliest one stands in front.
    SinceEarliest,
    /// Of Valkey from 9 on: behind the value.
    Behind,
}

/// Redis keeps deadlines of fields in 48 bits.
const DEADLINE_MS_MAX: u64 = (1 << 48) - 1;

const EMPTY: Damage = Damage("a collection without elements");
const ODD: Damage = Damage("an element without its other half");
const NOT_A_SCORE: Damage = Damage("a score that is no number");
const NOT_A_DEADLINE: Damage = Damage("a deadline out of range");

fn encoding(tag: u8, format: Format) -> Result<(Type, Encoding), Damage> {
    use Encoding::HashListpackWithDeadlines as PackedHash;
    use Encoding::HashWithDeadlines as PlainHash;
    Ok(match (tag, format) {
        (0, _) => (Type::String, Encoding::String),
        (1, _) => (Type::List, Encoding::Strings),
        (2, _) => (Type::Set, Encoding::Strings),
        (3, _) => (Type::SortedSet, Encoding::Scores(ScoreForm::Text)),
        (4, _) => (Type::Hash, Encoding::Hash),
        (5, _) => (Type::SortedSet, Encoding::Scores(ScoreForm::Double)),
        (6 | 7, _) => return Err(Damage("the value of a module")),
        (9, _) => (Type::Hash, Encoding::HashZipmap),
        (10, _) => (Type::List, Encoding::ListZiplist),
        (11, _) => (Type::Set, Encoding::Intset),
        (12, _) => (Type::SortedSet, Encoding::ZsetZiplist),
        (13, _) => (Type::Hash, Encoding::HashZiplist),
        (14, _) => (Type::List, Encoding::Quicklist),
        (15, _) => (Type::Stream, Encoding::Stream(stream::Version::Ids)),
        (16, _) => (Type::Hash, Encoding::HashListpack),
        (17, _) => (Type::SortedSet, Encoding::ZsetListpack),
        (18, _) => (Type::List, Encoding::Quicklist2),
        (19, _) => (Type::Stream, Encoding::Stream(stream::Version::Counts)),
        (20, _) => (Type::Set, Encoding::SetListpack),
        (21, _) => (Type::Stream, Encoding::Stream(stream::Version::ActiveTimes)),
        (22, Format::Valkey) => (Type::Hash, PlainHash(DeadlineForm::Behind)),
        (22, Format::Redis) => (Type::Hash, PlainHash(DeadlineForm::Absolute)),
        (23, Format::Redis) => (Type::Hash, PackedHash(DeadlineForm::Absolute)),
        (24, Format::Redis) => (Type::Hash, PlainHash(DeadlineForm::SinceEarliest)),
        (25, Format::Redis) => (Type::Hash, PackedHash(DeadlineForm::SinceEarliest)),
        (26, Format::Redis) => (Type::Stream, Encoding::Stream(stream::Version::Producers)),
        (27, Format::Redis) => (Type::Stream, Encoding::Stream(stream::Version::GivenBack)),
        (28, Format::Redis) => return Err(Damage("an array of Redis 8.8")),
        (29..=32, Format::Redis) => return Err(Damage("a hash by a template of Redis 8.10")),
        (245 | 246, _) => return Err(Damage("a library of functions")),
        _ => return Err(Damage("a value of unknown type")),
    })
}

impl Type {
    /// The type of the values with such a type byte, if they can be read.
    pub fn of(tag: u8, format: Format) -> Result<Type, Damage> {
        encoding(tag, format).map(|(kind, _)| kind)
    }
}

/// Reads the value with such a type byte and hands its items to `sink`.
pub fn decode<S: Source, K: Sink>(
    (tag, format): (u8, Format),
    input: &mut Input<S>,
    sink: &mut K,
) -> Result<(), Failure<K::Error>> {
    let (kind, encoding) = encoding(tag, format)?;
    let mut decoder = Decoder { input, sink, scratch: Vec::new(), held: Vec::new() };
    match encoding {
        Encoding::String => decoder.string(),
        Encoding::Strings => decoder.strings(kind),
        Encoding::ListZiplist => decoder.node(NodeForm::Ziplist).and_then(not_empty),
        Encoding::Quicklist => decoder.quicklist(),
        Encoding::Quicklist2 => decoder.quicklist2(),
        Encoding::Intset => decoder.intset(),
        Encoding::SetListpack => decoder.set_listpack(),
        Encoding::Scores(form) => decoder.scores(form),
        Encoding::ZsetZiplist => decoder.packed_scores(NodeForm::Ziplist),
        Encoding::ZsetListpack => decoder.packed_scores(NodeForm::Listpack),
        Encoding::Hash => decoder.hash(),
        Encoding::HashZipmap => decoder.zipmap(),
        Encoding::HashZiplist => decoder.packed_hash(NodeForm::Ziplist),
        Encoding::HashListpack => decoder.packed_hash(NodeForm::Listpack),
        Encoding::HashWithDeadlines(form) => decoder.hash_with_deadlines(form),
        Encoding::HashListpackWithDeadlines(form) => decoder.packed_hash_with_deadlines(form),
        Encoding::Stream(version) => stream::decode(version, decoder.input, decoder.sink),
    }
}

/// How entries are packed into a string.
#[derive(Clone, Copy)]
enum NodeForm {
    Ziplist,
    Listpack,
}

/// The entries of either.
enum Entries<'a> {
    Ziplist(ziplist::Cursor<'a>),
    Listpack(listpack::Cursor<'a>),
}

impl<'a> Entries<'a> {
    fn open(form: NodeForm, packed: &'a [u8]) -> Result<(Self, usize), Damage> {
        Ok(match form {
            NodeForm::Ziplist => {
                let (cursor, count) = ziplist::open(packed)?;
                (Entries::Ziplist(cursor), count)
            }
            NodeForm::Listpack => {
                let (cursor, count) = listpack::open(packed)?;
                (Entries::Listpack(cursor), count)
            }
        })
    }
}

impl<'a> Iterator for Entries<'a> {
    type Item = Entry<'a>;

    fn next(&mut self) -> Option<Entry<'a>> {
        match self {
            Entries::Ziplist(cursor) => cursor.next(),
            Entries::Listpack(cursor) => cursor.next(),
        }
    }
}

struct Decoder<'d, S, K> {
    input: &'d mut Input<S>,
    sink: &'d mut K,
    /// Strings that had to be made.
    scratch: Vec<u8>,
    /// A string beside another one.
    held: Vec<u8>,
}

fn not_empty<E>(count: usize) -> Result<(), Failure<E>> {
    if count > 0 { Ok(()) } else { Err(EMPTY.into()) }
}

/// A deadline as it is kept, where 0 is none.
fn deadline(ms: u64) -> Result<Option<u64>, Damage> {
    match ms {
        0 => Ok(None),
        1..=DEADLINE_MS_MAX => Ok(Some(ms)),
        _ => Err(NOT_A_DEADLINE),
    }
}

type Outcome<K> = Result<(), Failure<<K as Sink>::Error>>;

impl<S: Source, K: Sink> Decoder<'_, S, K> {
    /// How many elements follow, of which each takes `bytes_min` bytes or more. Never none.
    fn count(&mut self, bytes_min: u64) -> Result<usize, Failure<K::Error>> {
        let count = self.input.count(bytes_min)?;
        not_empty(count).map(|()| count)
    }

    fn string(&mut self) -> Outcome<K> {
        let string = self.input.string(&mut self.scratch, self.sink)?;
        give(self.sink, Item::String(string))
    }

    fn strings(&mut self, kind: Type) -> Outcome<K> {
        for _ in 0..self.count(1)? {
            let string = self.input.string(&mut self.scratch, self.sink)?;
            let is_list = kind == Type::List;
            let item = if is_list { Item::Element(string) } else { Item::Member(string) };
            give(self.sink, item)?;
        }
        Ok(())
    }

    /// Part of a list. Returns how many elements it has.
    fn node(&mut self, form: NodeForm) -> Result<usize, Failure<K::Error>> {
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let (entries, count) = Entries::open(form, packed)?;
        let (mut room, _) = Entry::room();
        for entry in entries {
            give(self.sink, Item::Element(entry.text(&mut room)))?;
        }
        Ok(count)
    }

    fn quicklist(&mut self) -> Outcome<K> {
        let mut count = 0;
        for _ in 0..self.count(1)? {
            count += self.node(NodeForm::Ziplist)?;
        }
        not_empty(count)
    }

    fn quicklist2(&mut self) -> Outcome<K> {
        const PLAIN: u64 = 1;
        const PACKED: u64 = 2;
        let mut count = 0;
        for _ in 0..self.count(2)? {
            match self.input.length()? {
                PLAIN => {
                    let element = self.input.string(&mut self.scratch, self.sink)?;
                    give(self.sink, Item::Element(element))?;
                    count += 1;
                }
                PACKED => count += self.node(NodeForm::Listpack)?,
                _ => return Err(Damage("a part of a list of unknown form").into()),
            }
        }
        not_empty(count)
    }

    fn intset(&mut self) -> Outcome<K> {
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let mut count = 0;
        for member in intset::open(packed)? {
            give(self.sink, Item::Member(number::format_i64(member).as_bytes()))?;
            count += 1;
        }
        not_empty(count)
    }

    fn set_listpack(&mut self) -> Outcome<K> {
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let (entries, count) = listpack::open(packed)?;
        let (mut room, _) = Entry::room();
        for entry in entries {
            give(self.sink, Item::Member(entry.text(&mut room)))?;
        }
        not_empty(count)
    }

    fn scores(&mut self, form: ScoreForm) -> Outcome<K> {
        for _ in 0..self.count(2)? {
            self.input.string_into(&mut self.held, self.sink)?;
            let score = match form {
                ScoreForm::Text => self.text_score()?,
                ScoreForm::Double => f64::from_bits(self.input.u64_le()?),
            };
            if score.is_nan() {
                return Err(NOT_A_SCORE.into());
            }
            give(self.sink, Item::Scored { member: &self.held, score })?;
        }
        Ok(())
    }

    fn text_score(&mut self) -> Result<f64, Damage> {
        let mut text = [0; 252];
        match self.input.byte()? {
            253 => Err(NOT_A_SCORE),
            254 => Ok(f64::INFINITY),
            255 => Ok(f64::NEG_INFINITY),
            len => {
                let text = &mut text[..usize::from(len)];
                self.input.fill(text)?;
                number::parse_f64(text).ok_or(NOT_A_SCORE)
            }
        }
    }

    fn packed_scores(&mut self, form: NodeForm) -> Outcome<K> {
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let (mut entries, count) = Entries::open(form, packed)?;
        let (mut room, _) = Entry::room();
        while let Some(member) = entries.next() {
            let score = entries.next().ok_or(ODD)?.score().ok_or(NOT_A_SCORE)?;
            give(self.sink, Item::Scored { member: member.text(&mut room), score })?;
        }
        not_empty(count)
    }

    fn hash(&mut self) -> Outcome<K> {
        for _ in 0..self.count(2)? {
            self.pair(|_| Ok(None))?;
        }
        Ok(())
    }

    /// A field and its value, and what `deadline` reads behind them.
    fn pair(
        &mut self,
        deadline: impl FnOnce(&mut Input<S>) -> Result<Option<u64>, Damage>,
    ) -> Outcome<K> {
        let mut field = std::mem::take(&mut self.held);
        self.input.string_into(&mut field, self.sink)?;
        self.input.string_into(&mut self.scratch, self.sink)?;
        let deadline_ms = deadline(self.input)?;
        give(self.sink, Item::Field { field: &field, value: &self.scratch, deadline_ms })?;
        self.held = field;
        Ok(())
    }

    fn zipmap(&mut self) -> Outcome<K> {
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let mut count = 0;
        for pair in zipmap::open(packed)? {
            let (field, value) = pair?;
            give(self.sink, Item::Field { field, value, deadline_ms: None })?;
            count += 1;
        }
        not_empty(count)
    }

    fn packed_hash(&mut self, form: NodeForm) -> Outcome<K> {
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let (mut entries, count) = Entries::open(form, packed)?;
        let (mut field_room, mut value_room) = Entry::room();
        while let Some(field) = entries.next() {
            let value = entries.next().ok_or(ODD)?;
            let (field, value) = (field.text(&mut field_room), value.text(&mut value_room));
            give(self.sink, Item::Field { field, value, deadline_ms: None })?;
        }
        not_empty(count)
    }

    fn hash_with_deadlines(&mut self, form: DeadlineForm) -> Outcome<K> {
        let earliest_ms = match form {
            DeadlineForm::SinceEarliest => self.input.u64_le()?,
            DeadlineForm::Absolute | DeadlineForm::Behind => 0,
        };
        for _ in 0..self.count(3)? {
            if form == DeadlineForm::Behind {
                const NONE: u64 = u64::MAX;
                self.pair(|input| match input.u64_le()? {
                    NONE => Ok(None),
                    ms @ 1..=DEADLINE_MS_MAX => Ok(Some(ms)),
                    _ => Err(NOT_A_DEADLINE),
                })?;
                continue;
            }
            let kept = self.input.length()?;
            let ms = match form {
                DeadlineForm::SinceEarliest if kept > 0 => {
                    (kept - 1).checked_add(earliest_ms).ok_or(NOT_A_DEADLINE)?
                }
                _ => kept,
            };
            let deadline_ms = deadline(ms)?;
            self.pair(|_| Ok(deadline_ms))?;
        }
        Ok(())
    }

    fn packed_hash_with_deadlines(&mut self, form: DeadlineForm) -> Outcome<K> {
        if form == DeadlineForm::SinceEarliest {
            // The deadlines below are whole.
            self.input.u64_le()?;
        }
        let packed = self.input.string(&mut self.scratch, self.sink)?;
        let (mut entries, count) = listpack::open(packed)?;
        let (mut field_room, mut value_room) = Entry::room();
        while let Some(field) = entries.next() {
            let (Some(value), Some(ms)) = (entries.next(), entries.next()) else {
                return Err(ODD.into());
            };
            let ms = ms.integer().and_then(|ms| u64::try_from(ms).ok()).ok_or(NOT_A_DEADLINE)?;
            let deadline_ms = deadline(ms)?;
            let (field, value) = (field.text(&mut field_room), value.text(&mut value_room));
            give(self.sink, Item::Field { field, value, deadline_ms })?;
        }
        not_empty(count)
    }
}
