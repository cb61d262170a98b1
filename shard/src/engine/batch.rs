//! What a batch of writes looks like in the log. Part of the log's format, whose version stands in
//! the header of every segment.
//!
//! ```text
//! batch    operations, one behind the other
//! put      0x10 + family (1) | bytes of the key u32 | bytes of the value u32 | key | value
//! delete   0x20 + family (1) | bytes of the key u32 | key
//! range    0x30 + family (1) | bytes of from u32 | bytes of to u32 | from | to     (deletes)
//! ```
//!
//! Integers are little-endian; families are numbered as in [`Family`].

use bytes::Bytes;

use super::{Family, Writes};

const PUT: u8 = 0x10;
const DELETE: u8 = 0x20;
const DELETE_RANGE: u8 = 0x30;

/// Appends operations to a batch.
pub(super) struct Encoder<'a>(pub(super) &'a mut Vec<u8>);

impl Encoder<'_> {
    fn one(&mut self, operation: u8, family: Family, key: &[u8]) {
        self.0.push(operation + family as u8);
        self.0.extend_from_slice(&length(key));
        self.0.extend_from_slice(key);
    }

    fn two(&mut self, operation: u8, family: Family, first: &[u8], second: &[u8]) {
        let mut begin = [0; 9];
        begin[0] = operation + family as u8;
        begin[1..5].copy_from_slice(&length(first));
        begin[5..].copy_from_slice(&length(second));
        reserve(self.0, begin.len() + first.len() + second.len());
        self.0.extend_from_slice(&begin);
        self.0.extend_from_slice(first);
        self.0.extend_from_slice(second);
    }
}

/// A buffer of this size grows by a quarter when it grows, a smaller one to twice its size.
const GROWS_LESS_BYTES: usize = 1 << 20;

fn reserve(buffer: &mut Vec<u8>, bytes: usize) {
    if buffer.capacity() - buffer.len() >= bytes {
        return;
    }
    if buffer.len() < GROWS_LESS_BYTES {
        buffer.reserve(bytes);
    } else {
        buffer.reserve_exact(bytes.max(buffer.len() / 4));
    }
}

/// Keys and values are far below 4 GB: a request cannot be longer.
fn length(bytes: &[u8]) -> [u8; 4] {
    debug_assert!(u32::try_from(bytes.len()).is_ok());
    (bytes.len() as u32).to_le_bytes()
}

impl Writes for Encoder<'_> {
    fn put(&mut self, family: Family, key: &[u8], value: &Bytes) {
        self.two(PUT, family, key, value);
    }

    fn delete(&mut self, family: Family, key: &[u8]) {
        self.one(DELETE, family, key);
    }

    fn delete_range(&mut self, family: Family, from: &[u8], to: &[u8]) {
        self.two(DELETE_RANGE, family, from, to);
    }
}

/// Hands the operations of a batch to `writes`. `None`: it is no batch; what stands before the
/// fault was handed over.
pub(super) fn decode(mut batch: &[u8], writes: &mut dyn Writes) -> Option<()> {
    while let Some((operation, rest)) = batch.split_first() {
        let family = *Family::ALL.get(usize::from(operation & 0x0f))?;
        let (first, rest) = take_length(rest)?;
        match operation & 0xf0 {
            DELETE => {
                let (key, rest) = rest.split_at_checked(first)?;
                writes.delete(family, key);
                batch = rest;
            }
            operation @ (PUT | DELETE_RANGE) => {
                let (second, rest) = take_length(rest)?;
                let (first, rest) = rest.split_at_checked(first)?;
                let (second, rest) = rest.split_at_checked(second)?;
                if operation == PUT {
                    writes.put(family, first, &Bytes::copy_from_slice(second));
                } else {
                    writes.delete_range(family, first, second);
                }
                batch = rest;
            }
            _ => return None,
        }
    }
    Some(())
}

fn take_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*length) as usize, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Vec<u8> {
        let mut batch = Vec::new();
        let mut writes = Encoder(&mut batch);
        writes.put(Family::Heads, b"key", &Bytes::from_static(b"value"));
        writes.delete(Family::Elements, b"gone");
        writes.delete_range(Family::Meta, b"a", b"bc");
        writes.put(Family::Expiry, b"", &Bytes::new());
        batch
    }

    #[test]
    fn a_batch_is_these_bytes_and_no_others() {
        let golden = b"\x11\x03\0\0\0\x05\0\0\0keyvalue\
                       \x22\x04\0\0\0gone\
                       \x30\x01\0\0\0\x02\0\0\0abc\
                       \x13\0\0\0\0\0\0\0\0";
        assert_eq!(sample(), golden);
    }

    #[test]
    fn what_is_read_is_what_was_written() {
        let batch = sample();
        let mut again = Vec::new();
        assert_eq!(decode(&batch, &mut Encoder(&mut again)), Some(()));
        assert_eq!(again, batch);
    }

    #[test]
    fn anything_else_is_refused() {
        let batch = sample();
        let whole = [0, 17, 26, 38, 47];
        for cut in 0..batch.len() {
            let decoded = decode(&batch[..cut], &mut Encoder(&mut Vec::new()));
            assert_eq!(decoded.is_some(), whole.contains(&cut), "{cut}");
        }
        for wrong in [b"\x01\0\0\0\0", b"\x25\0\0\0\0", b"\x41\0\0\0\0", b"\x21\xff\xff\xff\xff"] {
            assert_eq!(decode(wrong, &mut Encoder(&mut Vec::new())), None, "{wrong:x?}");
        }
    }
}
