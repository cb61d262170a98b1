//! The one table of all commands: the rows of the shards' commands, which it knows, and those of
//! the process around them, which it is given. Built once at start; looked up by name in any case.

use std::collections::HashMap;

use crate::command::{Args, Command, CommandSpec, NoProcess, Run};
use crate::{generic, types};

/// Longest command name, subcommands not included.
const NAME_BYTES_MAX: usize = 32;

/// Number of a command or subcommand in the table: an index for statistics.
pub type CommandId = usize;

/// A command in the table. `P` is the type of the process's functions.
pub struct Entry<P = NoProcess> {
    /// What is known about it.
    pub spec: &'static CommandSpec,
    /// Who runs it.
    pub run: Run<P>,
    /// Its number.
    pub id: CommandId,
    /// Name as clients see it: `get`, `config|set`.
    pub full_name: String,
    /// Its subcommands, in the order of their rows.
    subcommands: Vec<CommandId>,
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
pub struct Table<P = NoProcess> {
    entries: Vec<Entry<P>>,
    by_name: HashMap<String, CommandId, std::hash::BuildHasherDefault<rustc_hash::FxHasher>>,
    top_level: Vec<CommandId>,
}

impl Table {
    /// The commands of shards alone.
    pub fn of_shards() -> Self {
        Table::new([])
    }
}

impl<P: Copy + 'static> Table<P> {
    /// The commands of shards, and those that `rows` describe.
    pub fn new(rows: impl IntoIterator<Item = &'static Command<P>>) -> Self {
        let mut table =
            Table { entries: Vec::new(), by_name: HashMap::default(), top_level: Vec::new() };
        for row in shard_rows() {
            table.add(row, Run::beside_process);
        }
        for row in rows {
            table.add(row, |run| run);
        }
        table
    }

    /// Adds a row with its subcommands, or more subcommands to the container that has its name.
    fn add<Q: Copy>(&mut self, row: &'static Command<Q>, run: fn(Run<Q>) -> Run<P>) {
        let container = self.by_name.get(row.spec.name).copied();
        let container = container.filter(|_| matches!(row.run, Run::Container));
        let id = container.unwrap_or_else(|| {
            let id = self.push(&row.spec, run(row.run), row.spec.name.to_owned());
            self.top_level.push(id);
            self.by_name.insert(row.spec.name.to_owned(), id);
            id
        });
        for sub in row.subcommands {
            let full_name = format!("{}|{}", row.spec.name, sub.spec.name);
            let sub_id = self.push(&sub.spec, run(sub.run), full_name);
            self.entries[id].subcommands.push(sub_id);
        }
    }

    fn push(&mut self, spec: &'static CommandSpec, run: Run<P>, full_name: String) -> CommandId {
        let id = self.entries.len();
        self.entries.push(Entry { spec, run, id, full_name, subcommands: Vec::new() });
        id
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
    pub fn entry(&self, id: CommandId) -> &Entry<P> {
        &self.entries[id]
    }

    /// Every entry, containers before their subcommands.
    pub fn entries(&self) -> impl Iterator<Item = &Entry<P>> {
        self.entries.iter()
    }

    /// The commands that are not subcommands.
    pub fn top_level(&self) -> impl Iterator<Item = &Entry<P>> {
        self.top_level.iter().map(|id| &self.entries[*id])
    }

    /// The subcommands of a container, in the order of their rows.
    pub fn subcommands<'a>(&'a self, entry: &'a Entry<P>) -> impl Iterator<Item = &'a Entry<P>> {
        entry.subcommands.iter().map(|id| &self.entries[*id])
    }

    /// The command called `name`, in any case.
    pub fn by_name(&self, name: &[u8]) -> Option<&Entry<P>> {
        let mut lower = [0u8; NAME_BYTES_MAX];
        let lower = lower.get_mut(..name.len())?;
        for (to, from) in lower.iter_mut().zip(name) {
            *to = from.to_ascii_lowercase();
        }
        let id = self.by_name.get(std::str::from_utf8(lower).ok()?)?;
        self.entries.get(*id)
    }

    /// The command with a name as COMMAND takes it: `get`, `config|set`.
    pub fn by_full_name(&self, name: &[u8]) -> Option<&Entry<P>> {
        match name.iter().position(|byte| *byte == b'|') {
            None => self.by_name(name),
            Some(bar) => self.subcommand(self.by_name(&name[..bar])?, &name[bar + 1..]),
        }
    }

    /// The subcommand `name` of a container, in any case.
    pub fn subcommand<'a>(&'a self, container: &'a Entry<P>, name: &[u8]) -> Option<&'a Entry<P>> {
        let mut subcommands = self.subcommands(container);
        subcommands.find(|entry| entry.spec.name.as_bytes().eq_ignore_ascii_case(name))
    }

    /// The command that a request names, down to the subcommand.
    pub fn lookup(&self, args: Args<'_>) -> Result<&Entry<P>, LookupError> {
        let entry = self.by_name(args.get(0)).ok_or(LookupError::UnknownCommand)?;
        if entry.subcommands.is_empty() {
            return Ok(entry);
        }
        if args.len() < 2 {
            // A container that can run by itself (COMMAND) does, any other has too few arguments.
            return Ok(entry);
        }
        self.subcommand(entry, args.get(1)).ok_or(LookupError::UnknownSubcommand)
    }
}

/// The rows of the commands that shards run.
fn shard_rows() -> impl Iterator<Item = &'static Command> {
    [
        generic::ROWS,
        types::string::ROWS,
        types::bitmap::ROWS,
        types::hash::ROWS,
        types::list::ROWS,
        types::set::ROWS,
        types::zset::ROWS,
        types::geo::ROWS,
        types::hyperloglog::ROWS,
        types::stream::ROWS,
    ]
    .into_iter()
    .flatten()
    .copied()
    .flatten()
}

#[cfg(test)]
mod sample_calls;
#[cfg(test)]
mod tests;
