//! The commands of a cluster, where there is none.

use crate::commands::row::*;
use crate::thread::process_command::ProcessContext;

/// A command that only nodes of a cluster run, there since clusters are.
const fn of_cluster(name: &'static str, arity: i32) -> Command {
    command(name, arity, Now(no_cluster)).group(Group::Cluster).since("3.0.0")
}

/// The rows of this file.
pub(crate) const ROWS: &[Command] = &[
    of_cluster("asking", 1)
        .flags(FAST)
        .categories(category::CONNECTION)
        .summary("Lets the next command see a slot that is being imported"),
    container("cluster", SUBCOMMANDS)
        .group(Group::Cluster)
        .since("3.0.0")
        .summary("Looks at the cluster and changes it"),
    of_cluster("readonly", 1)
        .flags(LOADING | STALE | FAST)
        .categories(category::CONNECTION)
        .summary("Lets this connection read from a replica of a cluster"),
    of_cluster("readwrite", 1)
        .flags(LOADING | STALE | FAST)
        .categories(category::CONNECTION)
        .summary("Ends READONLY"),
];

const SUBCOMMANDS: &[Command] = &[
    of_cluster("addslots", -3)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Gives slots to this node")
        .complexity("O(N) for N slots")
        .args(&[Arg::integer("slot").multiple()]),
    of_cluster("addslotsrange", -4)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .since("7.0.0")
        .summary("Gives ranges of slots to this node")
        .complexity("O(N) for N slots")
        .args(&[Arg::block(
            "start-slot_end-slot",
            &[Arg::integer("start-slot"), Arg::integer("end-slot")],
        )
        .multiple()]),
    of_cluster("bumpepoch", 2)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Makes the epoch of the configuration greater")
        .tips(&["nondeterministic_output"]),
    of_cluster("count-failure-reports", 3)
        .flags(ADMIN | STALE)
        .summary("Counts who says that a node fails")
        .complexity("O(N) for N reports")
        .tips(&["nondeterministic_output"])
        .args(&[Arg::string("node-id")]),
    of_cluster("countkeysinslot", 3)
        .flags(STALE)
        .summary("Counts the keys in a slot")
        .args(&[Arg::integer("slot")]),
    of_cluster("delslots", -3)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Takes slots from this node")
        .complexity("O(N) for N slots")
        .args(&[Arg::integer("slot").multiple()]),
    of_cluster("delslotsrange", -4)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .since("7.0.0")
        .summary("Takes ranges of slots from this node")
        .complexity("O(N) for N slots")
        .args(&[Arg::block(
            "start-slot_end-slot",
            &[Arg::integer("start-slot"), Arg::integer("end-slot")],
        )
        .multiple()]),
    of_cluster("failover", -2)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Makes a replica the primary")
        .args(&[Arg::one_of(
            "options",
            &[Arg::word("force", "FORCE"), Arg::word("takeover", "TAKEOVER")],
        )
        .optional()]),
    of_cluster("flushslots", 2)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Takes all slots from this node"),
    of_cluster("forget", 3)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Removes a node from the list of nodes")
        .args(&[Arg::string("node-id")]),
    of_cluster("getkeysinslot", 4)
        .flags(STALE)
        .summary("Lists keys in a slot")
        .complexity("O(N) for N keys")
        .tips(&["nondeterministic_output"])
        .args(&[Arg::integer("slot"), Arg::integer("count")]),
    of_cluster("help", 2).flags(LOADING | STALE).since("5.0.0").summary("Lists the subcommands"),
    of_cluster("info", 2)
        .flags(STALE)
        .summary("Describes the state of the cluster")
        .tips(&["nondeterministic_output"]),
    of_cluster("keyslot", 3)
        .flags(STALE)
        .summary("Tells the slot of a key")
        .complexity("O(N) for a key of N bytes")
        .args(&[Arg::string("key")]),
    of_cluster("links", 2)
        .flags(STALE)
        .since("7.0.0")
        .summary("Lists the connections to other nodes")
        .complexity("O(N) for N nodes")
        .tips(&["nondeterministic_output"]),
    of_cluster("meet", -4)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Makes this node known to another")
        .args(&[
            Arg::string("ip"),
            Arg::integer("port"),
            Arg::integer("cluster_bus_port").since("4.0.0").optional(),
        ]),
    of_cluster("myid", 2).flags(STALE).summary("Tells the id of this node"),
    of_cluster("myshardid", 2)
        .flags(STALE)
        .since("7.2.0")
        .summary("Tells the id of this node's shard")
        .tips(&["nondeterministic_output"]),
    of_cluster("nodes", 2)
        .flags(STALE)
        .summary("Describes the nodes in the form of the configuration")
        .complexity("O(N) for N nodes")
        .tips(&["nondeterministic_output"]),
    of_cluster("replicas", 3)
        .flags(ADMIN | STALE)
        .since("5.0.0")
        .summary("Lists the replicas of a node")
        .complexity("O(N) for N replicas")
        .tips(&["nondeterministic_output"])
        .args(&[Arg::string("node-id")]),
    of_cluster("replicate", 3)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Makes this node a replica of another")
        .args(&[Arg::string("node-id")]),
    of_cluster("reset", -2)
        .flags(ADMIN | NOSCRIPT | STALE)
        .summary("Makes this node forget the cluster")
        .complexity("O(N) for N nodes")
        .args(&[Arg::one_of("hard_soft", &[Arg::word("hard", "HARD"), Arg::word("soft", "SOFT")])
            .optional()]),
    of_cluster("saveconfig", 2)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Writes the configuration of the cluster to its file"),
    of_cluster("set-config-epoch", 3)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Sets the epoch of a new node")
        .args(&[Arg::integer("config-epoch")]),
    of_cluster("setslot", -4)
        .flags(ADMIN | STALE | NO_ASYNC_LOADING)
        .summary("Sets who has a slot")
        .args(&[
            Arg::integer("slot"),
            Arg::one_of(
                "subcommand",
                &[
                    Arg::string("node-id").after("IMPORTING"),
                    Arg::string("node-id").after("MIGRATING"),
                    Arg::string("node-id").after("NODE"),
                    Arg::word("stable", "STABLE"),
                ],
            ),
        ]),
    of_cluster("shards", 2)
        .flags(STALE)
        .since("7.0.0")
        .summary("Lists slots with the nodes that have them")
        .complexity("O(N) for N nodes")
        .tips(&["nondeterministic_output"]),
    of_cluster("slaves", 3)
        .flags(ADMIN | STALE)
        .summary("Lists the replicas of a node")
        .complexity("O(N) for N replicas")
        .deprecated("5.0.0", "`CLUSTER REPLICAS`")
        .tips(&["nondeterministic_output"])
        .args(&[Arg::string("node-id")]),
    of_cluster("slots", 2)
        .flags(STALE)
        .summary("Lists slots with the nodes that have them")
        .complexity("O(N) for N nodes")
        .deprecated("7.0.0", "`CLUSTER SHARDS`")
        .tips(&["nondeterministic_output"]),
];

fn no_cluster(context: &mut ProcessContext<'_>) {
    context.reply.error(b"ERR This instance has cluster support disabled");
}
