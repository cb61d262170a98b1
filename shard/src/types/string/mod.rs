//! Strings. The value stands in the head record as it is; see `keyspace::head`.
//!
//! A command that makes a new value writes it through [`StringDraft`], straight into the record.
//! Values are replaced as a whole, whatever part of them changes.
//!
//! [`StringDraft`]: crate::keyspace::draft::StringDraft

mod compare;
mod counters;
mod encoding;
mod expiry;
mod get;
mod lcs;
mod many;
mod options;
mod ranges;
mod set;
mod specs;
mod value;

pub use encoding::encoding;
pub use specs::SPECS;
#[cfg(test)]
mod oracle_tests;

pub(crate) use value::{bytes, charge_copy, open, value};
