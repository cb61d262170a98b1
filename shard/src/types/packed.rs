//! Byte strings one after the other, each behind its length: what the inline forms of collections
//! are made of.
//!
//! ```text
//! item    length (varint) | bytes …
//! varint  7 bits a byte, low ones first, the top bit set in all but the last; shortest form only
//! ```
//!
//! Reading never trusts the bytes; what is not such a sequence is `None`.

/// Bytes of the longest length.
pub const LENGTH_BYTES_MAX: usize = 10;

/// Appends one item.
pub fn push(out: &mut Vec<u8>, item: &[u8]) {
    let mut rest = item.len() as u64;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(item);
}

/// Splits the first item from what follows it.
#[inline]
pub fn split(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = bytes.split_first()?;
    if first < 0x80 {
        return rest.split_at_checked(usize::from(first));
    }
    let (length, rest) = long_length(bytes)?;
    rest.split_at_checked(usize::try_from(length).ok()?)
}

fn long_length(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut length = 0u64;
    for (index, byte) in bytes.iter().take(LENGTH_BYTES_MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        let shift = 7 * index as u32;
        if bits << shift >> shift != bits {
            return None;
        }
        length |= bits << shift;
        if byte & 0x80 == 0 {
            // A last byte of zero would only make the same number longer.
            return (bits != 0 || index == 0).then(|| (length, &bytes[index + 1..]));
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
