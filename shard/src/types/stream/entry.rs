//! An entry as it stands in the tree of a stream.
//!
//! ```text
//! entry   ms (8) | seq (8) | flags (1) | number of pairs (varint) | field | value | …
//!         flags: 1 the first of what Redis would have in one node  (see `tail`)
//!         fields and values: items of `packed`
//! ```

use super::id::{KEY_BYTES, StreamId};
use crate::error::CommandError;
use crate::resp::ReplyBuffer;
use crate::tree::Damaged;
use crate::types::packed;

const BEGINS_NODE: u8 = 1;

const WRONG_FIELDS: Damaged = Damaged("an entry of a stream has not the fields that it says");

/// A decoded entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'e> {
    pub(super) id: StreamId,
    /// Whether it is the first of a node. Of the first entry of a stream this says nothing: it is.
    pub(super) begins_node: bool,
    pairs: u64,
    items: &'e [u8],
}

/// A field and its value.
pub(super) type Pair<'p> = (&'p [u8], &'p [u8]);

/// The bytes of an entry with these fields and values.
pub(super) fn encode(id: StreamId, begins_node: bool, pairs: &[Pair<'_>]) -> Vec<u8> {
    let items = || pairs.iter().flat_map(|(field, value)| [*field, *value]);
    let items_bytes: usize = items().map(packed::item_bytes).sum();
    let mut entry = Vec::with_capacity(KEY_BYTES + 1 + packed::LENGTH_BYTES_MAX + items_bytes);
    entry.extend_from_slice(&id.key());
    entry.push(if begins_node { BEGINS_NODE } else { 0 });
    packed::push_number(&mut entry, pairs.len() as u64);
    for item in items() {
        packed::push(&mut entry, item);
    }
    entry
}

/// The same entry as the first of a node.
pub(super) fn beginning_node(entry: &[u8]) -> Vec<u8> {
    let mut entry = entry.to_vec();
    if let Some(flags) = entry.get_mut(KEY_BYTES) {
        *flags |= BEGINS_NODE;
    }
    entry
}

/// Decodes an entry but for its fields and values.
pub(super) fn decode(entry: &[u8]) -> Result<Entry<'_>, Damaged> {
    let cut_off = Damaged("an entry of a stream is cut off");
    let (id, rest) = StreamId::split(entry).ok_or(cut_off)?;
    let (&flags, rest) = rest.split_first().ok_or(cut_off)?;
    if flags & !BEGINS_NODE != 0 {
        return Err(Damaged("an entry of a stream has unknown flags"));
    }
    let (pairs, items) = packed::split_number(rest).ok_or(cut_off)?;
    Ok(Entry { id, begins_node: flags == BEGINS_NODE, pairs, items })
}

impl<'e> Entry<'e> {
    /// Answers with the id, and with all fields and values.
    pub(super) fn write(&self, reply: &mut ReplyBuffer) -> Result<(), CommandError> {
        let count = self.pairs.checked_mul(2).and_then(|count| usize::try_from(count).ok());
        reply.array(2);
        reply.bulk(&self.id.text());
        reply.array(count.ok_or(WRONG_FIELDS)?);
        self.for_each(|(field, value)| {
            reply.bulk(field);
            reply.bulk(value);
        })?;
        Ok(())
    }

    /// Visits all fields with their values.
    pub(super) fn for_each(&self, mut visit: impl FnMut(Pair<'e>)) -> Result<(), Damaged> {
        let mut rest = self.items;
        for _ in 0..self.pairs {
            let (field, behind) = packed::split(rest).ok_or(WRONG_FIELDS)?;
            let (value, behind) = packed::split(behind).ok_or(WRONG_FIELDS)?;
            visit((field, value));
            rest = behind;
        }
        if rest.is_empty() { Ok(()) } else { Err(WRONG_FIELDS) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::resp::Protocol;

    fn encoded(pairs: &[(&'static str, &'static str)]) -> Vec<u8> {
        let bytes = |pair: &(&'static str, &'static str)| (pair.0.as_bytes(), pair.1.as_bytes());
        let pairs: Vec<Pair<'_>> = pairs.iter().map(bytes).collect();
        encode(StreamId { ms: 1, seq: 2 }, false, &pairs)
    }

    #[test]
    fn entries_keep_their_bytes() {
        let plain = encoded(&[("f", "value"), ("", "x")]);
        let golden = b"\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0\x02\x00\x02\x01f\x05value\x00\x01x";
        assert_eq!(plain, golden);
        let marked = beginning_node(&plain);
        assert_eq!(marked[16], 1);
        let entry = decode(&marked).unwrap();
        assert!(entry.begins_node && !decode(&plain).unwrap().begins_node);
        let mut reply = ReplyBuffer::new(Protocol::Resp2);
        entry.write(&mut reply).unwrap();
        let expected = "*2\r\n$3\r\n1-2\r\n*4\r\n$1\r\nf\r\n$5\r\nvalue\r\n$0\r\n\r\n$1\r\nx\r\n";
        assert_eq!(String::from_utf8_lossy(reply.as_bytes()), expected);
    }

    #[test]
    fn what_is_no_entry_is_refused() {
        let whole = encoded(&[("f", "value")]);
        let write = |bytes: &[u8]| {
            let entry = decode(bytes).map_err(CommandError::from)?;
            entry.write(&mut ReplyBuffer::new(Protocol::Resp2))
        };
        for cut in 0..whole.len() {
            assert!(write(&whole[..cut]).is_err(), "cut at {cut}");
        }
        assert!(write(&[&whole[..], b"\0"].concat()).is_err());
        assert!(write(&[&whole[..16], b"\x02\x00"].concat()).is_err());
        let many = [&whole[..16], b"\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"].concat();
        assert!(write(&many).is_err());
    }
}
