//! Key specifications: where the keys of a command stand among its arguments, and what becomes of
//! them. Vocabulary and meaning are those of COMMAND INFO.

use crate::command::Args;
use crate::command::flags::{Flags, key_flag};

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

/// What a call does to a key where its options decide it: flags out of [`key_flag`].
pub type FlagsInUse = fn(Args<'_>) -> Flags;

/// One key specification, as in COMMAND INFO.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// Out of [`key_flag`].
    pub flags: Flags,
    /// The flags of one call, where they are not always the same.
    pub in_use: Option<FlagsInUse>,
    /// Where to begin.
    pub begin: BeginSearch,
    /// How to go on.
    pub find: FindKeys,
    /// Remark shown by COMMAND INFO.
    pub notes: &'static str,
}

/// Where the keys stand.
impl KeySpec {
    /// The single key at argument `index`.
    pub const fn one(index: usize) -> KeySpec {
        KeySpec::range(index, 0, 1)
    }

    /// Keys from argument `index` to the last but `-1 - last`, every `step`.
    pub const fn range(index: usize, last: i32, step: usize) -> KeySpec {
        KeySpec::new(BeginSearch::Index(index), FindKeys::Range { last, step, limit: 0 })
    }

    /// Argument `index` says how many keys follow it.
    pub const fn numbered(index: usize) -> KeySpec {
        let find = FindKeys::KeyNumber { index: 0, first: 1, step: 1 };
        KeySpec::new(BeginSearch::Index(index), find)
    }

    /// The single key behind a word that is looked for from argument `from` on.
    pub const fn behind(word: &'static str, from: i32) -> KeySpec {
        let find = FindKeys::Range { last: 0, step: 1, limit: 0 };
        KeySpec::new(BeginSearch::Keyword(word, from), find)
    }

    /// Whether where its keys stand depends on more than the number of arguments.
    pub(super) const fn is_movable(&self) -> bool {
        matches!(self.begin, BeginSearch::Keyword(..))
            || matches!(self.find, FindKeys::KeyNumber { .. })
    }

    /// Behind a word, searched from argument `from` on, half of what is left; the other half says
    /// something about each.
    pub const fn half_behind(word: &'static str, from: i32) -> KeySpec {
        let find = FindKeys::Range { last: -1, step: 1, limit: 2 };
        KeySpec::new(BeginSearch::Keyword(word, from), find)
    }

    const fn new(begin: BeginSearch, find: FindKeys) -> KeySpec {
        KeySpec { flags: 0, in_use: None, begin, find, notes: "" }
    }
}

/// What the command does: to each key one out of read, change, overwrite and remove; and with the
/// value, access (it depends on it), update, insert or delete.
impl KeySpec {
    const fn with(mut self, flags: Flags) -> KeySpec {
        self.flags |= flags;
        self
    }

    /// Looks at the key and leaves it as it is.
    #[must_use]
    pub const fn read(self) -> KeySpec {
        self.with(key_flag::RO)
    }

    /// Changes the key, looking at what is there.
    #[must_use]
    pub const fn change(self) -> KeySpec {
        self.with(key_flag::RW)
    }

    /// Replaces the key, whatever is there.
    #[must_use]
    pub const fn overwrite(self) -> KeySpec {
        self.with(key_flag::OW)
    }

    /// Removes the key, whatever is there.
    #[must_use]
    pub const fn remove(self) -> KeySpec {
        self.with(key_flag::RM)
    }

    /// The value shows in the reply, in another key, or in what is done.
    #[must_use]
    pub const fn access(self) -> KeySpec {
        self.with(key_flag::ACCESS)
    }

    /// May change the value that is there.
    #[must_use]
    pub const fn update(self) -> KeySpec {
        self.with(key_flag::UPDATE)
    }

    /// Adds to what is there and changes nothing of it.
    #[must_use]
    pub const fn insert(self) -> KeySpec {
        self.with(key_flag::INSERT)
    }

    /// Deletes something of the value, or all of it.
    #[must_use]
    pub const fn delete(self) -> KeySpec {
        self.with(key_flag::DELETE)
    }

    /// Changes what it says to read only, as Redis has it.
    #[must_use]
    pub const fn and_changes(self) -> KeySpec {
        self.with(key_flag::CHANGES)
    }

    /// Only looks like a key: it is hashed as one, and no key is touched.
    #[must_use]
    pub const fn not_key(self) -> KeySpec {
        self.with(key_flag::NOT_KEY)
    }

    /// The flags are the most that a call may do, and `in_use` says what this one does.
    #[must_use]
    pub const fn by_options(mut self, in_use: FlagsInUse) -> KeySpec {
        self.in_use = Some(in_use);
        self.with(key_flag::VARIABLE_FLAGS)
    }

    /// With a remark for COMMAND INFO.
    #[must_use]
    pub const fn note(mut self, text: &'static str) -> KeySpec {
        self.notes = text;
        self
    }
}
