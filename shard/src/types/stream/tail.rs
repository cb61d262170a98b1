//! Where Redis would begin a new node: it keeps a stream as a row of nodes, and `XTRIM ~` takes
//! away whole ones. So that as much goes here as there, the first entry of every node is marked,
//! and of the last node is known what decides whether one more entry still belongs to it: its
//! entries, those that were deleted included, and the bytes that it would have as a listpack.
//!
//! ```text
//! packed   first id | entries | entries deleted | bytes (varints) | hash of the fields (8)
//! ```
//!
//! The bytes are those of all elements of the listpack but the two counters at its beginning. The
//! hash is that of the fields of the first entry: who has the same ones is stored without them.

use smallvec::SmallVec;

use super::entry::Pair;
use super::id::StreamId;
use crate::keyspace::layout;
use crate::number;
use crate::settings::Settings;
use crate::types::packed;

/// Bytes of a listpack beside its elements.
const FRAME_BYTES: u64 = 7;

/// A node is never to be bigger.
const NODE_BYTES_MAX: u64 = 1 << 30;

/// The last node of a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tail {
    /// The id of the entry that it began with.
    first: StreamId,
    /// Entries that are there.
    live: u64,
    /// Entries that were deleted.
    deleted: u64,
    bytes: u64,
    fields: u64,
}

impl Tail {
    /// Number of entries that are there; 0: there is no node that another entry could belong to.
    pub(super) fn len(&self) -> u64 {
        self.live
    }

    /// Takes the next entry. Whether it begins a node.
    pub(super) fn take(&mut self, settings: &Settings, id: StreamId, pairs: &[Pair<'_>]) -> bool {
        let fields = fields_hash(pairs);
        let begins = self.live == 0 || self.is_full(settings, pairs_bytes(pairs));
        if begins {
            *self = Self { first: id, fields, bytes: master_bytes(pairs), ..Self::default() };
        }
        let has_same_fields = fields == self.fields;
        self.live += 1;
        self.bytes = self.bytes.saturating_add(self.entry_bytes(id, pairs, has_same_fields));
        begins
    }

    /// The entry with this id was deleted, wherever it stood.
    pub(super) fn note_deleted(&mut self, id: StreamId) {
        if self.live > 0 && id >= self.first {
            self.keep(self.live - 1);
        }
    }

    /// Only so many of the entries of the stream are left, the last ones.
    pub(super) fn keep(&mut self, len: u64) {
        let live = self.live.min(len);
        self.deleted = self.deleted.saturating_add(self.live - live);
        self.live = live;
        if live == 0 {
            *self = Self::default();
        }
    }

    fn is_full(&self, settings: &Settings, bytes: u64) -> bool {
        let counters = integer_bytes(self.live as i64) + integer_bytes(self.deleted as i64);
        let own = self.bytes.saturating_add(FRAME_BYTES + counters);
        let bytes_max = match settings.stream_node_max_bytes {
            0 => NODE_BYTES_MAX,
            max => NODE_BYTES_MAX.min(max),
        };
        let entries_max = settings.stream_node_max_entries;
        own.saturating_add(bytes) >= bytes_max
            || entries_max > 0 && self.live.saturating_add(self.deleted) >= entries_max
    }

    /// Flags, how far the id is from the first one, perhaps fields, values, and how many elements
    /// that is.
    fn entry_bytes(&self, id: StreamId, pairs: &[Pair<'_>], has_same_fields: bool) -> u64 {
        let count = pairs.len() as i64;
        let distance = [id.ms.wrapping_sub(self.first.ms), id.seq.wrapping_sub(self.first.seq)];
        let distance: u64 = distance.iter().map(|part| integer_bytes(part.cast_signed())).sum();
        let values: u64 = pairs.iter().map(|(_, value)| element_bytes(value)).sum();
        let own = match has_same_fields {
            true => integer_bytes(count + 3),
            false => integer_bytes(count) + fields_bytes(pairs) + integer_bytes(2 * count + 4),
        };
        integer_bytes(0) + distance + values + own
    }

    pub(super) fn pack(&self, out: &mut Vec<u8>) {
        self.first.pack(out);
        for number in [self.live, self.deleted, self.bytes] {
            packed::push_number(out, number);
        }
        out.extend_from_slice(&self.fields.to_le_bytes());
    }

    pub(super) fn unpack(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (first, rest) = StreamId::unpack(bytes)?;
        let (live, rest) = packed::split_number(rest)?;
        let (deleted, rest) = packed::split_number(rest)?;
        let (bytes, rest) = packed::split_number(rest)?;
        let (fields, rest) = rest.split_first_chunk()?;
        live.checked_add(deleted)?;
        let fields = u64::from_le_bytes(*fields);
        Some((Self { first, live, deleted, bytes, fields }, rest))
    }
}

/// The number of fields, the fields, and a zero.
fn master_bytes(pairs: &[Pair<'_>]) -> u64 {
    integer_bytes(pairs.len() as i64) + fields_bytes(pairs) + integer_bytes(0)
}

fn fields_bytes(pairs: &[Pair<'_>]) -> u64 {
    pairs.iter().map(|(field, _)| element_bytes(field)).sum()
}

fn pairs_bytes(pairs: &[Pair<'_>]) -> u64 {
    pairs.iter().map(|(field, value)| field.len() as u64 + value.len() as u64).sum()
}

fn fields_hash(pairs: &[Pair<'_>]) -> u64 {
    let mut fields = SmallVec::<[u8; 128]>::new();
    for (field, _) in pairs {
        packed::push_number(&mut fields, field.len() as u64);
        fields.extend_from_slice(field);
    }
    layout::hash(&fields)
}

/// Bytes of an integer in a listpack.
fn integer_bytes(value: i64) -> u64 {
    let own = match value {
        0..=127 => 1,
        -4096..=4095 => 2,
        -0x8000..=0x7fff => 3,
        -0x80_0000..=0x7f_ffff => 4,
        -0x8000_0000..=0x7fff_ffff => 5,
        _ => 9,
    };
    with_way_back(own)
}

/// Bytes of a string in a listpack, where one that is an integer is kept as that.
fn element_bytes(element: &[u8]) -> u64 {
    if let Some(value) = number::parse_i64(element) {
        return integer_bytes(value);
    }
    let length = element.len() as u64;
    with_way_back(match length {
        0..64 => 1 + length,
        64..4096 => 2 + length,
        _ => 5 + length,
    })
}

/// Behind an element stands how long it is, in as few bytes as that takes.
fn with_way_back(own: u64) -> u64 {
    own + match own {
        0..=127 => 1,
        128..16_383 => 2,
        16_383..2_097_151 => 3,
        2_097_151..268_435_455 => 4,
        _ => 5,
    }
}
