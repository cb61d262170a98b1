//! The words that rows of commands are written with, for commands that no shard runs: those of
//! `basalt_shard::command::row`, and how the process runs a command.

pub(crate) use basalt_shard::command::row::*;

pub(crate) use crate::thread::process_command::ProcessRun::{self, Later, Now, Report, Try};

/// A row whose function, if it has one, is the process's.
pub(crate) type Command = basalt_shard::command::Command<ProcessRun>;

/// A command that the process runs.
pub(crate) const fn command(name: &'static str, arity: i32, run: ProcessRun) -> Command {
    Command::new(name, arity, basalt_shard::command::Run::Process(run))
}
