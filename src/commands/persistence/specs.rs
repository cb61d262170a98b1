//! The commands that make data durable, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, category, flag};

/// The commands of this subject.
pub(crate) const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "bgrewriteaof",
        arity: 1,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Shortens the log, in the background",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bgsave",
        arity: -1,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Makes everything durable, in the background",
            group: Group::Server,
            arguments: &[Arg::word("schedule", "SCHEDULE").since("3.2.2").optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "save",
        arity: 1,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING | flag::NO_MULTI,
        run: Run::Process,
        docs: Docs { summary: "Makes everything durable", group: Group::Server, ..Docs::EMPTY },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "waitaof",
        arity: 4,
        flags: flag::BLOCKING,
        categories: category::CONNECTION,
        tips: &["request_policy:all_shards", "response_policy:agg_min"],
        run: Run::Process,
        docs: Docs {
            summary: "Waits until the writes of this connection are durable",
            since: "7.2.0",
            arguments: &[
                Arg::new("numlocal", ArgKind::Integer),
                Arg::new("numreplicas", ArgKind::Integer),
                Arg::new("timeout", ArgKind::Integer),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
