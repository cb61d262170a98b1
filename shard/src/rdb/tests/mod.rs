//! Tests over all of the format: values that a redis-server keeps (`oracle`), encodings of other
//! versions (`handmade`), rules that hostile payloads break (`rules`), and bytes broken at random
//! (`mutations`).

mod handmade;
mod mutations;
mod oracle;
mod rules;

use std::collections::HashSet;

use super::dump::{DumpError, open, seal};
use super::{
    Consumer, Damage, Encoder, Failure, Fields, Group, Item, Pending, Sink, StreamId, StreamState,
    Thresholds, Type,
};

/// An item that is nobody else's.
#[derive(Clone, Debug, PartialEq)]
enum Owned {
    String(Vec<u8>),
    Element(Vec<u8>),
    Member(Vec<u8>),
    Scored(Vec<u8>, f64),
    Field(Vec<u8>, Vec<u8>, Option<u64>),
    Entry(StreamId, Vec<(Vec<u8>, Vec<u8>)>),
    Stream(StreamState),
    Group(Vec<u8>, StreamId, Option<u64>),
    Consumer(Vec<u8>, u64, Option<u64>),
    Pending(Pending),
}

/// What nothing must exceed.
#[derive(Debug, PartialEq)]
struct OverBudget;

/// Gathers all items, counting what they come to.
#[derive(Default)]
struct Collector {
    items: Vec<Owned>,
    names: HashSet<Vec<u8>>,
    consumers: HashSet<Vec<u8>>,
    /// Bytes in the items.
    given: u64,
    /// Bytes that were announced.
    expected: u64,
    expected_max: Option<u64>,
}

impl Sink for Collector {
    type Error = OverBudget;

    fn expect(&mut self, bytes: u64) -> Result<(), OverBudget> {
        self.expected += bytes;
        if self.expected_max.is_some_and(|max| self.expected > max) {
            return Err(OverBudget);
        }
        Ok(())
    }

    fn take(&mut self, item: Item<'_>) -> Result<bool, OverBudget> {
        let mut is_new = true;
        let own = |bytes: &[u8]| bytes.to_vec();
        let owned = match item {
            Item::String(string) => Owned::String(own(string)),
            Item::Element(element) => Owned::Element(own(element)),
            Item::Member(member) => {
                is_new = self.names.insert(own(member));
                Owned::Member(own(member))
            }
            Item::Scored { member, score } => {
                is_new = self.names.insert(own(member));
                Owned::Scored(own(member), score)
            }
            Item::Field { field, value, deadline_ms } => {
                is_new = self.names.insert(own(field));
                Owned::Field(own(field), own(value), deadline_ms)
            }
            Item::Entry { id, fields } => {
                let mut pairs = Vec::new();
                fields.for_each(|field, value| pairs.push((own(field), own(value))));
                assert_eq!(pairs.len(), fields.count());
                Owned::Entry(id, pairs)
            }
            Item::Stream(state) => Owned::Stream(state),
            Item::Group(Group { name, last_id, entries_read }) => {
                is_new = self.names.insert(own(name));
                self.consumers.clear();
                Owned::Group(own(name), last_id, entries_read)
            }
            Item::Consumer(Consumer { name, seen_ms, active_ms }) => {
                is_new = self.consumers.insert(own(name));
                Owned::Consumer(own(name), seen_ms, active_ms)
            }
            Item::Pending(pending) => Owned::Pending(pending),
        };
        self.given += owned.bytes();
        self.items.push(owned);
        Ok(is_new)
    }
}

impl Owned {
    fn bytes(&self) -> u64 {
        let count = match self {
            Owned::String(a) | Owned::Element(a) | Owned::Member(a) | Owned::Scored(a, _) => {
                a.len()
            }
            Owned::Field(a, b, _) => a.len() + b.len(),
            Owned::Entry(_, pairs) => pairs.iter().map(|(a, b)| a.len() + b.len()).sum(),
            Owned::Group(a, ..) | Owned::Consumer(a, ..) => a.len(),
            Owned::Stream(_) | Owned::Pending(_) => 0,
        };
        count as u64
    }

    /// What a member or a field is known by.
    fn name(&self) -> &[u8] {
        match self {
            Owned::Member(name) | Owned::Scored(name, _) | Owned::Field(name, ..) => name,
            _ => &[],
        }
    }

    fn put_to(&self, encoder: &mut Encoder<'_>) {
        match self {
            Owned::String(string) => encoder.put(Item::String(string)),
            Owned::Element(element) => encoder.put(Item::Element(element)),
            Owned::Member(member) => encoder.put(Item::Member(member)),
            Owned::Scored(member, score) => encoder.put(Item::Scored { member, score: *score }),
            Owned::Field(field, value, deadline_ms) => {
                encoder.put(Item::Field { field, value, deadline_ms: *deadline_ms });
            }
            Owned::Entry(id, pairs) => {
                let pairs: Vec<_> = pairs.iter().map(|(a, b)| (&a[..], &b[..])).collect();
                encoder.put(Item::Entry { id: *id, fields: Fields::of(&pairs) });
            }
            Owned::Stream(state) => encoder.put(Item::Stream(*state)),
            Owned::Group(name, last_id, entries_read) => {
                let (last_id, entries_read) = (*last_id, *entries_read);
                encoder.put(Item::Group(Group { name, last_id, entries_read }));
            }
            Owned::Consumer(name, seen_ms, active_ms) => {
                let (seen_ms, active_ms) = (*seen_ms, *active_ms);
                encoder.put(Item::Consumer(Consumer { name, seen_ms, active_ms }));
            }
            Owned::Pending(pending) => encoder.put(Item::Pending(*pending)),
        }
    }
}

const STRING_BYTES_MAX: usize = 64 << 20;

#[derive(Debug, PartialEq)]
enum Refused {
    Payload(DumpError),
    Value(Damage),
    OverBudget,
}

fn collect(payload: &[u8], collector: &mut Collector) -> Result<Type, Refused> {
    let dump = open(payload).map_err(Refused::Payload)?;
    match dump.read(STRING_BYTES_MAX, collector) {
        Ok(()) => Ok(dump.kind()),
        Err(Failure::Damage(damage)) => Err(Refused::Value(damage)),
        Err(Failure::Sink(OverBudget)) => Err(Refused::OverBudget),
    }
}

fn read(payload: &[u8]) -> Result<(Type, Vec<Owned>), Refused> {
    let mut collector = Collector::default();
    collect(payload, &mut collector).map(|kind| (kind, collector.items))
}

/// The items of a payload made of these parts.
fn read_parts(parts: &[&[u8]], version: u16) -> Result<Vec<Owned>, Refused> {
    read(&seal(parts.concat(), version)).map(|(_, items)| items)
}

fn write(kind: Type, items: &[Owned], thresholds: &Thresholds) -> Vec<u8> {
    let is_counted = |item: &&Owned| {
        !matches!(
            item,
            Owned::Stream(_) | Owned::Group(..) | Owned::Consumer(..) | Owned::Pending(_)
        )
    };
    let count = items.iter().filter(is_counted).count() as u64;
    let deadlines = items.iter().filter_map(|item| match item {
        Owned::Field(_, _, deadline_ms) => *deadline_ms,
        _ => None,
    });
    let mut encoder = match deadlines.min() {
        Some(earliest_ms) => Encoder::hash_with_deadlines(count, earliest_ms, thresholds),
        None => Encoder::new(kind, count, thresholds),
    };
    items.iter().for_each(|item| item.put_to(&mut encoder));
    encoder.finish().unwrap().into_payload()
}

/// A payload that says the same as this one.
fn rewritten(payload: &[u8], thresholds: &Thresholds) -> Vec<u8> {
    let (kind, items) = read(payload).unwrap();
    let written = write(kind, &items, thresholds);
    assert_eq!(read(&written).unwrap(), (kind, items), "it reads as it was written");
    written
}

/// A length as the format has it, in the shortest form.
fn length(length: usize) -> Vec<u8> {
    match length {
        0..=63 => vec![length as u8],
        64..=16383 => vec![0x40 | (length >> 8) as u8, length as u8],
        _ => [&[0x80][..], &(length as u32).to_be_bytes()].concat(),
    }
}

/// A string as the format has it, neither packed nor a number.
fn string(text: &[u8]) -> Vec<u8> {
    [&length(text.len())[..], text].concat()
}

fn pair(field: &str, value: &str) -> Owned {
    Owned::Field(field.into(), value.into(), None)
}

fn elements(texts: &[&str]) -> Vec<Owned> {
    texts.iter().map(|text| Owned::Element(text.as_bytes().to_vec())).collect()
}
