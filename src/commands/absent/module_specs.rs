//! MODULE, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, flag};

/// The commands of this subject.
pub(crate) const SPECS: &[CommandSpec] = &[CommandSpec {
    name: "module",
    arity: -2,
    run: Run::Container,
    subcommands: MODULE,
    docs: Docs {
        summary: "Looks at modules",
        since: "4.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand",
        ..Docs::EMPTY
    },
    ..CommandSpec::EMPTY
}];

const MODULE: &[CommandSpec] = &[
    CommandSpec {
        name: "help",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Lists the subcommands",
            since: "5.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "list",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT,
        tips: &["nondeterministic_output_order"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the modules that are loaded",
            since: "4.0.0",
            group: Group::Server,
            complexity: "O(N) for N modules",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "load",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Loads a module",
            since: "4.0.0",
            group: Group::Server,
            arguments: &[
                Arg::new("path", ArgKind::String),
                Arg::new("arg", ArgKind::String).optional().multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "loadex",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Loads a module with its configuration",
            since: "7.0.0",
            group: Group::Server,
            arguments: &[
                Arg::new("path", ArgKind::String),
                Arg::new(
                    "configs",
                    ArgKind::Block(&[
                        Arg::new("name", ArgKind::String),
                        Arg::new("value", ArgKind::String),
                    ]),
                )
                .after("CONFIG")
                .optional()
                .multiple()
                .multiple_token(),
                Arg::new("args", ArgKind::Block(&[Arg::new("arg", ArgKind::String)]))
                    .after("ARGS")
                    .optional()
                    .multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "unload",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Unloads a module",
            since: "4.0.0",
            group: Group::Server,
            arguments: &[Arg::new("name", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
