//! The data types, a folder each: `mod.rs` says what the type is and how it stands on disk, the
//! other files are the handlers of its commands, each with the rows that describe them. What
//! several types share: what small collections are made of inline (`packed`), the elements of large
//! hashes and sets (`hashed`), drawing some of them at random (`drawing`) and pages of them
//! (`scanning`); the records of what has an order and stands on `crate::tree` (`nodes`); how values
//! come out of payloads of RESTORE (`restored`).

pub mod bitmap;
pub mod drawing;
pub mod geo;
pub mod hash;
pub mod hashed;
pub mod hyperloglog;
pub mod list;
pub mod nodes;
pub mod packed;
pub mod restored;
pub mod scanning;
pub mod set;
pub mod stream;
pub mod string;
pub mod zset;
