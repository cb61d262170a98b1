//! The bitmap commands, described.

use super::{field, operation, range, single};
use crate::command::CommandSpec;
use crate::command::spec::{Arg, ArgKind, Docs, Group, KeySpec, Run, category, flag, key_flag};

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "setbit",
        arity: 4,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::BITMAP,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(single::setbit),
        docs: Docs {
            summary: "Sets or clears a bit of the string at a key",
            since: "2.2.0",
            group: Group::Bitmap,
            complexity: "O(N) where N is the length of the string",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("offset", ArgKind::Integer),
                Arg::new("value", ArgKind::Integer),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getbit",
        arity: 3,
        flags: flag::READONLY | flag::FAST,
        categories: category::BITMAP,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(single::getbit),
        docs: Docs {
            summary: "Returns a bit of the string at a key",
            since: "2.2.0",
            group: Group::Bitmap,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0), Arg::new("offset", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bitcount",
        arity: -2,
        flags: flag::READONLY,
        categories: category::BITMAP,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(range::bitcount),
        docs: Docs {
            summary: "Counts the bits that are set in the string at a key",
            since: "2.6.0",
            group: Group::Bitmap,
            complexity: "O(N) where N is the length of the range",
            arguments: &[
                Arg::key("key", 0),
                Arg::new(
                    "range",
                    ArgKind::Block(&[
                        Arg::new("start", ArgKind::Integer),
                        Arg::new("end", ArgKind::Integer),
                        Arg::new(
                            "unit",
                            ArgKind::OneOf(&[Arg::word("byte", "BYTE"), Arg::word("bit", "BIT")]),
                        )
                        .since("7.0.0")
                        .optional(),
                    ]),
                )
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bitpos",
        arity: -3,
        flags: flag::READONLY,
        categories: category::BITMAP,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(range::bitpos),
        docs: Docs {
            summary: "Finds the first set or clear bit of the string at a key",
            since: "2.8.7",
            group: Group::Bitmap,
            complexity: "O(N) where N is the length of the range",
            arguments: &[
                Arg::key("key", 0),
                Arg::new("bit", ArgKind::Integer),
                Arg::new(
                    "range",
                    ArgKind::Block(&[
                        Arg::new("start", ArgKind::Integer),
                        Arg::new(
                            "end-unit-block",
                            ArgKind::Block(&[
                                Arg::new("end", ArgKind::Integer),
                                Arg::new(
                                    "unit",
                                    ArgKind::OneOf(&[
                                        Arg::word("byte", "BYTE"),
                                        Arg::word("bit", "BIT"),
                                    ]),
                                )
                                .since("7.0.0")
                                .optional(),
                            ]),
                        )
                        .optional(),
                    ]),
                )
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bitop",
        arity: -4,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::BITMAP,
        keys: &[
            KeySpec::one(2, key_flag::OW | key_flag::UPDATE),
            KeySpec::range(3, -1, 1, key_flag::RO | key_flag::ACCESS),
        ],
        run: Run::Shard(operation::bitop),
        docs: Docs {
            summary: "Combines strings bit by bit and stores the result",
            since: "2.6.0",
            group: Group::Bitmap,
            complexity: "O(N) where N is the length of all the strings",
            arguments: &[
                Arg::new(
                    "operation",
                    ArgKind::OneOf(&[
                        Arg::word("and", "AND"),
                        Arg::word("or", "OR"),
                        Arg::word("xor", "XOR"),
                        Arg::word("not", "NOT"),
                        Arg::word("diff", "DIFF").since("8.2.0"),
                        Arg::word("diff1", "DIFF1").since("8.2.0"),
                        Arg::word("andor", "ANDOR").since("8.2.0"),
                        Arg::word("one", "ONE").since("8.2.0"),
                    ]),
                ),
                Arg::key("destkey", 0),
                Arg::key("key", 1).multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bitfield",
        arity: -2,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::BITMAP,
        keys: &[KeySpec {
            notes: "This command allows both access and modification of the key",
            ..KeySpec::one(
                1,
                key_flag::RW | key_flag::UPDATE | key_flag::ACCESS | key_flag::VARIABLE_FLAGS,
            )
        }],
        run: Run::Shard(field::bitfield),
        docs: Docs {
            summary: "Reads and changes integers of any width inside the string at a key",
            since: "3.2.0",
            group: Group::Bitmap,
            complexity: "O(N) where N is the number of operations plus the length of the string",
            arguments: &[
                Arg::key("key", 0),
                Arg::new(
                    "operation",
                    ArgKind::OneOf(&[
                        Arg::new(
                            "get-block",
                            ArgKind::Block(&[
                                Arg::new("encoding", ArgKind::String),
                                Arg::new("offset", ArgKind::Integer),
                            ]),
                        )
                        .after("GET"),
                        Arg::new(
                            "write",
                            ArgKind::Block(&[
                                Arg::new(
                                    "overflow-block",
                                    ArgKind::OneOf(&[
                                        Arg::word("wrap", "WRAP"),
                                        Arg::word("sat", "SAT"),
                                        Arg::word("fail", "FAIL"),
                                    ]),
                                )
                                .after("OVERFLOW")
                                .optional(),
                                Arg::new(
                                    "write-operation",
                                    ArgKind::OneOf(&[
                                        Arg::new(
                                            "set-block",
                                            ArgKind::Block(&[
                                                Arg::new("encoding", ArgKind::String),
                                                Arg::new("offset", ArgKind::Integer),
                                                Arg::new("value", ArgKind::Integer),
                                            ]),
                                        )
                                        .after("SET"),
                                        Arg::new(
                                            "incrby-block",
                                            ArgKind::Block(&[
                                                Arg::new("encoding", ArgKind::String),
                                                Arg::new("offset", ArgKind::Integer),
                                                Arg::new("increment", ArgKind::Integer),
                                            ]),
                                        )
                                        .after("INCRBY"),
                                    ]),
                                ),
                            ]),
                        ),
                    ]),
                )
                .optional()
                .multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bitfield_ro",
        arity: -2,
        flags: flag::READONLY | flag::FAST,
        categories: category::BITMAP,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(field::bitfield_ro),
        docs: Docs {
            summary: "Reads integers of any width inside the string at a key",
            since: "6.0.0",
            group: Group::Bitmap,
            complexity: "O(N) where N is the number of operations",
            arguments: &[
                Arg::key("key", 0),
                Arg::new(
                    "get-block",
                    ArgKind::Block(&[
                        Arg::new("encoding", ArgKind::String),
                        Arg::new("offset", ArgKind::Integer),
                    ]),
                )
                .after("GET")
                .optional()
                .multiple()
                .multiple_token(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
