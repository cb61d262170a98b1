//! The commands: how one is described (`spec`), its arguments (`args`), the options that several
//! share (`scan_options`), the one table of all (`table`), where its keys stand (`keys`).

pub mod args;
pub mod keys;
#[cfg(test)]
mod sample_calls;
pub mod scan_options;
pub mod spec;
pub mod table;

pub use args::Args;
pub use spec::CommandSpec;
