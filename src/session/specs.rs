//! Descriptions of the connection commands.

use basalt_shard::command::CommandSpec;
use basalt_shard::command::spec::{Docs, Group, category, flag};

/// The commands of this folder.
pub(crate) const SPECS: &[CommandSpec] = &[CommandSpec {
    name: "ping",
    arity: -1,
    flags: flag::FAST,
    categories: category::CONNECTION,
    docs: Docs { summary: "Answers PONG", group: Group::Connection, ..Docs::EMPTY },
    ..CommandSpec::EMPTY
}];
