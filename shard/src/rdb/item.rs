//! Values in parts: the neutral form between the format and the data types.
//!
//! A value is a sequence of items of its type. Reading hands them out one at a time, lent for the
//! moment, so that a big value is never there as a whole; writing takes the same items.
//!
//! ```text
//! string       String
//! list         Element*
//! set          Member*
//! sorted set   Scored*                 (to be written: in ascending order)
//! hash         Field*
//! stream       Entry* Stream (Group Consumer* Pending*)*
//! ```

use super::error::{Damage, Failure};
use super::listpack::{Cursor, Entry};

/// A part of a value, see the module.
#[derive(Clone, Copy, Debug)]
pub enum Item<'a> {
    /// A whole string.
    String(&'a [u8]),
    /// The next element of a list.
    Element(&'a [u8]),
    /// A member of a set.
    Member(&'a [u8]),
    /// A member of a sorted set. The score is a number, or infinite.
    Scored { member: &'a [u8], score: f64 },
    /// A field of a hash, with the time at which it vanishes (ms since 1970).
    Field { field: &'a [u8], value: &'a [u8], deadline_ms: Option<u64> },
    /// The next entry of a stream; their ids ascend.
    Entry { id: StreamId, fields: Fields<'a> },
    /// What there is to say of a stream beside its entries and groups.
    Stream(StreamState),
    /// A consumer group.
    Group(Group<'a>),
    /// A consumer of the group before.
    Consumer(Consumer<'a>),
    /// An entry that a consumer of the group before has not acknowledged; their ids ascend.
    Pending(Pending),
}

impl Item<'_> {
    /// Bytes of the texts in it.
    pub fn bytes(&self) -> usize {
        match self {
            Item::String(text) | Item::Element(text) | Item::Member(text) => text.len(),
            Item::Scored { member, .. } => member.len(),
            Item::Field { field, value, .. } => field.len() + value.len(),
            Item::Entry { fields, .. } => {
                let mut bytes = 0;
                fields.for_each(|field, value| bytes += field.len() + value.len());
                bytes
            }
            Item::Group(group) => group.name.len(),
            Item::Consumer(consumer) => consumer.name.len(),
            Item::Stream(_) | Item::Pending(_) => 0,
        }
    }
}

/// The name of a stream's entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    pub ms: u64,
    pub seq: u64,
}

impl StreamId {
    /// The id before all ids of entries.
    pub const ZERO: StreamId = StreamId { ms: 0, seq: 0 };

    /// As 16 bytes, whose order is that of the ids.
    pub fn to_bytes(self) -> [u8; 16] {
        ((u128::from(self.ms) << 64) | u128::from(self.seq)).to_be_bytes()
    }

    /// The inverse of `to_bytes`.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let both = u128::from_be_bytes(bytes);
        Self { ms: (both >> 64) as u64, seq: both as u64 }
    }
}

/// See [`Item::Stream`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StreamState {
    /// The greatest id that the stream ever had.
    pub last_id: StreamId,
    /// The greatest id that was deleted.
    pub max_deleted_id: StreamId,
    /// How many entries were ever added.
    pub entries_added: u64,
}

/// See [`Item::Group`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group<'a> {
    pub name: &'a [u8],
    /// The last id that was delivered.
    pub last_id: StreamId,
    /// How many entries of the stream were read up to there, if that is known.
    pub entries_read: Option<u64>,
}

/// See [`Item::Consumer`]. Times are in ms since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Consumer<'a> {
    pub name: &'a [u8],
    /// When it last tried to do anything.
    pub seen_ms: u64,
    /// When it last got anything; `None`: never.
    pub active_ms: Option<u64>,
}

/// See [`Item::Pending`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub id: StreamId,
    /// The number of its owner among the consumers of the group, from 0.
    pub consumer: usize,
    /// When it was last delivered, in ms since 1970.
    pub delivered_ms: u64,
    /// How often it was delivered.
    pub deliveries: u64,
}

/// The fields of a stream's entry with their values, never none.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'a>(Kept<'a>);

#[derive(Clone, Copy, Debug)]
enum Kept<'a> {
    Pairs(&'a [(&'a [u8], &'a [u8])]),
    /// As they stand in a checked listpack: names of their own among the values, or apart.
    Packed {
        names: Option<Cursor<'a>>,
        values: Cursor<'a>,
        count: usize,
    },
}

impl<'a> Fields<'a> {
    /// These fields and values.
    pub fn of(pairs: &'a [(&'a [u8], &'a [u8])]) -> Self {
        Fields(Kept::Pairs(pairs))
    }

    /// `count` fields whose names and values alternate from `pairs` on.
    pub(super) fn alternating(pairs: Cursor<'a>, count: usize) -> Self {
        Fields(Kept::Packed { names: None, values: pairs, count })
    }

    /// `count` fields whose names begin at `names`, and their values at `values`.
    pub(super) fn apart(names: Cursor<'a>, values: Cursor<'a>, count: usize) -> Self {
        Fields(Kept::Packed { names: Some(names), values, count })
    }

    /// Number of fields.
    pub fn count(&self) -> usize {
        match self.0 {
            Kept::Pairs(pairs) => pairs.len(),
            Kept::Packed { count, .. } => count,
        }
    }

    /// Visits field and value, in order.
    pub fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) {
        match self.0 {
            Kept::Pairs(pairs) => pairs.iter().for_each(|(field, value)| visit(field, value)),
            Kept::Packed { mut names, mut values, count } => {
                for _ in 0..count {
                    let name = names.as_mut().unwrap_or(&mut values).next();
                    // They were counted when the listpack was checked.
                    let (Some(name), Some(value)) = (name, values.next()) else { return };
                    let (mut name_text, mut value_text) = Entry::room();
                    visit(name.text(&mut name_text), value.text(&mut value_text));
                }
            }
        }
    }
}

/// Whoever takes the items of a value.
pub trait Sink {
    /// Why it may not want them.
    type Error;

    /// So many bytes are about to be unpacked or repeated that the input does not have as such.
    fn expect(&mut self, bytes: u64) -> Result<(), Self::Error>;

    /// The next item. `false`: the value has that member, field, group or consumer already.
    fn take(&mut self, item: Item<'_>) -> Result<bool, Self::Error>;
}

/// Hands an item on that must not be there yet.
pub(super) fn give<K: Sink>(sink: &mut K, item: Item<'_>) -> Result<(), Failure<K::Error>> {
    if sink.take(item).map_err(Failure::Sink)? {
        Ok(())
    } else {
        Err(Damage("the same element twice").into())
    }
}
