//! Whatever value stands in a payload, with its checksum right: reading it ends, announces what it
//! takes beyond the bytes that are there, and keeps the rules of its type. What was read can be
//! written, and reads as the same.

#![no_main]

use std::collections::HashSet;

use basalt_shard_fuzz::rdb::{
    Consumer, Dump, Encoder, Failure, Fields, Group, Item, Pending, Sink, StreamId, StreamState,
    Thresholds, Type, open, seal,
};
use libfuzzer_sys::fuzz_target;

/// More is not gathered of one payload.
const BYTES_MAX: u64 = 8 << 20;

#[derive(Debug, PartialEq)]
enum Owned {
    /// A string, an element, or a member.
    Text(Vec<u8>),
    Scored(Vec<u8>, u64),
    Field(Vec<u8>, Vec<u8>, Option<u64>),
    Entry(StreamId, Vec<(Vec<u8>, Vec<u8>)>),
    Stream(StreamState),
    Group(Vec<u8>, StreamId, Option<u64>),
    Consumer(Vec<u8>, u64, Option<u64>),
    Pending(Pending),
}

#[derive(Default)]
struct Collector {
    items: Vec<Owned>,
    names: HashSet<Vec<u8>>,
    consumers: HashSet<Vec<u8>>,
    last: StreamId,
    expected: u64,
    given: u64,
}

impl Collector {
    fn is_new_consumer(&mut self, name: &[u8]) -> bool {
        self.consumers.insert(name.to_vec())
    }

    fn is_new(&mut self, name: &[u8]) -> bool {
        self.names.insert(name.to_vec())
    }
}

impl Sink for Collector {
    type Error = ();

    fn expect(&mut self, bytes: u64) -> Result<(), ()> {
        self.expected = self.expected.saturating_add(bytes);
        if self.expected > BYTES_MAX { Err(()) } else { Ok(()) }
    }

    fn take(&mut self, item: Item<'_>) -> Result<bool, ()> {
        self.given += item.bytes() as u64;
        let mut is_new = true;
        let owned = match item {
            Item::String(text) | Item::Element(text) => Owned::Text(text.to_vec()),
            Item::Member(member) => {
                is_new = self.is_new(member);
                Owned::Text(member.to_vec())
            }
            Item::Scored { member, score } => {
                assert!(!score.is_nan());
                is_new = self.is_new(member);
                Owned::Scored(member.to_vec(), score.to_bits())
            }
            Item::Field { field, value, deadline_ms } => {
                is_new = self.is_new(field);
                Owned::Field(field.to_vec(), value.to_vec(), deadline_ms)
            }
            Item::Entry { id, fields } => {
                assert!(id > self.last);
                self.last = id;
                let mut pairs = Vec::new();
                fields.for_each(|field, value| pairs.push((field.to_vec(), value.to_vec())));
                assert!(!pairs.is_empty() && pairs.len() == fields.count());
                Owned::Entry(id, pairs)
            }
            Item::Stream(state) => {
                assert!(state.last_id >= self.last && state.last_id >= state.max_deleted_id);
                Owned::Stream(state)
            }
            Item::Group(Group { name, last_id, entries_read }) => {
                self.consumers.clear();
                self.last = StreamId::ZERO;
                is_new = self.is_new(name);
                Owned::Group(name.to_vec(), last_id, entries_read)
            }
            Item::Consumer(Consumer { name, seen_ms, active_ms }) => {
                is_new = self.is_new_consumer(name);
                Owned::Consumer(name.to_vec(), seen_ms, active_ms)
            }
            Item::Pending(pending) => {
                assert!(pending.consumer < self.consumers.len());
                Owned::Pending(pending)
            }
        };
        self.items.push(owned);
        Ok(is_new)
    }
}

fn collect(dump: &Dump<'_>) -> Result<Collector, Failure<()>> {
    let mut collector = Collector::default();
    dump.read(1 << 20, &mut collector).map(|()| collector)
}

fn write(kind: Type, items: &[Owned]) -> Vec<u8> {
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
    let thresholds = Thresholds::default();
    let mut encoder = match deadlines.min() {
        Some(earliest_ms) => Encoder::hash_with_deadlines(count, earliest_ms, &thresholds),
        None => Encoder::new(kind, count, &thresholds),
    };
    for item in items {
        match item {
            Owned::Text(text) => encoder.put(match kind {
                Type::String => Item::String(text),
                Type::List => Item::Element(text),
                _ => Item::Member(text),
            }),
            Owned::Scored(member, bits) => {
                encoder.put(Item::Scored { member, score: f64::from_bits(*bits) });
            }
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
    encoder.finish().expect("as many as announced").into_payload()
}

fuzz_target!(|data: &[u8]| {
    let Some((version, value)) = data.split_first() else { return };
    let version = if version & 1 == 0 { 15 } else { 80 };
    let payload = seal(value.to_vec(), version);
    let Ok(dump) = open(&payload) else { return };
    let Ok(read) = collect(&dump) else { return };
    assert!(read.given <= 3 * read.expected + 20 * value.len() as u64);
    let written = write(dump.kind(), &read.items);
    let again = open(&written).expect("what was written opens");
    assert_eq!(again.kind(), dump.kind());
    let again = collect(&again).unwrap_or_else(|failure| panic!("{failure:?}"));
    if dump.kind() == Type::Set {
        assert_eq!(again.names, read.names);
    } else {
        assert_eq!(again.items, read.items);
    }
});
