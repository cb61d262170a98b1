//! The data types, a folder each: `mod.rs` says what the type is and how it stands on disk, the
//! other files are the handlers of its commands, each with the rows that describe them. What small
//! collections are made of inline is in `packed`.

pub mod bitmap;
pub mod hash;
pub mod packed;
pub mod string;
