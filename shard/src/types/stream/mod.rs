//! Streams: entries of fields and values, in order of their ids, and groups of consumers that
//! share the reading of them.
//!
//! ```text
//! head record    … | version | number of entries | bytes | what it knows of itself  (see `form`)
//! nodes          … key | version | 1 or 2 …                                         (see `tree`)
//! groups         … key | version | 3 to 6 …                                         (see `group`)
//!
//! entry          id (16) | flags | fields and values                                (see `entry`)
//! ```
//!
//! A stream is a tree from its first entry on. Unlike other collections it may be empty.
//!
//! - Redis keeps a stream as nodes of up to `stream-node-max-entries` entries and
//!   `stream-node-max-bytes` bytes, and `~` in XADD and XTRIM takes away whole ones. Their
//!   boundaries are known here too (`tail`), so as many entries go. They may differ after XDEL has
//!   taken the last entry of a node, or all of the last node.
//! - A group keeps its pending entries in order of ids, and whose they are in order of consumers;
//!   a change of either costs a few small records, however many are pending.
//!
//! `store` is the stream that the commands work on. `add` and `trim` change it, `range` and `read`
//! read it, `info` tells about it. `group` and `consumer` are the records of groups; `xgroup` is
//! how they come and go, `deliver` gives them entries, `pending` and `claim` is what becomes of
//! these, and `lag` how far a group is. `dump` takes streams out and puts them in.

mod add;
mod claim;
mod consumer;
mod deliver;
mod dump;
mod entry;
mod form;
mod group;
mod group_nodes;
mod group_rows;
mod id;
mod info;
mod lag;
mod pending;
mod range;
mod read;
mod rows;
mod store;
mod tail;
mod trim;
mod xgroup;

use crate::command::Command;

pub use dump::{dump, restore};

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[rows::ROWS, group_rows::ROWS];

#[cfg(test)]
mod tests;
