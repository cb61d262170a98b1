//! The commands of a cluster, described.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Arg, ArgKind, Docs, Group, Run, category, flag};

/// The commands of this subject.
pub(crate) const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "asking",
        arity: 1,
        flags: flag::FAST,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Lets the next command see a slot that is being imported",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "cluster",
        arity: -2,
        run: Run::Container,
        subcommands: CLUSTER,
        docs: Docs {
            summary: "Looks at the cluster and changes it",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "Depends on the subcommand",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "readonly",
        arity: 1,
        flags: flag::LOADING | flag::STALE | flag::FAST,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Lets this connection read from a replica of a cluster",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "readwrite",
        arity: 1,
        flags: flag::LOADING | flag::STALE | flag::FAST,
        categories: category::CONNECTION,
        run: Run::Process,
        docs: Docs {
            summary: "Ends READONLY",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];

const CLUSTER: &[CommandSpec] = &[
    CommandSpec {
        name: "addslots",
        arity: -3,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Gives slots to this node",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N slots",
            arguments: &[Arg::new("slot", ArgKind::Integer).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "addslotsrange",
        arity: -4,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Gives ranges of slots to this node",
            since: "7.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N slots",
            arguments: &[Arg::new(
                "start-slot_end-slot",
                ArgKind::Block(&[
                    Arg::new("start-slot", ArgKind::Integer),
                    Arg::new("end-slot", ArgKind::Integer),
                ]),
            )
            .multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "bumpepoch",
        arity: 2,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Makes the epoch of the configuration greater",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "count-failure-reports",
        arity: 3,
        flags: flag::ADMIN | flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Counts who says that a node fails",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N reports",
            arguments: &[Arg::new("node-id", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "countkeysinslot",
        arity: 3,
        flags: flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Counts the keys in a slot",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[Arg::new("slot", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "delslots",
        arity: -3,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Takes slots from this node",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N slots",
            arguments: &[Arg::new("slot", ArgKind::Integer).multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "delslotsrange",
        arity: -4,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Takes ranges of slots from this node",
            since: "7.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N slots",
            arguments: &[Arg::new(
                "start-slot_end-slot",
                ArgKind::Block(&[
                    Arg::new("start-slot", ArgKind::Integer),
                    Arg::new("end-slot", ArgKind::Integer),
                ]),
            )
            .multiple()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "failover",
        arity: -2,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Makes a replica the primary",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[Arg::new(
                "options",
                ArgKind::OneOf(&[Arg::word("force", "FORCE"), Arg::word("takeover", "TAKEOVER")]),
            )
            .optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "flushslots",
        arity: 2,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Takes all slots from this node",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "forget",
        arity: 3,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Removes a node from the list of nodes",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[Arg::new("node-id", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "getkeysinslot",
        arity: 4,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists keys in a slot",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N keys",
            arguments: &[Arg::new("slot", ArgKind::Integer), Arg::new("count", ArgKind::Integer)],
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
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "info",
        arity: 2,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Describes the state of the cluster",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "keyslot",
        arity: 3,
        flags: flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Tells the slot of a key",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for a key of N bytes",
            arguments: &[Arg::new("key", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "links",
        arity: 2,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the connections to other nodes",
            since: "7.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N nodes",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "meet",
        arity: -4,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Makes this node known to another",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[
                Arg::new("ip", ArgKind::String),
                Arg::new("port", ArgKind::Integer),
                Arg::new("cluster_bus_port", ArgKind::Integer).since("4.0.0").optional(),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "myid",
        arity: 2,
        flags: flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Tells the id of this node",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "myshardid",
        arity: 2,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Tells the id of this node's shard",
            since: "7.2.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "nodes",
        arity: 2,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Describes the nodes in the form of the configuration",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N nodes",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "replicas",
        arity: 3,
        flags: flag::ADMIN | flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the replicas of a node",
            since: "5.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N replicas",
            arguments: &[Arg::new("node-id", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "replicate",
        arity: 3,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Makes this node a replica of another",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[Arg::new("node-id", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "reset",
        arity: -2,
        flags: flag::ADMIN | flag::NOSCRIPT | flag::STALE,
        run: Run::Process,
        docs: Docs {
            summary: "Makes this node forget the cluster",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N nodes",
            arguments: &[Arg::new(
                "hard_soft",
                ArgKind::OneOf(&[Arg::word("hard", "HARD"), Arg::word("soft", "SOFT")]),
            )
            .optional()],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "saveconfig",
        arity: 2,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Writes the configuration of the cluster to its file",
            since: "3.0.0",
            group: Group::Cluster,
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "set-config-epoch",
        arity: 3,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Sets the epoch of a new node",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[Arg::new("config-epoch", ArgKind::Integer)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "setslot",
        arity: -4,
        flags: flag::ADMIN | flag::STALE | flag::NO_ASYNC_LOADING,
        run: Run::Process,
        docs: Docs {
            summary: "Sets who has a slot",
            since: "3.0.0",
            group: Group::Cluster,
            arguments: &[
                Arg::new("slot", ArgKind::Integer),
                Arg::new(
                    "subcommand",
                    ArgKind::OneOf(&[
                        Arg::new("node-id", ArgKind::String).after("IMPORTING"),
                        Arg::new("node-id", ArgKind::String).after("MIGRATING"),
                        Arg::new("node-id", ArgKind::String).after("NODE"),
                        Arg::word("stable", "STABLE"),
                    ]),
                ),
            ],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "shards",
        arity: 2,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists slots with the nodes that have them",
            since: "7.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N nodes",
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "slaves",
        arity: 3,
        flags: flag::ADMIN | flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists the replicas of a node",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N replicas",
            arguments: &[Arg::new("node-id", ArgKind::String)],
            deprecated: Some(("5.0.0", "`CLUSTER REPLICAS`")),
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "slots",
        arity: 2,
        flags: flag::STALE,
        tips: &["nondeterministic_output"],
        run: Run::Process,
        docs: Docs {
            summary: "Lists slots with the nodes that have them",
            since: "3.0.0",
            group: Group::Cluster,
            complexity: "O(N) for N nodes",
            deprecated: Some(("7.0.0", "`CLUSTER SHARDS`")),
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
