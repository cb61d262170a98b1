//! The row of a command in the table, and the words that rows are written with: a file with
//! handlers imports all of this module and describes them in its `ROWS`.
//!
//! Promise: a row is the only place that knows a command by its name. Whatever is special about a
//! command outside of its handler is a flag or a property of its row.
//!
//! ```text
//! command("hget", 3, hget)                 its name, its arity, its handler
//!     .flags(READONLY | FAST)
//!     .group(Group::Hash)                  with the ACL category of the group
//!     .since("2.0.0")                      1.0.0 when it is not said
//!     .summary("Returns the value of a field")
//!     .complexity("…")                     O(1) when it is not said
//!     .keys(&[KeySpec::one(1).read().access()])
//!     .args(&[Arg::key("key", 0), Arg::string("field")])
//! ```

pub use crate::command::docs::{Arg, Group};
pub use crate::command::flags::flag::{
    ADMIN, ALLOW_BUSY, BLOCKING, DENYOOM, FAST, IN_SUBSCRIBED_MODE, LOADING, MAY_REPLICATE,
    MOVABLEKEYS, NO_ASYNC_LOADING, NO_AUTH, NO_MULTI, NOSCRIPT, PUBSUB, READONLY, STALE,
    TELLS_USES, WRITE,
};
pub use crate::command::flags::{Flags, category, key_flag};
pub use crate::command::key_spec::KeySpec;

use crate::command::docs::Docs;
use crate::command::flags::flag;
use crate::command::spec::{CommandSpec, Handler, NoProcess, Run, Secrets};

/// A row: what is known about a command, and who runs it. `P` is the type of the process's
/// functions, which shards do not know.
#[derive(Clone, Copy)]
pub struct Command<P: 'static = NoProcess> {
    pub spec: CommandSpec,
    pub run: Run<P>,
    /// What the word behind the command's name chooses from, if anything.
    pub subcommands: &'static [Command<P>],
}

/// A command that shards run.
pub const fn command(name: &'static str, arity: i32, handler: Handler) -> Command {
    Command::new(name, arity, Run::Shard(handler))
}

/// A command that only its subcommands run.
pub const fn container<P: Copy>(
    name: &'static str,
    subcommands: &'static [Command<P>],
) -> Command<P> {
    Command::new(name, -2, Run::Container)
        .complexity("Depends on the subcommand")
        .subcommands(subcommands)
}

/// More subcommands of a container whose row stands in another file, before this one in the table.
pub const fn more_of<P: Copy>(
    container: &'static str,
    subcommands: &'static [Command<P>],
) -> Command<P> {
    Command::new(container, -2, Run::Container).subcommands(subcommands)
}

impl<P: Copy> Command<P> {
    /// A row that says nothing more yet.
    pub const fn new(name: &'static str, arity: i32, run: Run<P>) -> Self {
        let spec = CommandSpec {
            name,
            arity,
            flags: 0,
            categories: 0,
            keys: &[],
            tips: &[],
            secrets: None,
            docs: Docs::EMPTY,
        };
        Self { spec, run, subcommands: &[] }
    }

    /// Flags, which decide how it is run.
    #[must_use]
    pub const fn flags(mut self, flags: Flags) -> Self {
        self.spec.flags |= flags;
        self
    }

    /// ACL categories besides those that follow from the group and the flags.
    #[must_use]
    pub const fn categories(mut self, categories: Flags) -> Self {
        self.spec.categories |= categories;
        self
    }

    /// The group in COMMAND DOCS, and the ACL category that goes with it, which a container has
    /// not.
    #[must_use]
    pub const fn group(mut self, group: Group) -> Self {
        self.spec.docs.group = group;
        if !matches!(self.run, Run::Container) {
            self.spec.categories |= group.categories();
        }
        self
    }

    /// Where its keys stand and what becomes of them.
    #[must_use]
    pub const fn keys(mut self, keys: &'static [KeySpec]) -> Self {
        self.spec.keys = keys;
        let mut index = 0;
        while index < keys.len() {
            if keys[index].is_movable() {
                self.spec.flags |= flag::MOVABLEKEYS;
            }
            index += 1;
        }
        self
    }

    /// Tips for clients and proxies.
    #[must_use]
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Self {
        self.spec.tips = tips;
        self
    }

    /// Some of its arguments are secret.
    #[must_use]
    pub const fn secrets(mut self, secrets: Secrets) -> Self {
        self.spec.secrets = Some(secrets);
        self
    }

    /// It has subcommands.
    #[must_use]
    pub const fn subcommands(mut self, subcommands: &'static [Command<P>]) -> Self {
        self.subcommands = subcommands;
        self
    }

    /// What it does, in a few words.
    #[must_use]
    pub const fn summary(mut self, summary: &'static str) -> Self {
        self.spec.docs.summary = summary;
        self
    }

    /// The version of Redis that had it first.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Self {
        self.spec.docs.since = version;
        self
    }

    /// How its duration grows; nothing is said of it when this is empty.
    #[must_use]
    pub const fn complexity(mut self, complexity: &'static str) -> Self {
        self.spec.docs.complexity = complexity;
        self
    }

    /// Its arguments, for COMMAND DOCS.
    #[must_use]
    pub const fn args(mut self, arguments: &'static [Arg]) -> Self {
        self.spec.docs.arguments = arguments;
        self
    }

    /// What changed, by version.
    #[must_use]
    pub const fn history(mut self, changes: &'static [(&'static str, &'static str)]) -> Self {
        self.spec.docs.history = changes;
        self
    }

    /// Since a version something else is to be used.
    #[must_use]
    pub const fn deprecated(mut self, version: &'static str, instead: &'static str) -> Self {
        self.spec.docs.deprecated = Some((version, instead));
        self
    }

    /// Not meant for applications.
    #[must_use]
    pub const fn for_developers(mut self) -> Self {
        self.spec.docs.is_for_developers = true;
        self
    }
}
