//! Features that are not there, and what Redis answers when they are not used: tools and clients
//! ask about all of them, and an unknown command tells them that this is no Redis.

mod cluster_specs;
mod module_specs;
mod modules;
pub(crate) mod replication;
mod replication_specs;

use basalt_shard::command::CommandSpec;

use crate::thread::process_command::{ProcessContext, ProcessRun};

/// Their commands, described.
pub(crate) const SPECS: [&[CommandSpec]; 3] =
    [cluster_specs::SPECS, module_specs::SPECS, replication_specs::SPECS];

/// The functions of this folder.
pub(crate) fn commands() -> Vec<(&'static str, ProcessRun)> {
    let cluster = OF_CLUSTERS.iter().map(|name| (*name, ProcessRun::Now(no_cluster)));
    cluster.chain([modules::COMMANDS, replication::COMMANDS].concat()).collect()
}

/// The commands that only nodes of a cluster run.
const OF_CLUSTERS: &[&str] = &[
    "asking",
    "readonly",
    "readwrite",
    "cluster|addslots",
    "cluster|addslotsrange",
    "cluster|bumpepoch",
    "cluster|count-failure-reports",
    "cluster|countkeysinslot",
    "cluster|delslots",
    "cluster|delslotsrange",
    "cluster|failover",
    "cluster|flushslots",
    "cluster|forget",
    "cluster|getkeysinslot",
    "cluster|help",
    "cluster|info",
    "cluster|keyslot",
    "cluster|links",
    "cluster|meet",
    "cluster|myid",
    "cluster|myshardid",
    "cluster|nodes",
    "cluster|replicas",
    "cluster|replicate",
    "cluster|reset",
    "cluster|saveconfig",
    "cluster|set-config-epoch",
    "cluster|setslot",
    "cluster|shards",
    "cluster|slaves",
    "cluster|slots",
];

fn no_cluster(context: &mut ProcessContext<'_>) {
    context.reply.error(b"ERR This instance has cluster support disabled");
}
