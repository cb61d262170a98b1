//! The hash commands, described.

use super::{commands, counters, random, scan};
use crate::command::CommandSpec;
use crate::command::spec::{
    Arg, ArgKind, Docs, Flags, Group, Handler, KeySpec, Run, category, flag, key_flag,
};

const READ: Flags = flag::READONLY;
const WRITE: Flags = flag::WRITE | flag::DENYOOM | flag::FAST;

/// The one key, by what the commands do with it.
const LOOK: &[KeySpec] = &[KeySpec::one(1, key_flag::RO)];
const ACCESS: &[KeySpec] = &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)];
const INSERT: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::INSERT)];
const UPDATE: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::UPDATE)];
const DELETE: &[KeySpec] = &[KeySpec::one(1, key_flag::RW | key_flag::DELETE)];
const ACCESS_UPDATE: &[KeySpec] =
    &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)];

const KEY: Arg = Arg::key("key", 0);
const FIELD: Arg = Arg::new("field", ArgKind::String);
const VALUE: Arg = Arg::new("value", ArgKind::String);
const PAIRS: Arg = Arg::new("field_value", ArgKind::Block(&[FIELD, VALUE])).multiple();

const UNORDERED: &[&str] = &["nondeterministic_output_order"];
const RANDOM: &[&str] = &["nondeterministic_output"];

/// What all hash commands have in common.
const fn command(
    name: &'static str,
    arity: i32,
    flags: Flags,
    keys: &'static [KeySpec],
    handler: Handler,
    docs: Docs,
) -> CommandSpec {
    CommandSpec {
        name,
        arity,
        flags,
        categories: category::HASH,
        keys,
        run: Run::Shard(handler),
        docs,
        ..CommandSpec::EMPTY
    }
}

/// Documentation of a command that is there since hashes are.
const fn docs(summary: &'static str, complexity: &'static str, arguments: &'static [Arg]) -> Docs {
    Docs { summary, since: "2.0.0", group: Group::Hash, complexity, arguments, ..Docs::EMPTY }
}

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[
    command(
        "hset",
        -4,
        WRITE,
        UPDATE,
        commands::hset,
        Docs {
            history: &[("4.0.0", "Sets several fields at once.")],
            ..docs(
                "Sets fields of a hash, which is made if it is not there",
                "O(1) for each field/value pair added, so O(N) to add N field/value pairs when the \
             command is called with multiple field/value pairs.",
                &[KEY, PAIRS],
            )
        },
    ),
    command(
        "hmset",
        -4,
        WRITE,
        UPDATE,
        commands::hmset,
        Docs {
            deprecated: Some(("4.0.0", "`HSET` with multiple field-value pairs")),
            ..docs(
                "Sets fields of a hash",
                "O(N) where N is the number of fields being set.",
                &[KEY, PAIRS],
            )
        },
    ),
    command(
        "hsetnx",
        4,
        WRITE,
        INSERT,
        commands::hsetnx,
        docs("Sets a field of a hash unless it is there", "O(1)", &[KEY, FIELD, VALUE]),
    ),
    command(
        "hdel",
        -3,
        flag::WRITE | flag::FAST,
        DELETE,
        commands::hdel,
        Docs {
            history: &[("2.4.0", "Removes several fields at once.")],
            ..docs(
                "Removes fields of a hash, which goes with the last one",
                "O(N) where N is the number of fields to be removed.",
                &[KEY, FIELD.multiple()],
            )
        },
    ),
    command(
        "hget",
        3,
        READ | flag::FAST,
        ACCESS,
        commands::hget,
        docs("Returns the value of a field", "O(1)", &[KEY, FIELD]),
    ),
    command(
        "hmget",
        -3,
        READ | flag::FAST,
        ACCESS,
        commands::hmget,
        docs(
            "Returns the values of several fields",
            "O(N) where N is the number of fields being requested.",
            &[KEY, FIELD.multiple()],
        ),
    ),
    command(
        "hexists",
        3,
        READ | flag::FAST,
        LOOK,
        commands::hexists,
        docs("Says whether a hash has a field", "O(1)", &[KEY, FIELD]),
    ),
    command(
        "hstrlen",
        3,
        READ | flag::FAST,
        LOOK,
        commands::hstrlen,
        Docs {
            since: "3.2.0",
            ..docs("Returns the length of a field's value", "O(1)", &[KEY, FIELD])
        },
    ),
    command(
        "hlen",
        2,
        READ | flag::FAST,
        LOOK,
        commands::hlen,
        docs("Returns the number of fields", "O(1)", &[KEY]),
    ),
    CommandSpec {
        tips: UNORDERED,
        ..command(
            "hgetall",
            2,
            READ,
            ACCESS,
            commands::hgetall,
            docs(
                "Returns all fields with their values",
                "O(N) where N is the size of the hash.",
                &[KEY],
            ),
        )
    },
    CommandSpec {
        tips: UNORDERED,
        ..command(
            "hkeys",
            2,
            READ,
            ACCESS,
            commands::hkeys,
            docs("Returns all fields", "O(N) where N is the size of the hash.", &[KEY]),
        )
    },
    CommandSpec {
        tips: UNORDERED,
        ..command(
            "hvals",
            2,
            READ,
            ACCESS,
            commands::hvals,
            docs("Returns all values", "O(N) where N is the size of the hash.", &[KEY]),
        )
    },
    command(
        "hincrby",
        4,
        WRITE,
        ACCESS_UPDATE,
        counters::hincrby,
        docs(
            "Adds to the integer in a field",
            "O(1)",
            &[KEY, FIELD, Arg::new("increment", ArgKind::Integer)],
        ),
    ),
    command(
        "hincrbyfloat",
        4,
        WRITE,
        ACCESS_UPDATE,
        counters::hincrbyfloat,
        Docs {
            since: "2.6.0",
            ..docs(
                "Adds to the number in a field",
                "O(1)",
                &[KEY, FIELD, Arg::new("increment", ArgKind::Double)],
            )
        },
    ),
    CommandSpec {
        tips: RANDOM,
        ..command(
            "hscan",
            -3,
            READ,
            ACCESS,
            scan::hscan,
            Docs {
                since: "2.8.0",
                ..docs(
                    "Returns the fields of a hash bit by bit",
                    "O(1) for every call. O(N) for a complete iteration, including enough command \
                 calls for the cursor to return back to 0. N is the number of elements inside \
                 the collection..",
                    &[
                        KEY,
                        Arg::new("cursor", ArgKind::Integer),
                        Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
                        Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
                        Arg::word("novalues", "NOVALUES").optional(),
                    ],
                )
            },
        )
    },
    CommandSpec {
        tips: RANDOM,
        ..command(
            "hrandfield",
            -2,
            READ,
            ACCESS,
            random::hrandfield,
            Docs {
                since: "6.2.0",
                ..docs(
                    "Returns fields of a hash at random",
                    "O(N) where N is the number of fields returned",
                    &[
                        KEY,
                        Arg::new(
                            "options",
                            ArgKind::Block(&[
                                Arg::new("count", ArgKind::Integer),
                                Arg::word("withvalues", "WITHVALUES").optional(),
                            ]),
                        )
                        .optional(),
                    ],
                )
            },
        )
    },
];
