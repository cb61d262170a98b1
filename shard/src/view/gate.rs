//! The durability gate: which batches the reply has to wait for, because it shows what they wrote.

use crate::keyspace::dirty::{DirtyKeys, Ticket};
use crate::keyspace::layout::RecordKey;

/// See the module.
#[derive(Default)]
pub(super) struct Gate<'a> {
    /// Keys that are not durable yet; `None`: there are none, or nobody asks.
    dirty: Option<&'a DirtyKeys>,
    ticket: Ticket,
}

impl<'a> Gate<'a> {
    /// A gate before these keys.
    #[inline]
    pub(super) fn before(dirty: &'a DirtyKeys) -> Self {
        Self { dirty: (!dirty.is_empty()).then_some(dirty), ticket: 0 }
    }

    /// The command saw what stands at a key.
    #[inline]
    pub(super) fn pass(&mut self, record_key: &RecordKey) {
        if let Some(dirty) = self.dirty {
            self.ticket = self.ticket.max(dirty.ticket(record_key));
        }
    }

    /// The newest batch among those that wrote what was seen and that are not durable.
    #[inline]
    pub(super) fn ticket(&self) -> Ticket {
        self.ticket
    }
}
