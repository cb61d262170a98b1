//! The process from its start to its end.

mod pid_file;
mod signals;
pub(crate) mod start;
