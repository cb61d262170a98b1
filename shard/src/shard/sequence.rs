//! Outcomes of commands that ran one after the other, to begin with and in vain.

use crate::error::{CommandError, write_error};
use crate::resp::{Protocol, ReplyBuffer};
use crate::room::Reservation;
use crate::shard::Sequence;
use crate::view::Changes;

impl Sequence {
    /// Nothing yet.
    pub(super) fn new(protocol: Protocol, held: Reservation) -> Self {
        Self {
            reply: ReplyBuffer::new(protocol),
            ends: Vec::new(),
            changes: Changes::default(),
            loaded: Vec::new(),
            held,
            lacks_room: false,
            lookups: (0, 0),
        }
    }

    /// So many commands that found no room for the big values that they would have to do with.
    pub fn without_room(commands: usize, protocol: Protocol) -> Self {
        let mut sequence = Self::new(protocol, Reservation::default());
        for _ in 0..commands {
            write_error(&CommandError::NoRoom, &mut sequence.reply);
            sequence.ends.push(sequence.reply.len());
        }
        sequence
    }
}
