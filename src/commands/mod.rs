//! The commands that no shard runs: on connections, the configuration, the server, whole databases.
//! `thread::process_command` says how one is added.

mod absent;
mod acl;
pub(crate) mod auth;
pub(crate) mod client;
pub(crate) mod client_list;
pub(crate) mod command;
pub(crate) mod config_commands;
pub(crate) mod connection_commands;
pub(crate) mod connection_specs;
pub(crate) mod databases;
pub(crate) mod debug;
pub(crate) mod info;
pub(crate) mod latency_commands;
mod latency_graph;
pub(crate) mod lolwut;
pub(crate) mod memory_commands;
pub(crate) mod monitor;
pub(crate) mod persistence;
pub(crate) mod pubsub;
pub(crate) mod replies;
pub(crate) mod server_commands;
pub(crate) mod slowlog_commands;
pub(crate) mod specs;
pub(crate) mod walk;

use basalt_shard::command::CommandSpec;

use crate::thread::process_command::ProcessRun;

/// All commands that no shard runs, described.
pub(crate) fn process_specs() -> impl Iterator<Item = &'static CommandSpec> {
    let here = [specs::SPECS, acl::specs::SPECS, persistence::specs::SPECS, pubsub::SPECS];
    here.into_iter()
        .chain(absent::SPECS)
        .chain([crate::commands::connection_specs::SPECS])
        .flatten()
}

/// The functions of all commands that no shard runs, by their full names.
pub(crate) fn commands() -> Vec<(&'static str, ProcessRun)> {
    let present = [
        acl::COMMANDS,
        auth::COMMANDS,
        client::COMMANDS,
        client_list::COMMANDS,
        command::COMMANDS,
        config_commands::COMMANDS,
        connection_commands::COMMANDS,
        databases::COMMANDS,
        debug::COMMANDS,
        info::COMMANDS,
        latency_commands::COMMANDS,
        lolwut::COMMANDS,
        memory_commands::COMMANDS,
        monitor::COMMANDS,
        persistence::COMMANDS,
        pubsub::COMMANDS,
        server_commands::COMMANDS,
        slowlog_commands::COMMANDS,
        walk::COMMANDS,
    ];
    [present.concat(), absent::commands()].concat()
}
