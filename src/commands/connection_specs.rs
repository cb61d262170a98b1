//! The commands on one's own and other connections, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, category, flag};

/// The commands of this folder.
pub(crate) const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "ping",
        arity: -1,
        flags: flag::IN_SUBSCRIBED_MODE | flag::FAST,
        categories: category::CONNECTION,
        tips: &["request_policy:all_shards", "response_policy:all_succeeded"],
        run: Run::Process,
        docs: Docs {
            summary: "Answers, to show that the connection works",
            group: Group::Connection,
            arguments: &[Arg::new("message", ArgKind::String).optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "echo",
        arity: 2,
        flags: flag::LOADING | flag::STALE | flag::FAST,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Answers with its argument",
            group: Group::Connection,
            arguments: &[Arg::new("message", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "quit",
        arity: -1,
        flags: flag::IN_SUBSCRIBED_MODE
            | flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Closes the connection",
            group: Group::Connection,
            deprecated: Some(("7.2.0", "just closing the connection")),
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "reset",
        arity: 1,
        flags: flag::IN_SUBSCRIBED_MODE
            | flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Brings the connection back to the state of a new one",
            since: "6.2.0",
            group: Group::Connection,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "select",
        arity: 2,
        flags: flag::LOADING | flag::STALE | flag::FAST,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Chooses the database that commands work on",
            group: Group::Connection,
            arguments: &[Arg::new("index", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "auth",
        arity: -2,
        flags: flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Shows the server who is there",
            group: Group::Connection,
            complexity: "O(N) for N passwords of the user",
            arguments: &[
                Arg::new("username", ArgKind::String).since("6.0.0").optional(),
                Arg::new("password", ArgKind::String),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "hello",
        arity: -1,
        flags: flag::NOSCRIPT
            | flag::LOADING
            | flag::STALE
            | flag::FAST
            | flag::NO_AUTH
            | flag::ALLOW_BUSY,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Chooses the version of the protocol and introduces the client",
            since: "6.0.0",
            group: Group::Connection,
            arguments: &[Arg::new(
                "arguments",
                ArgKind::Block(&[
                    Arg::new("protover", ArgKind::Integer),
                    Arg::new(
                        "auth",
                        ArgKind::Block(&[
                            Arg::new("username", ArgKind::String),
                            Arg::new("password", ArgKind::String),
                        ]),
                    )
                    .after("AUTH")
                    .optional(),
                    Arg::new("clientname", ArgKind::String).after("SETNAME").optional(),
                ]),
            )
            .optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "client",
        arity: -2,
        run: Run::Container,
        subcommands: CLIENT,
        docs: Docs {
            summary: "Looks into and acts on connections",
            since: "2.4.0",
            group: Group::Connection,
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const CLIENT: &[CommandSpec] = &[
    CommandSpec {
        name: "caching",
        arity: 3,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Chooses whether the keys of the next command are tracked",
            since: "6.0.0",
            group: Group::Connection,
            arguments: &[Arg::new(
                "mode",
                ArgKind::OneOf(&[Arg::word("yes", "YES"), Arg::word("no", "NO")]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "tracking",
        arity: -3,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Has this connection told when keys that it has read change",
            since: "6.0.0",
            group: Group::Connection,
            arguments: &[
                Arg::new(
                    "status",
                    ArgKind::OneOf(&[Arg::word("on", "ON"), Arg::word("off", "OFF")]),
                ),
                Arg::new("client-id", ArgKind::Integer).after("REDIRECT").optional(),
                Arg::new("prefix", ArgKind::String)
                    .after("PREFIX")
                    .optional()
                    .multiple()
                    .multiple_token(),
                Arg::word("bcast", "BCAST").optional(),
                Arg::word("optin", "OPTIN").optional(),
                Arg::word("optout", "OPTOUT").optional(),
                Arg::word("noloop", "NOLOOP").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getname",
        arity: 2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Tells the name of this connection",
            since: "2.6.9",
            group: Group::Connection,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getredir",
        arity: 2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Tells to which connection notes on tracked keys go",
            since: "6.0.0",
            group: Group::Connection,
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
            group: Group::Connection,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "id",
        arity: 2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Tells the number of this connection",
            since: "5.0.0",
            group: Group::Connection,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "info",
        arity: 2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Describes this connection",
            since: "6.2.0",
            group: Group::Connection,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "kill",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Closes connections",
            since: "2.4.0",
            group: Group::Connection,
            complexity: "O(N) for N connections",
            arguments: &[Arg::new(
                "filter",
                ArgKind::OneOf(&[
                    Arg::new("old-format", ArgKind::String)
                        .shown_as("ip:port")
                        .deprecated("2.8.12"),
                    Arg::new(
                        "new-format",
                        ArgKind::OneOf(&[
                            Arg::new("client-id", ArgKind::Integer)
                                .after("ID")
                                .since("2.8.12")
                                .optional(),
                            Arg::new(
                                "client-type",
                                ArgKind::OneOf(&[
                                    Arg::word("normal", "NORMAL"),
                                    Arg::word("master", "MASTER").since("3.2.0"),
                                    Arg::word("slave", "SLAVE"),
                                    Arg::word("replica", "REPLICA").since("5.0.0"),
                                    Arg::word("pubsub", "PUBSUB"),
                                ]),
                            )
                            .after("TYPE")
                            .since("2.8.12")
                            .optional(),
                            Arg::new("username", ArgKind::String).after("USER").optional(),
                            Arg::new("addr", ArgKind::String)
                                .after("ADDR")
                                .shown_as("ip:port")
                                .optional(),
                            Arg::new("laddr", ArgKind::String)
                                .after("LADDR")
                                .since("6.2.0")
                                .shown_as("ip:port")
                                .optional(),
                            Arg::new(
                                "skipme",
                                ArgKind::OneOf(&[Arg::word("yes", "YES"), Arg::word("no", "NO")]),
                            )
                            .after("SKIPME")
                            .optional(),
                        ]),
                    )
                    .multiple(),
                ]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "list",
        arity: -2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Describes all connections",
            since: "2.4.0",
            group: Group::Connection,
            complexity: "O(N) for N connections",
            arguments: &[
                Arg::new(
                    "client-type",
                    ArgKind::OneOf(&[
                        Arg::word("normal", "NORMAL"),
                        Arg::word("master", "MASTER"),
                        Arg::word("replica", "REPLICA"),
                        Arg::word("pubsub", "PUBSUB"),
                    ]),
                )
                .after("TYPE")
                .since("5.0.0")
                .optional(),
                Arg::new("client-id", ArgKind::Integer)
                    .after("ID")
                    .since("6.2.0")
                    .optional()
                    .multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "no-evict",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Keeps this connection from being closed to save memory",
            since: "7.0.0",
            group: Group::Connection,
            arguments: &[Arg::new(
                "enabled",
                ArgKind::OneOf(&[Arg::word("on", "ON"), Arg::word("off", "OFF")]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "no-touch",
        arity: 3,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Keeps the commands of this connection from marking keys as used",
            since: "7.2.0",
            group: Group::Connection,
            arguments: &[Arg::new(
                "enabled",
                ArgKind::OneOf(&[Arg::word("on", "ON"), Arg::word("off", "OFF")]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "pause",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Holds commands back for a time",
            since: "2.9.50",
            group: Group::Connection,
            arguments: &[
                Arg::new("timeout", ArgKind::Integer),
                Arg::new(
                    "mode",
                    ArgKind::OneOf(&[Arg::word("write", "WRITE"), Arg::word("all", "ALL")]),
                )
                .since("6.2.0")
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "reply",
        arity: 3,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Turns replies on this connection on or off",
            since: "3.2.0",
            group: Group::Connection,
            arguments: &[Arg::new(
                "action",
                ArgKind::OneOf(&[
                    Arg::word("on", "ON"),
                    Arg::word("off", "OFF"),
                    Arg::word("skip", "SKIP"),
                ]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setinfo",
        arity: 4,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Tells the server about the client library",
            since: "7.2.0",
            group: Group::Connection,
            arguments: &[Arg::new(
                "attr",
                ArgKind::OneOf(&[
                    Arg::new("libname", ArgKind::String).after("LIB-NAME"),
                    Arg::new("libver", ArgKind::String).after("LIB-VER"),
                ]),
            )],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setname",
        arity: 3,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Names this connection",
            since: "2.6.9",
            group: Group::Connection,
            arguments: &[Arg::new("connection-name", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "trackinginfo",
        arity: 2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Tells whether and how keys are tracked for this connection",
            since: "6.2.0",
            group: Group::Connection,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "unblock",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Ends the waiting of another connection",
            since: "5.0.0",
            group: Group::Connection,
            complexity: "O(log N) for N connections",
            arguments: &[
                Arg::new("client-id", ArgKind::Integer),
                Arg::new(
                    "unblock-type",
                    ArgKind::OneOf(&[Arg::word("timeout", "TIMEOUT"), Arg::word("error", "ERROR")]),
                )
                .optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "unpause",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Ends a pause",
            since: "6.2.0",
            group: Group::Connection,
            complexity: "O(N) for N paused connections",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
