//! Commands on keys of any type: whether they are there (`existence`), when they vanish (`expire`
//! sets it, `deadline` tells it), moving and copying whole values (`transfer`), taking them out and
//! putting them in (`dump`, `restore`), looking at how values are kept (`object`, `memory`).
//!
//! Nothing here looks inside a value: what a type's records mean is the type's business.

mod deadline;
mod dump;
mod existence;
mod expire;
mod memory_usage;
mod object;
mod restore;
mod transfer;

use crate::command::Command;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[
    existence::ROWS,
    expire::ROWS,
    deadline::ROWS,
    transfer::ROWS,
    dump::ROWS,
    restore::ROWS,
    object::ROWS,
    memory_usage::ROWS,
];
