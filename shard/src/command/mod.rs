//! What a command is: its arguments (`args`), what is known about it (`spec`: its flags, its keys,
//! its documentation), the row that says so beside its handler (`row`), and the options that
//! several commands share (`scan_options`). The table of all rows stands above the commands, in
//! `table`.

pub mod args;
pub mod docs;
pub mod flags;
pub mod key_spec;
pub mod keys;
pub mod row;
pub mod scan_options;
pub mod spec;

pub use args::Args;
pub use docs::{Arg, ArgKind, Docs, Group};
pub use flags::{Flags, category, flag, key_flag};
pub use key_spec::{BeginSearch, FindKeys, KeySpec};
pub use row::Command;
pub use spec::{CommandSpec, Handler, NoProcess, Run};
