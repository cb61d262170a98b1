//! The commands: how one is described (`spec`), its arguments (`args`), the one table of all
//! (`table`), where its keys stand (`keys`).

pub mod args;
pub mod keys;
#[cfg(test)]
mod sample_calls;
pub mod spec;
pub mod table;

pub use args::Args;
pub use spec::CommandSpec;
