//! What is known about one command. Everything that Basalt does with commands (lookup, arity,
//! flags, keys, routing, COMMAND, ACL categories, secrets, statistics) follows from it. Vocabulary
//! and meaning are those of Redis's COMMAND replies.

use std::convert::Infallible;

use crate::command::{Args, Docs, Flags, KeySpec, category, flag, key_flag};
use crate::error::CommandResult;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// A handler: reads and changes the view, writes its reply. Synchronous, touches nothing else.
pub type Handler = fn(&mut View<'_>, Args<'_>, &mut ReplyBuffer) -> CommandResult;

/// The process's function where there is no process around the shards.
pub type NoProcess = Infallible;

/// Who runs a command.
#[derive(Clone, Copy)]
pub enum Run<P> {
    /// A shard, over a view of its keys.
    Shard(Handler),
    /// The process: connections, configuration, whole databases.
    Process(P),
    /// Nobody: its subcommands do.
    Container,
}

impl Run<NoProcess> {
    /// The same in a table that has commands of the process too.
    pub fn beside_process<P>(self) -> Run<P> {
        match self {
            Run::Shard(handler) => Run::Shard(handler),
            Run::Process(never) => match never {},
            Run::Container => Run::Container,
        }
    }
}

/// The indexes of the arguments of a call that MONITOR and the slow log must not show.
pub type Secrets = fn(Args<'_>) -> Vec<usize>;

/// Everything Basalt knows about one command but how it is run.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// In lower case; of a subcommand the part behind the `|`.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i32,
    /// Out of [`flag`].
    pub flags: Flags,
    /// Out of [`category`]: those that do not follow from the flags, those of its group among them.
    pub categories: Flags,
    /// Where the keys stand.
    pub keys: &'static [KeySpec],
    /// Tips for clients and proxies.
    pub tips: &'static [&'static str],
    /// Which arguments are passwords and the like.
    pub secrets: Option<Secrets>,
    /// For people.
    pub docs: Docs,
}

impl CommandSpec {
    /// Whether any of `flags` is set.
    pub fn has(&self, flags: Flags) -> bool {
        self.flags & flags != 0
    }

    /// Whether it changes nothing at all. PFCOUNT says that it reads, and keeps what it found out.
    pub fn only_reads(&self) -> bool {
        self.has(flag::READONLY) && self.keys.iter().all(|key| key.flags & key_flag::RO != 0)
    }

    /// Whether `count` arguments (with the name) are as many as it takes.
    pub fn accepts(&self, count: usize) -> bool {
        let arity = self.arity.unsigned_abs() as usize;
        if self.arity < 0 { count >= arity } else { count == arity }
    }

    /// All its ACL categories: the stated ones and those that follow from the flags, by Redis's
    /// rules.
    pub fn categories(&self) -> Flags {
        let mut all = self.categories;
        if self.has(flag::WRITE) {
            all |= category::WRITE;
        }
        if self.has(flag::READONLY) && all & category::SCRIPTING == 0 {
            all |= category::READ;
        }
        if self.has(flag::ADMIN) {
            all |= category::ADMIN | category::DANGEROUS;
        }
        if self.has(flag::PUBSUB) {
            all |= category::PUBSUB;
        }
        if self.has(flag::BLOCKING) {
            all |= category::BLOCKING;
        }
        all | if self.has(flag::FAST) { category::FAST } else { category::SLOW }
    }
}
