//! The data types, a folder each: `mod.rs` says what the type is and how it stands on disk, the
//! other files are the handlers of its commands, each with the rows that describe them. What small
//! collections are made of inline is in `packed`; large ones that have an order stand on
//! `crate::tree`, whose nodes are records through `nodes`. How values come out of
//! payloads of RESTORE is in `restored`.

pub mod bitmap;
pub mod hash;
pub mod nodes;
pub mod packed;
pub mod restored;
pub mod string;
