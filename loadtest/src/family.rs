//! The kinds of keys: each command has keys of one kind, so that it never meets a wrong type.

/// A kind of key. The name goes between the prefix and the number; that of strings is empty, so
/// with the default prefix they are the keys of redis-benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Family {
    String,
    Counter,
    Hash,
}

impl Family {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::String => "",
            Family::Counter => "counter:",
            Family::Hash => "hash:",
        }
    }
}
