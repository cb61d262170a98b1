//! Copies of other shards' keys: made here for other threads, and read here instead of asking the
//! owner.

use crate::error::{CommandError, write_error};
use crate::keyspace::cache::Touch;
use crate::keyspace::copies::{COPIED_BYTES_MAX, Copies, Copy};
use crate::keyspace::layout;
use crate::locks::Mode;
use crate::resp::ReplyBuffer;
use crate::shard::{Call, Shard};
use crate::view::{Outcome, View};

impl Shard {
    /// A copy for another thread of the one key that `call` has just read. `None`: there is none,
    /// or it might not be committed for good.
    pub fn copy(&mut self, call: &Call<'_>) -> Option<Copy> {
        let name = call.copyable_key()?;
        let position = layout::position(name);
        if self.is_committing || self.locks.forbid_key(position, name, Mode::Shared) {
            return None;
        }
        let physical = *call.databases.get(call.db)?;
        let stamp = self.topology.versions(self.id).stamp(position)?;
        let record_key = layout::head_key_at(physical, position, name);
        if self.dirty.ticket(&record_key) != 0 {
            return None;
        }
        let record =
            self.cache.get(&record_key, Touch::No).filter(|it| it.len() <= COPIED_BYTES_MAX)?;
        Some(Copy { record_key, record, stamp })
    }

    /// Answers a command that reads one key of another shard's out of a copy. False: it cannot be
    /// done, and nothing was written.
    pub fn read_copy(
        &mut self,
        call: &Call<'_>,
        copies: &mut Copies,
        reply: &mut ReplyBuffer,
    ) -> bool {
        let Some(name) = call.copyable_key() else { return false };
        let Some(physical) = call.databases.get(call.db) else { return false };
        let position = layout::position(name);
        let owner = self.topology.shard_of_slot(layout::slot_of(position));
        let Some(now) = self.topology.versions(owner).stamp(position) else { return false };
        let record_key = layout::head_key_at(*physical, position, name);
        let Some(copy) = copies.read(&record_key, now) else { return false };
        let start = reply.len();
        let context = call.context(&self.topology);
        let mut view = View::of_copy(context, &mut self.random, &record_key, &copy.record);
        let result = (call.handler)(&mut view, call.args, reply);
        let Outcome { changes, lookups, uses_copy, .. } = view.finish();
        // Who has something to tell about a key tells it where the key's other news are.
        if matches!(result, Err(CommandError::OffLoop)) || !changes.is_nothing() {
            reply.truncate(start);
            return false;
        }
        if let Err(error) = result {
            reply.truncate(start);
            write_error(&error, reply);
        }
        self.count_lookups(lookups);
        if uses_copy {
            self.cache.hot_keys.note(&record_key);
            self.cache.clock.add_to(&copy.uses);
        }
        copies.hits += 1;
        true
    }
}
