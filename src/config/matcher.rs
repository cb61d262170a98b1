//! How patterns are matched: handed in, so that the configuration needs no glob of its own.

/// Matches a glob pattern (first) with a text.
pub(crate) type Matcher = fn(pattern: &[u8], text: &[u8]) -> bool;
