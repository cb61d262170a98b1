//! What the head of a stream has beside its entries' number and bytes.
//!
//! ```text
//! head        … | version | number of entries | bytes of all records | extension, version 1
//!
//! extension   last id | first id | greatest id deleted       packed, see `id`
//!             entries ever added                             varint
//!             last node                                      see `tail`
//!             entries of the first node (0: not known)       varints from here on
//!             groups | numbers given to groups and consumers | bytes of their records
//!             root of the entries' tree                      see `tree`, to the end
//! ```

use super::id::{KEY_BYTES, StreamId};
use super::tail::Tail;
use crate::engine::EngineError;
use crate::error::CommandError;
use crate::keyspace::head::{Extension, Head, Kind, Large};
use crate::tree::{Order, Tree};
use crate::types::packed;

/// Version of the extension.
const VERSION: u8 = 1;

/// In order of ids.
pub(super) const ORDER: Order = Order::Prefix(KEY_BYTES);

/// What a stream knows of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    /// The greatest id that was ever given, or set.
    pub(super) last_id: StreamId,
    /// The id of the first entry, 0-0 if there is none.
    pub(super) first_id: StreamId,
    /// The greatest id that was deleted by itself.
    pub(super) max_deleted_id: StreamId,
    /// How many entries were ever added.
    pub(super) entries_added: u64,
    /// The last node.
    pub(super) tail: Tail,
    /// Entries of the first node, if it is known and not the last one.
    pub(super) front: u64,
    /// Number of groups.
    pub(super) groups: u64,
    /// Numbers that groups and consumers were given so far.
    pub(super) numbers: u64,
    /// Bytes of the records of groups and consumers.
    pub(super) group_bytes: u64,
}

pub(super) fn corrupted(what: &str) -> CommandError {
    EngineError::Corrupted(format!("stream: {what}")).into()
}

/// A stream's state and its tree, out of its head.
pub(super) fn open(large: &Large, extension: &Extension) -> Result<(State, Tree), CommandError> {
    let encoded = match extension.get() {
        Some((VERSION, encoded)) => encoded,
        Some(_) => return Err(corrupted("unknown extension")),
        None => return Err(corrupted("no extension")),
    };
    let (state, root) = unpack(encoded).ok_or_else(|| corrupted("extension cut off"))?;
    let bytes = large.bytes.checked_sub(state.group_bytes);
    let bytes = bytes.ok_or_else(|| corrupted("groups of more bytes than there are"))?;
    if state.tail.len() > large.count {
        return Err(corrupted("a last node of more entries than there are"));
    }
    Ok((state, Tree::open(ORDER, root, large.count, bytes)?))
}

/// The head of a stream whose records stand under `version`.
pub(super) fn head(version: u64, state: &State, tree: &Tree) -> Result<Head, CommandError> {
    let mut encoded = Vec::with_capacity(128);
    pack(state, &mut encoded);
    encoded.extend_from_slice(&tree.root());
    let extension = Extension::new(VERSION, &encoded).ok_or_else(|| corrupted("long extension"))?;
    let bytes = tree.entry_bytes().saturating_add(state.group_bytes);
    let large = Large { version, count: tree.len(), bytes };
    Ok(Head::extended(Kind::Stream, large, extension))
}

fn pack(state: &State, out: &mut Vec<u8>) {
    for id in [state.last_id, state.first_id, state.max_deleted_id] {
        id.pack(out);
    }
    packed::push_number(out, state.entries_added);
    state.tail.pack(out);
    for number in [state.front, state.groups, state.numbers, state.group_bytes] {
        packed::push_number(out, number);
    }
}

fn unpack(encoded: &[u8]) -> Option<(State, &[u8])> {
    let (last_id, rest) = StreamId::unpack(encoded)?;
    let (first_id, rest) = StreamId::unpack(rest)?;
    let (max_deleted_id, rest) = StreamId::unpack(rest)?;
    let (entries_added, rest) = packed::split_number(rest)?;
    let (tail, rest) = Tail::unpack(rest)?;
    let (front, rest) = packed::split_number(rest)?;
    let (groups, rest) = packed::split_number(rest)?;
    let (numbers, rest) = packed::split_number(rest)?;
    let (group_bytes, rest) = packed::split_number(rest)?;
    let state = State {
        last_id,
        first_id,
        max_deleted_id,
        entries_added,
        tail,
        front,
        groups,
        numbers,
        group_bytes,
    };
    Some((state, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_keeps_its_bytes() {
        let id = |ms, seq| StreamId { ms, seq };
        let state = State {
            last_id: id(300, 1),
            first_id: id(2, 0),
            max_deleted_id: id(3, 4),
            entries_added: 9,
            tail: Tail::default(),
            front: 5,
            groups: 1,
            numbers: 2,
            group_bytes: 130,
        };
        let tree = Tree::new(ORDER);
        let head = head(7, &state, &tree).unwrap();
        let crate::keyspace::head::Body::Large(large, extension) = &head.body else { panic!() };
        assert_eq!((large.version, large.count, large.bytes), (7, 0, 130));
        let (version, encoded) = extension.get().unwrap();
        let golden = [
            &b"\xac\x02\x01\x02\x00\x03\x04\x09"[..],
            b"\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\x05\x01\x02\x82\x01",
            &tree.root(),
        ]
        .concat();
        assert_eq!((version, encoded), (1, &golden[..]));
        assert_eq!(open(large, extension).unwrap().0, state);
        for cut in 0..golden.len() {
            let cut_off = Extension::new(1, &golden[..cut]).unwrap();
            assert!(open(large, &cut_off).is_err(), "cut at {cut}");
        }
        assert!(open(large, &Extension::new(2, &golden).unwrap()).is_err());
        assert!(open(&Large { bytes: 129, ..*large }, extension).is_err());
        assert!(open(large, &Extension::NONE).is_err());
    }
}
