//! The commands that no shard runs: on connections, the configuration, the server, whole databases.
//! Each file describes its commands in its `ROWS`; `thread::process_command` says how one is added.

mod absent;
mod acl;
pub(crate) mod auth;
pub(crate) mod client;
pub(crate) mod client_list;
pub(crate) mod command;
pub(crate) mod config_commands;
pub(crate) mod connection_commands;
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
pub(crate) mod row;
pub(crate) mod server_commands;
pub(crate) mod slowlog_commands;
pub(crate) mod walk;

use crate::commands::row::Command;

/// The rows of all commands that no shard runs. A container stands before what adds to it.
pub(crate) fn rows() -> impl Iterator<Item = &'static Command> {
    const ROWS: &[&[Command]] = &[
        config_commands::ROWS,
        info::ROWS,
        databases::ROWS,
        server_commands::ROWS,
        monitor::ROWS,
        slowlog_commands::ROWS,
        latency_commands::ROWS,
        memory_commands::ROWS,
        lolwut::ROWS,
        debug::ROWS,
        command::ROWS,
        walk::ROWS,
        acl::ROWS,
        persistence::ROWS,
        pubsub::ROWS,
        absent::cluster::ROWS,
        absent::modules::ROWS,
        absent::replication::ROWS,
        connection_commands::ROWS,
        auth::ROWS,
        client::ROWS,
        client_list::ROWS,
    ];
    ROWS.iter().copied().flatten()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use basalt_shard::command::Run;

    use crate::thread::process_command::Table;

    #[test]
    fn every_command_is_there_once_and_described() {
        let table = Table::new(super::rows());
        let mut seen = BTreeSet::new();
        for entry in table.entries() {
            let name = &entry.full_name;
            assert!(seen.insert(name.as_str()), "{name} is there twice");
            // Without one: a container that is added to and not there.
            assert!(!entry.spec.docs.summary.is_empty(), "{name}: summary");
            let is_container = matches!(entry.run, Run::Container);
            assert!(!is_container || table.subcommands(entry).count() > 0, "{name}: subcommands");
        }
        assert!(seen.len() > 200);
    }
}
