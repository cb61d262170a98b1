//! From items to bytes: the encodings that Redis 7 writes for a value of that size, as far as 7.0
//! reads them, too.
//!
//! A small collection is gathered in its packed encoding; when it turns out not to be one, what
//! was gathered is written again in the plain encoding.

use super::decode::Type;
use super::error::Damage;
use super::intset;
use super::item::Item;
use super::listpack::{self, Entry};
use super::output::{LaterLength, push_length, push_string};
use super::stream::{self, StreamEncoder};
use super::thresholds::Thresholds;
use crate::number;

const STRING: u8 = 0;
const SET: u8 = 2;
const HASH: u8 = 4;
const ZSET_DOUBLES: u8 = 5;
const INTSET: u8 = 11;
const HASH_LISTPACK: u8 = 16;
const ZSET_LISTPACK: u8 = 17;
const QUICKLIST_2: u8 = 18;
const STREAM_COUNTS: u8 = 19;
const STREAM_ACTIVE_TIMES: u8 = 21;
const HASH_DEADLINES: u8 = 24;

/// Versions of the format: of Redis 7.0, of 7.2 and of 7.4.
const VERSION_7_0: u16 = 10;
const VERSION_7_2: u16 = 11;
const VERSION_7_4: u16 = 12;

/// Forms of the parts of a list.
const PLAIN: u64 = 1;
const PACKED: u64 = 2;

/// Writes one value.
pub struct Encoder<'t> {
    thresholds: &'t Thresholds,
    /// The type byte, then the value.
    out: Vec<u8>,
    announced: u64,
    given: u64,
    shape: Shape,
}

enum Shape {
    String,
    List { parts: LaterLength, count: u64, node: listpack::Builder },
    Integers(Vec<i64>),
    Set,
    PackedZset(listpack::Builder),
    Zset,
    PackedHash(listpack::Builder),
    Hash,
    HashWithDeadlines { earliest_ms: u64 },
    Stream(StreamEncoder),
}

/// A value in the format.
#[derive(Debug)]
pub struct Encoded {
    /// The type byte, then the value.
    pub bytes: Vec<u8>,
    /// The first version of the format that knows the type byte, 10 at least.
    pub version: u16,
}

impl<'t> Encoder<'t> {
    /// A value of `count` items: elements, members or fields. Of a string it is 1, of a stream the
    /// number of its entries.
    pub fn new(kind: Type, count: u64, thresholds: &'t Thresholds) -> Self {
        let is_small = |entries_max: usize| count <= entries_max as u64;
        let mut out = vec![0];
        let shape = match kind {
            Type::String => Shape::String,
            Type::List => {
                let parts = LaterLength::reserve(&mut out);
                Shape::List { parts, count: 0, node: listpack::Builder::new() }
            }
            Type::Set if is_small(thresholds.set_max_intset_entries) => Shape::Integers(Vec::new()),
            Type::Set => Shape::Set,
            Type::SortedSet if is_small(thresholds.zset_max_listpack_entries) => {
                Shape::PackedZset(listpack::Builder::new())
            }
            Type::SortedSet => Shape::Zset,
            Type::Hash if is_small(thresholds.hash_max_listpack_entries) => {
                Shape::PackedHash(listpack::Builder::new())
            }
            Type::Hash => Shape::Hash,
            Type::Stream => Shape::Stream(StreamEncoder::new(&mut out)),
        };
        if matches!(shape, Shape::Set | Shape::Zset | Shape::Hash) {
            push_length(&mut out, count);
        }
        Self { thresholds, out, announced: count, given: 0, shape }
    }

    /// A hash with fields that vanish, none of them before `earliest_ms`. Redis reads it from 7.4
    /// on, Valkey never.
    pub fn hash_with_deadlines(count: u64, earliest_ms: u64, thresholds: &'t Thresholds) -> Self {
        let mut out = vec![0];
        out.extend_from_slice(&earliest_ms.to_le_bytes());
        push_length(&mut out, count);
        let shape = Shape::HashWithDeadlines { earliest_ms };
        Self { thresholds, out, announced: count, given: 0, shape }
    }

    /// The next item.
    pub fn put(&mut self, item: Item<'_>) {
        match item {
            Item::Stream(_) | Item::Group(_) | Item::Consumer(_) | Item::Pending(_) => {}
            _ => self.given += 1,
        }
        match item {
            Item::String(string) => push_string(&mut self.out, string),
            Item::Element(element) => self.element(element),
            Item::Member(member) => self.member(member),
            Item::Scored { member, score } => self.scored(member, score),
            Item::Field { field, value, deadline_ms } => self.field(field, value, deadline_ms),
            Item::Entry { .. }
            | Item::Stream(_)
            | Item::Group(_)
            | Item::Consumer(_)
            | Item::Pending(_) => {
                if let Shape::Stream(stream) = &mut self.shape {
                    stream.put(&mut self.out, self.thresholds, item);
                }
            }
        }
    }

    fn element(&mut self, element: &[u8]) {
        let Shape::List { count, node, .. } = &mut self.shape else { return };
        let bytes_max = self.thresholds.list_max_listpack_bytes;
        let is_plain = element.len() > bytes_max;
        let is_full = node.len_bytes() + element.len() + listpack::ENTRY_EXTRA_BYTES > bytes_max;
        if node.count() > 0 && (is_plain || is_full) {
            *count += 1;
            push_node(&mut self.out, std::mem::replace(node, listpack::Builder::new()));
        }
        if is_plain {
            *count += 1;
            push_length(&mut self.out, PLAIN);
            push_string(&mut self.out, element);
        } else {
            node.push(element);
        }
    }

    fn member(&mut self, member: &[u8]) {
        if let Shape::Integers(members) = &mut self.shape {
            if let Some(integer) = number::parse_i64(member) {
                members.push(integer);
                return;
            }
            push_length(&mut self.out, self.announced);
            for integer in members {
                push_string(&mut self.out, number::format_i64(*integer).as_bytes());
            }
            self.shape = Shape::Set;
        }
        push_string(&mut self.out, member);
    }

    fn scored(&mut self, member: &[u8], score: f64) {
        if let Shape::PackedZset(packed) = &mut self.shape {
            if member.len() <= self.thresholds.zset_max_listpack_value {
                packed.push(member);
                packed.push(number::format_f64(score).as_bytes());
                return;
            }
            push_length(&mut self.out, self.announced);
            let (mut entries, (mut room, _)) = (packed.entries(), Entry::room());
            while let (Some(member), Some(score)) = (entries.next(), entries.next()) {
                let score = score.score().unwrap_or_default();
                push_scored(&mut self.out, member.text(&mut room), score);
            }
            self.shape = Shape::Zset;
        }
        push_scored(&mut self.out, member, score);
    }

    fn field(&mut self, field: &[u8], value: &[u8], deadline_ms: Option<u64>) {
        match &mut self.shape {
            Shape::PackedHash(packed) => {
                if field.len().max(value.len()) <= self.thresholds.hash_max_listpack_value {
                    packed.push(field);
                    packed.push(value);
                    return;
                }
                push_length(&mut self.out, self.announced);
                let (mut room, _) = Entry::room();
                for entry in packed.entries() {
                    push_string(&mut self.out, entry.text(&mut room));
                }
                self.shape = Shape::Hash;
            }
            Shape::HashWithDeadlines { earliest_ms } => {
                let kept = deadline_ms.map_or(0, |ms| ms.saturating_sub(*earliest_ms) + 1);
                push_length(&mut self.out, kept);
            }
            _ => {}
        }
        push_string(&mut self.out, field);
        push_string(&mut self.out, value);
    }

    /// The value. Fails if it has not as many items as were announced.
    pub fn finish(self) -> Result<Encoded, Damage> {
        if self.given != self.announced {
            return Err(Damage("a value of another number of elements than it says"));
        }
        let mut out = self.out;
        let (tag, version) = match self.shape {
            Shape::String => (STRING, VERSION_7_0),
            Shape::List { parts, mut count, node } => {
                if node.count() > 0 {
                    count += 1;
                    push_node(&mut out, node);
                }
                parts.set(&mut out, count);
                (QUICKLIST_2, VERSION_7_0)
            }
            Shape::Integers(members) => {
                push_string(&mut out, &intset::encode(members));
                (INTSET, VERSION_7_0)
            }
            Shape::Set => (SET, VERSION_7_0),
            Shape::PackedZset(packed) => {
                push_string(&mut out, &packed.finish());
                (ZSET_LISTPACK, VERSION_7_0)
            }
            Shape::Zset => (ZSET_DOUBLES, VERSION_7_0),
            Shape::PackedHash(packed) => {
                push_string(&mut out, &packed.finish());
                (HASH_LISTPACK, VERSION_7_0)
            }
            Shape::Hash => (HASH, VERSION_7_0),
            Shape::HashWithDeadlines { .. } => (HASH_DEADLINES, VERSION_7_4),
            Shape::Stream(stream) => match stream.finish(&mut out) {
                stream::Version::ActiveTimes => (STREAM_ACTIVE_TIMES, VERSION_7_2),
                _ => (STREAM_COUNTS, VERSION_7_0),
            },
        };
        out[0] = tag;
        Ok(Encoded { bytes: out, version })
    }
}

fn push_node(out: &mut Vec<u8>, node: listpack::Builder) {
    push_length(out, PACKED);
    push_string(out, &node.finish());
}

fn push_scored(out: &mut Vec<u8>, member: &[u8], score: f64) {
    push_string(out, member);
    out.extend_from_slice(&score.to_bits().to_le_bytes());
}
