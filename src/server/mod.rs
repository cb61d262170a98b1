//! The process from its start (`start`, `opening`) to its end (`closing`).

mod closing;
mod opening;
mod pid_file;
mod signals;
pub(crate) mod start;
