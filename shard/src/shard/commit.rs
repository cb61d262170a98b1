//! Committing: what was changed becomes one batch in the engine, and then everybody's. Nothing else
//! writes, whether a command, a flush or the clock has made the change, and nobody else tells those
//! who listen.
//!
//! In four steps, so that none of them is long on the shard's thread: it counts
//! ([`Shard::begin_commit`]), any thread writes ([`Commit::write`]), and the shard's thread takes
//! the outcome over ([`Shard::end_write`]) and tells caches and indices piece by piece
//! ([`Shard::finish_commit`]). Until that is done the keys must stay locked, and nothing else is
//! written: to everybody else the engine is stalled. [`Shard::commit`] does all of it at once.

use std::sync::Arc;
use std::vec::IntoIter;

use bytes::Bytes;
use smallvec::SmallVec;

use crate::engine::{Engine, EngineError, Family, Writes};
use crate::keyspace::counts::Counts;
use crate::keyspace::dirty::Ticket;
use crate::keyspace::head;
use crate::keyspace::layout::{self, ElementPrefix};
use crate::shard::Shard;
use crate::shard::census::Counted;
use crate::view::{Changes, HeadChange, IntoElements};

/// A commit that did not happen.
pub struct Refused {
    /// Why.
    pub error: EngineError,
    /// What was to be committed, for another try.
    pub changes: Box<Changes>,
}

/// Changes on their way into the engine.
pub struct Commit {
    engine: Arc<dyn Engine>,
    changes: Changes,
    counted: Counted,
}

impl Commit {
    /// Writes the batch. All or nothing.
    pub fn write(&mut self) -> Result<Ticket, EngineError> {
        let Self { engine, changes, counted } = self;
        let ticket = engine.write(&mut |writes| {
            if let Some(db) = changes.emptied() {
                empty(writes, db);
            }
            for change in changes.heads() {
                let key = &change.record_key;
                match &change.after {
                    Some(record) => match change.placed_apart() {
                        Some((place, pieces)) => {
                            writes.put(Family::Heads, key, &place);
                            for (key, piece) in pieces {
                                writes.put(Family::Elements, &key, &piece);
                            }
                        }
                        None => writes.put(Family::Heads, key, record),
                    },
                    None if change.before.existed => writes.delete(Family::Heads, key),
                    None => {}
                }
                if change.before.deadline_ms != change.deadline_ms {
                    let (db, name) = (key[0], &key[layout::HEAD_PREFIX_BYTES..]);
                    if let Some(deadline) = change.before.deadline_ms {
                        writes.delete(Family::Expiry, &layout::expiry_key(db, deadline, name));
                    }
                    if let Some(deadline) = change.deadline_ms {
                        let key = layout::expiry_key(db, deadline, name);
                        writes.put(Family::Expiry, &key, &Bytes::new());
                    }
                }
            }
            for (key, value) in changes.elements() {
                match value {
                    Some(value) => writes.put(Family::Elements, key, value),
                    None => writes.delete(Family::Elements, key),
                }
            }
            for (db, slot, count) in counted.iter() {
                Counts::record(writes, *db, *slot, *count);
            }
        })?;
        // Nobody knows them yet, and dropping many of them takes time: here, not on the loop.
        changes.drop_new_elements();
        Ok(ticket)
    }
}

fn empty(writes: &mut dyn Writes, db: u8) {
    let end = layout::prefix_end(&[db]);
    for family in [Family::Heads, Family::Elements, Family::Expiry] {
        writes.delete_range(family, &[db], &end);
    }
    writes.delete_range(Family::Meta, &[b'c', db], &layout::prefix_end(&[b'c', db]));
}

/// What remains to be told to caches and indices.
pub struct Finish {
    /// The batch's.
    pub ticket: Ticket,
    heads: IntoIter<HeadChange>,
    elements: IntoElements,
    /// Versions of strings that were changed in place: their pieces are not what a cache holds.
    in_pieces: SmallVec<[u64; 1]>,
    /// Few elements are what somebody works with, and are taken in by the cache; many are a bulk
    /// load.
    elements_are_few: bool,
    /// Who reads the keys need not wait for this batch.
    is_of_time: bool,
}

impl Shard {
    /// Commits changes of this shard's keys as one batch. On an error nothing is changed, and the
    /// changes come back for another try.
    pub fn commit(&mut self, changes: Changes) -> Result<Ticket, Refused> {
        if changes.is_empty() {
            return self.commit_seen(changes, self.seen()).map(|_| 0);
        }
        let mut commit = self.begin_commit(changes)?;
        let written = commit.write();
        let mut finish = self.end_write(commit, written)?;
        self.finish_commit(&mut finish, usize::MAX);
        Ok(finish.ticket)
    }

    /// The same for who has seen batch `seen`, which is what to wait for if no record changes.
    pub(super) fn commit_seen(
        &mut self,
        mut changes: Changes,
        seen: Ticket,
    ) -> Result<Ticket, Refused> {
        if !changes.is_empty() {
            return self.commit(changes);
        }
        if !changes.effects.events.is_empty() && self.listeners.events.is_full() {
            return Err(Refused { error: EngineError::Stalled, changes: Box::new(changes) });
        }
        self.listeners.hear(changes.take_effects(), 0, seen);
        Ok(seen)
    }

    /// Starts a commit; on an error the changes come back for another try. Nobody else can commit
    /// until it is finished, or has failed.
    pub fn begin_commit(&mut self, changes: Changes) -> Result<Commit, Refused> {
        if self.is_committing || self.listeners.events.is_full() {
            return Err(Refused { error: EngineError::Stalled, changes: Box::new(changes) });
        }
        self.is_committing = true;
        let versions = self.topology.versions(self.id);
        if changes.emptied().is_some() {
            versions.note_everything();
        }
        for change in changes.heads() {
            if let Some((_, position, _)) = layout::parse_head_key(&change.record_key) {
                versions.note(position);
            }
            if let Some(deadline) = change.deadline_ms {
                self.census.deadlines_mut(change.record_key[0]).expect(deadline);
            }
        }
        let counted = self.census.count(&changes);
        Ok(Commit { engine: self.engine.clone(), changes, counted })
    }

    /// Takes over how the writing ended. On an error nothing is changed.
    pub fn end_write(
        &mut self,
        commit: Commit,
        written: Result<Ticket, EngineError>,
    ) -> Result<Finish, Refused> {
        let Commit { mut changes, counted, .. } = commit;
        self.written = match written {
            Ok(ticket) => ticket,
            Err(error) => {
                self.is_committing = false;
                return Err(Refused { error, changes: Box::new(changes) });
            }
        };
        let ticket = self.written;
        self.statistics.batches += 1;
        self.census.set(counted);
        if let Some(db) = changes.emptied() {
            self.census.clear(db);
            self.dirty.mark_everything(ticket);
            self.discarded.extend(self.cache.discard());
        }
        self.listeners.hear(changes.take_effects(), changes.heads().len(), ticket);
        let elements_are_few = !changes.is_long();
        let is_of_time = changes.is_of_time();
        let (heads, elements) = changes.into_parts();
        let in_pieces = SmallVec::new();
        Ok(Finish { ticket, heads, elements, in_pieces, elements_are_few, is_of_time })
    }

    /// The commit is lost: nobody knows how its writing ended.
    pub fn abandon_commit(&mut self) {
        self.is_committing = false;
    }

    /// Tells caches and indices of up to `max` changed keys and elements. True: these were the
    /// last.
    pub fn finish_commit(&mut self, finish: &mut Finish, max: usize) -> bool {
        let rest = max.saturating_sub(finish.heads.len());
        let how = (finish.ticket, finish.is_of_time);
        for change in finish.heads.by_ref().take(max) {
            finish.in_pieces.extend(self.finish_change(change, how));
        }
        for (record_key, (_, value)) in finish.elements.by_ref().take(rest) {
            if let Some(prefix) = ElementPrefix::parse(&record_key)
                && !finish.in_pieces.contains(&prefix.version)
            {
                let element = &record_key[prefix.bytes(&record_key).len()..];
                let admit = finish.elements_are_few;
                self.cache.update_element(prefix.version, element, value, admit);
            }
        }
        let is_done = finish.heads.len() == 0 && finish.elements.len() == 0;
        self.is_committing = !is_done;
        is_done
    }

    /// Returns the version under which the pieces of a string stand that was changed in place.
    fn finish_change(
        &mut self,
        change: HeadChange,
        (ticket, is_of_time): (Ticket, bool),
    ) -> Option<u64> {
        self.census.note(&change);
        if !is_of_time {
            self.dirty.mark(&change.record_key, ticket);
        }
        // What only stands in a string's place is not a record to be read from.
        let elsewhere = change.after.as_ref().and_then(|after| head::elsewhere(after).ok()?);
        let record = change.after.filter(|_| elsewhere.is_none());
        self.cache.update(&change.record_key, record);
        elsewhere.map(|large| large.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keyspace::draft::StringDraft;
    use crate::testing::TestShard;

    fn set(test: &TestShard, names: &[&str]) -> Changes {
        let set_all = |view: &mut crate::view::View<'_>| {
            for name in names {
                let key = view.open(name.as_bytes()).unwrap();
                view.put_string(&key, StringDraft::of(b"new", None));
            }
        };
        test.changes_of(set_all).1
    }

    #[test]
    fn while_a_commit_runs_elsewhere_others_read_and_do_not_write() {
        let mut test = TestShard::new();
        test.run("SET a old");
        let changes = set(&test, &["a", "b", "c"]);
        let mut commit = test.shard.begin_commit(changes).ok().unwrap();
        assert_eq!(test.run("SET d 1"), "(Stalled)");
        assert_eq!(test.run("GET a"), "$3 old");
        assert_eq!(test.shard.count_due(0, test.now_ms, 5), Err(EngineError::Stalled));
        assert_eq!(test.shard.expire((0, 0), test.now_ms, 5), Err(EngineError::Stalled));
        assert_eq!(test.shard.flush_database(0), Err(EngineError::Stalled));
        let written = commit.write();
        let mut finish = test.shard.end_write(commit, written).ok().unwrap();
        assert!(!test.shard.finish_commit(&mut finish, 2));
        assert_eq!(test.run("SET d 1"), "(Stalled)");
        assert!(test.shard.finish_commit(&mut finish, 2));
        assert_eq!(test.run("MGET a b c"), "*3 $3 new $3 new $3 new");
        assert_eq!(test.run("SET d 1"), "+OK");
        assert_eq!((finish.ticket, test.ticket), (2, 3));
        assert_eq!(test.shard.key_counts().get(0).keys, 4);
    }

    #[test]
    fn a_commit_that_fails_changes_nothing() {
        let mut test = TestShard::new();
        let changes = set(&test, &["a"]);
        let commit = test.shard.begin_commit(changes).ok().unwrap();
        let failed = Err(EngineError::Io("no space".into()));
        let refused = test.shard.end_write(commit, failed).err().unwrap();
        assert_eq!(refused.error, EngineError::Io("no space".into()));
        assert_eq!(test.run("GET a"), "$-1");
        assert!(test.shard.commit(*refused.changes).is_ok());
        assert_eq!(test.run("GET a"), "$3 new");
    }
}
