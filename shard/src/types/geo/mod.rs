//! Positions on the earth, as members of sorted sets: the score of a member is the position's
//! geohash of 52 bits, so that what is near stands together.
//!
//! `cell` is geohashes, `earth` distances, `shape` what is searched within and which cells cover
//! it. `points` are the commands on single members; `query` is what a search asks for, `search`
//! does it, and `rows` describes them.

mod cell;
mod earth;
mod points;
mod query;
mod rows;
mod search;
mod shape;

use crate::command::Command;

/// The rows of all commands.
pub(crate) const ROWS: &[&[Command]] = &[points::ROWS, rows::ROWS];

#[cfg(test)]
mod tests;
