//! Hashes in DUMP and RESTORE.

use std::ops::ControlFlow;

use super::store::{Form, Hash};
use crate::effects::Event;
use crate::error::{CommandError, CommandResult, text};
use crate::rdb::{Encoded, Encoder, Item, Thresholds, Type};
use crate::types::hashed::corrupted;
use crate::types::restored::Restored;
use crate::view::{Key, View};

const DEADLINES: &str = "ERR the hash has fields that expire, which are not supported";

/// The hash at an open key, in Redis's format.
pub fn dump(
    view: &mut View<'_>,
    key: Key,
    thresholds: &Thresholds,
) -> Result<Encoded, CommandError> {
    let hash = Hash::at(key)?;
    if let Form::Large(large) = &hash.form {
        // What is written is about as long, and it is written twice.
        view.expect_work(large.bytes.saturating_mul(2))?;
    }
    let mut encoder = Encoder::new(Type::Hash, hash.len(view)?, thresholds);
    hash.for_each(view, |field, value| {
        encoder.put(Item::Field { field, value, deadline_ms: None });
        ControlFlow::Continue(())
    })?;
    encoder.finish().map_err(|damage| corrupted(damage.0))
}

/// Puts the hash in the place of what is at `key`.
pub fn restore(view: &mut View<'_>, key: Key, value: &Restored<'_>) -> CommandResult {
    let mut hash = Hash::in_place_of(key);
    value.items(view, |view, item| match item {
        Item::Field { deadline_ms: Some(_), .. } => Err(DEADLINES.into()),
        Item::Field { field, value, .. } => hash.set(view, field, value),
        _ => Err(text::BAD_PAYLOAD.into()),
    })?;
    hash.save_until(view, value.deadline_ms(), Event::RESTORE);
    Ok(())
}
