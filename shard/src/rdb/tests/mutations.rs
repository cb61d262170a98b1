//! Payloads broken in every way there is, with a checksum that is right again: they are refused, or
//! they are other values, and nothing takes more memory than the bytes that are there allow.

use super::super::dump::seal;
use super::super::{Input, Source, Thresholds, decode};
use super::handmade::{intset, listpack, stream, ziplist, zipmap};
use super::{
    Collector, Damage, Failure, OverBudget, Refused, Type, collect, length, read, string, write,
};
use crate::oracle::Random;

/// Something of every encoding.
fn seeds() -> Vec<(Vec<u8>, u16)> {
    let texts = ["one", "2", "three-three-three-three-three", "-4000", "five", "666666"];
    let packed = string(&listpack(&texts));
    let zipped = string(&ziplist(&texts));
    let plain: Vec<u8> = texts.iter().flat_map(|text| string(text.as_bytes())).collect();
    let scored = ["a", "-1.5", "b", "inf", "c", "7"];
    let deadlines = ["a", "1", "1700000000000", "b", "2", "0"];
    let repeated = b"\xc3\x0b\x40\x62\x02abc\xe0\x54\x02\x00!\x00?".to_vec();
    let mut seeds = vec![
        (vec![0, 2, b'h', b'i'], 6),
        (vec![0, 0xc2, 1, 2, 3, 4], 6),
        ([&[0][..], &repeated].concat(), 6),
        ([&[1][..], &length(6), &plain].concat(), 6),
        ([&[2][..], &length(6), &plain].concat(), 6),
        (b"\x03\x02\x01a\x031.5\x01b\xfe".to_vec(), 6),
        ([&[4][..], &length(3), &plain].concat(), 6),
        ([&b"\x05\x01\x01a"[..], &1.5f64.to_le_bytes()].concat(), 8),
        ([&[9][..], &string(&zipmap(&[("a", "1"), ("b", "two")], 1))].concat(), 2),
        ([&[10][..], &zipped].concat(), 6),
        ([&[11][..], &string(&intset(4, &[-5, 0, 70_000]))].concat(), 6),
        ([&[12][..], &string(&ziplist(&scored))].concat(), 6),
        ([&[13][..], &zipped].concat(), 6),
        ([&[14, 2][..], &zipped, &zipped].concat(), 7),
        ([&[16][..], &packed].concat(), 10),
        ([&[17][..], &string(&listpack(&scored))].concat(), 10),
        ([&[18, 3, 2][..], &packed, &[1], &string(b"plain"), &[2], &packed].concat(), 10),
        ([&[20][..], &packed].concat(), 11),
        (b"\x16\x02\x00\x01a\x011\x81\0\0\x01\x8b\xcf\xe5\x68\0\x01b\x012".to_vec(), 12),
        ([&[23][..], &string(&listpack(&deadlines))].concat(), 12),
        ([&b"\x18\0\x68\xe5\xcf\x8b\x01\0\0\x02\x01\x01a\x011\x00\x01b\x012"[..]].concat(), 12),
        ([&[25][..], &[0; 8], &string(&listpack(&deadlines))].concat(), 12),
        ([&b"\x16\x01\x01a\x011"[..], &1_700_000_000_000u64.to_le_bytes()].concat(), 80),
    ];
    seeds.extend((1..=5).map(|layout| (stream(layout), 14)));
    seeds
}

/// The most that unpacking can make of a byte, with something for each item.
const BYTES_PER_BYTE: u64 = 264;

/// Reads what may be broken: no panic, and no more memory than the bytes allow. What is read can be
/// written, and reads again as the same.
fn try_out(value: Vec<u8>, version: u16) -> bool {
    let bytes = value.len() as u64;
    let payload = seal(value, version);
    let mut collector = Collector::default();
    let outcome = collect(&payload, &mut collector);
    // Streams may repeat fields, within what is announced.
    let allowed = BYTES_PER_BYTE * (bytes + 1);
    assert!(collector.expected <= allowed * bytes.max(1), "{payload:x?}");
    assert!(collector.given <= 3 * collector.expected + 20 * bytes, "{payload:x?}");
    assert!(collector.items.len() as u64 <= allowed, "{payload:x?}");
    match outcome {
        Ok(kind) => {
            let written = write(kind, &collector.items, &Thresholds::default());
            // Members of an intset may come back in another order.
            let (_, again) = read(&written).unwrap();
            assert_eq!(again.len(), collector.items.len(), "{payload:x?}");
            if kind != Type::Set {
                assert_eq!(again, collector.items, "{payload:x?}");
            }
            true
        }
        Err(Refused::OverBudget) => panic!("there is no budget"),
        Err(Refused::Value(_) | Refused::Payload(_)) => false,
    }
}

#[test]
fn every_seed_is_good() {
    for (value, version) in seeds() {
        assert!(
            try_out(value.clone(), version),
            "{:?} {value:x?}",
            read(&seal(value.clone(), version))
        );
    }
}

#[test]
fn whatever_is_cut_off_is_refused() {
    for (value, version) in seeds() {
        for cut in 0..value.len() {
            assert!(!try_out(value[..cut].to_vec(), version), "{value:x?} cut at {cut}");
        }
    }
}

#[test]
fn no_changed_byte_does_harm() {
    for (value, version) in seeds() {
        for at in 0..value.len() {
            for to in 0..=u8::MAX {
                let mut changed = value.clone();
                changed[at] = to;
                try_out(changed, version);
            }
        }
    }
}

#[test]
fn no_body_of_another_type_does_harm() {
    for (value, _) in seeds() {
        for tag in 0..=u8::MAX {
            for version in [10, 80] {
                let mut changed = value.clone();
                changed[0] = tag;
                try_out(changed, version);
            }
        }
    }
}

#[test]
fn no_random_change_does_harm() {
    let mut random = Random::new();
    let seeds = seeds();
    let (mut good, mut bad) = (0, 0);
    for _ in 0..100_000 {
        let (mut value, version) = seeds[random.below(seeds.len())].clone();
        for _ in 0..1 + random.below(4) {
            let at = random.below(value.len());
            let interesting = [0, 1, 0x3f, 0x40, 0x7f, 0x80, 0x81, 0xc3, 0xf0, 0xf4, 0xfe, 0xff];
            match random.below(6) {
                0 => value[at] ^= 1 << random.below(8),
                1 => value[at] = random.next() as u8,
                2 => value[at] = interesting[random.below(interesting.len())],
                3 if value.len() > 1 => drop(value.remove(at)),
                4 => value.insert(at, random.next() as u8),
                _ => {
                    let (other, _) = &seeds[random.below(seeds.len())];
                    let from = random.below(other.len());
                    value.truncate(at.max(1));
                    value.extend_from_slice(&other[from..]);
                }
            }
        }
        if try_out(value, version) { good += 1 } else { bad += 1 }
    }
    assert!(good > 1000 && bad > 1000, "{good} {bad}");
}

/// Bytes that come from a buffer of their own, and whose number is not known.
struct Trickle<'a> {
    rest: &'a [u8],
    buffer: Vec<u8>,
}

impl Source for Trickle<'_> {
    fn left(&self) -> u64 {
        u64::MAX
    }

    fn take(&mut self, len: usize) -> Result<&[u8], Damage> {
        let (taken, rest) = self.rest.split_at_checked(len).ok_or(Damage("the end"))?;
        self.rest = rest;
        self.buffer.clear();
        self.buffer.extend_from_slice(taken);
        Ok(&self.buffer)
    }
}

/// As files will be read: what comes is the same, and less of it is refused as well.
#[test]
fn a_source_need_not_know_how_much_it_has() {
    for (value, version) in seeds() {
        let format =
            if version == 80 { super::super::Format::Valkey } else { super::super::Format::Redis };
        let run = |bytes: &[u8]| {
            let source = Trickle { rest: bytes, buffer: Vec::new() };
            let mut input = Input::new(source, 1 << 20);
            let mut collector = Collector { expected_max: Some(1 << 20), ..Collector::default() };
            decode((value[0], format), &mut input, &mut collector).map(|()| collector.items)
        };
        assert_eq!(run(&value[1..]).unwrap(), read(&seal(value.clone(), version)).unwrap().1);
        for cut in 1..value.len() {
            let refused = run(&value[1..cut]).unwrap_err();
            assert!(matches!(refused, Failure::Damage(_) | Failure::Sink(OverBudget)));
        }
    }
}
