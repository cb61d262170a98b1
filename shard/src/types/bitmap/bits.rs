//! Arithmetic on the bits of byte strings, without keys and commands.

/// Bits that one field may have.
pub(super) const FIELD_BITS_MAX: u32 = 64;

/// Bytes that a field of 64 bits may touch.
const FIELD_BYTES_MAX: usize = 9;

/// The field of `bits` bits at bit `offset`. What lies beyond the bytes reads as 0.
pub(super) fn read_field(bytes: &[u8], offset: u64, bits: u32) -> u64 {
    let (first, shift) = split(offset, bits);
    let window = read_window(bytes, first);
    ((window >> shift) & mask(bits)) as u64
}

/// Overwrites the field of `bits` bits at bit `offset` with the low bits of `value`. What lies
/// beyond the bytes is lost.
pub(super) fn write_field(bytes: &mut [u8], offset: u64, bits: u32, value: u64) {
    let (first, shift) = split(offset, bits);
    let field = mask(bits) << shift;
    let window = (read_window(bytes, first) & !field) | ((u128::from(value) << shift) & field);
    let target = bytes.get_mut(first..).unwrap_or_default();
    let significant = window.to_be_bytes();
    for (to, from) in target.iter_mut().zip(significant.iter().skip(16 - FIELD_BYTES_MAX)) {
        *to = *from;
    }
}

/// The first byte of a field, and how far its last bit stands above the end of the window.
fn split(offset: u64, bits: u32) -> (usize, u32) {
    let first = usize::try_from(offset / 8).unwrap_or(usize::MAX);
    let used = (offset % 8) as u32 + bits.min(FIELD_BITS_MAX);
    (first, FIELD_BYTES_MAX as u32 * 8 - used)
}

/// The nine bytes from `first` on as a number.
fn read_window(bytes: &[u8], first: usize) -> u128 {
    let mut window = [0; 16];
    let part = bytes.get(first..).unwrap_or_default();
    for (to, from) in window.iter_mut().skip(16 - FIELD_BYTES_MAX).zip(part) {
        *to = *from;
    }
    u128::from_be_bytes(window)
}

fn mask(bits: u32) -> u128 {
    (1u128 << bits.min(FIELD_BITS_MAX)) - 1
}

/// Number of bits set in the bits `first..=last`.
pub(super) fn count(bytes: &[u8], first: u64, last: u64) -> u64 {
    let Some(range) = ByteRange::of(bytes, first, last) else { return 0 };
    let (words, rest) = range.whole.as_chunks::<8>();
    let in_words: u64 =
        words.iter().map(|word| u64::from(u64::from_ne_bytes(*word).count_ones())).sum();
    let in_rest: u32 = rest.iter().map(|byte| byte.count_ones()).sum();
    in_words + u64::from(in_rest + range.head.count_ones() + range.tail.count_ones())
}

/// The first bit that is `bit` among the bits `first..=last`.
pub(super) fn position(bytes: &[u8], bit: bool, first: u64, last: u64) -> Option<u64> {
    let last = last.min((bytes.len() as u64 * 8).checked_sub(1)?);
    let skipped = if bit { 0 } else { u8::MAX };
    let start = usize::try_from(first / 8).ok()?;
    let end = usize::try_from(last / 8).ok()?;
    let mut index = start;
    let mut rest = bytes.get(start..=end)?;
    // Bytes and words that do not have the bit at all are passed over.
    while let Some((&byte, after)) = rest.split_first() {
        let mut candidates = byte ^ skipped;
        if index == start {
            candidates &= u8::MAX >> (first % 8);
        }
        if candidates != 0 {
            let found = index as u64 * 8 + u64::from(candidates.leading_zeros());
            return (found <= last).then_some(found);
        }
        let passed = after.as_chunks::<8>().0.iter().take_while(|word| **word == [skipped; 8]);
        let passed = passed.count() * 8;
        rest = after.get(passed..)?;
        index += 1 + passed;
    }
    None
}

/// The bytes of a range of bits: those that are partly in it with the other bits cleared, and
/// those that are wholly in it.
struct ByteRange<'a> {
    head: u8,
    whole: &'a [u8],
    tail: u8,
}

impl<'a> ByteRange<'a> {
    fn of(bytes: &'a [u8], first: u64, last: u64) -> Option<Self> {
        if first > last {
            return None;
        }
        let start = usize::try_from(first / 8).ok()?;
        let end = usize::try_from(last / 8).ok()?;
        let head_mask = u8::MAX >> (first % 8);
        let tail_mask = u8::MAX << (7 - last % 8);
        let head = bytes.get(start)? & head_mask;
        if start == end {
            return Some(Self { head: head & tail_mask, whole: &[], tail: 0 });
        }
        Some(Self { head, whole: bytes.get(start + 1..end)?, tail: bytes.get(end)? & tail_mask })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::Random;

    /// Bit by bit.
    fn slow_bit(bytes: &[u8], index: u64) -> bool {
        bytes.get((index / 8) as usize).is_some_and(|byte| (byte >> (7 - index % 8)) & 1 == 1)
    }

    #[test]
    fn fields_are_read_and_written_at_every_offset() {
        let mut random = Random::new();
        for _ in 0..5_000 {
            let bytes: Vec<u8> = (0..random.below(20)).map(|_| random.next() as u8).collect();
            let (offset, bits) = (random.below(170) as u64, 1 + random.below(64) as u32);
            let slow = (0..u64::from(bits)).fold(0u64, |value, index| {
                (value << 1) | u64::from(slow_bit(&bytes, offset + index))
            });
            assert_eq!(read_field(&bytes, offset, bits), slow, "{bytes:?} {offset} {bits}");

            let value = random.next();
            let mut written = bytes.clone();
            write_field(&mut written, offset, bits, value);
            for index in 0..bytes.len() as u64 * 8 {
                let expected = match index.checked_sub(offset) {
                    Some(inside) if inside < u64::from(bits) => {
                        (value >> (u64::from(bits) - 1 - inside)) & 1 == 1
                    }
                    _ => slow_bit(&bytes, index),
                };
                assert_eq!(slow_bit(&written, index), expected, "{bytes:?} {offset} {bits}");
            }
        }
    }

    #[test]
    fn counts_and_positions_agree_with_a_bit_by_bit_search() {
        let mut random = Random::new();
        for round in 0..5_000 {
            let dense = [0x00, 0xff][round % 2];
            let bytes: Vec<u8> = (0..random.below(50))
                .map(|_| if random.below(20) == 0 { random.next() as u8 } else { dense })
                .collect();
            let total = bytes.len() as u64 * 8;
            let first = random.below(total as usize + 3) as u64;
            let last = (first + random.below(total as usize + 3) as u64).min(total.max(1) - 1);
            let range = || (first..=last).filter(|index| *index < total);
            let set = range().filter(|index| slow_bit(&bytes, *index)).count();
            assert_eq!(count(&bytes, first, last), set as u64, "{bytes:?} {first} {last}");
            for bit in [false, true] {
                let expected = range().find(|index| slow_bit(&bytes, *index) == bit);
                assert_eq!(
                    position(&bytes, bit, first, last),
                    expected,
                    "{bytes:?} {bit} {first} {last}"
                );
            }
        }
    }
}
