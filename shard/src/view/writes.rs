//! Giving keys new values, and taking them away.

use bytes::Bytes;

use super::View;
use crate::keyspace::draft::StringDraft;
use crate::keyspace::head::{self, Head, Kind};
use crate::keyspace::pieces::BIG_BYTES;
use crate::view::changes::HeadChange;
use crate::view::key::Key;

impl View<'_> {
    /// Sets the value of an opened key, deadline included. One that has passed deletes the key.
    pub fn put(&mut self, key: &Key, head: &Head) {
        self.tell_before_put(key);
        if self.is_past(head.deadline_ms) {
            return self.remove_if_there(key);
        }
        self.put_record(key, head.encode(), head.deadline_ms);
    }

    /// Sets the value of an opened key to the string of a draft. A deadline that has passed deletes
    /// the key.
    pub fn put_string(&mut self, key: &Key, draft: StringDraft) {
        self.tell_before_put(key);
        let deadline_ms = draft.deadline_ms();
        if self.is_past(deadline_ms) {
            return self.remove_if_there(key);
        }
        self.put_record(key, draft.into_record(), deadline_ms);
    }

    /// Deletes an opened key. Its elements become orphans, whatever their number.
    pub fn remove(&mut self, key: &Key) {
        self.tell_before_removal(key);
        self.change(key, None, None, None);
    }

    /// What a change of `key` takes away, a put gives to `target`, perhaps on another shard: it
    /// goes when what was put there is durable. The targets of one command are all of one shard.
    pub fn moves_to(&mut self, key: &Key, target: &Key) {
        if key.shard != target.shard {
            self.overlay.changes.gaining = Some(target.shard);
        }
    }

    /// Deletes an opened key whose value a put has given to `target`, perhaps on another shard: see
    /// [`View::moves_to`].
    pub fn remove_moved(&mut self, key: &Key, target: &Key) {
        self.moves_to(key, target);
        self.remove(key);
    }

    /// Whether a key that would get this deadline is gone at once. It is never stored: who counts,
    /// walks and draws need not know of it.
    fn is_past(&self, deadline_ms: Option<u64>) -> bool {
        deadline_ms.is_some_and(|deadline_ms| deadline_ms <= self.context.now_ms)
    }

    fn remove_if_there(&mut self, key: &Key) {
        if key.before.existed || self.overlay.head(&key.record_key).is_some() {
            self.change(key, None, None, None);
        }
    }

    fn put_record(&mut self, key: &Key, record: Bytes, deadline_ms: Option<u64>) {
        let apart = self.apart(&record);
        self.change(key, Some(record), deadline_ms, apart);
    }

    /// The version under which a record is to stand among the elements, if it is big.
    fn apart(&mut self, record: &[u8]) -> Option<u64> {
        self.holding.reserve_for(record.len());
        (record.len() >= BIG_BYTES && matches!(head::peek(record), Ok((Kind::String, _))))
            .then(|| self.new_version())
    }

    fn change(
        &mut self,
        key: &Key,
        after: Option<Bytes>,
        deadline_ms: Option<u64>,
        apart: Option<u64>,
    ) {
        #[cfg(test)]
        crate::testing::TouchedKeys::note_changed(key.name());
        self.overlay.changes.set(HeadChange {
            shard: key.shard,
            record_key: key.record_key.clone(),
            before: key.before,
            after,
            deadline_ms,
            apart,
        });
    }
}
