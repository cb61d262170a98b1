//! Running commands whose keys are all this shard's, over memory: one by itself, or several as
//! one.

use crate::engine::EngineError;
use crate::error::{CommandError, write_error};
use crate::keyspace::access::Uses;
use crate::keyspace::dirty::Ticket;
use crate::resp::{Protocol, ReplyBuffer};
use crate::shard::{Call, Refused, Sequence, Shard, run_in_sequence};
use crate::view::{Outcome, Use, View};

/// How a try on the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// The reply is written; it may leave when this batch is durable enough (0: at once).
    Done(Ticket),
    /// The command needs the disk or more time than the loop has: run it off the loop.
    OffLoop,
    /// Another command holds one of its keys: ask for the lock.
    Locked,
    /// The engine takes no writes at the moment: try again later.
    Stalled,
}

impl Shard {
    /// Tries a command whose keys are all this shard's.
    pub fn execute(&mut self, call: &Call<'_>, reply: &mut ReplyBuffer) -> Attempt {
        if self.locks.forbid(call) {
            return Attempt::Locked;
        }
        self.execute_locked(call, reply)
    }

    /// The same for a command that holds the locks on its keys.
    pub fn execute_locked(&mut self, call: &Call<'_>, reply: &mut ReplyBuffer) -> Attempt {
        let start = reply.len();
        let mut view =
            View::on_loop(call.context(&self.topology), &mut self.random, self.id, &mut self.cache)
                .of_read(call.spec.only_reads())
                .gated_by(&self.dirty);
        let result = (call.handler)(&mut view, call.args, reply);
        let Outcome { mut changes, gate, lookups, used, .. } = view.finish();
        match result {
            Ok(()) => {}
            Err(CommandError::OffLoop) => {
                reply.truncate(start);
                self.statistics.off_loop_runs += 1;
                return Attempt::OffLoop;
            }
            Err(error) => {
                reply.truncate(start);
                write_error(&error, reply);
                changes = changes.undone();
            }
        }
        let committed =
            if changes.is_nothing() { Ok(gate) } else { self.commit_seen(changes, gate) };
        let ticket = match committed {
            Ok(ticket) => ticket,
            Err(Refused { error, .. }) => {
                reply.truncate(start);
                if error == EngineError::Stalled {
                    self.statistics.stalls += 1;
                    return Attempt::Stalled;
                }
                write_error(&CommandError::Storage(error), reply);
                0
            }
        };
        // Not before it is sure that this run counts.
        self.count_lookups(lookups);
        self.note_uses(&used);
        Attempt::Done(ticket)
    }

    /// Runs commands whose keys are all this shard's at once, as one: all of them, or none. `None`:
    /// it takes the disk, or time, or its replies are long, or somebody holds one of the keys.
    /// `locked`: the caller holds the locks on them. With the replies comes the batch that they all
    /// wait for.
    pub fn execute_all<'a>(
        &mut self,
        (calls, commands): (impl Iterator<Item = Call<'a>> + Clone, usize),
        protocol: Protocol,
        locked: bool,
    ) -> Option<(Sequence, Ticket)> {
        if !locked && calls.clone().any(|call| self.locks.forbid(&call)) {
            return None;
        }
        let home = (self.id, &mut self.cache);
        let mut sequence =
            run_in_sequence(calls, &self.topology, &mut self.random, Some(home), protocol, None)?;
        let changes = std::mem::take(&mut sequence.changes);
        if changes.is_long() || sequence.ends.len() < commands {
            return None;
        }
        let ticket = self.commit_seen(changes, self.seen()).ok()?;
        self.count_lookups(sequence.lookups);
        self.note_uses(&sequence.used);
        Some((sequence, ticket))
    }

    /// Counts keys that reading lookups found, and did not find, wherever that was.
    pub fn count_lookups(&mut self, (hits, misses): (u64, u64)) {
        self.statistics.keyspace_hits += hits;
        self.statistics.keyspace_misses += misses;
    }

    /// Notes the uses of this shard's keys that its hot cache has not noted. To be told when what
    /// the commands made of the keys is committed.
    pub fn note_uses(&mut self, used: &[Use]) {
        if used.is_empty() {
            return;
        }
        let last_s = self.cache.clock.now_s();
        for Use { record_key, is_new, .. } in used.iter().filter(|it| it.shard == self.id) {
            if *is_new {
                self.cache.note_uses(record_key, Uses { times: 1, last_s });
            } else {
                self.cache.touch_again(record_key);
            }
        }
    }
}
