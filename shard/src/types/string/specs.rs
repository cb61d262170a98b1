//! The string commands, described.

use super::commands;
use crate::command::CommandSpec;
use crate::command::spec::{Arg, ArgKind, Docs, Group, KeySpec, Run, category, flag, key_flag};

/// The commands of this folder.
pub const SPECS: &[CommandSpec] = &[
    CommandSpec {
        name: "get",
        arity: 2,
        flags: flag::READONLY | flag::FAST,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RO | key_flag::ACCESS)],
        run: Run::Shard(commands::get),
        docs: Docs {
            summary: "Returns the string at a key",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
    CommandSpec {
        name: "set",
        arity: -3,
        flags: flag::WRITE | flag::DENYOOM,
        categories: category::STRING,
        keys: &[KeySpec::one(1, key_flag::RW | key_flag::ACCESS | key_flag::UPDATE)],
        run: Run::Shard(commands::set),
        docs: Docs {
            summary: "Sets the string at a key, whatever was there before",
            since: "1.0.0",
            group: Group::String,
            complexity: "O(1)",
            arguments: &[Arg::key("key", 0), Arg::new("value", ArgKind::String)],
            ..Docs::EMPTY
        },
        ..CommandSpec::EMPTY
    },
];
