//! Sets in DUMP and RESTORE.

use std::ops::ControlFlow;

use super::store::{Form, Set};
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::rdb::{Encoded, Encoder, Item, Thresholds, Type};
use crate::types::hashed::corrupted;
use crate::types::restored::Restored;
use crate::view::{Key, View};

/// The set at an open key, in Redis's format.
pub fn dump(
    view: &mut View<'_>,
    key: Key,
    thresholds: &Thresholds,
) -> Result<Encoded, CommandError> {
    let set = Set::at(key)?;
    if let Form::Large(large) = &set.form {
        // What is written is about as long, and it is written twice.
        view.expect_work(large.bytes.saturating_mul(2))?;
    }
    let mut encoder = Encoder::new(Type::Set, set.len(view)?, thresholds);
    set.for_each(view, |member| {
        encoder.put(Item::Member(member));
        ControlFlow::Continue(())
    })?;
    encoder.finish().map_err(|damage| corrupted(damage.0))
}

/// Puts the set in the place of what is at `key`.
pub fn restore(view: &mut View<'_>, key: Key, value: &Restored<'_>) -> CommandResult {
    let mut set = Set::in_place_of(key);
    value.items(view, |view, item| {
        let Item::Member(member) = item else { return Err(text::BAD_PAYLOAD.into()) };
        if set.is_empty() {
            set.expect(view, member, 1)?;
        }
        set.add(view, member)
    })?;
    let key = set.put(view, value.deadline_ms());
    view.tell(Event::RESTORE, &key);
    Ok(())
}
