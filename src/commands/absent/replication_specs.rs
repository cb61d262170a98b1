//! The commands on replicas, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, category, flag};

/// The commands of this subject.
pub(crate) const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "failover",
        arity: -1,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Makes a replica the primary",
            since: "6.2.0",
            group: Group::Server,
            arguments: &[
                Arg::new(
                    "target",
                    ArgKind::Block(&[
                        Arg::new("host", ArgKind::String),
                        Arg::new("port", ArgKind::Integer),
                        Arg::word("force", "FORCE").optional(),
                    ]),
                )
                .after("TO")
                .optional(),
                Arg::word("abort", "ABORT").optional(),
                Arg::new("milliseconds", ArgKind::Integer).after("TIMEOUT").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "replicaof",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Makes this server a replica, or a primary again",
            since: "5.0.0",
            group: Group::Server,
            arguments: &[Arg::new(
                "args",
                ArgKind::OneOf(&[
                    Arg::new(
                        "host-port",
                        ArgKind::Block(&[
                            Arg::new("host", ArgKind::String),
                            Arg::new("port", ArgKind::Integer),
                        ]),
                    ),
                    Arg::new(
                        "no-one",
                        ArgKind::Block(&[Arg::word("no", "NO"), Arg::word("one", "ONE")]),
                    ),
                ]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "slaveof",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Makes this server a replica, or a primary again",
            group: Group::Server,
            arguments: &[Arg::new(
                "args",
                ArgKind::OneOf(&[
                    Arg::new(
                        "host-port",
                        ArgKind::Block(&[
                            Arg::new("host", ArgKind::String),
                            Arg::new("port", ArgKind::Integer),
                        ]),
                    ),
                    Arg::new(
                        "no-one",
                        ArgKind::Block(&[Arg::word("no", "NO"), Arg::word("one", "ONE")]),
                    ),
                ]),
            )],
            deprecated: Some(("5.0.0", "`REPLICAOF`")),
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "wait",
        arity: 3,
        flags: flag::NOSCRIPT,
        categories: category::CONNECTION,
        tips: &["request_policy:all_shards", "response_policy:agg_min"],
        run: Run::Process,
        docs: Docs {
            summary: "Waits until replicas have the writes of this connection",
            since: "3.0.0",
            group: Group::Generic,
            arguments: &[
                Arg::new("numreplicas", ArgKind::Integer),
                Arg::new("timeout", ArgKind::Integer),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
