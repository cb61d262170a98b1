//! The one table of all commands. Built once at start from the specifications of every layer;
//! looked up by name in any case.

use std::collections::HashMap;

use crate::command::Args;
use crate::command::spec::{CommandSpec, Run};

/// Longest command name, subcommands not included.
const NAME_BYTES_MAX: usize = 32;

/// Number of a command or subcommand in the table: an index for statistics and for the functions
/// of the layers above.
pub type CommandId = usize;

/// A command in the table.
pub struct Entry {
    /// Its description.
    pub spec: &'static CommandSpec,
    /// Its number.
    pub id: CommandId,
    /// Name as clients see it: `get`, `config|set`.
    pub full_name: String,
    /// Its subcommands, by name.
    subcommands: HashMap<&'static str, CommandId>,
}

/// Why a request names no command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LookupError {
    /// No such command.
    UnknownCommand,
    /// The container has no such subcommand.
    UnknownSubcommand,
}

/// All commands.
pub struct Table {
    entries: Vec<Entry>,
    by_name: HashMap<String, CommandId, std::hash::BuildHasherDefault<rustc_hash::FxHasher>>,
    top_level: Vec<CommandId>,
}

impl Table {
    /// A table of `specs`, in their order.
    pub fn new(specs: impl IntoIterator<Item = &'static CommandSpec>) -> Self {
        let mut table =
            Table { entries: Vec::new(), by_name: HashMap::default(), top_level: Vec::new() };
        for spec in specs {
            let id = table.entries.len();
            table.entries.push(Entry {
                spec,
                id,
                full_name: spec.name.to_owned(),
                subcommands: HashMap::new(),
            });
            table.top_level.push(id);
            table.by_name.insert(spec.name.to_owned(), id);
            for sub in spec.subcommands {
                let sub_id = table.entries.len();
                table.entries.push(Entry {
                    spec: sub,
                    id: sub_id,
                    full_name: format!("{}|{}", spec.name, sub.name),
                    subcommands: HashMap::new(),
                });
                table.entries[id].subcommands.insert(sub.name, sub_id);
            }
        }
        table
    }

    /// `rename-command`: the command answers to another name, or (an empty one) to none.
    /// Statistics and ACL rules go on with the name it had.
    pub fn rename(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        let shown = String::from_utf8_lossy(from).into_owned();
        let id = self.by_name(from).map(|entry| entry.id);
        let id = id.ok_or_else(|| format!("there is no command '{shown}'"))?;
        self.by_name.retain(|_, known| *known != id);
        let to = std::str::from_utf8(to).map_err(|_| "a name must be text")?.to_ascii_lowercase();
        if to.is_empty() {
            self.top_level.retain(|known| *known != id);
            return Ok(());
        }
        if to.len() > NAME_BYTES_MAX || self.by_name.contains_key(&to) {
            return Err(format!("'{to}' is too long, or a command already"));
        }
        self.by_name.insert(to, id);
        Ok(())
    }

    /// Number of entries, subcommands included.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether the table is empty.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry number `id`.
    pub fn entry(&self, id: CommandId) -> &Entry {
        &self.entries[id]
    }

    /// Every entry, containers before their subcommands.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// The commands that are not subcommands.
    pub fn top_level(&self) -> impl Iterator<Item = &Entry> {
        self.top_level.iter().map(|id| &self.entries[*id])
    }

    /// The subcommands of a container, in the order of its specification.
    pub fn subcommands(&self, entry: &Entry) -> impl Iterator<Item = &Entry> {
        entry
            .spec
            .subcommands
            .iter()
            .filter_map(|sub| entry.subcommands.get(sub.name).map(|id| &self.entries[*id]))
    }

    /// The command called `name`, in any case.
    pub fn by_name(&self, name: &[u8]) -> Option<&Entry> {
        let mut lower = [0u8; NAME_BYTES_MAX];
        let lower = lower.get_mut(..name.len())?;
        for (to, from) in lower.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        let id = self.by_name.get(std::str::from_utf8(lower).ok()?)?;
        self.entries.get(*id)
    }

    /// The command with a name as COMMAND takes it: `get`, `config|set`.
    pub fn by_full_name(&self, name: &[u8]) -> Option<&Entry> {
        match name.iter().position(|byte| *byte == b'|') {
            None => self.by_name(name),
            Some(bar) => self.subcommand(self.by_name(&name[..bar])?, &name[bar + 1..]),
        }
    }

    /// The subcommand `name` of a container, in any case.
    pub fn subcommand(&self, container: &Entry, name: &[u8]) -> Option<&Entry> {
        let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
        container.subcommands.get(name.as_str()).map(|id| &self.entries[*id])
    }

    /// The command that a request names, down to the subcommand.
    pub fn lookup(&self, args: Args<'_>) -> Result<&Entry, LookupError> {
        let entry = self.by_name(args.get(0)).ok_or(LookupError::UnknownCommand)?;
        if entry.subcommands.is_empty() {
            return Ok(entry);
        }
        if args.len() < 2 {
            // A container that can run by itself (COMMAND) does, any other has too few arguments.
            return Ok(entry);
        }
        match self.subcommand(entry, args.get(1)) {
            Some(sub) => Ok(sub),
            None if matches!(entry.spec.run, Run::Container) => Err(LookupError::UnknownSubcommand),
            None => Err(LookupError::UnknownSubcommand),
        }
    }
}

/// The specifications of every command that shards run.
pub fn shard_specs() -> impl Iterator<Item = &'static CommandSpec> {
    [
        crate::generic::SPECS,
        crate::types::string::SPECS,
        crate::types::bitmap::SPECS,
        crate::types::hash::SPECS,
    ]
    .into_iter()
    .flatten()
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
