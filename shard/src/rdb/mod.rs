//! Redis's RDB format: how DUMP payloads, and later whole files, say what a value is.
//!
//! ```text
//! payload:   type byte | body … | version (2, LE) | CRC64 of all before (8, LE)     see `dump`
//!
//!  payload ─► input ─► decode ─► items ─► a data type       of every encoding that Redis 1 to 8.4
//!             (lengths, (one type  (the                      and Valkey 9 write
//!              strings)  byte)      neutral form)
//!  payload ◄─ output ◄─ encode ◄─ items ◄─ a data type       of the encodings that Redis 7 reads
//! ```
//!
//! The bytes come from anybody, so nothing about them is believed:
//! - Nothing is allocated by a number that was read, only by bytes that are there. What unpacking
//!   takes beyond that is announced to whoever takes the items ([`Sink::expect`]) before it is
//!   taken.
//! - Nested encodings are taken apart to the last entry, checked as a whole, and never stored as
//!   they came.
//! - Meaning is checked, too: no member twice, no score that is no number, ids in order, every
//!   pending entry with one owner, counts that are right.
//! - There is no recursion, and every step uses up bytes: time is in proportion to the bytes that
//!   are there or were announced.
//!
//! A pure library: it knows bytes and numbers, no keys, no views and no types of Basalt. `lzf`,
//! `listpack`, `ziplist`, `zipmap` and `intset` are the nested encodings.

mod decode;
mod dump;
mod encode;
mod error;
mod input;
mod intset;
mod item;
mod listpack;
mod lzf;
mod output;
mod stream;
mod thresholds;
mod ziplist;
mod zipmap;

pub use decode::{Format, Type, decode};
pub use dump::{Dump, DumpError, open, seal};
pub use encode::{Encoded, Encoder};
pub use error::{Damage, Failure};
pub use input::{Input, Source};
pub use item::{Consumer, Fields, Group, Item, Pending, Sink, StreamId, StreamState};
pub use thresholds::Thresholds;

#[cfg(test)]
mod tests;
