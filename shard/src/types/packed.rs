//! Byte strings one after the other, each behind its length: what the inline forms of collections
//! are made of.
//!
//! ```text
//! item    length (varint) | bytes …
//! varint  7 bits a byte, low ones first, the top bit set in all but the last; shortest form only
//! ```
//!
//! Reading never trusts the bytes; what is not such a sequence is `None`.

use bytes::Bytes;

/// Bytes of the longest length.
pub const LENGTH_BYTES_MAX: usize = 10;

/// The bytes of a small collection: those of the record until something changes.
#[derive(Clone, Debug)]
pub enum Buffer {
    /// Those of the record.
    Shared(Bytes),
    /// A changed copy.
    Own(Vec<u8>),
}

impl Buffer {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Buffer::Shared(bytes) => bytes,
            Buffer::Own(bytes) => bytes,
        }
    }

    /// The bytes, to change them.
    pub fn bytes_mut(&mut self) -> &mut Vec<u8> {
        if let Buffer::Shared(bytes) = self {
            *self = Buffer::Own(bytes.to_vec());
        }
        match self {
            Buffer::Own(bytes) => bytes,
            Buffer::Shared(_) => unreachable!("made our own just before"),
        }
    }

    /// A part of the bytes, without a copy if they are the record's.
    pub fn part(&self, part: &[u8]) -> Bytes {
        match self {
            Buffer::Shared(bytes) => bytes.slice_ref(part),
            Buffer::Own(_) => Bytes::copy_from_slice(part),
        }
    }

    /// The bytes, for a record.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Buffer::Shared(bytes) => bytes,
            Buffer::Own(bytes) => Bytes::from(bytes),
        }
    }
}

/// Appends one item.
pub fn push(out: &mut Vec<u8>, item: &[u8]) {
    push_number(out, item.len() as u64);
    out.extend_from_slice(item);
}

/// Bytes that an item takes, length included.
pub fn item_bytes(item: &[u8]) -> usize {
    number_bytes(item.len() as u64) + item.len()
}

/// Appends a number as a varint.
pub fn push_number(out: &mut impl Extend<u8>, number: u64) {
    let mut rest = number;
    while rest >= 0x80 {
        out.extend([rest as u8 | 0x80]);
        rest >>= 7;
    }
    out.extend([rest as u8]);
}

/// Bytes that a number takes as a varint.
pub fn number_bytes(number: u64) -> usize {
    let bits = u64::BITS - (number | 1).leading_zeros();
    bits.div_ceil(7) as usize
}

/// Splits a varint from what follows it.
#[inline]
pub fn split_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 { Some((u64::from(first), rest)) } else { long_number(bytes) }
}

/// Splits the first item from what follows it.
#[inline]
pub fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    let (length, rest) = long_number(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn long_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0u64;
    for (index, byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        if bits << shift >> shift != bits {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            // A last byte of zero would only make the same number longer.
            return (bits != 0 || index == 0).then(|| (number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_keep_their_bytes() {
        let mut out = Vec::new();
        push(&mut out, b"");
        push(&mut out, b"abc");
        assert_eq!(out, b"\x00\x03abc");
        for (length, golden) in
            [(127, &b"\x7f"[..]), (128, b"\x80\x01"), (300, b"\xac\x02"), (16384, b"\x80\x80\x01")]
        {
            let item = vec![7; length];
            let mut out = Vec::new();
            push(&mut out, &item);
            assert_eq!(out.strip_suffix(item.as_slice()), Some(golden));
            out.push(9);
            assert_eq!(split(&out), Some((item.as_slice(), &b"\x09"[..])));
        }
    }

    #[test]
    fn numbers_keep_their_bytes() {
        for (number, golden) in [
            (0, &b"\x00"[..]),
            (127, b"\x7f"),
            (128, b"\x80\x01"),
            (1 << 21, b"\x80\x80\x80\x01"),
            (u64::MAX, b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"),
        ] {
            let mut out = Vec::new();
            push_number(&mut out, number);
            assert_eq!(out, golden);
            assert_eq!(number_bytes(number), golden.len());
            out.push(9);
            assert_eq!(split_number(&out), Some((number, &b"\x09"[..])));
            for cut in 0..golden.len() {
                assert_eq!(split_number(&golden[..cut]), None);
            }
        }
        assert_eq!(item_bytes(&[0; 127]), 128);
        assert_eq!(item_bytes(&[0; 128]), 130);
    }

    #[test]
    fn what_is_not_an_item_is_refused() {
        let mut whole = Vec::new();
        push(&mut whole, &[1; 200]);
        for cut in 0..whole.len() {
            assert_eq!(split(&whole[..cut]), None, "cut at {cut}");
        }
        for bytes in [
            &b"\x80\x00"[..],
            b"\x81\x80\x00x",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02",
            b"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01",
        ] {
            assert_eq!(split(bytes), None, "{bytes:x?}");
        }
    }
}
