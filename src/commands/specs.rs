//! The commands on the server as a whole and on whole databases, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, category, flag};

const FLUSH_MODE: Arg = Arg::new(
    "flush-type",
    ArgKind::OneOf(&[
        Arg::word("async", "ASYNC").since("4.0.0"),
        Arg::word("sync", "SYNC").since("6.2.0"),
    ]),
)
.optional();

/// The commands of this folder.
pub(crate) const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "config",
        arity: -2,
        run: Run::Container,
        subcommands: CONFIG,
        docs: Docs {
            summary: "Reads and changes the configuration",
            since: "2.0.0",
            group: Group::Server,
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "info",
        arity: -1,
        flags: flag::LOADING | flag::STALE,
        categories: category::DANGEROUS,
        tips: &["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Describes the server and its state",
            group: Group::Server,
            arguments: &[Arg::new("section", ArgKind::String).optional().multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "dbsize",
        arity: 1,
        flags: flag::READONLY | flag::FAST,
        categories: category::KEYSPACE,
        tips: &["request_policy:all_shards", "response_policy:agg_sum"],
        run: Run::Process,
        docs: Docs {
            summary: "Counts the keys of the database",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "time",
        arity: 1,
        flags: flag::LOADING | flag::STALE | flag::FAST,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Tells the time",
            since: "2.6.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "flushdb",
        arity: -1,
        flags: flag::WRITE,
        categories: category::KEYSPACE | category::DANGEROUS,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Deletes all keys of the database",
            group: Group::Server,
            arguments: &[FLUSH_MODE],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "flushall",
        arity: -1,
        flags: flag::WRITE,
        categories: category::KEYSPACE | category::DANGEROUS,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Deletes all keys of all databases",
            group: Group::Server,
            arguments: &[FLUSH_MODE],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "swapdb",
        arity: 3,
        flags: flag::WRITE | flag::FAST,
        categories: category::KEYSPACE | category::DANGEROUS,
        run: Run::Process,
        docs: Docs {
            summary: "Swaps two databases for everybody",
            since: "4.0.0",
            group: Group::Server,
            arguments: &[
                Arg::new("index1", ArgKind::Integer),
                Arg::new("index2", ArgKind::Integer),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "shutdown",
        arity: -1,
        flags: flag::ADMIN
            | flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::NO_MULTI
            | flag::ALLOW_BUSY,
        run: Run::Process,
        docs: Docs {
            summary: "Ends the server",
            group: Group::Server,
            arguments: &[
                Arg::new(
                    "save-selector",
                    ArgKind::OneOf(&[Arg::word("nosave", "NOSAVE"), Arg::word("save", "SAVE")]),
                )
                .optional(),
                Arg::word("now", "NOW").since("7.0.0").optional(),
                Arg::word("force", "FORCE").since("7.0.0").optional(),
                Arg::word("abort", "ABORT").since("7.0.0").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "lastsave",
        arity: 1,
        flags: flag::LOADING | flag::STALE | flag::FAST,
        categories: category::ADMIN | category::DANGEROUS,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Tells when the data was last saved",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "scrub",
        arity: 1,
        flags: flag::ADMIN | flag::NOSCRIPT,
        categories: category::DANGEROUS,
        run: Run::Process,
        docs: Docs {
            summary: "Verifies the checksums of all that is on disk, in the background",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "role",
        arity: 1,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE | flag::FAST,
        categories: category::ADMIN | category::DANGEROUS,
        run: Run::Process,
        docs: Docs {
            summary: "Tells whether this is a primary or a replica",
            since: "2.8.12",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "monitor",
        arity: 1,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Shows every command that the server runs",
            group: Group::Server,
            complexity: "",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "slowlog",
        arity: -2,
        run: Run::Container,
        subcommands: SLOWLOG,
        docs: Docs {
            summary: "Looks at the commands that took long",
            since: "2.2.12",
            group: Group::Server,
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "latency",
        arity: -2,
        run: Run::Container,
        subcommands: LATENCY,
        docs: Docs {
            summary: "Looks at how long things take",
            since: "2.8.13",
            group: Group::Server,
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "lolwut",
        arity: -1,
        flags: flag::READONLY | flag::FAST,
        run: Run::Process,
        docs: Docs {
            summary: "Draws something",
            since: "5.0.0",
            group: Group::Server,
            complexity: "",
            arguments: &[Arg::new("version", ArgKind::Integer).after("VERSION").optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "debug",
        arity: -2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Helps with tests and with finding bugs",
            group: Group::Server,
            complexity: "Depends on the subcommand",
            is_for_developers: true,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "command",
        arity: -1,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        tips: &["nondeterministic_output_order"],
        run: Run::Process,
        subcommands: COMMAND,
        docs: Docs {
            summary: "Describes the commands",
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(N) for N commands",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "keys",
        arity: 2,
        flags: flag::READONLY,
        categories: category::KEYSPACE | category::DANGEROUS,
        tips: &["request_policy:all_shards", "nondeterministic_output_order"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the keys that match a pattern",
            complexity: "O(N) for N keys in the database",
            arguments: &[Arg::new("pattern", ArgKind::Pattern)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "scan",
        arity: -2,
        flags: flag::READONLY,
        categories: category::KEYSPACE,
        tips: &["nondeterministic_output", "request_policy:special", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Walks over the keys step by step",
            since: "2.8.0",
            complexity: "O(1) for a call, O(N) for a walk over N keys",
            arguments: &[
                Arg::new("cursor", ArgKind::Integer),
                Arg::new("pattern", ArgKind::Pattern).after("MATCH").optional(),
                Arg::new("count", ArgKind::Integer).after("COUNT").optional(),
                Arg::new("type", ArgKind::String).after("TYPE").since("6.0.0").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "randomkey",
        arity: 1,
        flags: flag::READONLY,
        categories: category::KEYSPACE,
        tips: &["request_policy:all_shards", "nondeterministic_output", "response_policy:special"],
        run: Run::Process,
        docs: Docs { summary: "Draws a key, each as likely as any other", ..Docs::EMPTY },
        ..CommandSpec::EMPTY
    },
];

const CONFIG: &[CommandSpec] = &[
    CommandSpec {
        name: "get",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Reads directives",
            since: "2.0.0",
            group: Group::Server,
            complexity: "O(N) for N directives",
            arguments: &[Arg::new("parameter", ArgKind::String).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
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
        name: "resetstat",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Sets the statistics of INFO back to zero",
            since: "2.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "rewrite",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Writes the configuration in force to its file",
            since: "2.8.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "set",
        arity: -4,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Changes directives",
            since: "2.0.0",
            group: Group::Server,
            complexity: "O(N) for N directives",
            arguments: &[Arg::new(
                "data",
                ArgKind::Block(&[
                    Arg::new("parameter", ArgKind::String),
                    Arg::new("value", ArgKind::String),
                ]),
            )
            .multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const SLOWLOG: &[CommandSpec] = &[
    CommandSpec {
        name: "get",
        arity: -2,
        flags: flag::ADMIN | flag::LOADING | flag::STALE,
        tips: &["request_policy:all_nodes", "nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the latest slow commands",
            since: "2.2.12",
            group: Group::Server,
            complexity: "O(N) for N entries",
            arguments: &[Arg::new("count", ArgKind::Integer).optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "help",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Lists the subcommands",
            since: "6.2.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "len",
        arity: 2,
        flags: flag::ADMIN | flag::LOADING | flag::STALE,
        tips: &["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Counts the entries of the slow log",
            since: "2.2.12",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "reset",
        arity: 2,
        flags: flag::ADMIN | flag::LOADING | flag::STALE,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Empties the slow log",
            since: "2.2.12",
            group: Group::Server,
            complexity: "O(N) for N entries",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const LATENCY: &[CommandSpec] = &[
    CommandSpec {
        name: "doctor",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Reports on the latency in words",
            since: "2.8.13",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "graph",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Draws the latency of an event",
            since: "2.8.13",
            group: Group::Server,
            arguments: &[Arg::new("event", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "help",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Lists the subcommands",
            since: "2.8.13",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "histogram",
        arity: -2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Tells how the times of commands are spread",
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) for N commands",
            arguments: &[Arg::new("COMMAND", ArgKind::String).optional().multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "history",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the samples of an event",
            since: "2.8.13",
            group: Group::Server,
            arguments: &[Arg::new("event", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "latest",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the latest sample of every event",
            since: "2.8.13",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "reset",
        arity: -2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        tips: &["request_policy:all_nodes", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Forgets the samples of events",
            since: "2.8.13",
            group: Group::Server,
            arguments: &[Arg::new("event", ArgKind::String).optional().multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const COMMAND: &[CommandSpec] = &[
    CommandSpec {
        name: "count",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Counts the commands",
            since: "2.8.13",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "docs",
        arity: -2,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        tips: &["nondeterministic_output_order"],
        run: Run::Process,
        docs: Docs {
            summary: "Explains commands",
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) for N commands",
            arguments: &[Arg::new("command-name", ArgKind::String).optional().multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getkeys",
        arity: -3,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Finds the keys in a command",
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(N) for N arguments",
            arguments: &[
                Arg::new("command", ArgKind::String),
                Arg::new("arg", ArgKind::String).optional().multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getkeysandflags",
        arity: -3,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Finds the keys in a command and what becomes of them",
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) for N arguments",
            arguments: &[
                Arg::new("command", ArgKind::String),
                Arg::new("arg", ArgKind::String).optional().multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "help",
        arity: 2,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
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
        name: "info",
        arity: -2,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        tips: &["nondeterministic_output_order"],
        run: Run::Process,
        docs: Docs {
            summary: "Describes commands",
            since: "2.8.13",
            group: Group::Server,
            complexity: "O(N) for N commands",
            arguments: &[Arg::new("command-name", ArgKind::String).optional().multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "list",
        arity: -2,
        flags: flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        tips: &["nondeterministic_output_order"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the names of commands",
            since: "7.0.0",
            group: Group::Server,
            complexity: "O(N) for N commands",
            arguments: &[Arg::new(
                "filterby",
                ArgKind::OneOf(&[
                    Arg::new("module-name", ArgKind::String).after("MODULE"),
                    Arg::new("category", ArgKind::String).after("ACLCAT"),
                    Arg::new("pattern", ArgKind::Pattern).after("PATTERN"),
                ]),
            )
            .after("FILTERBY")
            .optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
