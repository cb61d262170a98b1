//! The data types, a folder each: `mod.rs` says what the type is and how it stands on disk,
//! `specs.rs` describes its commands, the other files are their handlers. What small collections
//! are made of inline is in `packed`.

pub mod bitmap;
pub mod hash;
pub mod packed;
pub mod string;
