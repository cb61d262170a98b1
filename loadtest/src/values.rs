//! The bytes of values: how many, and what they look like to a compressor.
//!
//! Every value is made fresh. Cutting values out of one shared pool would be cheaper by some
//! nanoseconds, but would let a compressing store find the same bytes in several values and
//! look better than it is.

use clap::ValueEnum;

use crate::rng::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ValueKind {
    /// Random bytes, which do not compress
    Random,
    /// Records as a program would store them as JSON: repeated names, varied contents
    Json,
    /// One letter repeated, which compresses to nearly nothing
    Constant,
}

/// The least and the greatest size of a value; the same number twice for a fixed size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SizeRange {
    pub(crate) min: usize,
    pub(crate) max: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct ValueSource {
    pub(crate) sizes: SizeRange,
    pub(crate) kind: ValueKind,
}

impl ValueSource {
    pub(crate) fn size(&self, rng: &mut Rng) -> usize {
        let SizeRange { min, max } = self.sizes;
        if min == max { min } else { min + rng.below((max - min + 1) as u64) as usize }
    }

    /// Appends exactly `size` bytes.
    pub(crate) fn append(&self, size: usize, rng: &mut Rng, out: &mut Vec<u8>) {
        let start = out.len();
        match self.kind {
            ValueKind::Random => {
                out.resize(start + size, 0);
                rng.fill(&mut out[start..]);
            }
            ValueKind::Constant => out.resize(start + size, b'x'),
            ValueKind::Json => {
                while out.len() < start + size {
                    append_record(rng, out);
                }
                out.truncate(start + size);
            }
        }
    }
}

const FIRST_NAMES: [&str; 16] = [
    "Ada", "Bruno", "Chen", "Dalia", "Emil", "Fatima", "Goran", "Hana", "Ivan", "Jana", "Kofi",
    "Lena", "Mio", "Nadia", "Omar", "Pia",
];
const CITIES: [&str; 8] =
    ["Lisbon", "Osaka", "Nairobi", "Quito", "Tromso", "Cardiff", "Hanoi", "Austin"];
const STATES: [&str; 4] = ["active", "invited", "suspended", "closed"];

/// One record of about 150 bytes, a third of them hard to guess.
fn append_record(rng: &mut Rng, out: &mut Vec<u8>) {
    let bits = rng.next_u64();
    let number = rng.next_u64();
    let pick = |list: &[&'static str], shift: u32| list[(bits >> shift) as usize % list.len()];
    let texts: [&[u8]; 7] = [
        b"{\"id\":",
        b",\"name\":\"",
        b"\",\"city\":\"",
        b"\",\"state\":\"",
        b"\",\"token\":\"",
        b"\",\"balance\":",
        b",\"updated_at\":\"2024-0",
    ];
    out.extend_from_slice(texts[0]);
    append_decimal(number >> 44, out);
    out.extend_from_slice(texts[1]);
    out.extend_from_slice(pick(&FIRST_NAMES, 0).as_bytes());
    out.extend_from_slice(texts[2]);
    out.extend_from_slice(pick(&CITIES, 8).as_bytes());
    out.extend_from_slice(texts[3]);
    out.extend_from_slice(pick(&STATES, 16).as_bytes());
    out.extend_from_slice(texts[4]);
    for nibble in 0..16 {
        out.push(b"0123456789abcdef"[(number >> (nibble * 4)) as usize & 15]);
    }
    out.extend_from_slice(texts[5]);
    append_decimal((bits >> 24) & 0xF_FFFF, out);
    out.extend_from_slice(texts[6]);
    append_decimal(1 + ((bits >> 44) & 7), out);
    out.push(b'-');
    append_decimal(10 + ((bits >> 47) & 15), out);
    out.extend_from_slice(b"T08:15:00Z\"}\n");
}

fn append_decimal(mut number: u64, out: &mut Vec<u8>) {
    let mut digits = [0u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_exact_for_every_kind() {
        let mut rng = Rng::for_stream(5, 0);
        for kind in [ValueKind::Random, ValueKind::Json, ValueKind::Constant] {
            let source = ValueSource { sizes: SizeRange { min: 0, max: 700 }, kind };
            for size in [0, 1, 7, 8, 100, 700] {
                let mut out = b"before".to_vec();
                source.append(size, &mut rng, &mut out);
                assert_eq!(out.len(), 6 + size, "{kind:?}");
                assert!(out.starts_with(b"before"));
            }
        }
    }

    #[test]
    fn sizes_reach_both_ends_of_the_range() {
        let mut rng = Rng::for_stream(5, 0);
        let source = ValueSource { sizes: SizeRange { min: 3, max: 5 }, kind: ValueKind::Constant };
        let sizes: Vec<usize> = (0..200).map(|_| source.size(&mut rng)).collect();
        assert_eq!(sizes.iter().min(), Some(&3));
        assert_eq!(sizes.iter().max(), Some(&5));
    }

    #[test]
    fn random_values_differ_from_each_other() {
        let mut rng = Rng::for_stream(5, 0);
        let source = ValueSource { sizes: SizeRange { min: 16, max: 16 }, kind: ValueKind::Random };
        let (mut one, mut two) = (Vec::new(), Vec::new());
        source.append(16, &mut rng, &mut one);
        source.append(16, &mut rng, &mut two);
        assert_ne!(one, two);
    }
}
