//! The bytes of head records, and what is wrong with others.

use super::*;
use crate::random::Random;

#[test]
fn records_keep_their_bytes() {
    let string = Head::string(Bytes::from_static(b"hi"));
    assert_eq!(&string.encode()[..], b"\x10\x00hi");
    let expiring = string.clone().raw().with_deadline(Some(0x0102_0304));
    assert_eq!(&expiring.encode()[..], b"\x10\x03\x04\x03\x02\x01\0\0\0\0hi");
    let text = Head { flags: TEXT_STRING, ..string.clone() };
    assert_eq!(&text.encode()[..], b"\x10\x08hi");
    let numbers = Large { version: 5, count: 6, bytes: 7 };
    let large = Head::large(Kind::Hash, numbers);
    assert_eq!(
        &large.encode()[..],
        b"\x34\x04\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\0\0"
    );
    let extended = Head::extended(Kind::List, numbers, Extension::new(9, b"ends").unwrap());
    assert_eq!(
        &extended.clone().with_deadline(Some(8)).encode()[..],
        b"\x31\x05\x08\0\0\0\0\0\0\0\
          \x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0\x05\0\x09ends"
    );
    for head in [string, expiring, text, large, extended] {
        assert_eq!(Head::decode(head.encode()).unwrap(), head);
        assert_eq!(head.encode().len(), head.encoded_bytes());
    }
}

#[test]
fn a_record_elsewhere_is_told_from_a_string() {
    let string = Head::string(Bytes::from_static(b"long")).raw().with_deadline(Some(9));
    let (place, value) = in_place_of(&string.encode(), 5).unwrap();
    assert_eq!(&value[..], b"long");
    assert_eq!(&place[..3], b"\x20\x07\x09");
    let large = Large { version: 5, count: 1, bytes: 4 };
    assert_eq!(elsewhere(&place), Ok(Some(large)));
    assert_eq!([start_whole(&place).unwrap(), value.to_vec()].concat(), string.encode());
    assert_eq!(version_of(&place), Ok(Some(5)));
    assert_eq!(peek(&place), Ok((Kind::String, Some(9))));
    assert_eq!(elsewhere(&string.encode()), Ok(None));
    assert_eq!(live_string(&place, 0), None);
    let hash = Head::large(Kind::Hash, Large { version: 5, count: 6, bytes: 7 });
    assert_eq!(elsewhere(&hash.encode()), Ok(None));
    for cut in 0..place.len() {
        assert!(elsewhere(&place[..cut]).is_err(), "cut at {cut}");
    }
    assert!(Head::decode(place.clone()).is_err(), "it is no value");
    let head = Head::decode_place(place.clone()).unwrap();
    assert_eq!((head.kind, head.deadline_ms, head.flags), (Kind::String, Some(9), RAW_STRING));
    assert_eq!(head.body, Body::Large(large, Extension::NONE));
    assert_eq!(head.encode(), place);
    // As it was before the pieces were of the value alone.
    assert!(elsewhere(&[b"\x10", &place[1..]].concat()).is_err());
    assert_eq!(Head::decode_place(string.encode()).unwrap(), string);
}

#[test]
fn a_large_collection_of_format_1_is_read() {
    let old = Bytes::from_static(
        b"\x14\x05\x09\0\0\0\0\0\0\0\
          \x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x07\0\0\0\0\0\0\0",
    );
    let head = Head::large(Kind::Hash, Large { version: 5, count: 6, bytes: 7 });
    let head = head.with_deadline(Some(9));
    assert_eq!(Head::decode(old.clone()).unwrap(), head);
    assert_eq!(Head::decode_place(old.clone()).unwrap(), head);
    assert_eq!(Head::decode_front(&old).unwrap(), head);
    assert_eq!(version_of(&old), Ok(Some(5)));
    assert_eq!(peek(&old), Ok((Kind::Hash, Some(9))));
    assert_eq!(elsewhere(&old), Ok(None));
    for cut in 0..old.len() {
        assert!(Head::decode(old.slice(..cut)).is_err(), "cut at {cut}");
    }
    assert!(Head::decode([&old[..], b"\0\0"].concat().into()).is_err(), "it has no extension");
}

#[test]
fn an_extension_is_kept_by_whoever_does_not_know_it() {
    let numbers = Large { version: 5, count: 6, bytes: 7 };
    let longest = vec![b'e'; EXTENSION_BYTES_MAX - 1];
    for (version, encoded) in [(0, &b""[..]), (1, b"ends"), (255, &longest)] {
        let extension = Extension::new(version, encoded).unwrap();
        assert_eq!(extension.get(), Some((version, encoded)));
        let head = Head::extended(Kind::Stream, numbers, extension);
        let record = head.encode();
        for decoded in [
            Head::decode(record.clone()),
            Head::decode_place(record.clone()),
            Head::decode_front(&record),
        ] {
            let moved = decoded.unwrap().with_deadline(Some(1)).encode();
            assert_eq!(Head::decode(moved).unwrap().with_deadline(None), head);
        }
        assert_eq!(version_of(&record), Ok(Some(5)));
        for cut in 0..record.len() {
            assert!(Head::decode(record.slice(..cut)).is_err(), "cut at {cut}");
            assert!(Head::decode_front(&record[..cut]).is_err(), "cut at {cut}");
            assert!(version_of(&record[..cut]).is_err(), "cut at {cut}");
        }
    }
    assert_eq!(Extension::new(1, &[0; EXTENSION_BYTES_MAX]), None);
    assert!(Extension::NONE.is_none() && Extension::NONE.get().is_none());
}

/// Whatever bytes there are, decoding says what is wrong with them or gives a head that is
/// written as it was read.
#[test]
fn any_bytes_are_a_head_or_an_error() {
    let seed = 20;
    let mut random = Random::new(seed);
    let numbers = Large { version: 5, count: 6, bytes: 7 };
    let heads = [
        Head::string(Bytes::from_static(b"hi")).raw(),
        Head::large(Kind::Hash, numbers).with_deadline(Some(9)),
        Head::extended(Kind::List, numbers, Extension::new(1, b"ends").unwrap()),
    ];
    let (mut good, mut bad) = (0, 0);
    for turn in 0..200_000_u32 {
        let mut bytes = heads[turn as usize % heads.len()].encode().to_vec();
        for _ in 0..=random.below(2) {
            // Mostly where the structure is.
            let at = random.below(bytes.len().min(40) as u64) as usize;
            match random.below(4) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, random.below(256) as u8),
                2 => bytes[at] ^= 1 << random.below(8),
                _ => bytes[at] = random.below(256) as u8,
            }
            if bytes.is_empty() {
                break;
            }
        }
        let record = Bytes::from(bytes);
        let _ = (peek(&record), elsewhere(&record), version_of(&record), start_whole(&record));
        let _ = (live_string(&record, 0), Head::decode_front(&record));
        match Head::decode_place(record.clone()) {
            Ok(head) => {
                good += 1;
                let written = head.encode();
                assert_eq!(written.len(), head.encoded_bytes());
                let again = Head::decode_place(written).unwrap();
                assert_eq!(again, head, "seed {seed}, {record:?}");
            }
            Err(_) => bad += 1,
        }
    }
    assert!(good > 1000 && bad > 1000, "{good} and {bad}");
}

#[test]
fn damaged_records_are_refused() {
    let large = Head::large(Kind::Hash, Large { version: 5, count: 6, bytes: 7 })
        .with_deadline(Some(9))
        .encode();
    for cut in 0..large.len() {
        assert!(Head::decode(large.slice(..cut)).is_err(), "cut at {cut}");
    }
    for damaged in [&b"\x20\x00hi"[..], b"\x1f\x00hi", b"\x10\x80hi", b"\x10\x04hi"] {
        assert!(Head::decode(Bytes::copy_from_slice(damaged)).is_err());
    }
}
