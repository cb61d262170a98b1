//! How many registers there are, and which bits of a hash go where.

/// Number of registers.
pub(super) const REGISTERS: usize = 1 << INDEX_BITS;
/// Bits of a hash that say which register is its.
pub(super) const INDEX_BITS: usize = 14;
/// The other ones.
pub(super) const HASHED_BITS: usize = 64 - INDEX_BITS;
