//! Descriptions of the administration commands.

use basalt_shard::command::CommandSpec;

/// The commands of this folder.
pub(crate) const SPECS: &[CommandSpec] = &[
    CommandSpec { name: "dbsize", arity: 1, ..CommandSpec::EMPTY },
    CommandSpec { name: "keys", arity: 2, ..CommandSpec::EMPTY },
    CommandSpec { name: "scan", arity: -2, ..CommandSpec::EMPTY },
    CommandSpec { name: "randomkey", arity: 1, ..CommandSpec::EMPTY },
    CommandSpec { name: "flushdb", arity: -1, ..CommandSpec::EMPTY },
    CommandSpec { name: "flushall", arity: -1, ..CommandSpec::EMPTY },
    CommandSpec { name: "swapdb", arity: 3, ..CommandSpec::EMPTY },
    CommandSpec { name: "shutdown", arity: -1, ..CommandSpec::EMPTY },
];
