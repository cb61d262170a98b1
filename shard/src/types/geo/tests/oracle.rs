//! Random positions and searches, here and by a redis-server: everything has to be the same to the
//! last digit, and in the same order.

use crate::oracle::{Connection, Oracle, Random, bulk};
use crate::testing::TestShard;

fn fraction(random: &mut Random) -> f64 {
    random.below(1 << 30) as f64 / f64::from(1 << 30)
}

/// Where the grid ends.
const EDGES: [(&str, &str); 4] =
    [("180", "0"), ("-180", "10"), ("0", "85.05112878"), ("180", "-85.05112878")];

/// Anywhere, or near a pole, the date line, the equator, or the others.
fn position(random: &mut Random) -> (String, String) {
    let (west, east, south, north) = *random.pick(
        &[
            (-180.0, 180.0, -85.051_128, 85.051_128),
            (-180.0, 180.0, 84.5, 85.051_128),
            (-180.0, 180.0, -85.051_128, -80.0),
            (-180.0, -179.5, -60.0, 60.0),
            (179.5, 180.0, -60.0, 60.0),
            (-0.5, 0.5, -0.5, 0.5),
            (13.0, 13.5, 38.0, 38.5),
            (-180.0, 180.0, 65.0, 67.0),
        ]
        .each_ref(),
    );
    let at = |from: f64, to: f64, random: &mut Random| from + (to - from) * fraction(random);
    let longitude = at(west, east, random);
    (format!("{longitude:.7}"), format!("{:.7}", at(south, north, random)))
}

/// From a metre to more than there is.
fn length(random: &mut Random) -> String {
    let exponent = random.below(10) as i32;
    let length = fraction(random) * 10f64.powi(exponent);
    format!("{length:.3}")
}

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

struct Both<'a> {
    shard: TestShard,
    redis: &'a mut Connection,
}

impl Both<'_> {
    fn run(&mut self, line: &str) -> Vec<u8> {
        let here = self.shard.run_bytes(&words(line));
        let there = self.redis.command(&words(line));
        let shown = |reply: &[u8]| reply.escape_ascii().to_string();
        assert_eq!(shown(&here), shown(&there), "{line}");
        here
    }

    /// A score is printed otherwise by 7.0.
    fn compare_scores(&mut self, key: &str, member: &str) {
        let line = format!("ZSCORE {key} {member}");
        let score = |reply: &[u8]| -> f64 {
            std::str::from_utf8(bulk(reply).unwrap()).unwrap().parse().unwrap()
        };
        let here = score(&self.shard.run_bytes(&words(&line)));
        assert_eq!(here, score(&self.redis.command(&words(&line))), "{line}");
    }
}

fn options(random: &mut Random) -> String {
    let mut options = String::new();
    for option in ["WITHDIST", "WITHHASH", "WITHCOORD", "ASC", "DESC", "COUNT 7", "COUNT 3 ANY"] {
        if random.below(3) == 0 {
            options += " ";
            options += option;
        }
    }
    options
}

fn search(both: &mut Both<'_>, random: &mut Random, members: usize) {
    let member = format!("m{}", random.below(members));
    let (mut longitude, mut latitude) = position(random);
    if random.below(10) == 0 {
        let (east, north) = *random.pick(&EDGES.each_ref());
        (longitude, latitude) = (east.to_owned(), north.to_owned());
    }
    let unit = *random.pick(&["m", "km", "ft", "mi"].each_ref());
    let from = match random.below(2) {
        0 => format!("FROMMEMBER {member}"),
        _ => format!("FROMLONLAT {longitude} {latitude}"),
    };
    let by = match random.below(2) {
        0 => format!("BYRADIUS {} {unit}", length(random)),
        _ => format!("BYBOX {} {} {unit}", length(random), length(random)),
    };
    let (radius, options) = (length(random), options(random));
    match random.below(5) {
        0 | 1 => {
            both.run(&format!("GEOSEARCH places {from} {by}{options}"));
        }
        2 => {
            both.run(&format!("GEORADIUS places {longitude} {latitude} {radius} {unit}{options}"));
        }
        3 => {
            both.run(&format!("GEORADIUSBYMEMBER_RO places {member} {radius} {unit}{options}"));
        }
        _ => {
            let storedist = *random.pick(&["", " STOREDIST"].each_ref());
            both.run(&format!("GEOSEARCHSTORE near places {from} {by} COUNT 9{storedist}"));
            let found = both.run("ZRANGE near 0 -1");
            both.run("OBJECT ENCODING near");
            let text = String::from_utf8_lossy(&found).into_owned();
            if let Some(member) = text.split("\r\n").find(|line| line.starts_with(['m', 'e'])) {
                both.compare_scores("near", member);
            }
        }
    }
}

#[test]
fn searches_find_what_redis_finds() {
    let Some(oracle) = Oracle::start(&["--zset-max-listpack-entries", "40"]) else { return };
    let mut random = Random::new();
    let mut redis = oracle.connect();
    for members in [30, 400] {
        redis.command(&[b"FLUSHALL"]);
        let mut both = Both { shard: TestShard::new(), redis: &mut redis };
        both.shard.settings.zset_max_listpack_entries = 40;
        for number in 0..members {
            let (longitude, latitude) = position(&mut random);
            both.run(&format!("GEOADD places {longitude} {latitude} m{number}"));
        }
        for (number, (longitude, latitude)) in EDGES.iter().enumerate() {
            both.run(&format!("GEOADD places {longitude} {latitude} edge{number}"));
        }
        both.run("OBJECT ENCODING places");
        for number in 0..members {
            let other = random.below(members);
            let unit = *random.pick(&["m", "km", "ft", "mi"].each_ref());
            both.run(&format!("GEODIST places m{number} m{other} {unit}"));
            both.run(&format!("GEOPOS places m{number}"));
            both.run(&format!("GEOHASH places m{number} m{other}"));
            both.run(&format!("ZSCORE places m{number}"));
        }
        for _ in 0..1500 {
            search(&mut both, &mut random, members);
        }
    }
}

#[test]
fn scores_of_others_are_positions_as_in_redis() {
    let Some(oracle) = Oracle::start(&[]) else { return };
    let mut redis = oracle.connect();
    let mut both = Both { shard: TestShard::new(), redis: &mut redis };
    let scores = ["-1", "-inf", "inf", "1.5", "1e17", "4503599627370496", "-4503599627370496"];
    for (number, score) in scores.iter().enumerate() {
        both.run(&format!("ZADD odd {score} m{number}"));
    }
    for number in 0..scores.len() {
        both.run(&format!("GEOPOS odd m{number}"));
        both.run(&format!("GEOHASH odd m{number}"));
        both.run(&format!("GEODIST odd m{number} m0"));
    }
    both.run("GEORADIUS odd 0 0 30000 km");
    both.run("GEORADIUS odd -180 -85 100 km WITHHASH");
}
