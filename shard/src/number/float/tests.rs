//! Tests of doubles as text.

use super::*;
use crate::oracle::{Oracle, Random};

fn text(value: f64) -> String {
    String::from_utf8(format_f64(value).as_bytes().to_vec()).unwrap()
}

#[test]
fn doubles_print_as_in_redis_7_2() {
    for (value, expected) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (3.0, "3"),
        (-17.0, "-17"),
        (0.1, "0.1"),
        (-3.25, "-3.25"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e15, "1000000000000000"),
        (4611686018427387904.0, "4611686018427387904"),
        (-4611686018427387904.0, "-4611686018427387904"),
        (4611686018427388928.0, "4611686018427389000"),
        (1e20, "1e+20"),
        (123456789012345680000.0, "123456789012345680000"),
        (1.5e300, "1.5e+300"),
        (1e-7, "1e-7"),
        (0.0001, "0.0001"),
        (0.000001, "0.000001"),
        (1.234e-5, "1.234e-5"),
        (1.5e-10, "1.5e-10"),
        (1234567.125e-3, "1234.567125"),
        (5e-324, "5e-324"),
        (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::INFINITY, "inf"),
        (f64::NEG_INFINITY, "-inf"),
        (f64::NAN, "nan"),
        (-f64::NAN, "nan"),
        (9.5367431640625e-7, "9.5367431640625e-7"),
        // Where the digits of Grisu2 are not the shortest (taken from its implementation in C).
        (0.066925722, "0.06692572200000001"),
        (0.99928844, "0.9992884399999999"),
        (0.387723076467444, "0.38772307646744397"),
    ] {
        assert_eq!(text(value), expected);
    }
}

#[test]
fn every_double_reads_back_as_itself() {
    let mut random = Random::new();
    for round in 0..300_000 {
        let value = match round % 3 {
            0 => f64::from_bits(random.next()),
            1 => random.next() as f64 / (1u64 << (round % 64)) as f64,
            _ => (random.next() % 1_000_000) as f64 / 10f64.powi(round % 12),
        };
        let printed = format_f64(value);
        if value.is_nan() {
            assert_eq!(parse_f64(printed.as_bytes()), None);
            continue;
        }
        let read = parse_f64(printed.as_bytes()).map(f64::to_bits);
        assert_eq!(read, Some(value.to_bits()), "{value:e}: {}", text(value));
    }
}

/// Texts that are worth trying as a number, each with both signs.
fn texts() -> Vec<String> {
    let unsigned = [
        "0",
        "1",
        "1.5",
        ".5",
        "5.",
        ".",
        "",
        "00",
        "007",
        "1e5",
        "1E5",
        "1e+5",
        "1e-5",
        "1e",
        "1e+",
        "e5",
        ".e5",
        "1e5.",
        "1.5e3x",
        "inf",
        "INF",
        "Infinity",
        "infinity",
        "infin",
        "nan",
        "NaN",
        "nan(1)",
        " 1",
        "1 ",
        "1\t",
        "\n1",
        "\x0b1",
        "1_0",
        "1,5",
        "0x",
        "0x1",
        "0X1",
        "0x1.8",
        "0x.8",
        "0x.",
        "0x1.",
        "0x1p",
        "0x1p4",
        "0x1P+4",
        "0x1p-4",
        "0xp1",
        "0x1p1.",
        "0x1g",
        "0xfFp0",
        "1p4",
        "0x1p1023",
        "0x1p1024",
        "0x1p-1074",
        "0x1p-1075",
        "0x1.8p-1075",
        "0x1p-1076",
        "0x1.fffffffffffff7p1023",
        "0x1.fffffffffffff8p1023",
        "0x0p99999999999999999999",
        "0x1p99999999999999999999",
        "0x1p-99999999999999999999",
        "0x123456789abcdef0123456789abcdef0123456789abcdef",
        "0x1.00000000000008",
        "0x1.000000000000080000000000000000000000000000000001",
        "0x1.00000000000018",
        "1e308",
        "1e309",
        "1.7976931348623157e308",
        "1.7976931348623158e308",
        "1.7976931348623159e308",
        "4.9e-324",
        "2.5e-324",
        "2.4e-324",
        "1e-400",
        "0e-400",
        "0e999",
        "0.0e99999999999999999999",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "9007199254740993",
        "123456789012345678901234567890",
        "3.0e0",
        "0.1",
        "100000000000000000000",
        "1\u{e9}",
        "+1",
        "-1",
        "--1",
    ];
    unsigned.iter().flat_map(|text| ["", "-", "+"].map(|sign| format!("{sign}{text}"))).collect()
}

#[test]
fn accepts_the_texts_that_redis_accepts() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    for text in texts().iter().map(String::as_bytes).chain([b"1\0".as_slice(), b"\0", b"\xff"]) {
        redis.command(&[b"DEL", b"scores"]);
        let added = redis.command(&[b"ZADD", b"scores", text, b"member"]);
        let is_accepted = added.starts_with(b":");
        let shown = String::from_utf8_lossy(text);
        let value = parse_f64(text);
        assert_eq!(value.is_some(), is_accepted, "{shown:?}");
        let Some(value) = value else { continue };
        // 17 digits tell every double apart, however they are printed.
        let score = redis.command(&[b"ZSCORE", b"scores", b"member"]);
        let score = crate::oracle::bulk(&score).and_then(parse_f64).unwrap();
        // (Not by bits: Redis keeps a negative zero as an integer.)
        assert!(value == score, "{shown:?}: {value:e}, not {score:e}");
    }
}

#[test]
fn integers_print_as_redis_stores_them() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut random = Random::new();
    for _ in 0..2000 {
        let value = (random.next() as i64 >> random.below(64)) as f64;
        let value = value.clamp(-INTEGER_MAX, INTEGER_MAX);
        let exact = format!("{value:.0}");
        assert_eq!(text(value).replace("-0", "0"), exact.replace("-0", "0"));
        redis.command(&[b"ZADD", b"scores", exact.as_bytes(), b"member"]);
        let score = redis.command(&[b"ZSCORE", b"scores", b"member"]);
        assert_eq!(crate::oracle::bulk(&score).and_then(parse_f64), Some(value));
    }
}

#[test]
fn bounds_beyond_the_range_are_infinite_or_zero() {
    for (text, value) in [
        ("1e400", f64::INFINITY),
        ("-1e400", f64::NEG_INFINITY),
        ("1e-400", 0.0),
        ("0x1p5000", f64::INFINITY),
        ("1.5", 1.5),
        ("-inf", f64::NEG_INFINITY),
    ] {
        assert_eq!(parse_f64_saturating(text.as_bytes()), Some(value), "{text}");
    }
    assert_eq!(parse_f64_saturating(b"nan"), None);
    assert_eq!(parse_f64_saturating(b""), None);
}

#[test]
fn general_texts_have_seventeen_digits() {
    for (value, text) in [
        (0.1, "0.10000000000000001"),
        (-2.5, "-2.5"),
        (3.0, "3"),
        (123456.789, "123456.789"),
        (1e16, "10000000000000000"),
        (1e17, "1e+17"),
        (0.0001, "0.0001"),
        (0.00001, "1.0000000000000001e-05"),
        (1.5e300, "1.5000000000000001e+300"),
        (f64::NEG_INFINITY, "-inf"),
        (0.0, "0"),
    ] {
        assert_eq!(general_f64(value), text);
    }
}
