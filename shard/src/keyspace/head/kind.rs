//! What kind of value a key holds.

/// What kind of value a key holds. The numbers are on disk, in four bits.
///
/// All of Redis's types have one, whether a command makes such values or not: for a type of these
/// nothing is to be done here. Another type takes the next number, here, in `from_bits`, and with
/// what TYPE answers in [`Kind::name`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A string, bitmaps and HyperLogLogs included.
    String = 0,
    /// A list.
    List = 1,
    /// A set.
    Set = 2,
    /// A sorted set.
    SortedSet = 3,
    /// A hash.
    Hash = 4,
    /// A stream.
    Stream = 5,
}

impl Kind {
    /// Redis's name of the type, as TYPE answers.
    pub fn name(self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::List => "list",
            Kind::Set => "set",
            Kind::SortedSet => "zset",
            Kind::Hash => "hash",
            Kind::Stream => "stream",
        }
    }

    /// The kind with this number.
    pub(super) fn from_bits(bits: u8) -> Option<Kind> {
        Some(match bits {
            0 => Kind::String,
            1 => Kind::List,
            2 => Kind::Set,
            3 => Kind::SortedSet,
            4 => Kind::Hash,
            5 => Kind::Stream,
            _ => return None,
        })
    }
}
