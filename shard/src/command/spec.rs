//! How a command is described. One [`CommandSpec`] a command, beside its handler; everything that
//! Basalt knows about commands (lookup, arity, flags, keys, routing, COMMAND, ACL categories,
//! statistics) is derived from it. Vocabulary and meaning are those of Redis's COMMAND replies.

use crate::command::Args;
use crate::error::CommandResult;
use crate::resp::ReplyBuffer;
use crate::view::View;

/// A handler: reads and changes the view, writes its reply. Synchronous, touches nothing else.
pub type Handler = fn(&mut View<'_>, Args<'_>, &mut ReplyBuffer) -> CommandResult;

/// Who runs a command.
#[derive(Clone, Copy)]
pub enum Run {
    /// A shard, over a view of its keys.
    Shard(Handler),
    /// The process: connections, configuration, whole databases. The upper layer has the function.
    Process,
    /// Nobody: its subcommands do.
    Container,
}

/// A set of flags out of one of the lists below.
pub type Flags = u32;

/// Command flags, with their names in COMMAND INFO in [`flag::NAMES`].
pub mod flag {
    use super::Flags;
    pub const WRITE: Flags = 1;
    pub const READONLY: Flags = 1 << 1;
    pub const DENYOOM: Flags = 1 << 2;
    pub const ADMIN: Flags = 1 << 3;
    pub const PUBSUB: Flags = 1 << 4;
    pub const NOSCRIPT: Flags = 1 << 5;
    pub const BLOCKING: Flags = 1 << 6;
    pub const LOADING: Flags = 1 << 7;
    pub const STALE: Flags = 1 << 8;
    pub const SKIP_MONITOR: Flags = 1 << 9;
    pub const SKIP_SLOWLOG: Flags = 1 << 10;
    pub const ASKING: Flags = 1 << 11;
    pub const FAST: Flags = 1 << 12;
    pub const NO_AUTH: Flags = 1 << 13;
    pub const MAY_REPLICATE: Flags = 1 << 14;
    pub const NO_ASYNC_LOADING: Flags = 1 << 15;
    pub const NO_MULTI: Flags = 1 << 16;
    pub const MOVABLEKEYS: Flags = 1 << 17;
    pub const ALLOW_BUSY: Flags = 1 << 18;
    /// Tells how a key is used, which every thread may know a part of. Not shown to clients.
    pub const TELLS_USES: Flags = 1 << 31;
    /// A client of RESP2 that has subscribed may send it; not shown.
    pub const IN_SUBSCRIBED_MODE: Flags = 1 << 19;
    /// Replies with the flag's name.
    pub const NAMES: &[(Flags, &str)] = &[
        (WRITE, "write"),
        (READONLY, "readonly"),
        (DENYOOM, "denyoom"),
        (ADMIN, "admin"),
        (PUBSUB, "pubsub"),
        (NOSCRIPT, "noscript"),
        (BLOCKING, "blocking"),
        (LOADING, "loading"),
        (STALE, "stale"),
        (SKIP_MONITOR, "skip_monitor"),
        (SKIP_SLOWLOG, "skip_slowlog"),
        (ASKING, "asking"),
        (FAST, "fast"),
        (NO_AUTH, "no_auth"),
        (MAY_REPLICATE, "may_replicate"),
        (NO_ASYNC_LOADING, "no_async_loading"),
        (NO_MULTI, "no_multi"),
        (MOVABLEKEYS, "movablekeys"),
        (ALLOW_BUSY, "allow_busy"),
    ];
}

/// ACL categories that a command states itself; the rest follow from its flags
/// (see [`CommandSpec::categories`]).
pub mod category {
    use super::Flags;
    pub const KEYSPACE: Flags = 1;
    pub const READ: Flags = 1 << 1;
    pub const WRITE: Flags = 1 << 2;
    pub const SET: Flags = 1 << 3;
    pub const SORTED_SET: Flags = 1 << 4;
    pub const LIST: Flags = 1 << 5;
    pub const HASH: Flags = 1 << 6;
    pub const STRING: Flags = 1 << 7;
    pub const BITMAP: Flags = 1 << 8;
    pub const HYPERLOGLOG: Flags = 1 << 9;
    pub const GEO: Flags = 1 << 10;
    pub const STREAM: Flags = 1 << 11;
    pub const PUBSUB: Flags = 1 << 12;
    pub const ADMIN: Flags = 1 << 13;
    pub const FAST: Flags = 1 << 14;
    pub const SLOW: Flags = 1 << 15;
    pub const BLOCKING: Flags = 1 << 16;
    pub const DANGEROUS: Flags = 1 << 17;
    pub const CONNECTION: Flags = 1 << 18;
    pub const TRANSACTION: Flags = 1 << 19;
    pub const SCRIPTING: Flags = 1 << 20;
    /// Names, in the order of COMMAND INFO.
    pub const NAMES: &[(Flags, &str)] = &[
        (KEYSPACE, "keyspace"),
        (READ, "read"),
        (WRITE, "write"),
        (SET, "set"),
        (SORTED_SET, "sortedset"),
        (LIST, "list"),
        (HASH, "hash"),
        (STRING, "string"),
        (BITMAP, "bitmap"),
        (HYPERLOGLOG, "hyperloglog"),
        (GEO, "geo"),
        (STREAM, "stream"),
        (PUBSUB, "pubsub"),
        (ADMIN, "admin"),
        (FAST, "fast"),
        (SLOW, "slow"),
        (BLOCKING, "blocking"),
        (DANGEROUS, "dangerous"),
        (CONNECTION, "connection"),
        (TRANSACTION, "transaction"),
        (SCRIPTING, "scripting"),
    ];
}

/// Flags of a key specification.
pub mod key_flag {
    use super::Flags;
    pub const RO: Flags = 1;
    pub const RW: Flags = 1 << 1;
    pub const OW: Flags = 1 << 2;
    pub const RM: Flags = 1 << 3;
    pub const ACCESS: Flags = 1 << 4;
    pub const UPDATE: Flags = 1 << 5;
    pub const INSERT: Flags = 1 << 6;
    pub const DELETE: Flags = 1 << 7;
    pub const NOT_KEY: Flags = 1 << 8;
    pub const INCOMPLETE: Flags = 1 << 9;
    pub const VARIABLE_FLAGS: Flags = 1 << 10;
    /// Names, in the order of COMMAND INFO.
    pub const NAMES: &[(Flags, &str)] = &[
        (RO, "RO"),
        (RW, "RW"),
        (OW, "OW"),
        (RM, "RM"),
        (ACCESS, "access"),
        (UPDATE, "update"),
        (INSERT, "insert"),
        (DELETE, "delete"),
        (NOT_KEY, "not_key"),
        (INCOMPLETE, "incomplete"),
        (VARIABLE_FLAGS, "variable_flags"),
    ];
}

/// Where the search for keys begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginSearch {
    /// At this argument.
    Index(usize),
    /// Behind this word, searched from an argument on (negative: backwards from the end).
    Keyword(&'static str, i32),
}

/// How keys are found from there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindKeys {
    /// Up to `last` (relative to the begin; negative: from the end), every `step`; with
    /// `limit` > 1 only the first 1/limit of what is left.
    Range { last: i32, step: usize, limit: i32 },
    /// An argument says how many keys follow. All three relative to the begin.
    KeyNumber { index: usize, first: usize, step: usize },
}

/// One key specification, as in COMMAND INFO.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// Out of [`key_flag`].
    pub flags: Flags,
    /// Where to begin.
    pub begin: BeginSearch,
    /// How to go on.
    pub find: FindKeys,
    /// Remark shown by COMMAND INFO.
    pub notes: &'static str,
}

impl KeySpec {
    /// The single key at argument `index`.
    pub const fn one(index: usize, flags: Flags) -> KeySpec {
        KeySpec::range(index, 0, 1, flags)
    }

    /// Keys from argument `index` to the last but `-1 - last`, every `step`.
    pub const fn range(index: usize, last: i32, step: usize, flags: Flags) -> KeySpec {
        KeySpec {
            flags,
            begin: BeginSearch::Index(index),
            find: FindKeys::Range { last, step, limit: 0 },
            notes: "",
        }
    }

    /// Argument `index` says how many keys follow it.
    pub const fn numbered(index: usize, flags: Flags) -> KeySpec {
        KeySpec {
            flags,
            begin: BeginSearch::Index(index),
            find: FindKeys::KeyNumber { index: 0, first: 1, step: 1 },
            notes: "",
        }
    }
}

/// Group of a command in COMMAND DOCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Generic,
    String,
    List,
    Set,
    SortedSet,
    Hash,
    Pubsub,
    Transactions,
    Connection,
    Server,
    Scripting,
    Hyperloglog,
    Cluster,
    Sentinel,
    Geo,
    Stream,
    Bitmap,
}

impl Group {
    /// Name in COMMAND DOCS.
    pub fn name(self) -> &'static str {
        match self {
            Group::Generic => "generic",
            Group::String => "string",
            Group::List => "list",
            Group::Set => "set",
            Group::SortedSet => "sorted-set",
            Group::Hash => "hash",
            Group::Pubsub => "pubsub",
            Group::Transactions => "transactions",
            Group::Connection => "connection",
            Group::Server => "server",
            Group::Scripting => "scripting",
            Group::Hyperloglog => "hyperloglog",
            Group::Cluster => "cluster",
            Group::Sentinel => "sentinel",
            Group::Geo => "geo",
            Group::Stream => "stream",
            Group::Bitmap => "bitmap",
        }
    }
}

/// Type of an argument in COMMAND DOCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArgKind {
    String,
    Integer,
    Double,
    /// A key; the number is the index of its key specification.
    Key(usize),
    Pattern,
    UnixTime,
    PureToken,
    OneOf(&'static [Arg]),
    Block(&'static [Arg]),
}

/// One argument in COMMAND DOCS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arg {
    pub name: &'static str,
    pub kind: ArgKind,
    /// The word that stands before it; empty for none.
    pub token: &'static str,
    pub since: &'static str,
    /// Since when something else is to be used; empty for not at all.
    pub deprecated_since: &'static str,
    /// What to show in a synopsis; empty for the name.
    pub display: &'static str,
    pub optional: bool,
    pub multiple: bool,
    pub multiple_token: bool,
}

impl Arg {
    /// An argument that must be there once.
    pub const fn new(name: &'static str, kind: ArgKind) -> Arg {
        Arg {
            name,
            kind,
            token: "",
            since: "",
            deprecated_since: "",
            display: "",
            optional: false,
            multiple: false,
            multiple_token: false,
        }
    }

    /// A key of the key specification `index`.
    pub const fn key(name: &'static str, index: usize) -> Arg {
        Arg::new(name, ArgKind::Key(index))
    }

    /// A word that is an argument by itself; `name` as COMMAND DOCS has it.
    pub const fn word(name: &'static str, token: &'static str) -> Arg {
        Arg::new(name, ArgKind::PureToken).after(token)
    }

    /// The same behind the word `token`.
    #[must_use]
    pub const fn after(mut self, token: &'static str) -> Arg {
        self.token = token;
        self
    }

    /// The same, optional.
    #[must_use]
    pub const fn optional(mut self) -> Arg {
        self.optional = true;
        self
    }

    /// The same, any number of times.
    #[must_use]
    pub const fn multiple(mut self) -> Arg {
        self.multiple = true;
        self
    }

    /// The same, with its word before every one of many.
    #[must_use]
    pub const fn multiple_token(mut self) -> Arg {
        self.multiple_token = true;
        self
    }

    /// The same, shown in a synopsis as `text`.
    #[must_use]
    pub const fn shown_as(mut self, text: &'static str) -> Arg {
        self.display = text;
        self
    }

    /// The same, not to be used since a version.
    #[must_use]
    pub const fn deprecated(mut self, version: &'static str) -> Arg {
        self.deprecated_since = version;
        self
    }

    /// The same, since a version later than the command's.
    #[must_use]
    pub const fn since(mut self, version: &'static str) -> Arg {
        self.since = version;
        self
    }
}

/// What COMMAND DOCS says beyond the specification.
#[derive(Clone, Copy, Debug)]
pub struct Docs {
    pub summary: &'static str,
    pub since: &'static str,
    pub group: Group,
    pub complexity: &'static str,
    pub arguments: &'static [Arg],
    /// (version, what changed).
    pub history: &'static [(&'static str, &'static str)],
    /// (deprecated since, what to use instead).
    pub deprecated: Option<(&'static str, &'static str)>,
    /// Not meant for applications (COMMAND DOCS: `syscmd`).
    pub is_for_developers: bool,
}

impl Docs {
    /// To be filled with `..Docs::EMPTY`.
    pub const EMPTY: Docs = Docs {
        summary: "",
        since: "1.0.0",
        group: Group::Generic,
        complexity: "O(1)",
        arguments: &[],
        history: &[],
        deprecated: None,
        is_for_developers: false,
    };
}

/// Everything Basalt knows about one command.
#[derive(Clone, Copy)]
pub struct CommandSpec {
    /// In lower case; of a subcommand the part behind the `|`.
    pub name: &'static str,
    /// Number of arguments with the name; negative: at least that many.
    pub arity: i32,
    /// Out of [`flag`].
    pub flags: Flags,
    /// Out of [`category`]: those that do not follow from the flags.
    pub categories: Flags,
    /// Where the keys stand.
    pub keys: &'static [KeySpec],
    /// Tips for clients and proxies.
    pub tips: &'static [&'static str],
    /// Who runs it.
    pub run: Run,
    /// Subcommands of a container.
    pub subcommands: &'static [CommandSpec],
    /// For people.
    pub docs: Docs,
}

impl CommandSpec {
    /// To be filled with `..CommandSpec::EMPTY`.
    pub const EMPTY: CommandSpec = CommandSpec {
        name: "",
        arity: 1,
        flags: 0,
        categories: 0,
        keys: &[],
        tips: &[],
        run: Run::Process,
        subcommands: &[],
        docs: Docs::EMPTY,
    };

    /// Whether any of `flags` is set.
    pub fn has(&self, flags: Flags) -> bool {
        self.flags & flags != 0
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
