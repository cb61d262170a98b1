//! Administration: the commands on the process and on whole databases.

pub(crate) mod command;
pub(crate) mod config_commands;
pub(crate) mod databases;
pub(crate) mod info;
pub(crate) mod monitor;
pub(crate) mod redact;
pub(crate) mod server_commands;
pub(crate) mod specs;

use crate::session::process_command::ProcessRun;

/// The functions of all commands that no shard runs, by their full names.
pub(crate) fn commands() -> Vec<(&'static str, ProcessRun)> {
    use crate::session::{auth, client, connection_commands};
    [
        connection_commands::COMMANDS,
        auth::COMMANDS,
        client::COMMANDS,
        command::COMMANDS,
        config_commands::COMMANDS,
        databases::COMMANDS,
        info::COMMANDS,
        server_commands::COMMANDS,
    ]
    .concat()
}
