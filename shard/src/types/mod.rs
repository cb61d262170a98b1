//! The data types, a folder each: `mod.rs` says what the type is and how it stands on disk,
//! `specs.rs` describes its commands, the other files are their handlers.

pub mod bitmap;
pub mod hash;
pub mod string;
