//! Lists in DUMP and RESTORE.

use std::ops::ControlFlow;

use super::store::List;
use crate::effects::Event;
use crate::engine::EngineError;
use crate::error::{CommandError, CommandResult, text};
use crate::rdb::{Encoded, Encoder, Item, Thresholds, Type};
use crate::tree::Side;
use crate::types::restored::Restored;
use crate::view::{Key, View};

/// The list at an open key, in Redis's format.
pub fn dump(
    view: &mut View<'_>,
    key: Key,
    thresholds: &Thresholds,
) -> Result<Encoded, CommandError> {
    let mut list = List::at(key)?;
    // What is written is about as long, and it is written twice.
    view.expect_work(list.bytes().saturating_mul(2))?;
    view.charge(list.work_of(list.len()))?;
    let mut encoder = Encoder::new(Type::List, list.len(), thresholds);
    let ranks = 0..list.len();
    list.walk(view, ranks, Side::Back, |view, item| {
        encoder.put(Item::Element(&item.read(view)?));
        Ok(ControlFlow::Continue(()))
    })?;
    encoder.finish().map_err(|damage| EngineError::Corrupted(format!("list: {}", damage.0)).into())
}

/// Puts the list in the place of what is at `key`.
pub fn restore(view: &mut View<'_>, key: Key, value: &Restored<'_>) -> CommandResult {
    let mut list = List::in_place_of(key);
    value.items(view, |view, item| match item {
        Item::Element(element) => {
            list.expect(view, 1, element.len())?;
            list.push(view, Side::Back, element)?;
            Ok(true)
        }
        _ => Err(text::BAD_PAYLOAD.into()),
    })?;
    list.save_until(view, value.deadline_ms(), Event::RESTORE)?;
    Ok(())
}
