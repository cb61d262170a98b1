//! Tests of extended precision, most of them against what redis-server calculates.

use super::*;
use crate::oracle::{Connection, Oracle, Random, bulk};

fn sum(left: &str, right: &str) -> Option<String> {
    let sum = Extended::parse(left.as_bytes())? + Extended::parse(right.as_bytes())?;
    Some(sum.to_human())
}

#[test]
fn small_decimals_add_up_as_people_expect() {
    for (left, right, expected) in [
        ("0", "0", "0"),
        ("3", "1.1", "4.1"),
        ("0.1", "0.2", "0.3"),
        ("1", "-1", "0"),
        ("-0", "-0", "0"),
        ("10.5", "-5e-1", "10"),
        ("3.0e3", "200", "3200"),
        ("5.0e3", "2.0e2", "5200"),
        ("1e-17", "0", "0.00000000000000001"),
        ("1e-20", "0", "0"),
        ("-1e-20", "0", "0"),
        ("inf", "1", "inf"),
        ("1", "-infinity", "-inf"),
        ("inf", "-inf", "nan"),
        ("0x1p63", "0x1p63", "18446744073709551616"),
        ("1e19", "0.5", "10000000000000000000"),
        ("9223372036854775807", "1", "9223372036854775808"),
    ] {
        assert_eq!(sum(left, right).as_deref(), Some(expected), "{left} + {right}");
    }
}

#[test]
fn the_range_ends_where_a_long_double_ends() {
    let largest = sum("1.18973149535723176502e4932", "0").unwrap();
    assert_eq!(largest.len(), 4933);
    assert!(largest.starts_with("118973149535723176502126385303"));
    assert_eq!(
        sum("1.18973149535723176502e4932", "1.18973149535723176502e4932"),
        Some("inf".into())
    );
    for text in ["1.18973149535723176506e4932", "1e4933", "1e-4952", "1.8e-4951", "nan", "1e"] {
        assert_eq!(Extended::parse(text.as_bytes()), None, "{text}");
    }
    assert!(Extended::parse(b"1.9e-4951").is_some());
    assert!(Extended::parse(&[b'1'; 5119]).is_none(), "beyond the range");
    let mut longest = vec![b'0'; 5119];
    assert!(Extended::parse(&longest).is_some());
    longest.push(b'0');
    assert!(Extended::parse(&longest).is_none(), "longer than Redis reads");
}

#[test]
fn both_ways_of_reading_decimals_agree() {
    let mut random = Random::new();
    for _ in 0..20_000 {
        let digits = random.next().max(1).to_string();
        let digits = &digits.as_bytes()[..=random.below(digits.len().min(19))];
        let exponent = random.below(38) as i64 - 18;
        let small = small_decimal(digits, exponent).unwrap();
        let large = large_decimal(digits, exponent);
        let (small, large) = (EXTENDED.round(small), EXTENDED.round(large));
        assert_eq!(small, large, "{}e{exponent}", String::from_utf8_lossy(digits));
    }
}

#[test]
fn printed_numbers_read_back_as_printed() {
    let mut random = Random::new();
    for _ in 0..20_000 {
        let printed = Extended::parse(random_number(&mut random).as_bytes()).unwrap().to_human();
        let read = Extended::parse(printed.as_bytes()).unwrap();
        assert_eq!(read.to_human(), printed);
    }
}

#[test]
fn doubles_are_exact() {
    for value in [0.0, 1.0, -2.5, 0.1, 1e300, f64::MAX, 5e-324, f64::MIN_POSITIVE] {
        let text = format!("{value:e}");
        let sum = Extended::from_f64(value);
        assert!(!sum.is_nan() && !sum.is_infinite());
        if value.abs() >= 1.0 && value == value.trunc() {
            assert_eq!(sum.to_human(), format!("{value:.0}"), "{text}");
        }
    }
    assert_eq!(Extended::from_f64(0.1).to_human(), "0.10000000000000001");
    // A tie between two decimals goes to the even one, as in C.
    assert_eq!(Extended::from_f64(2f64.powi(-18)).to_human(), "0.00000381469726562");
    assert_eq!(Extended::from_f64(3.0 * 2f64.powi(-18)).to_human(), "0.00001144409179688");
    assert!(Extended::from_f64(f64::NAN).is_nan());
    assert!(Extended::from_f64(f64::NEG_INFINITY).is_infinite());
}

/// A number of a random kind: integers, decimals, scientific, huge, tiny, hexadecimal.
fn random_number(random: &mut Random) -> String {
    let sign = random.pick(&["", "-", "+"]);
    let bits = random.next() >> random.below(64);
    match random.below(8) {
        0 => format!("{sign}{bits}"),
        1 => format!("{sign}{}.{:0width$}", bits % 1000, bits >> 20, width = 1 + random.below(20)),
        2 => format!("{sign}{}e{}", bits % 100_000, random.below(60) as i64 - 30),
        3 => format!("{sign}{bits}.{}e{}", random.next(), random.below(9800) as i64 - 4900),
        4 => format!("{sign}0x{bits:x}.{:x}p{}", random.next(), random.below(200) as i64 - 100),
        5 => format!("{sign}0x1{:016x}p{}", bits, random.below(32000) as i64 - 16000),
        6 => format!("{sign}0.{:0>zeros$}", bits, zeros = 1 + random.below(30)),
        _ => {
            let digits: String =
                (0..1 + random.below(200)).map(|_| random.next().to_string()).collect();
            format!("{sign}{digits}e-{}", random.below(digits.len() + 20))
        }
    }
}

/// What INCRBYFLOAT makes of `left` and `right`: the sum, or nothing if it refuses.
fn redis_sums(redis: &mut Connection, pairs: &[(String, String)]) -> Vec<Option<String>> {
    let commands: Vec<Vec<&[u8]>> = pairs
        .iter()
        .flat_map(|(left, right)| {
            let set: Vec<&[u8]> = vec![b"SET", b"number", left.as_bytes()];
            [set, vec![b"INCRBYFLOAT", b"number", right.as_bytes()]]
        })
        .collect();
    let replies = redis.pipeline(&commands);
    replies
        .iter()
        .skip(1)
        .step_by(2)
        .map(|reply| bulk(reply).map(|text| String::from_utf8(text.to_vec()).unwrap()))
        .collect()
}

fn check_against_redis(redis: &mut Connection, pairs: &[(String, String)]) {
    for ((left, right), expected) in pairs.iter().zip(redis_sums(redis, pairs)) {
        let found =
            sum(left, right).filter(|text| !["inf", "-inf", "nan"].contains(&text.as_str()));
        assert_eq!(found, expected, "{left} + {right}");
    }
}

#[test]
fn random_sums_are_those_of_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut random = Random::new();
    for _ in 0..100 {
        let pairs: Vec<_> = (0..200)
            .map(|_| {
                let left = random_number(&mut random);
                // Now and then nearly the opposite, so that the sum is all rounding.
                let right = match random.below(4) {
                    0 => left.strip_prefix('-').map_or(format!("-{left}"), str::to_owned),
                    _ => random_number(&mut random),
                };
                (left, right.replace("-+", "-"))
            })
            .collect();
        check_against_redis(&mut redis, &pairs);
    }
}

#[test]
fn odd_texts_are_read_as_by_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let texts = [
        "",
        " 1",
        "1 ",
        "+1",
        "--1",
        "1e",
        "1e+",
        "e1",
        ".",
        ".5",
        "5.",
        "0x",
        "0x1",
        "0x.8",
        "0x.",
        "0x1p",
        "0xp1",
        "0x1P-3",
        "inf",
        "-inf",
        "Infinity",
        "nan",
        "nan(5)",
        "1\0",
        "\0",
        "1_0",
        "1e4932",
        "1.18973149535723176502e4932",
        "1.18973149535723176506e4932",
        "1.18973149535723176509e4932",
        "1e4933",
        "-1e4933",
        "3.6e-4951",
        "1.9e-4951",
        "1.8e-4951",
        "1e-4952",
        "0e-9999",
        "0e9999999999999",
        "1e-99999999999999999999",
        "1e99999999999999999999",
        "0x1p16383",
        "0x1p16384",
        "0x1p-16445",
        "0x1p-16446",
        "0x1.8p-16446",
        "0x0.ffffffffffffffff8p16384",
        "0x1.fffffffffffffffep16383",
        "0x1.ffffffffffffffffp16383",
        "18446744073709551615",
        "18446744073709551616.5",
        "18446744073709551617",
        "36893488147419103234",
        "0.000000000000000005",
        "0.000000000000000015",
        "99999999999999999.5",
        "0.99999999999999999",
        "0.999999999999999995",
        "0.9999999999999999999",
    ];
    let zeros = "0".repeat(5118);
    let long = [zeros.clone() + "1", zeros.clone() + "12", "0.".to_owned() + &zeros[..5000] + "1"];
    let texts = texts.map(str::to_owned).into_iter().chain(long);
    let pairs: Vec<_> =
        texts.flat_map(|text| [("0".to_owned(), text.clone()), (text, "0".to_owned())]).collect();
    check_against_redis(&mut redis, &pairs);
}
