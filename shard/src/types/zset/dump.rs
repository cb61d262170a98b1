//! Sorted sets in DUMP and RESTORE.

use std::collections::HashSet;
use std::ops::ControlFlow;

use bytes::Bytes;

use super::draft;
use super::records::corrupted;
use super::store::SortedSet;
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::rdb::{Encoded, Encoder, Item, Thresholds, Type};
use crate::tree::Side;
use crate::types::restored::Restored;
use crate::view::{Key, View};

/// The sorted set at an open key, in Redis's format.
pub fn dump(
    view: &mut View<'_>,
    key: Key,
    thresholds: &Thresholds,
) -> Result<Encoded, CommandError> {
    let set = SortedSet::of(key)?;
    let len = set.len(view)?;
    set.charge_walk(view, len)?;
    // What is written is about as long, and it is written twice.
    view.expect_work(set.bytes().saturating_mul(2))?;
    let mut encoder = Encoder::new(Type::SortedSet, len, thresholds);
    set.walk(view, 0..len, Side::Back, |member, score| {
        encoder.put(Item::Scored { member, score });
        ControlFlow::Continue(())
    })?;
    encoder.finish().map_err(|damage| corrupted(damage.0))
}

/// Puts the sorted set in the place of what is at `key`.
pub fn restore(view: &mut View<'_>, key: &Key, value: &Restored<'_>) -> CommandResult {
    let (mut members, mut known) = (Vec::new(), HashSet::new());
    value.items(view, |_, item| match item {
        Item::Scored { member, score } => {
            let member = Bytes::copy_from_slice(member);
            members.push((score, member.clone()));
            Ok(known.insert(member))
        }
        _ => Err(text::BAD_PAYLOAD.into()),
    })?;
    draft::sort(&mut members);
    draft::put_at(view, key, value.deadline_ms(), &members)?;
    view.tell(Event::RESTORE, key);
    Ok(())
}
