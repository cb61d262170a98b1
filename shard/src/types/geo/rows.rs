//! The rows of the commands that search.

use super::points::UNIT;
use super::search;
use crate::command::row::*;

const KEY: Arg = Arg::key("key", 0);
const LONGITUDE: Arg = Arg::double("longitude");
const LATITUDE: Arg = Arg::double("latitude");
const RADIUS: Arg = Arg::double("radius");
const WITH_COORD: Arg = Arg::word("withcoord", "WITHCOORD").optional();
const WITH_DIST: Arg = Arg::word("withdist", "WITHDIST").optional();
const WITH_HASH: Arg = Arg::word("withhash", "WITHHASH").optional();
const NUMBER: Arg = Arg::integer("count").after("COUNT");
const ANY: Arg = Arg::word("any", "ANY").optional();
const COUNT: Arg = Arg::block("count-block", &[NUMBER, ANY.since("6.2.0")]).optional();
const COUNT_BY_MEMBER: Arg = Arg::block("count-block", &[NUMBER, ANY]).optional();
const ORDER: Arg =
    Arg::one_of("order", &[Arg::word("asc", "ASC"), Arg::word("desc", "DESC")]).optional();
const STORE: Arg = Arg::one_of(
    "store",
    &[
        Arg::key("storekey", 1).shown_as("key").after("STORE"),
        Arg::key("storedistkey", 2).shown_as("key").after("STOREDIST"),
    ],
)
.optional();
const FROM: Arg = Arg::one_of(
    "from",
    &[
        Arg::string("member").after("FROMMEMBER"),
        Arg::block("fromlonlat", &[LONGITUDE, LATITUDE]).after("FROMLONLAT"),
    ],
);
const BY: Arg = Arg::one_of(
    "by",
    &[
        Arg::block("circle", &[RADIUS.after("BYRADIUS"), UNIT]),
        Arg::block("box", &[Arg::double("width").after("BYBOX"), Arg::double("height"), UNIT]),
    ],
);

const READ: &[KeySpec] = &[KeySpec::one(1).read().access()];

const RADIUS_COST: &str = "O(N+log(M)) where N is the number of elements inside the bounding \
     box of the circular area delimited by center and radius and M is the number of items \
     inside the index.";
const SEARCH_COST: &str = "O(N+log(M)) where N is the number of elements in the grid-aligned \
     bounding box area around the shape provided as the filter and M is the number of items \
     inside the shape";
const CASE: (&str, &str) = ("7.0.0", "Units may be in capitals.");
const HAS_ANY: (&str, &str) = ("6.2.0", "`COUNT` has the option `ANY`.");

/// The rows of this file.
pub(super) const ROWS: &[Command] = &[
    command("georadius", -6, search::georadius)
        .flags(WRITE | DENYOOM)
        .group(Group::Geo)
        .since("3.2.0")
        .summary("Returns or stores the members within a distance of a position")
        .complexity(RADIUS_COST)
        .history(&[HAS_ANY, CASE])
        .deprecated("6.2.0", "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` argument")
        .keys(&[
            KeySpec::one(1).read().access(),
            KeySpec::behind("STORE", 6).overwrite().update(),
            KeySpec::behind("STOREDIST", 6).overwrite().update(),
        ])
        .args(&[
            KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, COUNT, ORDER,
            STORE,
        ]),
    command("georadius_ro", -6, search::georadius_ro)
        .flags(READONLY)
        .group(Group::Geo)
        .since("3.2.10")
        .summary("Returns the members within a distance of a position")
        .complexity(RADIUS_COST)
        .history(&[HAS_ANY])
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` argument")
        .keys(READ)
        .args(&[
            KEY, LONGITUDE, LATITUDE, RADIUS, UNIT, WITH_COORD, WITH_DIST, WITH_HASH, COUNT, ORDER,
        ]),
    command("georadiusbymember", -5, search::georadiusbymember)
        .flags(WRITE | DENYOOM)
        .group(Group::Geo)
        .since("3.2.0")
        .summary("Returns or stores the members within a distance of another")
        .complexity(RADIUS_COST)
        .history(&[HAS_ANY, CASE])
        .deprecated(
            "6.2.0",
            "`GEOSEARCH` and `GEOSEARCHSTORE` with the `BYRADIUS` and `FROMMEMBER` arguments",
        )
        .keys(&[
            KeySpec::one(1).read().access(),
            KeySpec::behind("STORE", 5).overwrite().update(),
            KeySpec::behind("STOREDIST", 5).overwrite().update(),
        ])
        .args(&[
            KEY,
            Arg::string("member"),
            RADIUS,
            UNIT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
            COUNT_BY_MEMBER,
            ORDER,
            STORE,
        ]),
    command("georadiusbymember_ro", -5, search::georadiusbymember_ro)
        .flags(READONLY)
        .group(Group::Geo)
        .since("3.2.10")
        .summary("Returns the members within a distance of another")
        .complexity(RADIUS_COST)
        .deprecated("6.2.0", "`GEOSEARCH` with the `BYRADIUS` and `FROMMEMBER` arguments")
        .keys(READ)
        .args(&[
            KEY,
            Arg::string("member"),
            RADIUS,
            UNIT,
            WITH_COORD,
            WITH_DIST,
            WITH_HASH,
            COUNT_BY_MEMBER,
            ORDER,
        ]),
    command("geosearch", -7, search::geosearch)
        .flags(READONLY)
        .group(Group::Geo)
        .since("6.2.0")
        .summary("Returns the members in a circle or a box")
        .complexity(SEARCH_COST)
        .history(&[CASE])
        .keys(READ)
        .args(&[KEY, FROM, BY, ORDER, COUNT_BY_MEMBER, WITH_COORD, WITH_DIST, WITH_HASH]),
    command("geosearchstore", -8, search::geosearchstore)
        .flags(WRITE | DENYOOM)
        .group(Group::Geo)
        .since("6.2.0")
        .summary("Stores the members in a circle or a box")
        .complexity(SEARCH_COST)
        .history(&[CASE])
        .keys(&[KeySpec::one(1).overwrite().update(), KeySpec::one(2).read().access()])
        .args(&[
            Arg::key("destination", 0),
            Arg::key("source", 1),
            FROM,
            BY,
            ORDER,
            COUNT_BY_MEMBER,
            Arg::word("storedist", "STOREDIST").optional(),
        ]),
];
