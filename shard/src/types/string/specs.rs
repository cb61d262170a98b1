//! The string commands, described.

use super::{compare, counters, get, lcs, many, ranges, set};
use crate::command::CommandSpec;
use crate::command::spec::{Arg, ArgKind, Docs, Group, KeySpec, Run, category, flag, key_flag};

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "get",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(get::get),
        docs: Docs {
            summary: "Returns the string at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "set",
        arity: -3,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec {
            notes: "RW and ACCESS due to the optional `GET` argument",
            ..KeySpec::one(
                1,
                key_flag::RW | key_flag::ACCESS | key_flag::UPDATE | key_flag::VARIABLE_FLAGS,
            )
        }],
        run: Run::Shard(set::set),
        docs: Docs {
            summary: "Sets the string at a key, whatever was there before",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("value", ArgKind::String),
                Arg::new(
                    "condition",
                    ArgKind::OneOf(&[
                        Arg::word("nx", "NX"),
                        Arg::word("xx", "XX"),
                        Arg::new("ifeq-value", ArgKind::String).after("IFEQ").since("8.4.0"),
                        Arg::new("ifne-value", ArgKind::String).after("IFNE").since("8.4.0"),
                        Arg::new("ifdeq-digest", ArgKind::Integer).after("IFDEQ").since("8.4.0"),
                        Arg::new("ifdne-digest", ArgKind::Integer).after("IFDNE").since("8.4.0"),
                    ]),
                )
                .since("2.6.12")
                .optional(),
                Arg::word("get", "GET").since("6.2.0").optional(),
                Arg::new(
                    "expiration",
                    ArgKind::OneOf(&[
                        Arg::new("seconds", ArgKind::Integer).after("EX").since("2.6.12"),
                        Arg::new("milliseconds", ArgKind::Integer).after("PX").since("2.6.12"),
                        Arg::new("unix-time-seconds", ArgKind::UnixTime)
                            .after("EXAT")
                            .since("6.2.0"),
                        Arg::new("unix-time-milliseconds", ArgKind::UnixTime)
                            .after("PXAT")
                            .since("6.2.0"),
                        Arg::word("keepttl", "KEEPTTL").since("6.0.0"),
                    ]),
                )
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setnx",
        arity: 3,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::OW | key_flag::INSERT)],
        run: Run::Shard(set::setnx),
        docs: Docs {
            summary: "Sets the string at a key that does not exist yet",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            deprecated: Some(("2.6.12", "`SET` with the `NX` argument")),
            arguments: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setex",
        arity: 4,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)],
        run: Run::Shard(set::setex),
        docs: Docs {
            summary: "Sets the string at a key together with its time to live in seconds",
            since: "2.0.0",
            group: Group::String,
            complexity: "O(1)",
            deprecated: Some(("2.6.12", "`SET` with the `EX` argument")),
            arguments: &[
                Arg::key("key", 0),
                Arg::new("seconds", ArgKind::Integer),
                Arg::new("value", ArgKind::String),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "psetex",
        arity: 4,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::OW | key_flag::UPDATE)],
        run: Run::Shard(set::psetex),
        docs: Docs {
            summary: "Sets the string at a key together with its time to live in milliseconds",
            since: "2.6.0",
            group: Group::String,
            complexity: "O(1)",
            deprecated: Some(("2.6.12", "`SET` with the `PX` argument")),
            arguments: &[
                Arg::key("key", 0),
                Arg::new("milliseconds", ArgKind::Integer),
                Arg::new("value", ArgKind::String),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getset",
        arity: 3,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(set::getset),
        docs: Docs {
            summary: "Sets the string at a key and returns the old one",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            deprecated: Some(("6.2.0", "`SET` with the `!GET` argument")),
            arguments: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getdel",
        arity: 2,
        flags: flag::WRITE | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::DELETE)],
        run: Run::Shard(get::getdel),
        docs: Docs {
            summary: "Returns the string at a key and deletes the key",
            since: "6.2.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getex",
        arity: -2,
        flags: flag::WRITE | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec {
            notes: "RW and UPDATE because it changes the TTL",
            ..KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)
        }],
        run: Run::Shard(get::getex),
        docs: Docs {
            summary: "Returns the string at a key and changes when the key expires",
            since: "6.2.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[
                Arg::key("key", 0),
                Arg::new(
                    "expiration",
                    ArgKind::OneOf(&[
                        Arg::new("seconds", ArgKind::Integer).after("EX"),
                        Arg::new("milliseconds", ArgKind::Integer).after("PX"),
                        Arg::new("unix-time-seconds", ArgKind::UnixTime).after("EXAT"),
                        Arg::new("unix-time-milliseconds", ArgKind::UnixTime).after("PXAT"),
                        Arg::word("persist", "PERSIST"),
                    ]),
                )
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "delex",
        arity: -2,
        flags: flag::WRITE | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::DELETE | key_flag::VARIABLE_FLAGS)],
        run: Run::Shard(compare::delex),
        docs: Docs {
            summary: "Deletes a key if the string there, or its digest, compares as stated",
            since: "8.4.0",
            group: Group::String,
            complexity: "O(1), or O(N) in the length of the string when digests are compared",
            arguments: &[
                Arg::key("key", 0),
                Arg::new(
                    "condition",
                    ArgKind::OneOf(&[
                        Arg::new("ifeq-value", ArgKind::String).after("IFEQ"),
                        Arg::new("ifne-value", ArgKind::String).after("IFNE"),
                        Arg::new("ifdeq-digest", ArgKind::Integer).after("IFDEQ"),
                        Arg::new("ifdne-digest", ArgKind::Integer).after("IFDNE"),
                    ]),
                )
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "digest",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(compare::digest_command),
        docs: Docs {
            summary: "Returns a hash of the string at a key",
            since: "8.4.0",
            group: Group::String,
            complexity: "O(N) where N is the length of the string",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "mget",
        arity: -2,
        flags: flag::READONLY | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::range(1, -1, 1, key_flag::RO | key_flag::ACCESS)],
        tips: &["request_policy:multi_shard"],
        run: Run::Shard(many::mget),
        docs: Docs {
            summary: "Returns the strings at several keys",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(N) where N is the number of keys",
            arguments: &[Arg::key("key", 0).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "mset",
        arity: -3,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec::range(1, -1, 2, key_flag::OW | key_flag::UPDATE)],
        tips: &["request_policy:multi_shard", "response_policy:all_succeeded"],
        run: Run::Shard(many::mset),
        docs: Docs {
            summary: "Sets the strings at several keys",
            since: "1.0.1",
            group: Group::String,
            complexity: "O(N) where N is the number of keys",
            arguments: &[Arg::new(
                "data",
                ArgKind::Block(&[Arg::key("key", 0), Arg::new("value", ArgKind::String)]),
            )
            .multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "msetnx",
        arity: -3,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec::range(1, -1, 2, key_flag::OW | key_flag::INSERT)],
        run: Run::Shard(many::msetnx),
        docs: Docs {
            summary: "Sets the strings at several keys if none of the keys exists yet",
            since: "1.0.1",
            group: Group::String,
            complexity: "O(N) where N is the number of keys",
            arguments: &[Arg::new(
                "data",
                ArgKind::Block(&[Arg::key("key", 0), Arg::new("value", ArgKind::String)]),
            )
            .multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "append",
        arity: 3,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::INSERT)],
        run: Run::Shard(ranges::append),
        docs: Docs {
            summary: "Appends to the string at a key",
            since: "2.0.0",
            group: Group::String,
            complexity: "O(N) where N is the length of the resulting string",
            arguments: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "strlen",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RO)],
        run: Run::Shard(get::strlen),
        docs: Docs {
            summary: "Returns the length of the string at a key",
            since: "2.2.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getrange",
        arity: 4,
        flags: flag::READONLY,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(ranges::getrange),
        docs: Docs {
            summary: "Returns a part of the string at a key",
            since: "2.4.0",
            group: Group::String,
            complexity: "O(N) where N is the length of the part",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("start", ArgKind::Integer),
                Arg::new("end", ArgKind::Integer),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "substr",
        arity: 4,
        flags: flag::READONLY,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(ranges::getrange),
        docs: Docs {
            summary: "Returns a part of the string at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(N) where N is the length of the part",
            deprecated: Some(("2.0.0", "`GETRANGE`")),
            arguments: &[
                Arg::key("key", 0),
                Arg::new("start", ArgKind::Integer),
                Arg::new("end", ArgKind::Integer),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setrange",
        arity: 4,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)],
        run: Run::Shard(ranges::setrange),
        docs: Docs {
            summary: "Overwrites a part of the string at a key",
            since: "2.2.0",
            group: Group::String,
            complexity: "O(N) where N is the length of the resulting string",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("offset", ArgKind::Integer),
                Arg::new("value", ArgKind::String),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "incr",
        arity: 2,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(counters::incr),
        docs: Docs {
            summary: "Adds one to the integer at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "decr",
        arity: 2,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(counters::decr),
        docs: Docs {
            summary: "Subtracts one from the integer at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "incrby",
        arity: 3,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(counters::incrby),
        docs: Docs {
            summary: "Adds a number to the integer at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0), Arg::new("increment", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "decrby",
        arity: 3,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(counters::decrby),
        docs: Docs {
            summary: "Subtracts a number from the integer at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0), Arg::new("decrement", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "incrbyfloat",
        arity: 3,
        flags: flag::WRITE | flag::DENYOOM | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(counters::incrbyfloat),
        docs: Docs {
            summary: "Adds a number to the floating-point number at a key",
            since: "2.6.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0), Arg::new("increment", ArgKind::Double)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "lcs",
        arity: -3,
        flags: flag::READONLY,
        categories: category::STRING,
        keys: &[KeySpec::range(1, 1, 1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(lcs::lcs),
        docs: Docs {
            summary: "Finds the longest common subsequence of two strings",
            since: "7.0.0",
            group: Group::String,
            complexity: "O(N*M) where N and M are the lengths of the strings",
            arguments: &[
                Arg::key("key1", 0),
                Arg::key("key2", 0),
                Arg::word("len", "LEN").optional(),
                Arg::word("idx", "IDX").optional(),
                Arg::new("min-match-len", ArgKind::Integer).after("MINMATCHLEN").optional(),
                Arg::word("withmatchlen", "WITHMATCHLEN").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
