//! What the placeholders of the grammar stand for. The universes are small, so that commands meet
//! on the same keys and fields, and full of the values where servers differ: empty, binary,
//! the ends of the integers, numbers that almost are numbers.
//!
//! A lifetime is either so long that it cannot end within a test, or over at once, or a few
//! milliseconds (`TINY_MS_MAX`), after which whoever runs the call has to wait.

use super::rng::Rng;

/// The longest lifetime, in milliseconds, that a program waits for.
pub const TINY_MS_MAX: i64 = 5;

pub struct Universe {
    any_keys: Vec<Vec<u8>>,
    string_keys: Vec<Vec<u8>>,
    hash_keys: Vec<Vec<u8>>,
    set_keys: Vec<Vec<u8>>,
    hll_keys: Vec<Vec<u8>>,
    list_keys: Vec<Vec<u8>>,
    zset_keys: Vec<Vec<u8>>,
    /// Of sorted sets whose scores are all 0.
    lex_keys: Vec<Vec<u8>>,
    geo_keys: Vec<Vec<u8>>,
    stream_keys: Vec<Vec<u8>>,
    /// The share of values of a megabyte, in a thousand.
    huge_per_mille: usize,
}

const STRING_KEYS: &[&str] = &["s1", "s2", "s3", "{t}s4", "{t}s5"];
const HASH_KEYS: &[&str] = &["h1", "h2", "h3", "{t}h4"];
const SET_KEYS: &[&str] = &["m1", "m2", "m3", "{t}m4", "{t}m5"];
const HLL_KEYS: &[&str] = &["p1", "p2", "{t}p3"];
const LIST_KEYS: &[&str] = &["l1", "l2", "l3", "{t}l4", "{t}l5"];
const ZSET_KEYS: &[&str] = &["z1", "z2", "z3", "{t}z4"];
const LEX_KEYS: &[&str] = &["x1", "{t}x2"];
const GEO_KEYS: &[&str] = &["g1", "g2", "{t}g3"];
const STREAM_KEYS: &[&str] = &["q1", "q2", "{t}q3"];
const OTHER_KEYS: &[&[u8]] = &[b"", b"k\x00\xff\r\n", b"any*[key]"];
const FIELDS: &[&[u8]] = &[b"f1", b"f2", b"f3", b"f4", b"f5", b"f6", b"", b"f\x00\xff", b"17"];
const ELEMENTS: &[&[u8]] = &[b"e1", b"e2", b"e3", b"", b"\xff", b"\xff\x01\x02\x03", b"17", b"-3"];

const MEMBERS: &[&[u8]] =
    &[b"f1", b"f2", b"f3", b"f4", b"", b"f\x00\xff", b"17", b"-3", b"70000", b"007"];
const SCORES: &[&str] = &["0", "1", "-1", "2.5", "3", "-2.25", "1e3", "7", "-inf", "+inf"];
const BOUNDS: &[&str] = &["0", "1", "(1", "-inf", "+inf", "(2.5", "3", "-2", "(-2.25", "1e400"];
const LEX_BOUNDS: &[&str] = &["-", "+", "[f1", "(f1", "[f3", "(m5", "[m2", "(", "[", "[zz"];
const LONGITUDES: &[&str] = &["0", "13.361389", "-179.9", "180", "15.08", "-73.98", "1e-3"];
const LATITUDES: &[&str] = &["0", "38.115556", "-85.05", "85.05", "37.5", "40.74", "-33.9"];

const INTEGERS: &[&str] = &[
    "-9223372036854775808",
    "-9223372036854775807",
    "-1",
    "0",
    "1",
    "9223372036854775806",
    "9223372036854775807",
    "4294967296",
    "9007199254740993",
];
/// Neither Redis nor anyone who copies it takes these for integers.
const BAD_INTEGERS: &[&str] =
    &["abc", "", "1.5", " 1", "1 ", "+1", "-0", "007", "0x10", "9223372036854775808", "1e3"];
const FLOATS: &[&str] =
    &["0.1", "0.2", "1.5", "-2.25", "3.0e3", "5.0", "0", "-0.0", "10.5", "1e17", "1e-5", "123456"];
const BAD_FLOATS: &[&str] = &["abc", "", "nan", "inf", "-inf", " 1.5", "1.5 ", "1,5"];
const IDS: &[&str] = &["-", "+", "0", "7", "(7", "$", "(0-1", "18446744073709551615", "007-01"];
const BAD_IDS: &[&str] = &["0-0", "-1", "abc", "", "5-x", "18446744073709551616", ">", "(-"];
const PATTERNS: &[&str] =
    &["*", "s*", "h?", "[sh]1", "[^s]*", "*t}*", "\\*", "f[1-3]", "", "any\\*\\[*", "nothing"];
const BIT_FIELDS: &[&str] =
    &["u1", "u8", "u16", "u32", "u63", "i1", "i5", "i8", "i64", "u64", "i65", "u0", "x8", "i"];

impl Universe {
    pub fn for_programs() -> Self {
        let owned = |keys: &[&str]| keys.iter().map(|key| key.as_bytes().to_vec()).collect();
        let string_keys: Vec<Vec<u8>> = owned(STRING_KEYS);
        let hash_keys: Vec<Vec<u8>> = owned(HASH_KEYS);
        let (set_keys, hll_keys) = (owned(SET_KEYS), owned(HLL_KEYS));
        let list_keys: Vec<Vec<u8>> = owned(LIST_KEYS);
        let (zset_keys, geo_keys): (Vec<Vec<u8>>, _) = (owned(ZSET_KEYS), owned(GEO_KEYS));
        let stream_keys: Vec<Vec<u8>> = owned(STREAM_KEYS);
        let of_types =
            [&string_keys, &hash_keys, &list_keys, &set_keys, &hll_keys, &zset_keys, &stream_keys];
        let mut any_keys: Vec<Vec<u8>> = of_types.into_iter().flatten().cloned().collect();
        any_keys.extend_from_slice(&geo_keys);
        any_keys.extend(OTHER_KEYS.iter().map(|key| key.to_vec()));
        Self {
            any_keys,
            string_keys,
            hash_keys,
            list_keys,
            set_keys,
            hll_keys,
            zset_keys,
            lex_keys: owned(LEX_KEYS),
            geo_keys,
            stream_keys,
            huge_per_mille: 2,
        }
    }

    /// Every key is one of these, whatever type the command is for.
    pub fn of_keys(keys: &[&str]) -> Self {
        let keys: Vec<Vec<u8>> = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
        Self {
            any_keys: keys.clone(),
            string_keys: keys.clone(),
            hash_keys: keys.clone(),
            list_keys: keys.clone(),
            set_keys: keys.clone(),
            hll_keys: keys.clone(),
            zset_keys: keys.clone(),
            lex_keys: keys.clone(),
            geo_keys: keys.clone(),
            stream_keys: keys,
            huge_per_mille: 0,
        }
    }

    /// A value for a placeholder of the grammar.
    pub fn draw(&self, placeholder: &str, rng: &mut Rng) -> Vec<u8> {
        match placeholder {
            "key" => rng.pick(&self.any_keys).clone(),
            "str" => self.key_mostly_of(&self.string_keys, rng),
            "hash" => self.key_mostly_of(&self.hash_keys, rng),
            "set" => self.key_mostly_of(&self.set_keys, rng),
            "hll" => self.key_mostly_of(&self.hll_keys, rng),
            "list" => self.key_mostly_of(&self.list_keys, rng),
            "element" if rng.percent(80) => rng.pick(ELEMENTS).to_vec(),
            "element" => self.value(rng),
            "zset" => self.key_mostly_of(&self.zset_keys, rng),
            "lex" => rng.pick(&self.lex_keys).clone(),
            "geo" => self.key_mostly_of(&self.geo_keys, rng),
            "score" => mostly(rng, SCORES, BAD_FLOATS),
            "bound" => mostly(rng, BOUNDS, &["abc", "", "nan", "(", "1 "]),
            "lexbound" => mostly(rng, LEX_BOUNDS, &["a", "", "+x", "-1"]),
            "weight" => mostly(rng, &["1", "2", "0.5", "-1"], BAD_FLOATS),
            "numkeys" => mostly(rng, &["2", "2", "1"], &["0", "-1", "abc", "", "1.5", "3", "99"]),
            "limit" => mostly(rng, &["0", "1", "2", "100"], &["-1", "abc", "", "1.5"]),
            "longitude" => mostly(rng, LONGITUDES, &["-180.1", "181", "abc", ""]),
            "latitude" => mostly(rng, LATITUDES, &["-90", "86", "abc", ""]),
            "meters" => mostly(rng, &["0", "100.5", "200000", "1e6", "3e7"], BAD_FLOATS),
            "unit" => mostly(rng, &["m", "km", "ft", "MI"], &["", "miles"]),
            "stream" => self.key_mostly_of(&self.stream_keys, rng),
            "group" => text(rng, &["g", "g", "g", "another"]),
            "consumer" => text(rng, &["c", "d"]),
            "newid" => match rng.below(20) {
                0 => text(rng, BAD_IDS),
                1 => format!("{}-{}", rng.below(200), rng.below(3)).into_bytes(),
                _ => format!("{}-*", rng.below(200)).into_bytes(),
            },
            "id" => match rng.below(8) {
                0 => text(rng, BAD_IDS),
                1 => text(rng, IDS),
                _ => format!("{}-{}", rng.below(200), rng.below(3)).into_bytes(),
            },
            "trimming" => text(rng, &["~", "="]),
            "length" => mostly(rng, &["0", "1", "5", "20", "200"], &["-1", "abc", ""]),
            "field" => rng.pick(FIELDS).to_vec(),
            "member" => rng.pick(MEMBERS).to_vec(),
            "manyfield" => format!("m{}", rng.below(1000)).into_bytes(),
            "val" => self.value(rng),
            "num" => number(rng, 0),
            "int" => number(rng, 8),
            "float" => match rng.below(10) {
                0 => text(rng, BAD_FLOATS),
                1 => number(rng, 0),
                _ => text(rng, FLOATS),
            },
            "secs" => lifetime(rng, 1_000, 1_000_000),
            "ms" if rng.percent(5) => decimal(1 + rng.below(TINY_MS_MAX as usize) as i64),
            "ms" => lifetime(rng, 1_000_000, 1_000_000_000),
            "at" => instant(rng, 1),
            "atms" => instant(rng, 1_000),
            "db" => mostly(rng, &["0", "0", "1", "2", "3"], &["16", "-1", "abc", "4294967296"]),
            "index" => match rng.below(4) {
                0 => number(rng, 8),
                _ => decimal(rng.below(25) as i64 - 12),
            },
            "offset" => mostly(rng, &["0", "1", "5", "10", "100", "1000"], INTEGERS_OUT_OF_RANGE),
            "bitoffset" => match rng.below(3) {
                0 => mostly(rng, &["0", "7", "8", "100", "8000"], INTEGERS_OUT_OF_RANGE),
                _ => decimal(rng.below(128) as i64),
            },
            "bit" => mostly(rng, &["0", "1"], &["2", "-1", "abc", ""]),
            "bits" => mostly(rng, &BIT_FIELDS[..9], BIT_FIELDS),
            "slot" => mostly(rng, &["0", "1", "7", "8", "100", "#0", "#1", "#5"], BAD_SLOTS),
            "pattern" => text(rng, PATTERNS),
            "type" => {
                let good = ["string", "hash", "HASH", "list", "set", "zset", "stream"];
                mostly(rng, &good, &["", "nothing"])
            }
            "chunk" => text(rng, &["1", "2", "5", "10", "1000"]),
            "count" => mostly(rng, &["1", "10", "1000"], &["0", "-1", "abc", "", "1.5"]),
            "cursor" => mostly(rng, &["0"], &["abc", "", "-1", "1.5", "18446744073709551616"]),
            "pops" => mostly(rng, &["0", "1000", "1000"], BAD_POPS),
            "taken" => mostly(rng, &["0", "1", "2", "5", "300"], BAD_COUNTS),
            "matchrank" => {
                mostly(rng, &["1", "2", "3", "-1", "-2"], &["0", "abc", "", "300", "1.5"])
            }
            "draws" => mostly(rng, &["0", "1", "2", "3", "100", "-1", "-3", "-30"], BAD_DRAWS),
            other => panic!("the grammar has no placeholder {other}"),
        }
    }

    fn key_mostly_of(&self, keys: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
        if rng.percent(90) { rng.pick(keys).clone() } else { rng.pick(&self.any_keys).clone() }
    }

    fn value(&self, rng: &mut Rng) -> Vec<u8> {
        if rng.below(1000) < self.huge_per_mille {
            return vec![b'a' + rng.below(26) as u8; 1 << 20];
        }
        match rng.below(12) {
            0 => Vec::new(),
            1..=3 => number(rng, 3),
            4 => text(rng, FLOATS),
            5 => {
                let count = rng.below(20);
                rng.bytes(count)
            }
            // On either side of the sizes where Redis changes its encodings: 44 and 64 bytes.
            6 => {
                let count = *rng.pick(&[44, 45, 64, 65]);
                vec![b'x'; count]
            }
            7 => vec![b'v'; rng.below(300)],
            _ => text(rng, &["a", "abc", "hello world", "ohmytext", "mynewtext", "\0\r\n"]),
        }
    }
}

/// Whether a key is of a sorted set whose scores are all 0.
pub fn is_lex_key(key: &[u8]) -> bool {
    LEX_KEYS.iter().any(|known| known.as_bytes() == key)
}

/// Anything at all, to put where it does not belong.
pub fn junk(rng: &mut Rng) -> Vec<u8> {
    match rng.below(4) {
        0 => text(rng, INTEGERS),
        1 => text(rng, BAD_INTEGERS),
        2 => text(rng, BAD_FLOATS),
        _ => text(rng, &["NX", "XX", "GET", "EX", "COUNT", "MATCH", "nonsense", "\u{0}", "*"]),
    }
}

/// Above what a string may hold, or not a number at all.
const INTEGERS_OUT_OF_RANGE: &[&str] =
    &["-1", "4294967296", "9007199254740993", "9223372036854775807", "abc", "", "1.5"];
const BAD_SLOTS: &[&str] = &["-1", "#-1", "abc", "#", "", "4294967296", "#9223372036854775807"];
const BAD_POPS: &[&str] =
    &["-1", "abc", "", "1.5", "-9223372036854775808", "9223372036854775807", "9223372036854775808"];
const BAD_COUNTS: &[&str] = &["-1", "abc", "", "1.5", "9223372036854775807", "9223372036854775808"];
const BAD_DRAWS: &[&str] = &["abc", "", "1.5", "-9223372036854775808", "9223372036854775807"];

fn text(rng: &mut Rng, choices: &[&str]) -> Vec<u8> {
    rng.pick(choices).as_bytes().to_vec()
}

fn decimal(number: i64) -> Vec<u8> {
    number.to_string().into_bytes()
}

/// Nine times out of ten one of the good ones.
fn mostly(rng: &mut Rng, good: &[&str], bad: &[&str]) -> Vec<u8> {
    if rng.percent(90) { text(rng, good) } else { text(rng, bad) }
}

fn number(rng: &mut Rng, bad_percent: usize) -> Vec<u8> {
    if rng.percent(bad_percent) {
        return text(rng, BAD_INTEGERS);
    }
    if rng.percent(25) { text(rng, INTEGERS) } else { decimal(rng.below(41) as i64 - 20) }
}

/// A relative lifetime. Long ones are drawn from a wide range: two equal ones would make the
/// outcome of GT and LT depend on the millisecond in which each server ran the command.
fn lifetime(rng: &mut Rng, least: usize, most: usize) -> Vec<u8> {
    match rng.below(10) {
        0 => text(rng, &["0", "-1", "-100", "-9223372036854775808", "9223372036854775807"]),
        1 => text(rng, BAD_INTEGERS),
        _ => decimal((least + rng.below(most - least)) as i64),
    }
}

/// An absolute instant: in the years 2100 to 2103, or long past.
fn instant(rng: &mut Rng, per_second: i64) -> Vec<u8> {
    match rng.below(10) {
        0 => text(rng, &["0", "-1", "-9223372036854775808", "9223372036854775807"]),
        1 => text(rng, BAD_INTEGERS),
        2 => decimal(1_000_000_000 * per_second),
        _ => decimal((4_102_444_800 + 100_000_000 * rng.below(2) as i64) * per_second),
    }
}
