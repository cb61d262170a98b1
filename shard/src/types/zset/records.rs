//! The records of large sorted sets: those of scores, beside the nodes of the tree.

use bytes::Bytes;

use super::score;
use crate::engine::EngineError;
use crate::error::CommandError;
use crate::keyspace::layout::{self, RecordKey};
use crate::tree::{Builder, Order, Tree};
use crate::types::nodes::ElementNodes;
use crate::view::{Key, View};

/// The first byte of the names of score records; those of nodes are less.
pub(super) const SCORE: u8 = 3;

pub(super) fn corrupted(what: &str) -> CommandError {
    EngineError::Corrupted(format!("sorted set: {what}")).into()
}

/// Writes a large set of members that come in order; its version, and its tree.
pub(super) fn build<'m>(
    view: &mut View<'_>,
    key: &Key,
    members: impl Iterator<Item = (f64, &'m [u8])>,
) -> Result<(u64, Tree), CommandError> {
    let version = view.new_version();
    let mut builder = Builder::new(Order::Entry);
    for (score, member) in members {
        put_score(view, (key, version), member, score);
        let mut nodes = ElementNodes::new(view, key, version);
        builder.push(&mut nodes, &score::entry(score, member))?;
    }
    let tree = builder.finish(&mut ElementNodes::new(view, key, version))?;
    Ok((version, tree))
}

/// The name of a member's score record.
pub(super) fn score_record(member: &[u8]) -> RecordKey {
    let mut name = RecordKey::from_slice(&[SCORE]);
    name.extend_from_slice(&layout::hash(member).to_be_bytes());
    name.extend_from_slice(member);
    name
}

pub(super) fn put_score(
    view: &mut View<'_>,
    (key, version): (&Key, u64),
    member: &[u8],
    score: f64,
) {
    let record = Bytes::copy_from_slice(&score::encode(score));
    view.put_element(key, version, &score_record(member), record);
}

pub(super) fn decode_record(record: &[u8]) -> Result<f64, CommandError> {
    let bytes = record.try_into().map_err(|_| corrupted("a score of wrong length"))?;
    Ok(score::decode(bytes)?)
}
