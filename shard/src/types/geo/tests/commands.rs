//! Replies and errors.

use crate::resp::Protocol;
use crate::testing::TestShard;

fn check(shard: &mut TestShard, dialogue: &[(&str, &str)]) {
    for (command, reply) in dialogue {
        assert_eq!(shard.run(command), *reply, "{command}");
    }
}

const SICILY: &str = "GEOADD Sicily 13.361389 38.115556 Palermo 15.087269 37.502669 Catania";

#[test]
fn the_example_of_everybody_has_its_answers() {
    for entries in [0, 128] {
        let mut shard = TestShard::new();
        shard.settings.zset_max_listpack_entries = entries;
        check(
            &mut shard,
            &[
                (SICILY, ":2"),
                ("TYPE Sicily", "+zset"),
                ("GEODIST Sicily Palermo Catania", "$11 166274.1516"),
                ("GEODIST Sicily Palermo Catania KM", "$8 166.2742"),
                ("GEODIST Sicily Palermo nosuch", "$-1"),
                ("GEOHASH Sicily Palermo nosuch Catania", "*3 $11 sqc8b49rny0 $-1 $11 sqdtr74hyu0"),
                (
                    "GEOPOS Sicily Palermo nosuch",
                    "*2 *2 $20 13.36138933897018433 $20 38.11555639549629859 *-1",
                ),
                ("GEORADIUS Sicily 15 37 100 km", "*1 $7 Catania"),
                (
                    "GEOSEARCH Sicily FROMLONLAT 15 37 BYBOX 400 400 km ASC WITHDIST",
                    "*2 *2 $7 Catania $7 56.4413 *2 $7 Palermo $8 190.4424",
                ),
                ("GEOSEARCHSTORE near Sicily FROMMEMBER Palermo BYRADIUS 10 km", ":1"),
                ("ZRANGE near 0 -1 WITHSCORES", "*2 $7 Palermo $16 3479099956230698"),
                ("GEORADIUSBYMEMBER Sicily Palermo 200 km STOREDIST near", ":2"),
                ("ZRANGE near 0 -1", "*2 $7 Palermo $7 Catania"),
                ("GEORADIUS nosuch 15 37 100 km STORE near", ":0"),
                ("EXISTS near", ":0"),
                ("GEOADD Sicily NX CH 0 0 Palermo 1 1 new", ":1"),
                ("GEOADD Sicily XX CH 0 0 Palermo 1 1 other", ":1"),
            ],
        );
        shard.protocol = Protocol::Resp3;
        check(
            &mut shard,
            &[
                ("GEODIST Sicily new new", "$6 0.0000"),
                ("GEOPOS Sicily nosuch", "*1 _"),
                ("GEOHASH nosuch a", "*1 _"),
            ],
        );
    }
}

#[test]
fn errors_are_those_of_redis() {
    let mut shard = TestShard::new();
    shard.run(SICILY);
    for (command, error) in [
        ("GEOADD k 200 0 a", "invalid longitude,latitude pair 200.000000,0.000000"),
        ("GEOADD k 0 -86.5 a", "invalid longitude,latitude pair 0.000000,-86.500000"),
        ("GEOADD k x 0 a", "value is not a valid float"),
        ("GEOADD k 0 0 a 1", "syntax error"),
        ("GEOADD k NX XX 0 0 a", "syntax error"),
        ("GEOADD k NX CH XX", "syntax error"),
        ("GEODIST Sicily a b c", "unsupported unit provided. please use M, KM, FT, MI"),
        ("GEODIST Sicily a b m x", "syntax error"),
        ("GEORADIUS Sicily 0 0 x m", "need numeric radius"),
        ("GEORADIUS Sicily 0 0 -1 m", "radius cannot be negative"),
        ("GEORADIUS Sicily 0 0 1 x", "unsupported unit provided. please use M, KM, FT, MI"),
        ("GEORADIUS_RO Sicily 0 0 1 m STORE to", "syntax error"),
        ("GEORADIUS Sicily 0 0 1 m COUNT 0", "COUNT must be > 0"),
        ("GEORADIUS Sicily 0 0 1 m ANY", "the ANY argument requires COUNT argument"),
        ("GEORADIUS Sicily 0 0 1 m STORE a STORE b", "syntax error"),
        (
            "GEORADIUS Sicily 0 0 1 m STORE a WITHDIST",
            "STORE option in GEORADIUS is not compatible with WITHDIST, WITHHASH and WITHCOORD \
             options",
        ),
        ("GEORADIUSBYMEMBER Sicily x 1 m", "could not decode requested zset member"),
        ("GEOSEARCH Sicily FROMMEMBER x BYRADIUS 1 m", "could not decode requested zset member"),
        (
            "geoSearch Sicily BYRADIUS 1 m ASC DESC ASC",
            "exactly one of FROMMEMBER or FROMLONLAT can be specified for geoSearch",
        ),
        (
            "GEOSEARCH Sicily FROMLONLAT 1 1 ASC DESC",
            "exactly one of BYRADIUS and BYBOX can be specified for GEOSEARCH",
        ),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m BYBOX 1 1 m", "syntax error"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX x 1 m", "need numeric width"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX 1 x m", "need numeric height"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYBOX 1 -1 m", "height or width cannot be negative"),
        ("GEOSEARCH Sicily FROMLONLAT 1 1 BYRADIUS 1 m STOREDIST", "syntax error"),
    ] {
        assert_eq!(shard.run(command), format!("-ERR {error}"), "{command}");
    }
    shard.run("SET string value");
    assert!(shard.run("GEORADIUS string x x x x").starts_with("-WRONGTYPE"));
}
