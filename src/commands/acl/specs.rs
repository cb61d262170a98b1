//! ACL, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, flag};

/// The commands of this subject.
pub(crate) const SPECS: &[CommandSpec] = &[CommandSpec {
    name: "acl",
    arity: -2,
    run: Run::Container,
    subcommands: ACL,
    docs: Docs {
        summary: "Looks at who may do what",
        since: "6.0.0",
        group: Group::Server,
        complexity: "Depends on the subcommand",
        ..Docs::EMPTY
    },
    ..CommandSpec::EMPTY
}];

const ACL: &[CommandSpec] = &[
    CommandSpec {
        name: "cat",
        arity: -2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Lists the categories of commands, or the commands of one",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N commands",
            arguments: &[Arg::new("categoryname", ArgKind::String).optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "deluser",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Removes users",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N users",
            arguments: &[Arg::new("username", ArgKind::String).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "dryrun",
        arity: -4,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Tells whether a user may run a command, without running it",
            since: "7.0.0",
            group: Group::Server,
            arguments: &[
                Arg::new("username", ArgKind::String),
                Arg::new("command", ArgKind::String),
                Arg::new("arg", ArgKind::String).optional().multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "genpass",
        arity: -2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Makes a password up",
            since: "6.0.0",
            group: Group::Server,
            arguments: &[Arg::new("bits", ArgKind::Integer).optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getuser",
        arity: 3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Describes what a user may do",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N rules of the user",
            arguments: &[Arg::new("username", ArgKind::String)],
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
            since: "6.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "list",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Shows the users as a configuration file has them",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N users",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "load",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Reads the users from the file of users again",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N users",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "log",
        arity: -2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Shows what was refused, or forgets it",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N entries",
            arguments: &[Arg::new(
                "operation",
                ArgKind::OneOf(&[Arg::new("count", ArgKind::Integer), Arg::word("reset", "RESET")]),
            )
            .optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "save",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Writes the users to the file of users",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N users",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setuser",
        arity: -3,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Makes a user, or changes what one may do",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N rules",
            arguments: &[
                Arg::new("username", ArgKind::String),
                Arg::new("rule", ArgKind::String).optional().multiple(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "users",
        arity: 2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Lists the names of the users",
            since: "6.0.0",
            group: Group::Server,
            complexity: "O(N) for N users",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "whoami",
        arity: 2,
        flags: flag::NOSCRIPT | flag::LOADING | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Tells as which user the connection works",
            since: "6.0.0",
            group: Group::Server,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
