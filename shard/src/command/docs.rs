//! What COMMAND DOCS says about a command and its arguments.

use crate::command::flags::{Flags, category};

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

    /// The ACL categories that every command of the group belongs to.
    pub(super) const fn categories(self) -> Flags {
        match self {
            Group::String => category::STRING,
            Group::List => category::LIST,
            Group::Set => category::SET,
            Group::SortedSet => category::SORTED_SET,
            Group::Hash => category::HASH,
            Group::Hyperloglog => category::HYPERLOGLOG,
            Group::Geo => category::GEO,
            Group::Stream => category::STREAM,
            Group::Bitmap => category::BITMAP,
            Group::Connection => category::CONNECTION,
            Group::Transactions => category::TRANSACTION,
            Group::Scripting => category::SCRIPTING,
            Group::Generic | Group::Pubsub | Group::Server | Group::Cluster | Group::Sentinel => 0,
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
    const fn new(name: &'static str, kind: ArgKind) -> Arg {
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

    /// Any bytes.
    pub const fn string(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::String)
    }

    /// A whole number.
    pub const fn integer(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Integer)
    }

    /// A number.
    pub const fn double(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Double)
    }

    /// A pattern for names.
    pub const fn pattern(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::Pattern)
    }

    /// A point in time.
    pub const fn unix_time(name: &'static str) -> Arg {
        Arg::new(name, ArgKind::UnixTime)
    }

    /// One out of several.
    pub const fn one_of(name: &'static str, arguments: &'static [Arg]) -> Arg {
        Arg::new(name, ArgKind::OneOf(arguments))
    }

    /// Several that belong together.
    pub const fn block(name: &'static str, arguments: &'static [Arg]) -> Arg {
        Arg::new(name, ArgKind::Block(arguments))
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
    /// Of a command of the first version, on keys of any type, that always takes as long.
    pub(super) const EMPTY: Docs = Docs {
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
