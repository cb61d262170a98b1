//! A sorted set that a command makes of others.

use bytes::Bytes;

use super::form;
use super::records::build;
use super::score;
use super::small::Small;
use super::store::fits_small;
use crate::effects::Event;
use crate::error::CommandResult;
use crate::keyspace::head::{Head, Kind};
use crate::tree::leaf;
use crate::types::packed;
use crate::view::{Key, View};

/// What a member takes while it is gathered, and in the changes that become of it, beside its
/// bytes.
const MEMBER_BYTES: u64 = 384;

/// Reserves room for gathering and storing so many members, which have so many bytes at most.
pub(super) fn expect(view: &mut View<'_>, members: u64, bytes: u64) -> CommandResult {
    let own = members.saturating_mul(MEMBER_BYTES);
    view.expect_work(bytes.saturating_mul(3).saturating_add(own))
}

/// Brings members into the order of a sorted set.
pub(super) fn sort(members: &mut [(f64, Bytes)]) {
    members.sort_unstable_by(|(score, member), (other_score, other)| {
        (score::ordinal(*score), member).cmp(&(score::ordinal(*other_score), other))
    });
}

/// Puts a set in the place of whatever is at a key; the members are different, and in any order.
/// `event` is what has made it.
pub fn store(
    view: &mut View<'_>,
    name: &[u8],
    mut members: Vec<(f64, Bytes)>,
    event: Event,
) -> CommandResult {
    sort(&mut members);
    put(view, name, &members, event)
}

/// The same, of members that are in order. Without any the key goes.
pub(super) fn put(
    view: &mut View<'_>,
    name: &[u8],
    members: &[(f64, Bytes)],
    event: Event,
) -> CommandResult {
    let key = view.open_head(name)?;
    if members.is_empty() {
        if key.exists() {
            view.remove(&key);
            view.tell(Event::DEL, &key);
        }
        return Ok(());
    }
    put_at(view, &key, None, members)?;
    view.tell(event, &key);
    Ok(())
}

/// The same, of some members, at an open key and until a deadline.
pub(super) fn put_at(
    view: &mut View<'_>,
    key: &Key,
    deadline_ms: Option<u64>,
    members: &[(f64, Bytes)],
) -> CommandResult {
    let longest = members.iter().map(|(_, member)| member.len()).max().unwrap_or(0);
    let entry_bytes = |member: &Bytes| member.len() + score::SCORE_BYTES + packed::LENGTH_BYTES_MAX;
    let bytes = members.iter().map(|(_, member)| entry_bytes(member)).sum::<usize>();
    view.charge(members.len() as u64)?;
    let bytes = leaf::HEADER_BYTES + bytes;
    let head = if fits_small(view.settings(), members.len() as u64, longest, bytes) {
        let entries = members.iter().map(|(score, member)| score::entry(*score, member));
        Head::inline(Kind::SortedSet, Small::of(entries))
    } else {
        let members = members.iter().map(|(score, member)| (*score, &member[..]));
        let (version, tree) = build(view, key, members)?;
        form::head(version, &tree)?
    };
    view.put(key, &head.with_deadline(deadline_ms));
    Ok(())
}
