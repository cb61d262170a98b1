//! Bitmaps: commands on the bits of plain strings. Bit 0 is the highest bit of the first byte, and
//! beyond the last byte all bits are 0.

mod bits;
mod field;
mod operation;
mod range;
mod single;
mod specs;
mod target;

pub use specs::SPECS;
